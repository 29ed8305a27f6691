"""Frames as a collector publishes them, for tests of what hears them."""

from __future__ import annotations

import time
from typing import Final

from protocol.codec import encode_events
from protocol.messages import Trade
from protocol.record import FrameWriter

TOPIC: Final = "trade.binance.BTC_USDT"
NAME: Final = "collector.binance.1"


def trade(trade_id: int, symbol: str = "BTC_USDT") -> Trade:
    """A trade of this moment; odd ids are bought, even ones sold, the price is 100 and the id."""
    now_ns = time.time_ns()
    return Trade(
        symbol, "binance", now_ns, now_ns, 100.0 + trade_id, 0.5, 1 if trade_id % 2 else -1, trade_id
    )


def frames(count: int) -> list[bytes]:
    """Frames of one topic with a trade each, numbered from 1."""
    writer = FrameWriter(NAME, 1)
    return [
        writer.build(TOPIC, Trade.SCHEMA, encode_events([trade(index + 1)]), time.time_ns())
        for index in range(count)
    ]
