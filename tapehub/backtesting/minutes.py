"""One minute as the prices that it touched, for a backtest of candles. Pure.

A candle does not say in which order its prices came, so a minute is four touches, and all but the first lie behind the last
second of venue time in which anybody is asked before its end:

    its start   open                                     what an idea of the candle before is entered at
    59.25 s     bid: low,  ask: high                     the worst for whoever has bought, and for whoever has sold
    + 1 ns      bid: high, ask: low                      the best for both
    + 2 ns      close

So where stop and target lie in one minute the stop counts, on either side, and nobody sees a minute before it is over.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from msgspec.structs import replace

from actors.scanner.market import Touch
from protocol.messages import Bar

MINUTE_NS: Final = 60_000_000_000
MINUTE: Final = "1m"
PATH_NS: Final = 59_250_000_000
"""From the start of a minute to the worst of its prices."""
SIDES: Final = ("bid", "ask")
WITHOUT_PRICES: Final = ("quiet", "gap")
"""Statuses of candles that repeat the close before: nobody could have traded there."""


class Minute(NamedTuple):
    """A closed candle and what could be touched in it."""

    bar: Bar
    """As a strategy is shown it: of bid and ask their middle."""
    touches: tuple[Touch, ...]
    """Oldest first, the first at its start; none where nothing was traded or quoted."""


def minutes_of(
    bars: Iterable[Bar], venue: str, half_spread: Callable[[str], float], counters: Counter[str]
) -> Iterator[list[Minute]]:
    """Candles as minutes: all that begin together in one list, by symbol.

    Args:
        bars: Closed candles of one minute in order of time. Two of one symbol whose `source` is bid and ask are one
            minute with the spread that they show; another one has the spread that is given.
        venue: Where they are said to be from.
        half_spread: Symbol to half of its spread, quote currency.
        counters: Where is counted what cannot be used.

    Raises:
        ValueError: time goes back; says where.
    """
    reached_ns = 0
    for open_ns, group in itertools.groupby(bars, key=lambda bar: bar.ts_open_ns):
        if open_ns < reached_ns:
            raise ValueError(f"time goes back to {open_ns} ns after {reached_ns} ns")
        reached_ns = open_ns
        found: dict[str, dict[str, Bar]] = {}
        for bar in group:
            sides = found.setdefault(bar.symbol, {})
            side = bar.source if bar.source in SIDES else ""
            counters["bars_repeated"] += side in sides
            sides[side] = bar
        minutes = [
            minute
            for symbol, sides in sorted(found.items())
            if (minute := _minute(sides, venue, half_spread(symbol), counters)) is not None
        ]
        if minutes:
            yield minutes


def _minute(sides: dict[str, Bar], venue: str, half: float, counters: Counter[str]) -> Minute | None:
    one = sides.get("")
    if one is not None:
        return _of_one_price(_shown(one, venue), half)
    if len(sides) < 2:
        counters["bars_unpaired"] += 1
        return None
    bid, ask = sides["bid"], sides["ask"]
    middle = replace(
        _shown(bid, venue), source="quote",
        open=(bid.open + ask.open) / 2, high=(bid.high + ask.high) / 2,
        low=(bid.low + ask.low) / 2, close=(bid.close + ask.close) / 2, vwap=(bid.close + ask.close) / 2,
        volume=bid.volume + ask.volume, count=bid.count + ask.count,
    )  # fmt: skip
    return Minute(middle, _path(bid.ts_open_ns, bid, ask, 0.0))


def _of_one_price(bar: Bar, half: float) -> Minute:
    return Minute(bar, () if bar.status in WITHOUT_PRICES else _path(bar.ts_open_ns, bar, bar, half))


def _path(open_ns: int, bid: Bar, ask: Bar, half: float) -> tuple[Touch, ...]:
    at_ns = open_ns + PATH_NS
    return (
        (open_ns, bid.open - half, ask.open + half),
        (at_ns, bid.low - half, ask.high + half),
        (at_ns + 1, bid.high - half, ask.low + half),
        (at_ns + 2, bid.close - half, ask.close + half),
    )


def _shown(bar: Bar, venue: str) -> Bar:
    """As an aggregator would say it at its close."""
    return replace(
        bar, venue=venue, revision=1, ts_recv_ns=0, ts_event_ns=bar.ts_open_ns + MINUTE_NS, timeframe=MINUTE
    )


def is_inside(ts_ns: int) -> bool:
    """Whether a touch is one inside of a minute, whose prices came one by one: a stop there was left at the stop."""
    return ts_ns % MINUTE_NS >= PATH_NS
