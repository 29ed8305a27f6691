"""Binance: combined streams, books joined with a REST snapshot, trades by id. Pure.

The recorded snapshot stands in the stream, behind some changes. Whoever asks before that place is held; afterwards the
answer is the whole book as it is then, with all its levels.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from actors.collector.recorded.recordings import Recorded
from tests.support.played_venue.dialect import Dialect, NotYet, Session, encoded
from tests.support.played_venue.reel import Frame

_KINDS: Final = {"trade": "trade", "aggTrade": "trade", "bookTicker": "quote", "depth": "book"}
_SYMBOL: Final = re.compile(r"[?&]symbol=([A-Z0-9_]+)")
_KEYED: Final = (("usdm", "trade"), ("coinm", "trade"))
"""Market and stream type whose trades need an API key."""
_ID: Final = {"trade": "t", "aggTrade": "a"}


class BinanceDialect(Dialect):
    """One market: spot, usdm or coinm."""

    venue = "binance"
    paths: ClassVar = ("/stream", "/public/stream", "/market/stream")

    def __init__(self, market: str) -> None:
        super().__init__()
        self.asked: set[str] = set()
        """Symbols whose snapshot somebody has got."""
        self._answered: set[str] = set()
        """Symbols whose snapshot is in the recording."""
        self._market = market
        self._early: dict[str, list[dict[str, Any]]] = {}
        self._raws: dict[str, None] = {}

    def read(self, recorded: Recorded) -> list[Frame]:
        """Streams, and snapshots in their place."""
        if recorded.data.startswith(b'{"stream":"'):
            document = json.loads(recorded.data)
            name, data = document["stream"], document["data"]
            family = name.partition("@")[2].partition("@")[0]
            if family not in _KINDS:
                return []
            raw = data["s"]
            self._raws[raw] = None
            if (self._market, family) in _KEYED:
                self.has_past_trades = False
            ids = (str(data[_ID[family]]),) if family in _ID else ()
            return [Frame(f"{self._market}/{name}", _KINDS[family], raw, recorded.data, ids)]
        if b'"lastUpdateId"' not in recorded.data[:200]:
            return []
        told = _SYMBOL.search(recorded.address)
        raw = told[1] if told else next(iter(self._raws))
        self._answered.add(raw)
        return [Frame("", "rest", raw, recorded.data)]

    def enter(self, frame: Frame) -> None:
        """Keep what has happened."""
        document = json.loads(frame.data)
        ladder = self.ladder(frame.raw)
        if frame.kind == "rest":
            if not ladder.is_begun:
                ladder.replace(document["bids"], document["asks"], document["lastUpdateId"])
                for data in self._early.pop(frame.raw, []):
                    self._change(frame.raw, data)
        elif frame.kind == "book":
            if ladder.is_begun:
                self._change(frame.raw, document["data"])
            else:
                self._early.setdefault(frame.raw, []).append(document["data"])
        elif frame.kind == "trade":
            self.trades.setdefault(frame.raw, []).append(document["data"])

    def _change(self, raw: str, data: dict[str, Any]) -> None:
        if data["u"] > self.ladder(raw).last_id:
            self.ladder(raw).change(data["b"], data["a"], data["u"])

    def answer(self, session: Session, text: str) -> list[bytes]:
        """An empty result."""
        request = json.loads(text)
        for name in request["params"]:
            if request["method"] == "SUBSCRIBE":
                session.keys[f"{self._market}/{name}"] = None
            else:
                session.keys.pop(f"{self._market}/{name}", None)
        return [encoded({"result": None, "id": request["id"]})]

    def get(self, path: str, query: Mapping[str, str]) -> bytes | None:
        """Snapshots, and sizes of contracts."""
        word = path.rpartition("/")[2]
        if word == "exchangeInfo":
            rows = [
                {"symbol": raw, "contractSize": 100 if raw.startswith("BTC") else 10} for raw in self._raws
            ]
            return encoded({"symbols": rows})
        raw = query.get("symbol", "")
        if word != "depth" or raw not in self._answered:
            return None
        ladder = self.ladder(raw)
        if not ladder.is_begun:
            raise NotYet
        self.asked.add(raw)
        bids, asks = ladder.levels()
        return encoded({"lastUpdateId": ladder.last_id, "bids": bids, "asks": asks})

    def past_trades(self, path: str, query: Mapping[str, str]) -> bytes | None:
        """From an id on, oldest first."""
        word = path.rpartition("/")[2]
        if word not in ("historicalTrades", "aggTrades"):
            return None
        name = "t" if word == "historicalTrades" else "a"
        rows = [row for row in self.trades.get(query["symbol"], []) if row[name] >= int(query["fromId"])]
        rows = rows[: int(query["limit"])]
        if name == "a":
            return encoded([{key: row[key] for key in ("a", "p", "q", "f", "l", "T", "m")} for row in rows])
        return encoded(
            [
                {
                    "id": row["t"],
                    "price": row["p"],
                    "qty": row["q"],
                    "time": row["T"],
                    "isBuyerMaker": row["m"],
                }
                for row in rows
            ]
        )
