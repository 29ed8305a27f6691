"""What one provider has of the market: later than it happens, and a fraction of a basis point off. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from tests.support.providers.calendars import FIRST_MINUTE, MINUTE_NS, calendar_named
from tests.support.providers.hashing import Ints, seed_of, units
from tests.support.providers.listings import Listing
from tests.support.providers.market import Market, Ticks

_DAY_S: Final = 86_400


class Row(NamedTuple):
    """One bar as a provider has it."""

    ts_s: int
    """Its start."""
    open: float
    high: float
    low: float
    close: float
    volume: float
    """Of its own; 0 where it has none."""
    trades: int
    """0: nothing was traded, and most providers have no bar."""


class Traits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one provider is like."""

    delay_s: float = 2.0
    """So long after its end it has a minute."""
    offset_bp: float = 0.0
    """Greatest difference of its prices to the market's."""
    reach_days: float = 3650.0
    """How far back its bars of a minute go."""
    has_http_codes: bool = False
    """Twelve Data: errors come with their HTTP status, not with 200."""
    is_delayed: bool = False
    """Polygon: it says that its plan is behind."""
    next_base: str = "https://api.massive.com"
    """Polygon: what the address of the next page begins with."""


class Tape:
    """Rows of one provider.

    Args:
        market: The truth.
        provider: Its name.
        traits: What it is like.
    """

    def __init__(self, market: Market, provider: str, traits: Traits) -> None:
        self.market = market
        self.provider = provider
        self.traits = traits

    def visible_ns(self, now_ns: int) -> int:
        """It shows what had happened until then."""
        return now_ns - round(self.traits.delay_s * 1e9)

    def rows(self, listing: Listing, from_s: int, to_s: int, visible_ns: int) -> list[Row]:
        """Finished minutes that start in `[from_s, to_s)`, oldest first, those without a trade too."""
        last = min(-(-to_s // 60), visible_ns // MINUTE_NS)
        first = max(FIRST_MINUTE, -(-from_s // 60))
        if first >= last:
            return []
        ticks = self.market.ticks(listing.symbol, first, last)
        offset = self._offset(listing, ticks)
        scale = 10.0**listing.decimals
        prices = (((column + offset) / scale).tolist() for column in ticks[1:5])
        columns = ((ticks.minute * 60).tolist(), *prices, ticks.volume.tolist(), ticks.trades.tolist())
        return list(map(Row._make, zip(*columns, strict=True)))

    def running(self, listing: Listing, visible_ns: int) -> Row | None:
        """The minute in progress; None if the market is closed."""
        found = self.market.running(listing.symbol, visible_ns)
        if found is None:
            return None
        number = found.ts_open_ns // MINUTE_NS
        ticks = self.market.ticks(listing.symbol, number, number + 1)
        offset = int(self._offset(listing, ticks)[0]) * listing.tick_size
        first, high, low, last = (round(price + offset, listing.decimals) for price in found[1:5])
        return Row(number * 60, first, high, low, last, found.volume, found.trades)

    def _offset(self, listing: Listing, ticks: Ticks) -> Ints:
        """How far its prices are from the market's, in ticks: the same for all prices of a minute."""
        seed = seed_of(self.market.seed, self.provider, listing.symbol, "offset")
        share = 2.0 * units(ticks.minute, seed) - 1.0
        return np.rint(ticks.open * (share * self.traits.offset_bp * 1e-4)).astype(np.int64)

    def first(self, listing: Listing, count: int, from_s: int, to_s: int, visible_ns: int) -> list[Row]:
        """The oldest of `[from_s, to_s)` in which something was traded."""
        found: list[Row] = []
        to_s = min(to_s, visible_ns // 10**9)
        while from_s < to_s and len(found) < count:
            end_s = min(to_s, from_s + _step_s(count))
            found += traded(self.rows(listing, from_s, end_s, visible_ns))
            from_s = end_s
        return found[:count]

    def last(self, listing: Listing, count: int, from_s: int, to_s: int, visible_ns: int) -> list[Row]:
        """The newest of `[from_s, to_s)` in which something was traded, oldest first."""
        found: list[Row] = []
        to_s = min(to_s, visible_ns // 10**9)
        while from_s < to_s and len(found) < count:
            begin_s = max(from_s, to_s - _step_s(count))
            found = traded(self.rows(listing, begin_s, to_s, visible_ns)) + found
            to_s = begin_s
        return found[-count:]

    def last_trade_s(self, listing: Listing, visible_ns: int) -> int:
        """When something was traded last: now, or a second after the market closed."""
        calendar = calendar_named(listing.session)
        minute = visible_ns // MINUTE_NS
        return visible_ns // 10**9 if calendar.is_open(minute) else calendar.last_close(minute) * 60 + 1


def traded(rows: Iterable[Row]) -> list[Row]:
    """Those in which something was traded."""
    return [row for row in rows if row.trades]


def folded(rows: Sequence[Row], minutes: int) -> list[Row]:
    """Longer bars, aligned to the clock."""
    if minutes == 1:
        return list(rows)
    groups: dict[int, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.ts_s - row.ts_s % (60 * minutes), []).append(row)
    return [
        Row(
            ts_s,
            group[0].open,
            max(row.high for row in group),
            min(row.low for row in group),
            group[-1].close,
            sum(row.volume for row in group),
            sum(row.trades for row in group),
        )
        for ts_s, group in groups.items()
    ]


def _step_s(count: int) -> int:
    """How much of the clock to look at together for so many rows; if they are not there, it is looked at the next."""
    return min(max(_DAY_S // 4, 75 * count), 40 * _DAY_S)
