"""Coinbase Advanced Trade: one number over all channels of a connection, old trades first, trades by time. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from actors.collector.recorded.recordings import Recorded
from tests.support.played_venue.dialect import Dialect, Session, encoded
from tests.support.played_venue.reel import Frame

_STREAMS: Final = {
    "market_trades": ("market_trades", "trade"),
    "ticker": ("tickers", "quote"),
    "l2_data": ("level2", "book"),
}
"""Channel of a frame to our stream type and kind."""
_ASKED: Final = {"ticker": "tickers"}
_LISTED: Final = {"tickers": "ticker"}
_NUMBER: Final = re.compile(rb'"sequence_num":\d+')
_BEFORE: Final = "2026-08-09T21:05:48.2Z"
"""Time of answers before the first frame."""
HEARTBEATS: Final = "advanced/heartbeats"


class AdvancedDialect(Dialect):
    """As of 2026.

    Args:
        repeated: Old trades with which a subscription begins; the venue gives a hundred.
    """

    venue = "coinbase"
    paths: ClassVar = ("/",)

    def __init__(self, *, repeated: int = 100) -> None:
        super().__init__()
        self.repeats = repeated
        self._timestamp = ""

    def read(self, recorded: Recorded) -> list[Frame]:
        """Channels with a product, and heartbeats; acks and candles are not played."""
        document = json.loads(recorded.data)
        channel = document.get("channel", "")
        if channel == "heartbeats":
            return [Frame(HEARTBEATS, "", "", recorded.data)]
        if channel not in _STREAMS or recorded.is_rest:
            return []
        stream_type, kind = _STREAMS[channel]
        (event,) = document["events"]
        rows = event.get("trades") or event.get("tickers") or [event]
        (raw,) = {row["product_id"] for row in rows}
        ids = tuple(row["trade_id"] for row in reversed(rows)) if kind == "trade" else ()
        frame = Frame(f"advanced/{stream_type}:{raw}", kind, raw, recorded.data)
        is_past = event["type"] == "snapshot"
        return [frame._replace(past_ids=ids) if is_past else frame._replace(trade_ids=ids)]

    def enter(self, frame: Frame) -> None:
        """Keep what has happened."""
        document = json.loads(frame.data)
        self._timestamp = document["timestamp"]
        (event,) = document["events"]
        if frame.kind == "trade":
            self.trades.setdefault(frame.key, []).extend(reversed(event["trades"]))
        elif frame.kind == "quote":
            self.newest[frame.key] = event
        elif frame.kind == "book":
            sides: dict[str, list[tuple[str, str, str]]] = {"bid": [], "offer": []}
            for row in event["updates"]:
                sides[row["side"]].append((row["price_level"], row["new_quantity"], row["event_time"]))
            ladder = self.ladder(frame.key)
            change = ladder.replace if event["type"] == "snapshot" else ladder.change
            change(sides["bid"], sides["offer"])

    def answer(self, session: Session, text: str) -> list[bytes]:
        """What begins the new streams, and then the list of everything that is subscribed now."""
        request = json.loads(text)
        channel = _ASKED.get(request["channel"], request["channel"])
        products = request.get("product_ids")
        keys = [f"advanced/{channel}:{raw}" for raw in products] if products else [f"advanced/{channel}"]
        said: list[bytes] = []
        for key in keys:
            if request["type"] == "subscribe":
                session.keys[key] = None
                said += self._opening(session, key)
            else:
                session.keys.pop(key, None)
        listed: dict[str, list[str]] = {}
        for key in session.keys:
            name, _, raw = key.partition("/")[2].partition(":")
            listed.setdefault(_LISTED.get(name, name), []).append(raw or name)
        return [*said, self._message(session, "subscriptions", {"subscriptions": listed})]

    def _opening(self, session: Session, key: str) -> list[bytes]:
        if key in self.trades:
            past = self.trades[key][::-1][: self.repeats]
            return [self._message(session, "market_trades", {"type": "snapshot", "trades": past})]
        if key in self.newest:
            return [self._message(session, "ticker", self.newest[key] | {"type": "snapshot"})]
        if key not in self.ladders:
            return []
        updates = [
            {"side": side, "event_time": row[2], "price_level": row[0], "new_quantity": row[1]}
            for side, rows in zip(("bid", "offer"), self.ladder(key).levels(), strict=True)
            for row in rows
        ]
        event = {"type": "snapshot", "product_id": key.partition(":")[2], "updates": updates}
        return [self._message(session, "l2_data", event)]

    def _message(self, session: Session, channel: str, event: dict[str, Any]) -> bytes:
        head = {"channel": channel, "timestamp": self._timestamp or _BEFORE, "sequence_num": 0}
        return self.dressed(session, encoded(head | {"events": [event]}))

    def dressed(self, session: Session, data: bytes) -> bytes:
        """With the next number of its connection."""
        session.sent += 1
        return _NUMBER.sub(b'"sequence_num":%d' % (session.sent - 1), data, count=1)

    def past_trades(self, path: str, query: Mapping[str, str]) -> bytes | None:
        """Of some seconds, newest first."""
        found = re.fullmatch(r"/api/v3/brokerage/market/products/([A-Z0-9-]+)/ticker", path)
        if found is None:
            return None
        first, end = int(query.get("start", 0)), int(query.get("end", 2**40))
        rows = [
            row
            for row in self.trades.get(f"advanced/market_trades:{found[1]}", [])
            if first <= datetime.fromisoformat(row["time"]).timestamp() < end
        ]
        return encoded({"trades": rows[::-1][: int(query["limit"])], "best_bid": "", "best_ask": ""})
