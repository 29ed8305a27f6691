"""Price levels from single orders (schema mbo), and what of them changed. Pure.

Rules of Databento's documentation of order actions: A adds an order, C takes away `size` of it, M gives it a new price
and size (an unknown one is added), R clears the book; T, F and N change nothing, the C or M behind them does. With F_TOB
the order is the whole best level of its side. Prices are integers of 1e-9 here, sizes are contracts.
"""

from __future__ import annotations

import bisect
from typing import Any

import numpy as np
import numpy.typing as npt

from actors.collector.databento.layout import ADD, BID, CANCEL, CLEAR, F_TOB, MODIFY, SCALE, UNDEF_PRICE
from protocol.messages import Level

LevelInt = tuple[int, int]
"""(price in 1e-9, contracts)."""
Column = npt.NDArray[Any]
Folded = tuple[tuple[Column, Column], tuple[Column, Column]]
"""Ascending prices and their sizes: of the bids, of the asks."""


class _Side:
    """Levels of one side."""

    __slots__ = ("changed", "prices", "sizes")

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}
        self.prices: list[int] = []
        """Ascending."""
        self.changed: set[int] = set()

    def add(self, price: int, size: int) -> None:
        """Change the size of a level; it goes when nothing is left."""
        before = self.sizes.get(price)
        now = size if before is None else before + size
        if now <= 0:
            if before is not None:
                del self.sizes[price]
                del self.prices[bisect.bisect_left(self.prices, price)]
        else:
            if before is None:
                bisect.insort(self.prices, price)
            self.sizes[price] = now
        self.changed.add(price)

    def clear(self) -> None:
        """Empty it; nothing counts as changed, for a whole book is told next."""
        self.changed.clear()
        self.sizes, self.prices = {}, []


