"""Coinbase Exchange: `subscriptions` lists all, heartbeats name the newest trade, trades by id. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from actors.collector.recorded.recordings import Recorded
from tests.support.played_venue.dialect import Dialect, Session, encoded
from tests.support.played_venue.reel import Frame

_STREAMS: Final = {
    "snapshot": ("level2_batch", "book"),
    "l2update": ("level2_batch", "book"),
    "ticker": ("ticker", "quote"),
    "match": ("matches", "trade"),
    "last_match": ("matches", "trade"),
}
"""Type of a frame to stream type and kind."""
_LISTED: Final = {"level2_batch": "level2_50"}
_SIDES: Final = {"buy": 0, "sell": 1}
_HEARTBEAT_EVERY: Final = 100
"""Frames; the venue sends one each second."""


class ExchangeDialect(Dialect):
    """As of 2026, but for the frames of 2021 that it plays."""

    venue = "coinbase"
    paths: ClassVar = ("/",)
    repeats = 1

    def read(self, recorded: Recorded) -> list[Frame]:
        """Types with a product."""
        document = json.loads(recorded.data)
        stream = _STREAMS.get(document.get("type", ""))
        if stream is None:
            return []
        raw = document["product_id"]
        frame = Frame(_key(stream[0], raw), stream[1], raw, recorded.data)
        ids = (str(document["trade_id"]),) if stream[1] == "trade" else ()
        is_past = document["type"] == "last_match"
        return [frame._replace(past_ids=ids) if is_past else frame._replace(trade_ids=ids)]

    def enter(self, frame: Frame) -> None:
        """Keep what has happened."""
        document = json.loads(frame.data)
        if frame.kind == "trade":
            self.trades.setdefault(frame.key, []).append(document)
        elif frame.kind == "quote":
            self.newest[frame.key] = document
        elif document["type"] == "snapshot":
            self.ladder(frame.key).replace(document["bids"], document["asks"])
        else:
            sides: tuple[list[Any], list[Any]] = [], []
            for side, price, size in document["changes"]:
                sides[_SIDES[side]].append((price, size))
            self.ladder(frame.key).change(*sides)

    def answer(self, session: Session, text: str) -> list[bytes]:
        """Everything that is subscribed now, then what begins the new streams."""
        request = json.loads(text)
        keys = [_key(name, raw) for name in request["channels"] for raw in request["product_ids"]]
        said: list[bytes] = []
        for key in keys:
            if request["type"] == "subscribe":
                session.keys[key] = None
                said += self._opening(key)
            else:
                session.keys.pop(key, None)
        return [self._listed(session), *said]

    def _listed(self, session: Session) -> bytes:
        channels: dict[str, list[str]] = {}
        for key in session.keys:
            name, _, raw = key.partition("/")[2].partition(":")
            channels.setdefault(_LISTED.get(name, name), []).append(raw)
        rows = [{"name": name, "product_ids": raws, "account_ids": None} for name, raws in channels.items()]
        return encoded({"type": "subscriptions", "channels": rows})

    def _opening(self, key: str) -> list[bytes]:
        if key in self.trades:
            return [encoded(self.trades[key][-1] | {"type": "last_match"})]
        if key in self.newest:
            return [encoded(self.newest[key])]
        if key not in self.ladders:
            return []
        bids, asks = self.ladder(key).levels()
        raw = key.partition(":")[2]
        return [encoded({"type": "snapshot", "product_id": raw, "asks": asks, "bids": bids})]

    def alive(self, session: Session, number: int) -> list[bytes]:
        """A heartbeat for each product, now and then."""
        if number % _HEARTBEAT_EVERY:
            return []
        said = []
        for key in session.keys:
            past = self.trades.get(key.replace("/heartbeat:", "/matches:")) if "/heartbeat:" in key else None
            if past:
                row = past[-1]
                beat = {"type": "heartbeat", "last_trade_id": row["trade_id"]}
                beat |= {name: row[name] for name in ("product_id", "sequence", "time")}
                said.append(encoded(beat))
        return said

    def past_trades(self, path: str, query: Mapping[str, str]) -> bytes | None:
        """Older than an id, newest first."""
        words = path.strip("/").split("/")
        if len(words) != 3 or (words[0], words[2]) != ("products", "trades"):
            return None
        rows = self.trades.get(_key("matches", words[1]), [])
        older = [row for row in rows if row["trade_id"] < int(query["after"])]
        names = ("trade_id", "side", "size", "price", "time")
        return encoded([{name: row[name] for name in names} for row in older[::-1][: int(query["limit"])]])


def _key(stream_type: str, raw: str) -> str:
    return f"exchange/{stream_type}:{raw}"
