"""A candle that is the sum of a provider's minutes, one of them or a day of them. Pure.

A minute says nothing of the order of events inside: the first minute with data opens a longer candle, the last one
closes it. Minutes without data (quiet, gap) repeat the close before, so they give a longer candle its prices only where
no minute of it has any.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from protocol.instruments import REST
from protocol.messages import Bar
from protocol.sessions import NS_PER_S

MINUTE_NS: Final = 60 * NS_PER_S
WITHOUT_DATA: Final = ("quiet", "gap")
"""Statuses of minutes that only repeat the close before."""
_ROUNDING: Final = 1e-9


class Rolled(msgspec.Struct, array_like=True, gc=False):
    """Sum of the minutes in one interval, taken in order of time."""

    open_ns: int
    close_ns: int
    """First moment that is no longer in it."""
    minutes: int
    """Minutes of the interval in which the market trades."""
    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    close: float = 0.0
    volume: float = 0.0
    buy_volume: float = 0.0
    sell_volume: float = 0.0
    notional: float = 0.0
    """Sum of price times size."""
    count: int = 0
    last_ns: int = 0
    """Newest event of its minutes with data."""
    until_ns: int = 0
    """End of its newest minute."""
    with_data: int = 0
    """Minutes with data."""
    told: int = 0
    """Minutes that came, with data or without."""
    seen: float = 0.0
    """Sum of the coverage of its minutes."""
    repaired: int = 0
    """Minutes with data that are not simply what the provider sent."""
    source: str = ""
    is_adjusted: bool = False
    ts_recv_ns: int = 0
    revision: int = 0
    coverage: float = 1.0

    def take(self, part: Rolled) -> None:
        """Add a later candle inside this one."""
        if part.with_data:
            if self.with_data:
                self.high = max(self.high, part.high)
                self.low = min(self.low, part.low)
                self.close = part.close
                if self.source != part.source:
                    self.source = REST
            else:
                self.open, self.high, self.low, self.close = part.open, part.high, part.low, part.close
                self.source = part.source
            self.last_ns = part.last_ns
            self.with_data += part.with_data
            self.repaired += part.repaired
        elif not self.with_data:
            self.open = self.high = self.low = self.close = part.close
            self.source = part.source if self.source in ("", part.source) else REST
        self.volume += part.volume
        self.buy_volume += part.buy_volume
        self.sell_volume += part.sell_volume
        self.notional += part.notional
        self.count += part.count
        self.until_ns = part.until_ns
        self.told += part.told
        self.seen += part.seen
        if part.is_adjusted:
            self.is_adjusted = True
        self.ts_recv_ns = max(self.ts_recv_ns, part.ts_recv_ns)

    def measure(self, minutes: int) -> None:
        """Set the coverage: the share that was seen of so many minutes."""
        self.coverage = min(1.0, self.seen / minutes)

    @property
    def is_whole(self) -> bool:
        """Whether each of its minutes came."""
        return self.told == self.minutes

    @property
    def event_ns(self) -> int:
        """Newest event; without any the end of its newest minute."""
        return self.last_ns if self.with_data else self.until_ns

    @property
    def vwap(self) -> float:
        """Volume-weighted average price, inside [low, high] whatever rounding says; the close without volume."""
        if self.volume <= 0.0:
            return self.close
        return min(max(self.notional / self.volume, self.low), self.high)

    def closed_status(self) -> str:
        """What a finished candle is: gap if a part of it was not seen, quiet without data, else closed."""
        if self.coverage < 1.0:
            return "gap"
        return "closed" if self.with_data else "quiet"

    def summary(self, minutes: int) -> str:
        """What is not simply as the provider sent it, of so many minutes: `2 minutes repaired, 1 gap`."""
        gaps = math.ceil(minutes - self.seen - _ROUNDING)
        if not (gaps or self.repaired):
            return ""
        parts = []
        if self.repaired:
            parts.append(f"{self.repaired} minute{'s' * (self.repaired > 1)} repaired")
        if gaps > 0:
            parts.append(f"{gaps} gap{'s' * (gaps > 1)}")
        return ", ".join(parts)

    def bar(self, symbol: str, venue: str, timeframe: str, status: str, minutes: int) -> Bar:
        """The message that says so, of the first so many minutes of the interval."""
        return Bar(
            symbol,
            venue,
            timeframe,
            self.open_ns,
            self.event_ns,
            self.open,
            self.high,
            self.low,
            self.close,
            self.volume,
            self.buy_volume,
            self.sell_volume,
            self.vwap,
            self.count,
            status,
            self.coverage,
            self.revision,
            self.source,
            self.ts_recv_ns,
            self.is_adjusted,
            self.summary(minutes),
        )


def rolled_minute(bar: Bar) -> Rolled:
    """A provider's minute, closed or running."""
    open_ns, volume, coverage = bar.ts_open_ns, bar.volume, bar.coverage
    end_ns = open_ns + MINUTE_NS
    has_data = bar.status not in WITHOUT_DATA
    return Rolled(
        open_ns,
        end_ns,
        1,
        bar.open,
        bar.high,
        bar.low,
        bar.close,
        volume,
        bar.buy_volume,
        bar.sell_volume,
        bar.vwap * volume,
        bar.count,
        bar.ts_event_ns,
        end_ns,
        int(has_data),
        int(bar.revision > 0),
        coverage,
        int(has_data and bar.reason != ""),
        bar.source,
        bar.is_adjusted,
        bar.ts_recv_ns,
        bar.revision,
        coverage,
    )


def missing_minute(symbol: str, venue: str, open_ns: int, price: float) -> Bar:
    """A minute that never came: a gap at the close before, at no revision."""
    prices = price, price, price, price
    return Bar(
        symbol,
        venue,
        "1m",
        open_ns,
        open_ns + MINUTE_NS,
        *prices,
        0.0,
        0.0,
        0.0,
        price,
        0,
        "gap",
        0.0,
        0,
        REST,
    )
