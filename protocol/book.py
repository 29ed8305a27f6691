"""Order-book replica: a snapshot, then absolute size changes. Pure.

It keeps prices and sizes; who may trust it is decided by whoever feeds it (sequence rules of the venue
in the collector, the message chain in the hub).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

from protocol.messages import Level


class _Side:
    """One side: size by key, keys sorted, best first (bids are kept by negated price)."""

    __slots__ = ("keys", "sizes")

    def __init__(self) -> None:
        self.keys: list[float] = []
        self.sizes: dict[float, float] = {}

    def replace(self, sizes: dict[float, float]) -> None:
        self.sizes = sizes
        self.keys = sorted(sizes)

    def set(self, key: float, size: float) -> None:
        sizes = self.sizes
        if size:
            if key not in sizes:
                insort(self.keys, key)
            sizes[key] = size
        elif sizes.pop(key, None) is not None:
            del self.keys[bisect_left(self.keys, key)]


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
        self._bids.replace({-price: size for price, size in bids if size})
        self._asks.replace({price: size for price, size in asks if size})
        self.update_id = update_id

    def apply(self, bids: Iterable[Level], asks: Iterable[Level], update_id: int) -> None:
        """Set absolute sizes; 0 removes the level, removing an unknown one does nothing."""
        change = self._bids.set
        for price, size in bids:
            change(-price, size)
        change = self._asks.set
        for price, size in asks:
            change(price, size)
        self.update_id = update_id

    @property
    def best_bid(self) -> Level | None:
        """(price, size), None if the side is empty."""
        side = self._bids
        return (-side.keys[0], side.sizes[side.keys[0]]) if side.keys else None

    @property
    def best_ask(self) -> Level | None:
        """(price, size), None if the side is empty."""
        side = self._asks
        return (side.keys[0], side.sizes[side.keys[0]]) if side.keys else None

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid is at or above the best ask."""
        bids, asks = self._bids.keys, self._asks.keys
        return bool(bids and asks) and -bids[0] >= asks[0]

    def top(self, depth: int = 0) -> tuple[list[Level], list[Level]]:
        """(bids, asks), best first, at most `depth` levels a side; 0 means all."""
        end = depth or None
        bids, asks = self._bids, self._asks
        return (
            [(-key, bids.sizes[key]) for key in bids.keys[:end]],
            [(key, asks.sizes[key]) for key in asks.keys[:end]],
        )

    def levels(self) -> tuple[int, int]:
        """Number of (bid, ask) levels."""
        return len(self._bids.keys), len(self._asks.keys)
