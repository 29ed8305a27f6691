"""Is the side of the trades right? A measurement against the quotes of the same connection. Pure.

Whether `side` of Advanced Trade's `market_trades` is the maker's or the taker's is told differently by the venue and by
its users. The recording of 2026 says the maker's: with that, 54 of 56 prints lie at or beyond the side they took.
Should the venue change its mind, this says so; it changes nothing by itself.
"""

from __future__ import annotations

from typing import Final

from protocol.messages import BUY, SELL

ENOUGH: Final = 500
"""Trades with a fresh quote before the verdict."""
LEAST_SHARE: Final = 0.3
"""Of trades at the touch that they are said to have taken; with wrong sides it is near 0."""
FRESH_NS: Final = 1_000_000_000
"""A quote is compared with trades no further away than this."""


class SideCheck:
    """Looks at the first trades that come with a fresh quote, of all products together.

    Args:
        enough: Trades before the verdict.
    """

    def __init__(self, enough: int = ENOUGH) -> None:
        self._enough = enough
        self._quotes: dict[str, tuple[int, float, float]] = {}
        self.seen = 0
        """Trades compared."""
        self.agreed = 0
        """Of these: said to be bought and at or above the ask, or said to be sold and at or below the bid."""

    @property
    def is_over(self) -> bool:
        """Whether it has looked at enough."""
        return self.seen >= self._enough

    @property
    def share(self) -> float:
        """Of trades that agree with their quote; 1 before the first."""
        return self.agreed / self.seen if self.seen else 1.0

    def quote(self, product: str, ts_event_ns: int, bid: float, ask: float) -> None:
        """The newest quote of a product; a locked or crossed one says nothing about sides."""
        if bid < ask:
            self._quotes[product] = ts_event_ns, bid, ask
        else:
            self._quotes.pop(product, None)

    def trade(self, product: str, ts_event_ns: int, price: float, side: int) -> bool:
        """Compare one trade; True at the last one if the sides look inverted."""
        quote = self._quotes.get(product)
        if quote is None or self.is_over or abs(ts_event_ns - quote[0]) > FRESH_NS:
            return False
        self.seen += 1
        if (side == BUY and price >= quote[2]) or (side == SELL and price <= quote[1]):
            self.agreed += 1
        return self.seen == self._enough and self.share < LEAST_SHARE
