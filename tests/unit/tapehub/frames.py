"""Frames for the tests beside it."""

from __future__ import annotations

from collections.abc import Sequence

import msgpack

from protocol.codec import encode_events
from protocol.messages import Message, Trade
from protocol.record import Frame, FrameWriter, parse_frame

T0_NS = 1_723_161_255_000_000_000


def trade(price: float = 100.0, symbol: str = "BTC_USDT", trade_id: int = 1, side: int = 1) -> Trade:
    return Trade(symbol, "binance", T0_NS, T0_NS + 2_000_000, price, 0.5, side, trade_id)


def frame_of(topic: str, events: Sequence[Message], writer: FrameWriter | None = None) -> Frame:
    """A frame published 3 ms after `T0_NS`."""
    writer = writer or FrameWriter("collector.binance.1", 1)
    return parse_frame(writer.build(topic, events[0].SCHEMA, encode_events(events), T0_NS + 3_000_000))


def unknown_frame(values: object, schema: int = 77 << 8 | 1) -> Frame:
    """A frame of a type that no program of today knows."""
    writer = FrameWriter("future.1", 1)
    payload = values if isinstance(values, bytes) else msgpack.packb(values)
    return parse_frame(writer.build("depth9.binance.BTC_USDT", schema, payload, T0_NS))
