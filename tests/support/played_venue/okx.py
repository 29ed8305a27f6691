"""OKX v5: acks per arg, `books` with seqId or with checksums only, history-trades. Pure."""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

from actors.collector.recorded.recordings import Recorded
from tests.support.played_venue.dialect import CONN_ID, Dialect, Session, encoded
from tests.support.played_venue.reel import Frame, Row

_KINDS: Final = {
    "trades": "trade",
    "trades-all": "trade",
    "tickers": "quote",
    "bbo-tbt": "quote",
    "books": "book",
}
_BUSINESS: Final = frozenset({"trades-all"})
_CHECKED: Final = 25
_FIRST_SEQ: Final = 123_456_789
_MAINTENANCE_AT: Final = 40
"""Change of a numbered book with which the venue counts anew."""
_QUIET_EVERY: Final = 15
"""... and behind which it says that nothing has changed."""


class OkxDialect(Dialect):
    """As of 2022, where books have a checksum and no number; `is_numbered`: as of 2026, the other way round."""

    venue = "okx"
    paths: ClassVar = ("/ws/v5/public", "/ws/v5/business")
    repeats = 1

    def __init__(self, *, is_numbered: bool = False) -> None:
        super().__init__()
        self._is_numbered = is_numbered
        self._instruments: dict[str, bytes] = {}
        self._first: dict[str, dict[str, Any]] = {}
        self._seq: dict[str, int] = {}
        self._changes: dict[str, int] = {}

    def read(self, recorded: Recorded) -> list[Frame]:
        """Channels; numbers are given here, in the order of the recording."""
        if recorded.is_rest:
            kind = parse_qs(urlsplit(recorded.address).query).get("instType", [""])[0]
            self._instruments[kind] = recorded.data
            return []
        document = json.loads(recorded.data)
        arg = document.get("arg", {})
        channel, raw = arg.get("channel", ""), arg.get("instId", "")
        if "event" in document or channel not in _KINDS:
            return []
        key, kind = _key(channel, raw), _KINDS[channel]
        if kind == "trade":
            self._first.setdefault(key, document["data"][0])
            return [Frame(key, kind, raw, recorded.data, tuple(row["tradeId"] for row in document["data"]))]
        if kind == "book" and self._is_numbered:
            return [Frame(key, kind, raw, encoded(one)) for one in self._numbered(key, document)]
        return [Frame(key, kind, raw, recorded.data)]

    def _numbered(self, key: str, document: dict[str, Any]) -> list[dict[str, Any]]:
        row = document["data"][0]
        row["checksum"] = 0
        before = self._seq.get(key, -1)
        change = self._changes[key] = self._changes.get(key, -1) + 1
        is_anew = change == _MAINTENANCE_AT
        self._seq[key] = 7 if is_anew else _FIRST_SEQ if before < 0 else before + 1 + change % 3
        row["prevSeqId"], row["seqId"] = before, self._seq[key]
        if not change or change % _QUIET_EVERY:
            return [document]
        quiet = {"asks": [], "bids": [], "ts": row["ts"], "checksum": 0, "prevSeqId": self._seq[key]}
        return [document, {**document, "data": [{**quiet, "seqId": self._seq[key]}]}]

    def enter(self, frame: Frame) -> None:
        """Keep what has happened."""
        document = json.loads(frame.data)
        rows = document["data"]
        if frame.kind == "trade":
            self.trades.setdefault(frame.key, []).extend(rows)
        elif frame.kind == "quote":
            self.newest[frame.key] = document
        else:
            ladder, row = self.ladder(frame.key), rows[0]
            change = ladder.replace if document["action"] == "snapshot" else ladder.change
            change(row["bids"], row["asks"], row.get("seqId", 0))
            self.newest[frame.key] = row["ts"]

    def answer(self, session: Session, text: str) -> list[bytes]:
        """One ack for each arg, each with what begins its stream; a channel at the wrong address is refused."""
        if text == "ping":
            return [b"pong"]
        request = json.loads(text)
        said: list[bytes] = []
        for arg in request["args"]:
            channel, raw = arg["channel"], arg.get("instId", "")
            if (channel in _BUSINESS) != session.path.endswith("business"):
                message = f"Wrong URL or channel:{channel},instId:{raw} doesn't exist."
                fault = {"event": "error", "code": "60018", "msg": message, "connId": CONN_ID}
                said.append(encoded({**fault, "id": request["id"]}))
                continue
            ack = {"event": request["op"], "arg": arg, "connId": CONN_ID, "id": request["id"]}
            said.append(encoded(ack))
            key = _key(channel, raw)
            if request["op"] == "subscribe":
                session.keys[key] = None
                said += self._opening(key, arg)
            else:
                session.keys.pop(key, None)
        return said

    def _opening(self, key: str, arg: dict[str, str]) -> list[bytes]:
        """The newest trade, which is an old one; the newest ticker; the book. Before the first frame only the trade."""
        kind = _KINDS.get(arg["channel"], "")
        if kind == "trade" and key in self._first:
            past = self.trades.get(key)
            return [encoded({"arg": arg, "data": [past[-1] if past else _before(self._first[key])]})]
        if kind == "quote" and key in self.newest:
            return [encoded(self.newest[key])]
        if kind == "book" and self.ladder(key).is_begun:
            ladder = self.ladder(key)
            bids, asks = ladder.levels()
            row: dict[str, Any] = {"asks": asks, "bids": bids, "ts": self.newest[key], "checksum": 0}
            if self._is_numbered:
                row |= {"seqId": ladder.last_id, "prevSeqId": -1}
            else:
                row["checksum"] = _checksum(bids, asks)
            return [encoded({"arg": arg, "action": "snapshot", "data": [row]})]
        return []

    def get(self, path: str, query: Mapping[str, str]) -> bytes | None:
        """Instruments as they were recorded."""
        if path != "/api/v5/public/instruments":
            return None
        return self._instruments.get(query["instType"])

    def past_trades(self, path: str, query: Mapping[str, str]) -> bytes | None:
        """Older than an id, newest first."""
        if path != "/api/v5/market/history-trades" or query.get("type") != "1":
            return None
        rows = self.trades.get(_key("trades", query["instId"]), [])
        older = [row for row in rows if int(row["tradeId"]) < int(query["after"])]
        return encoded({"code": "0", "msg": "", "data": older[::-1][: int(query["limit"])]})


def _key(channel: str, raw: str) -> str:
    parts = raw.split("-")
    market = "spot" if len(parts) == 2 else "swap" if parts[-1] == "SWAP" else "futures"
    return f"{market}/{channel}:{raw}"


def _before(first: dict[str, Any]) -> dict[str, Any]:
    """The trade before the first recorded one: two minutes old."""
    return first | {"tradeId": str(int(first["tradeId"]) - 1), "ts": str(int(first["ts"]) - 120_000)}


def _checksum(bids: list[Row], asks: list[Row]) -> int:
    texts = []
    for index in range(_CHECKED):
        texts += [f"{row[0]}:{row[1]}" for side in (bids, asks) for row in side[index : index + 1]]
    found = binascii.crc32(":".join(texts).encode())
    return found - 2**32 if found >= 2**31 else found
