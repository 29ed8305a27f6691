"""Two candles of one minute, how far they are apart, and what is usual of that. Pure."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import msgspec

from actors.detector.statistics import median_of
from protocol.messages import Bar

BP: Final = 1e4
"""Basis points of a whole."""


class Prices(msgspec.Struct, array_like=True, gc=False):
    """What is compared of a candle."""

    open: float
    high: float
    low: float
    close: float
    volume: float
    source: str
    is_quiet: bool


class Difference(NamedTuple):
    """How far a candle of ours is from another one of its minute; above it where positive."""

    open_bp: float
    high_bp: float
    low_bp: float
    close_bp: float
    volume: float
    """As a share of the larger of both volumes, never negative; 0 where both have none."""

    @property
    def bp(self) -> float:
        """The largest difference of a price, basis points, never negative."""
        return max(abs(one) for one in self[:4])


def prices_of(bar: Bar) -> Prices | None:
    """What is compared of a candle; None if its numbers cannot be."""
    prices = (bar.open, bar.high, bar.low, bar.close)
    if not all(0.0 < price < math.inf for price in prices) or not 0.0 <= bar.volume < math.inf:
        return None
    return Prices(*prices, bar.volume, bar.source, bar.status == "quiet")


def difference_of(ours: Prices, other: Prices) -> Difference:
    """Compare two candles. Of two quiet ones there is nothing to compare: the price is that of a minute before."""
    if ours.is_quiet and other.is_quiet:
        return Difference(0.0, 0.0, 0.0, 0.0, 0.0)
    larger = max(ours.volume, other.volume)
    return Difference(
        BP * (ours.open / other.open - 1.0),
        BP * (ours.high / other.high - 1.0),
        BP * (ours.low / other.low - 1.0),
        BP * (ours.close / other.close - 1.0),
        abs(ours.volume - other.volume) / larger if larger else 0.0,
    )


class Series(msgspec.Struct, array_like=True):
    """The newest minutes that were compared with one source."""

    bps: dict[int, float] = {}
    """Minute since 1970 to its largest difference of a price, basis points."""
    beyond: list[int] = []
    """Minutes of these that were beyond the tolerance."""
    newest: int = 0
    """The newest of these minutes, 0 without any."""
    last_bp: float = 0.0
    """Of the newest."""
    median_bp: float = 0.0
    max_bp: float = 0.0

    def put(self, minute: int, bp: float, window: int, *, is_beyond: bool) -> None:
        """Note what came of a minute, in the place of what was known of it.

        Args:
            minute: Since 1970.
            bp: Its largest difference of a price.
            window: Minutes to look back from the newest one; what is older goes.
            is_beyond: Whether it was beyond the tolerance.
        """
        self.bps[minute] = bp
        if is_beyond != (minute in self.beyond):
            (self.beyond.append if is_beyond else self.beyond.remove)(minute)
        oldest = max(self.newest, minute) - window
        for old in [known for known in self.bps if known <= oldest]:
            self._forget(old)
        self._sum_up()

    def drop(self, minute: int) -> None:
        """What was known of a minute does not count."""
        if minute in self.bps:
            self._forget(minute)
            self._sum_up()

    def run(self, minute: int) -> int:
        """How many compared minutes in a row were beyond, with this one among them."""
        minutes = sorted(self.bps)
        at = minutes.index(minute)
        first = last = at
        while first > 0 and minutes[first - 1] in self.beyond:
            first -= 1
        while last + 1 < len(minutes) and minutes[last + 1] in self.beyond:
            last += 1
        return last - first + 1

    def numbers(self) -> dict[str, float]:
        """It in short, for people and the status."""
        return {
            "bp": round(self.last_bp, 3),
            "median_bp": round(self.median_bp, 3),
            "max_bp": round(self.max_bp, 3),
            "compared": len(self.bps),
            "beyond": len(self.beyond),
        }

    def _forget(self, minute: int) -> None:
        del self.bps[minute]
        if minute in self.beyond:
            self.beyond.remove(minute)

    def _sum_up(self) -> None:
        ordered = sorted(self.bps.values())
        self.newest = max(self.bps, default=0)
        self.last_bp = self.bps.get(self.newest, 0.0)
        self.median_bp = median_of(ordered) if ordered else 0.0
        self.max_bp = ordered[-1] if ordered else 0.0