class MboBook:
    """Book of one instrument.

    Orders are two mappings of plain integers: nothing in them is a container, so a book of 100,000 orders costs the
    garbage collector nothing.
    """

    __slots__ = (
        "_folded", "_prices", "_sizes", "_snapshot", "asks", "bids", "in_snapshot", "is_synced", "unknown_orders",
    )  # fmt: skip

    def __init__(self) -> None:
        self._prices: dict[int, int] = {}
        """Order to its price; negative for offers."""
        self._sizes: dict[int, int] = {}
        self._folded: Folded | None = None
        """Levels of `_snapshot`."""
        self._snapshot: tuple[Column, Column, Column] | None = None
        """Orders, prices and sizes of a snapshot none of which has changed yet: tens of nanoseconds each instead of
        hundreds, and most of them are never touched before the next snapshot."""
        self.bids, self.asks = _Side(), _Side()
        self.is_synced = False
        """Whether it began with a snapshot or a clear, and is whole."""
        self.in_snapshot = False
        """Whether the last record was part of a snapshot that goes on."""
        self.unknown_orders = 0
        """Orders cancelled that were never seen."""

    def __len__(self) -> int:
        return len(self._prices) if self._snapshot is None else len(self._snapshot[0])

    def clear(self) -> None:
        """No order at all."""
        self._prices, self._sizes, self._snapshot, self._folded = {}, {}, None, None
        self.bids.clear()
        self.asks.clear()

    def apply(self, action: int, order_id: int, price: int, size: int, side: int, flags: int) -> None:
        """One record."""
        if action == CLEAR:
            self.clear()
            return
        self._unfold()
        if action == ADD:
            if flags & F_TOB:
                self._replace_side(side, price, size)
            else:
                self._remove(order_id)
                self._add(order_id, price, size, side)
        elif action == CANCEL:
            self._cancel(order_id, size)
        elif action == MODIFY:
            self._remove(order_id)
            self._add(order_id, price, size, side)

    def add_many(
        self, ids: npt.NDArray[np.uint64], prices: npt.NDArray[np.int64], sizes: npt.NDArray[np.uint32],
        is_bid: npt.NDArray[np.bool_],
    ) -> bool:  # fmt: skip
        """Orders of a snapshot at once; False (and nothing done) if one of them comes twice, or the book is in use.

        They do not count as changes: what follows a snapshot is a whole book.
        """
        if self._prices:
            return False
        before = self._snapshot
        in_order = np.sort(ids if before is None else np.concatenate([before[0], ids]))
        if (in_order[1:] == in_order[:-1]).any():
            return False
        signed = np.where(is_bid, prices, -prices)
        if before is None:
            columns = ids.copy(), signed, sizes.copy()
        else:
            columns = (
                np.concatenate([before[0], ids]),
                np.concatenate([before[1], signed]),
                np.concatenate([before[2], sizes]),
            )
        self._snapshot = columns
        self._folded = _fold(columns[1], columns[2])
        return True

    def _unfold(self) -> None:
        """Orders and levels of a snapshot become entries when the first of them may change."""
        if self._snapshot is None or self._folded is None:
            return
        names, prices, sizes = (column.tolist() for column in self._snapshot)
        self._prices = dict(zip(names, prices, strict=True))
        self._sizes = dict(zip(names, sizes, strict=True))
        for side, (levels, totals) in zip((self.bids, self.asks), self._folded, strict=True):
            side.prices = levels.tolist()
            side.sizes = dict(zip(side.prices, totals.tolist(), strict=True))
        self._snapshot = self._folded = None

    def _add(self, order_id: int, price: int, size: int, side: int) -> None:
        if size == 0 or price == UNDEF_PRICE or price <= 0:
            return
        self._prices[order_id] = price if side == BID else -price
        self._sizes[order_id] = size
        (self.bids if side == BID else self.asks).add(price, size)

    def _remove(self, order_id: int) -> None:
        price = self._prices.pop(order_id, 0)
        if price:
            size = self._sizes.pop(order_id)
            (self.bids if price > 0 else self.asks).add(abs(price), -size)

    def _cancel(self, order_id: int, size: int) -> None:
        price = self._prices.get(order_id, 0)
        if not price:
            self.unknown_orders += 1
            return
        left = self._sizes[order_id] - size
        if left <= 0:
            self._remove(order_id)
        else:
            self._sizes[order_id] = left
            (self.bids if price > 0 else self.asks).add(abs(price), -size)

    def _replace_side(self, side: int, price: int, size: int) -> None:
        is_bid = side == BID
        gone = [order_id for order_id, at in self._prices.items() if (at > 0) == is_bid]
        for order_id in gone:
            self._remove(order_id)
        self._add(-1 if is_bid else -2, price, size, side)

    def take_changes(self) -> tuple[list[LevelInt], list[LevelInt]]:
        """Levels (bids, asks) that changed since the last time, with their size now, 0 if they are gone."""
        found = []
        for side in (self.bids, self.asks):
            found.append([(price, side.sizes.get(price, 0)) for price in sorted(side.changed)])
            side.changed.clear()
        return found[0], found[1]

    def levels(self) -> tuple[list[LevelInt], list[LevelInt]]:
        """Everything, best first; what has changed counts as told."""
        self._unfold()
        bids, asks = self.bids, self.asks
        bids.changed.clear()
        asks.changed.clear()
        return (
            [(price, bids.sizes[price]) for price in reversed(bids.prices)],
            [(price, asks.sizes[price]) for price in asks.prices],
        )

    def scaled(self, contract_size: float) -> tuple[list[Level], list[Level]]:
        """The same in our units."""
        if self._folded is None:
            bids, asks = self.levels()
            return (
                [(price / SCALE, size * contract_size) for price, size in bids],
                [(price / SCALE, size * contract_size) for price, size in asks],
            )
        (bid_prices, bid_sizes), (ask_prices, ask_sizes) = self._folded
        return (
            _pairs(bid_prices[::-1], bid_sizes[::-1], contract_size),
            _pairs(ask_prices, ask_sizes, contract_size),
        )

    def best(self) -> tuple[LevelInt | None, LevelInt | None]:
        """Best bid and ask."""
        if self._folded is not None:
            (bid_prices, bid_sizes), (ask_prices, ask_sizes) = self._folded
            return (
                (int(bid_prices[-1]), int(bid_sizes[-1])) if len(bid_prices) else None,
                (int(ask_prices[0]), int(ask_sizes[0])) if len(ask_prices) else None,
            )
        bids, asks = self.bids, self.asks
        bid = (bids.prices[-1], bids.sizes[bids.prices[-1]]) if bids.prices else None
        ask = (asks.prices[0], asks.sizes[asks.prices[0]]) if asks.prices else None
        return bid, ask

    @property
    def is_crossed(self) -> bool:
        """Whether somebody bids as much as somebody asks, or more (an auction, or a book that is wrong)."""
        bid, ask = self.best()
        return bid is not None and ask is not None and bid[0] >= ask[0]


def _fold(signed: Column, sizes: Column) -> Folded:
    """Levels of orders whose prices are negative on the ask side."""
    order = np.argsort(signed)
    prices = signed[order]
    starts = np.concatenate([[0], np.flatnonzero(prices[1:] != prices[:-1]) + 1])
    levels, totals = prices[starts], np.add.reduceat(sizes[order], starts, dtype=np.int64)
    asks = int(np.searchsorted(levels, 0))
    return (levels[asks:], totals[asks:]), (-levels[:asks][::-1], totals[:asks][::-1])


def _pairs(prices: Column, sizes: Column, contract_size: float) -> list[Level]:
    return list(zip((prices / SCALE).tolist(), (sizes * contract_size).tolist(), strict=True))
