"""A liquidation: the market order by which the venue closes somebody's position. Pure."""

from __future__ import annotations

from typing import NamedTuple


class ForcedOrder(NamedTuple):
    """One forced order after it has traded, in the integers of its listing."""

    t_ms: int
    is_buy: bool
    """Side of the order: a sale closes a long position."""
    ordered_lots: int
    filled_lots: int
    last_lots: int
    """Size of its last fill."""
    average_units: int
    """Average price, in price units."""

    @property
    def limit_units(self) -> int:
        """The price it was sent with, half a per cent beyond the average."""
        return self.average_units + (1 if self.is_buy else -1) * (self.average_units // 200)
