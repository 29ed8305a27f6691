"""One step of venue time: what was added in it, as plain numbers, and as a row of sums. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

Cell = list[float]
"""Volume of one price by aggressor, base currency: [nobody knows, buyer, seller]. `cell[side]` is that of a side: 0, 1, -1."""

SUMS: Final = (
    "ofi", "quotes", "buy_volume", "sell_volume", "unknown_volume", "buy_count", "sell_count", "count",
    "notional", "inferred_volume", "large_notional", "large_count", "sweeps_buy", "sweeps_sell", "books",
)  # fmt: skip
"""Columns that every row has; the order-flow imbalance of each level of the book comes behind."""
COLUMN: Final = {name: number for number, name in enumerate(SUMS)}


class Bucket(msgspec.Struct, array_like=True):
    """Everything of one step; prices and sizes in their usual units."""

    start_ns: int
    cells: dict[float, Cell] = {}
    """By price."""
    counts: list[int] = msgspec.field(default_factory=lambda: [0, 0, 0])
    """Trades by aggressor, in the order of a cell."""
    trade_ns: int = 0
    """Newest trade, 0 without one."""
    inferred_volume: float = 0.0
    """Whose aggressor was inferred."""
    large_notional: float = 0.0
    large_count: int = 0
    sweeps: list[int] = msgspec.field(default_factory=lambda: [0, 0, 0])
    """By aggressor, in the order of a cell."""
    ofi: float = 0.0
    quotes: int = 0
    quote: tuple[int, float, float, float, float] | None = None
    """Newest one: (ts_event_ns, bid, ask, bid_size, ask_size)."""
    has_lost_quote: bool = False
    """The quote before was not followed any further."""
    ofi_by_level: list[float] = []
    books: int = 0
    depth_imbalance: float | None = None
    """After its newest book message."""
    has_lost_book: bool = False
    """The book before was not followed any further."""

    def row(self, levels: int) -> list[float]:
        """Sums, in the order of `SUMS`, then of each of so many levels of the book."""
        buy = sell = unknown = notional = 0.0
        for price, (of_nobody, of_buyers, of_sellers) in self.cells.items():
            unknown += of_nobody
            buy += of_buyers
            sell += of_sellers
            notional += price * (of_nobody + of_buyers + of_sellers)
        by_level = self.ofi_by_level
        return [
            self.ofi, self.quotes, buy, sell, unknown, self.counts[1], self.counts[-1], sum(self.counts),
            notional, self.inferred_volume, self.large_notional, self.large_count, self.sweeps[1],
            self.sweeps[-1], self.books, *by_level, *([0.0] * (levels - len(by_level))),
        ]  # fmt: skip

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened in it."""
        return not (self.cells or self.quotes or self.books)
