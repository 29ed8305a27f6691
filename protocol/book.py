"""Order-book replica: a snapshot, then absolute size changes. Pure.

It keeps prices and sizes; who may trust it is decided by whoever feeds it (sequence rules of the venue
in the collector, the message chain in the hub). Who looks more seldom than the book changes has changes kept, and put in
their places when it looks: a level that has changed ten times by then is put in its place once.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import Final

from protocol.messages import Level

MOST_CHANGES: Final = 1_000
"""Prices of a side that may wait for somebody to look."""


class _Side:
    """One side: size by price, prices sorted, and what has changed since that was put in order."""

    __slots__ = ("_prices", "_sizes", "changes")

    def __init__(self) -> None:
        self._prices: list[float] = []
        """Ascending."""
        self._sizes: dict[float, float] = {}
        self.changes: dict[float, float] = {}
        """Price to its newest size; 0: the level is gone."""

    def replace(self, levels: Iterable[Level]) -> None:
        self.changes.clear()
        self._sizes = {price: size for price, size in levels if size}
        self._prices = sorted(self._sizes)

    def put(self, levels: Iterable[Level]) -> None:
        prices, sizes = self._prices, self._sizes
        for price, size in levels:
            if size:
                if price not in sizes:
                    insort(prices, price)
                sizes[price] = size
            elif sizes.pop(price, None) is not None:
                del prices[bisect_left(prices, price)]

    def settled(self) -> tuple[list[float], dict[float, float]]:
        """Prices, ascending, and sizes by price."""
        if self.changes:
            self.put(self.changes.items())
            self.changes.clear()
        return self._prices, self._sizes


class OrderBook:
    """Both sides of one book."""

    __slots__ = ("_asks", "_bids", "update_id")

    def __init__(self) -> None:
        self._bids = _Side()
        self._asks = _Side()
        self.update_id = 0
        """Venue's id of the last change applied."""

    def snapshot(self, bids: Iterable[Level], asks: Iterable[Level], update_id: int) -> None:
        """Replace everything; levels in any order, size 0 ignored."""
        self._bids.replace(bids)
        self._asks.replace(asks)
        self.update_id = update_id

    def apply(self, bids: Iterable[Level], asks: Iterable[Level], update_id: int) -> None:
        """Set absolute sizes; 0 removes the level, removing an unknown one does nothing."""
        for side, levels in ((self._bids, bids), (self._asks, asks)):
            side.settled()
            side.put(levels)
        self.update_id = update_id

    def apply_later(self, bids: Iterable[Level], asks: Iterable[Level], update_id: int) -> None:
        """As `apply`, for who looks more seldom than the book changes."""
        for side, levels in ((self._bids, bids), (self._asks, asks)):
            side.changes.update(levels)
            if len(side.changes) > MOST_CHANGES:
                side.settled()
        self.update_id = update_id

    @property
    def best_bid(self) -> Level | None:
        """(price, size), None if the side is empty."""
        prices, sizes = self._bids.settled()
        return (prices[-1], sizes[prices[-1]]) if prices else None

    @property
    def best_ask(self) -> Level | None:
        """(price, size), None if the side is empty."""
        prices, sizes = self._asks.settled()
        return (prices[0], sizes[prices[0]]) if prices else None

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid is at or above the best ask."""
        bids, asks = self._bids.settled()[0], self._asks.settled()[0]
        return bool(bids and asks) and bids[-1] >= asks[0]

    def top(self, depth: int = 0) -> tuple[list[Level], list[Level]]:
        """(bids, asks), best first, at most `depth` levels a side; 0 means all."""
        bids, bid_sizes = self._bids.settled()
        asks, ask_sizes = self._asks.settled()
        best_bids = bids[: -depth - 1 : -1] if depth else bids[::-1]
        return (
            [(price, bid_sizes[price]) for price in best_bids],
            [(price, ask_sizes[price]) for price in asks[: depth or None]],
        )

    def levels(self) -> tuple[int, int]:
        """Number of (bid, ask) levels."""
        return len(self._bids.settled()[0]), len(self._asks.settled()[0])
