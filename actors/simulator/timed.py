"""Streams of one instrument that speak at intervals: what changed in the book, its top, the minute. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from actors.simulator.payloads import UsdmPayloads

if TYPE_CHECKING:
    from actors.simulator.market import Market

Send = Callable[[str], None]


class DepthChain:
    """One diff stream at one speed.

    Its messages join without a hole: spot `U` is the previous `u` + 1 (ids step by one there), on futures
    `pu` is the previous `u`. Changes gather until `flush`; sizes are absolute, those at the flush.
    """

    __slots__ = ("_prev_id", "_send", "asks", "bids", "first_id", "market")

    def __init__(self, market: Market, send: Send) -> None:
        self.market = market
        self._send = send
        self._prev_id = market.update_id
        self.first_id = 0
        """Update id of the first change gathered, 0 while there is none."""
        self.bids: set[int] = set()
        self.asks: set[int] = set()

    def flush(self, t_ms: int) -> None:
        """Send what has gathered; nothing is sent where nothing changed."""
        if not self.first_id:
            return
        market, level_text, lots_text = self.market, self.market.level_text, self.market.listing.lots_text
        book, is_spot = market.book, market.listing.market == "spot"
        bids, asks = book.bids, book.asks
        self._send(
            market.payloads.depth(
                t_ms,
                self.first_id,
                market.update_id,
                self._prev_id,
                [
                    (level_text(level), lots_text(bids.get(level, 0)))
                    for level in sorted(self.bids, reverse=is_spot)
                ],
                [(level_text(level), lots_text(asks.get(level, 0))) for level in sorted(self.asks)],
            )
        )
        self._prev_id = market.update_id
        self.first_id = 0
        self.bids.clear()
        self.asks.clear()


class TopOfBook:
    """One `depth5`, `depth10` or `depth20` stream: the whole top, where it changed."""

    __slots__ = ("_count", "_prev_id", "_send", "market")

    def __init__(self, market: Market, send: Send, count: int) -> None:
        self.market = market
        self._send = send
        self._count = count
        self._prev_id = market.update_id

    def flush(self, t_ms: int) -> None:
        """Send the top if the book has moved since the last time."""
        market = self.market
        if market.update_id == self._prev_id:
            return
        bids, asks = market.top_texts(self._count)
        self._send(market.payloads.top(t_ms, self._prev_id + 1, market.update_id, self._prev_id, bids, asks))
        self._prev_id = market.update_id


class KlineStream:
    """The `kline_1m` stream: the running minute where it changed, and each minute once more at its close."""

    __slots__ = ("_open_ms", "_send", "_sent_count", "market")

    def __init__(self, market: Market, send: Send) -> None:
        self.market = market
        self._send = send
        self._open_ms = market.candles.minutes[-1].open_ms
        self._sent_count = 0

    def flush(self, t_ms: int) -> None:
        """Send minutes that have closed, then the running one."""
        market = self.market
        market.candles.at(t_ms)
        for candle in list(market.candles.minutes)[-3:]:
            if self._open_ms <= candle.open_ms < market.candles.minutes[-1].open_ms:
                self._send(market.kline(candle, t_ms, is_closed=True))
        running = market.candles.minutes[-1]
        if running.open_ms != self._open_ms:
            self._open_ms, self._sent_count = running.open_ms, 0
        if running.count != self._sent_count:
            self._sent_count = running.count
            self._send(market.kline(running, t_ms, is_closed=False))


class LiquidationStream:
    """The `forceOrder` stream: the newest liquidation of the interval; those before it are never told."""

    __slots__ = ("_send", "_told", "market")

    def __init__(self, market: Market, send: Send) -> None:
        self.market = market
        self._send = send
        self._told = market.forced_orders

    def flush(self, t_ms: int) -> None:
        """Send the newest one if there was any since the last time."""
        market = self.market
        order, payloads = market.forced_order, market.payloads
        if order is not None and market.forced_orders != self._told and isinstance(payloads, UsdmPayloads):
            self._told = market.forced_orders
            self._send(payloads.force_order(t_ms, order))
