"""Frames of one publisher, as it would send them."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.codec import encode_events
from protocol.messages import Bar, CleanStop, Epoch, Gap, Message, Quote, Trade
from protocol.record import Frame, FrameWriter, RecordKind, parse_frame

MINUTE_NS = 60_000_000_000
BASE_NS = 1_795_000_020_000_000_000
"""A full minute."""
NAME = "collector.binance.1"


class Publisher:
    """Builds frames that count on."""

    def __init__(self, name: str = NAME, epoch: int = 9) -> None:
        self.writer = FrameWriter(name, epoch)

    def frame(
        self, events: Sequence[Message], topic: str = "", flags: int = 0, kind: int = RecordKind.DATA
    ) -> Frame:
        first = events[0]
        topic = topic or f"{first.KIND}.binance.BTC_USDT"
        return parse_frame(
            self.writer.build(topic, first.SCHEMA, encode_events(events), BASE_NS, kind, flags)
        )

    def begin(self, prev_epoch: int, prev_last_seq: int) -> Frame:
        name = self.writer.publisher
        mark = Epoch(name, prev_epoch, prev_last_seq, False, "boot", "host", 1, "0")
        return self.frame([mark], f"mark.{name}", kind=RecordKind.EPOCH)

    def stop(self) -> Frame:
        name = self.writer.publisher
        return self.frame([CleanStop(name, self.writer.seq)], f"mark.{name}", kind=RecordKind.CLEAN_STOP)

    def raw(self, payload: bytes, schema: int = Trade.SCHEMA) -> Frame:
        return parse_frame(self.writer.build("trade.binance.BTC_USDT", schema, payload, BASE_NS))


def trade(number: int, symbol: str = "BTC_USDT", **fields: object) -> Trade:
    values: dict[str, object] = {
        "symbol": symbol,
        "venue": "binance",
        "ts_event_ns": BASE_NS + number,
        "ts_recv_ns": BASE_NS + number + 5,
        "price": 61_000.5 + number,
        "size": 0.25,
        "side": 1,
        "trade_id": number,
    }
    return Trade(**{**values, **fields})


def quote(number: int, **fields: object) -> Quote:
    values: dict[str, object] = {
        "symbol": "BTC_USDT",
        "venue": "binance",
        "ts_event_ns": BASE_NS + number,
        "ts_recv_ns": BASE_NS + number,
        "bid": 1.0,
        "ask": 2.0,
        "bid_size": 3.0,
        "ask_size": 4.0,
        "update_id": number,
    }
    return Quote(**{**values, **fields})


def bar(minute: int, revision: int, close: float = 1.5, **fields: object) -> Bar:
    values: dict[str, object] = {
        "symbol": "BTC_USDT",
        "venue": "binance",
        "timeframe": "1m",
        "ts_open_ns": BASE_NS + minute * MINUTE_NS,
        "ts_event_ns": BASE_NS + minute * MINUTE_NS + 1,
        "open": 1.0,
        "high": 2.0,
        "low": 1.0,
        "close": close,
        "volume": 3.0,
        "buy_volume": 1.0,
        "sell_volume": 2.0,
        "vwap": 1.2,
        "count": 5,
        "status": "closed",
        "coverage": 1.0,
        "revision": revision,
        "source": "trade",
    }
    return Bar(**{**values, **fields})


def gap(state: str, count: int = 0, gap_id: str = "collector.binance.1-9-1") -> Gap:
    return Gap(
        gap_id, "binance", "BTC_USDT", "trade", 5, 9, BASE_NS, BASE_NS + 4, "venue_jump", state, "", count
    )
