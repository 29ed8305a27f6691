"""A market that is known exactly: any minute of any symbol follows from its number and the seed. Pure.

Prices are layers of noise, each four times slower and twice as high as the one before: they look like a random walk,
and nothing has to be walked to know one of them. The open of a minute is the close of the one before.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tests.support.providers.calendars import MINUTE_NS, Calendar, calendar_named
from tests.support.providers.hashing import Floats, Ints, seed_of, units
from tests.support.providers.listings import LISTINGS, Listing

_LAYERS: Final = tuple(4**power for power in range(10))
"""Minutes over which each layer of noise goes from one value to the next."""
_RUN: Final = 16
"""Of so many minutes, one run may be without a trade."""
_RUN_SHARE: Final = 0.0006
_BLOCK: Final = 1440
_MOST_BLOCKS: Final = 512


class Minute(NamedTuple):
    """One minute; without a trade it is flat, with volume and trades 0."""

    ts_open_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    trades: int


class Ticks(NamedTuple):
    """Minutes of trading in columns; prices are whole ticks."""

    minute: Ints
    """Since 1970."""
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Floats
    trades: Ints

    def part(self, where: slice | npt.NDArray[np.bool_]) -> Ticks:
        """Some of its rows."""
        return Ticks._make(column[where] for column in self)


class Minutes(NamedTuple):
    """Minutes of trading in columns."""

    ts_open_ns: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    trades: Ints
    """0: nothing was traded."""


class Market:
    """Use one for all who must agree.

    Args:
        listings: The instruments.
        seed: Another seed is another market.
    """

    def __init__(self, listings: Iterable[Listing] = LISTINGS, seed: int = 1) -> None:
        self.seed = seed
        self.listings = {listing.symbol: listing for listing in listings}
        self._by_raw = {
            (provider, raw): listing
            for listing in self.listings.values()
            for provider, raw in listing.raws.items()
        }
        self._calendars = {
            listing.symbol: calendar_named(listing.session) for listing in self.listings.values()
        }
        self._blocks: dict[tuple[str, int], Ticks] = {}

    def listing(self, provider: str, raw: str) -> Listing | None:
        """The one that a provider calls so."""
        return self._by_raw.get((provider, raw))

    def calendar(self, symbol: str) -> Calendar:
        """When it trades."""
        return self._calendars[symbol]

    def minute(self, symbol: str, ts_open_ns: int) -> Minute | None:
        """One minute; None if the market was closed."""
        number = ts_open_ns // MINUTE_NS
        if not self.calendar(symbol).is_open(number):
            return None
        found = _prices(self._compute(symbol, number, number + 1), self.listings[symbol])
        return Minute(*(column[0].item() for column in found))

    def minutes(self, symbol: str, from_ns: int, to_ns: int) -> Minutes:
        """Minutes of trading that start in `[from_ns, to_ns)`."""
        first, last = -(-from_ns // MINUTE_NS), -(-to_ns // MINUTE_NS)
        return _prices(self.ticks(symbol, first, last), self.listings[symbol])

    def ticks(self, symbol: str, first: int, last: int) -> Ticks:
        """Minutes of trading `[first, last)`; short stretches are kept for the next who asks."""
        if last - first > 2 * _BLOCK:
            return self._compute(symbol, first, last)
        blocks = [self._block(symbol, number) for number in range(first // _BLOCK, (last - 1) // _BLOCK + 1)]
        parts = []
        for block in blocks:
            begin, end = np.searchsorted(block.minute, (first, last))
            parts.append(block.part(slice(int(begin), int(end))))
        if len(parts) == 1:
            return parts[0]
        return Ticks._make(map(np.concatenate, zip(*parts, strict=True))) if parts else _NOTHING

    def running(self, symbol: str, at_ns: int) -> Minute | None:
        """The minute in progress, as far as it has come; None if the market is closed."""
        number, spent_ns = divmod(at_ns, MINUTE_NS)
        if not self.calendar(symbol).is_open(number):
            return None
        return self.partial(symbol, number, spent_ns / MINUTE_NS)

    def partial(self, symbol: str, number: int, share: float) -> Minute:
        """A minute of trading after a share of its time."""
        whole = self.ticks(symbol, number, number + 1)
        first, high, low, last = (int(column[0]) for column in whole[1:5])
        now = first + round((last - first) * share)
        reached = min(1.0, 1.5 * share)
        top = max(first, now, first + math.floor((high - first) * reached))
        bottom = min(first, now, first - math.floor((first - low) * reached))
        trades = int(whole.trades[0])
        scale = 10.0 ** self.listings[symbol].decimals
        return Minute(
            number * MINUTE_NS,
            first / scale,
            top / scale,
            bottom / scale,
            now / scale,
            float(math.floor(float(whole.volume[0]) * share)),
            max(1, math.floor(trades * share)) if trades else 0,
        )

    def _block(self, symbol: str, number: int) -> Ticks:
        found = self._blocks.get((symbol, number))
        if found is None:
            found = self._compute(symbol, number * _BLOCK, (number + 1) * _BLOCK)
            if len(self._blocks) >= _MOST_BLOCKS:
                self._blocks.clear()
            self._blocks[symbol, number] = found
        return found

    def _compute(self, symbol: str, first: int, last: int) -> Ticks:
        listing = self.listings[symbol]
        calendar = self._calendars[symbol]
        minute = calendar.minutes(first, last)
        if not len(minute):
            return _NOTHING
        time = calendar.trading_time(minute)
        walk = _Walk(listing, self.seed)
        closes = walk.ticks(time + 1)
        opens = np.concatenate((closes[:1], closes[:-1]))
        begins = np.flatnonzero(np.diff(time, prepend=time[0] - 2) != 1)
        opens[begins] = walk.ticks(time[begins])
        is_quiet = walk.is_quiet(time)
        reach = closes * (listing.minute_bp * 0.6e-4)
        high = np.maximum(opens, closes) + np.floor(reach * walk.units(time, "high")).astype(np.int64)
        low = np.minimum(opens, closes) - np.floor(reach * walk.units(time, "low")).astype(np.int64)
        volume = np.floor(listing.volume * (0.2 + 1.6 * walk.units(time, "volume"))) + 1.0
        trades = 5 + np.floor(175 * walk.units(time, "trades")).astype(np.int64)
        return Ticks(
            minute,
            opens,
            np.where(is_quiet, opens, high),
            np.where(is_quiet, opens, low),
            closes,
            np.where(is_quiet | (listing.volume == 0), 0.0, volume),
            np.where(is_quiet, 0, trades),
        )


class _Walk:
    """Prices of one instrument by its trading time."""

    def __init__(self, listing: Listing, seed: int) -> None:
        self._listing = listing
        self._seed = (seed, listing.symbol)

    def units(self, time: Ints, what: str) -> Floats:
        return units(time, seed_of(*self._seed, what))

    def is_quiet(self, time: Ints) -> npt.NDArray[np.bool_]:
        """Whether nothing is traded: a minute by itself, or one of a run of 2 to 11."""
        if not self._listing.quiet:
            return np.zeros(len(time), np.bool_)
        run, place = time // _RUN, time % _RUN
        start = np.floor(4 * self.units(run, "run start"))
        length = 2 + np.floor(10 * self.units(run, "run length"))
        is_in_run = (place >= start) & (place < start + length)
        is_run = self.units(run, "run") < _RUN_SHARE
        quiet: npt.NDArray[np.bool_] = is_run & is_in_run | (self.units(time, "quiet") < self._listing.quiet)
        return quiet

    def ticks(self, time: Ints) -> Ints:
        """Price at the start of each minute: it does not move in a minute without a trade."""
        held = time.copy()
        moving = np.arange(len(held))
        while len(moving):
            moving = moving[self.is_quiet(held[moving] - 1)]
            held[moving] -= 1
        level = np.zeros(len(held))
        for layer in _LAYERS:
            part = held % layer / layer
            lattice = held // layer
            here = self.units(lattice, f"layer {layer}")
            if layer > 1:
                there = self.units(lattice + 1, f"layer {layer}")
                here += (there - here) * (part * part * (3.0 - 2.0 * part))
            level += (here - 0.5) * (2 * math.isqrt(layer))
        listing = self._listing
        middle = listing.price * 10.0**listing.decimals
        return np.rint(middle * (1.0 + level * (listing.minute_bp * 1e-4))).astype(np.int64)


def _prices(ticks: Ticks, listing: Listing) -> Minutes:
    scale = 10.0**listing.decimals
    first, high, low, last = (column / scale for column in ticks[1:5])
    return Minutes(ticks.minute * MINUTE_NS, first, high, low, last, ticks.volume, ticks.trades)


_NO_INTS: Final = np.zeros(0, np.int64)
_NOTHING: Final = Ticks(_NO_INTS, _NO_INTS, _NO_INTS, _NO_INTS, _NO_INTS, np.zeros(0), _NO_INTS)
