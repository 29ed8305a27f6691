"""Messages and frames for the hub's tests: a publisher without a socket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from protocol.codec import encode_events
from protocol.messages import (
    Bar,
    Book,
    Feature,
    Flow,
    Footprint,
    Gap,
    Message,
    Quote,
    Signal,
    Sweep,
    Trade,
    Verdict,
)
from protocol.record import Frame, FrameWriter, RecordKind, parse_frame

MINUTE_NS = 60_000_000_000
SECOND_NS = 1_000_000_000
BASE_NS = 1_700_000_000 * SECOND_NS


def bar(minute: int, **changes: Any) -> Bar:
    values: dict[str, Any] = {
        "symbol": "BTC_USDT", "venue": "binance", "timeframe": "1m", "ts_open_ns": minute * MINUTE_NS,
        "ts_event_ns": minute * MINUTE_NS + 1, "open": 1.0, "high": 100.0, "low": 0.1, "close": 1.0,
        "volume": 3.0, "buy_volume": 2.0, "sell_volume": 1.0, "vwap": 1.0, "count": 4, "status": "closed",
        "coverage": 1.0, "revision": 1, "source": "trade",
    }  # fmt: skip
    return Bar(**values | changes)


def quote(bid: float = 100.0, recv_ns: int = BASE_NS, **changes: Any) -> Quote:
    values: dict[str, Any] = {
        "symbol": "BTC_USDT", "venue": "binance", "ts_event_ns": recv_ns, "ts_recv_ns": recv_ns, "bid": bid,
        "ask": bid + 1.0, "bid_size": 2.0, "ask_size": 3.0,
    }  # fmt: skip
    return Quote(**values | changes)


def trade(trade_id: int, recv_ns: int = BASE_NS, **changes: Any) -> Trade:
    values: dict[str, Any] = {
        "symbol": "BTC_USDT", "venue": "binance", "ts_event_ns": recv_ns, "ts_recv_ns": recv_ns,
        "price": 100.0 + trade_id, "size": 1.0, "side": 1, "trade_id": trade_id,
    }  # fmt: skip
    return Trade(**values | changes)


def book(last_id: int, prev_id: int = 0, recv_ns: int = BASE_NS, **changes: Any) -> Book:
    """A snapshot where `prev_id` is 0, a delta otherwise."""
    values: dict[str, Any] = {
        "symbol": "BTC_USDT", "venue": "binance", "ts_event_ns": recv_ns, "ts_recv_ns": recv_ns,
        "is_snapshot": prev_id == 0, "first_update_id": last_id, "last_update_id": last_id,
        "bids": [(100.0, 1.0), (99.0, 2.0)], "asks": [(101.0, 1.0), (102.0, 2.0)], "prev_update_id": prev_id,
    }  # fmt: skip
    return Book(**values | changes)


def gap(gap_id: str, state: str = "open", **changes: Any) -> Gap:
    values: dict[str, Any] = {
        "gap_id": gap_id, "venue": "binance", "symbol": "BTC_USDT", "kind": "trade", "from_id": 0, "to_id": 0,
        "from_ts_ns": BASE_NS, "to_ts_ns": 0, "cause": "disconnect", "state": state,
    }  # fmt: skip
    return Gap(**values | changes)


def footprint(minute: int, **changes: Any) -> Footprint:
    values: dict[str, Any] = {
        "symbol": "BTC_USDT", "venue": "binance", "timeframe": "1m", "ts_open_ns": minute * MINUTE_NS,
        "ts_event_ns": minute * MINUTE_NS + 1, "price_step": 0.5, "prices": [100.0, 100.5],
        "buy_volumes": [1.0, 0.0], "sell_volumes": [0.5, 2.0], "unknown_volumes": [0.0, 0.25], "volume": 3.75,
        "delta": -1.5, "poc": 100.5, "value_area_low": 100.0, "value_area_high": 101.0, "count": 7,
        "status": "closed", "coverage": 1.0, "revision": 1,
    }  # fmt: skip
    return Footprint(**values | changes)


def feature(minute: int, rsi: float = 50.0, revision: int = 1, **changes: Any) -> Feature:
    at_ns = minute * MINUTE_NS
    made = Feature(
        "BTC_USDT",
        "binance",
        "1m",
        at_ns,
        at_ns + 1,
        is_ready=True,
        values={"rsi_14": rsi},
        revision=revision,
    )
    return msgspec.structs.replace(made, **changes)


def flow(window_s: float, at_ns: int = BASE_NS, **values: float) -> Flow:
    return Flow("BTC_USDT", "binance", window_s, at_ns, is_complete=True, values=values)


def sweep(at_ns: int = BASE_NS, **changes: Any) -> Sweep:
    made = Sweep(
        "BTC_USDT", "binance", at_ns, at_ns - 1, -1, 100.0, 99.5, 4, 2.0, 199.5, 99.75, 6, is_inferred=False
    )
    return msgspec.structs.replace(made, **changes)


def fetched(minute: int, **changes: Any) -> Bar:
    """A minute as a provider gave it."""
    values: dict[str, Any] = {
        "symbol": "EUR_USD", "venue": "rest", "source": "yahoo", "volume": 0.0, "buy_volume": 0.0, "sell_volume": 0.0,
        "ts_event_ns": (minute + 1) * MINUTE_NS, "ts_recv_ns": (minute + 1) * MINUTE_NS + SECOND_NS,
    }  # fmt: skip
    return bar(minute, **values | changes)


def verdict(at_ns: int = BASE_NS, **changes: Any) -> Verdict:
    made = Verdict(
        "EUR_USD", "rest", at_ns, "1m", at_ns // MINUTE_NS * MINUTE_NS, "yahoo", "quarantine",
        ["close 9.5 is 78 spreads from the minute before", "polygon says 1.16"], 1.16, 9.5, 1.15, 9.5, 0.0,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def signal(number: int, state: str = "open", **changes: Any) -> Signal:
    """The signal said `number` seconds after `BASE_NS`; what ends it does so half a second later, in revision 2."""
    said_ns = BASE_NS + number * SECOND_NS
    is_over = state not in ("open", "vetoed")
    made = Signal(
        "BTC_USDT", "cross", said_ns + is_over * SECOND_NS // 2, 1, 100.0, 99.0, 102.0, 0.75, {"ema_20": 99.5}, "binance",
        "1m", f"cross.binance.BTC_USDT.{number}", 1 + is_over, state, said_ns, said_ns + MINUTE_NS,
        score=0.0 if state == "vetoed" else 0.5, reasons=["spread: 2.4 pips is above 2 (-0.5)"], text="crossed",
        exit_price=102.0 if state == "target" else 0.0,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


class Pen:
    """Writes the frames of one publisher."""

    def __init__(self, name: str = "collector.binance.1", epoch: int = 1) -> None:
        self.writer = FrameWriter(name, epoch)

    def frame(
        self, topic: str, events: Sequence[Message], ts_pub_ns: int = BASE_NS, kind: int = RecordKind.DATA
    ) -> Frame:
        schema = events[0].SCHEMA
        return parse_frame(self.writer.build(topic, schema, encode_events(events), ts_pub_ns, kind))

    def beat(self, beat: Message, ts_pub_ns: int = BASE_NS) -> Frame:
        topic = f"beat.{self.writer.publisher}"
        return parse_frame(self.writer.build_beat(topic, beat.SCHEMA, encode_events([beat]), ts_pub_ns))
