"""What can happen out of the ordinary: a large print, a sweep, liquidations, a surge. Pure.

A deed is a few acts at offsets of venue time; the exchange does each on its grid of slots, so the same seed, start and
scenario say the same byte for byte. What is not part of a deed is kept away from it: a large order is met by as
large a resting one, so that a print moves no price and a cascade sweeps no levels.
"""

from __future__ import annotations

import functools
import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from actors.simulator.market import Market

Act = Callable[[Market, int], None]
"""Does something to a market at a venue time in ms."""
Moment = tuple[float, Act]
"""Seconds after the beginning, and what happens."""
Amount = Annotated[float, Meta(gt=0, le=1e12)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Side = Literal[-1, 1]


class Deed(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Something out of the ordinary in one instrument; the fields say how much of it.

    Every deed has `moments()`: what happens, and when (seconds after its start), in order.
    """

    symbol: str
    """Canonical, or the venue's name."""
    market: str = ""
    """spot or usdm, where the venue's name is in both."""


class Print(Deed, kw_only=True, frozen=True):
    """One trade."""

    notional: Amount = 2_000_000.0
    """In quote currency, about: sizes are whole lots."""
    side: Side = 1
    """Of the aggressor: 1 buys."""

    def moments(self) -> Iterable[Moment]:
        """An order comes to rest at the best price, and is taken at once."""
        return _block(0.0, self.notional, is_buy=self.side > 0, is_forced=False)


class Sweep(Deed, kw_only=True, frozen=True):
    """One market order through several levels."""

    levels: Annotated[int, Meta(ge=1, le=50)] = 6
    """Levels that it takes whole."""
    notional: Annotated[float, Meta(ge=0, le=1e12)] = 200_000.0
    """What rests there is filled up to so much together, in quote currency, as evenly as it may be."""
    side: Side = 1
    """Of the aggressor: 1 buys."""

    def moments(self) -> Iterable[Moment]:
        """Orders come to rest at those levels, and are taken at once."""
        is_buy = self.side > 0
        yield 0.0, functools.partial(_fill_up, levels=self.levels, notional=self.notional, is_buy=is_buy)
        yield 0.0, functools.partial(_sweep, levels=self.levels, is_buy=is_buy)


class Liquidations(Deed, kw_only=True, frozen=True):
    """A cascade of forced orders; the stream tells one of them a second at most."""

    count: Annotated[int, Meta(ge=1, le=10_000)] = 20
    """Forced orders."""
    notional: Amount = 1_000_000.0
    """Of all of them together, in quote currency."""
    side: Side = -1
    """Of the forced orders: -1 sells what long positions held."""
    seconds: Seconds = 20.0
    """From the first to the last, and one interval more."""

    def moments(self) -> Iterable[Moment]:
        """Evenly over the time."""
        for number in range(self.count):
            offset_s = number * self.seconds / self.count
            yield from _block(offset_s, self.notional / self.count, is_buy=self.side > 0, is_forced=True)


class Surge(Deed, kw_only=True, frozen=True):
    """More volume: more market orders, larger ones, and as much more resting to meet them."""

    factor: Annotated[float, Meta(gt=1, le=100)] = 10.0
    """Times the ordinary volume, about."""
    seconds: Seconds = 60.0
    """How long."""

    def moments(self) -> Iterable[Moment]:
        """Begin and end."""
        factor = self.factor
        yield 0.0, lambda market, t_ms: market.act(t_ms, lambda one: one.begin_surge(factor))
        yield self.seconds, lambda market, _t_ms: market.end_surge()


AnyDeed = Print | Sweep | Liquidations | Surge
DEEDS: Final[dict[str, type[AnyDeed]]] = {
    "print": Print,
    "sweep": Sweep,
    "liquidations": Liquidations,
    "surge": Surge,
}
"""By the name that a person gives it."""


class Planned(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A deed of the setting `scenario`; what is left out is as the deed has it by default."""

    do: Literal["print", "sweep", "liquidations", "surge"]
    """What happens."""
    symbol: str
    """Canonical, or the venue's name."""
    market: str = ""
    """spot or usdm, where the venue's name is in both."""
    at_s: Annotated[float, Meta(ge=0)] = 0.0
    """Seconds of venue time after the start."""
    notional: float | None = None
    side: int | None = None
    levels: int | None = None
    count: int | None = None
    seconds: float | None = None
    factor: float | None = None

    def __post_init__(self) -> None:
        """Refuse what the deed does not know.

        Raises:
            ValueError: says what does not fit.
        """
        try:
            self.deed()
        except msgspec.ValidationError as fault:
            raise ValueError(f"{self.do}: {fault}") from None

    def deed(self) -> AnyDeed:
        """What is to happen."""
        given = {key: value for key, value in msgspec.structs.asdict(self).items() if value is not None}
        del given["do"], given["at_s"]
        return msgspec.convert(given, DEEDS[self.do])


def name_of(deed: AnyDeed) -> str:
    """The name that a person gives it."""
    return next(name for name, kind in DEEDS.items() if isinstance(deed, kind))


def _block(offset_s: float, notional: float, *, is_buy: bool, is_forced: bool) -> Iterator[Moment]:
    """A resting order at the best price, and a market order that takes it in one fill."""
    yield offset_s, functools.partial(_meet, notional=notional, is_buy=is_buy)
    yield offset_s, functools.partial(_hit, notional=notional, is_buy=is_buy, is_forced=is_forced)


def _best(market: Market, *, is_buy: bool) -> int:
    return market.book.best_ask if is_buy else market.book.best_bid


def _lots(market: Market, notional: float, level: int) -> int:
    """Whole lots that are worth so much at a level, at least one."""
    listing = market.listing
    price = level * listing.grid_units / listing.price_scale
    return max(1, round(notional / price * listing.lot_scale))


def _meet(market: Market, t_ms: int, *, notional: float, is_buy: bool) -> None:
    level = _best(market, is_buy=is_buy)
    resting = (market.book.asks if is_buy else market.book.bids)[level]
    lots = resting + _lots(market, notional, level)
    market.act(t_ms, lambda one: one.put(level, lots, is_bid=not is_buy))


def _hit(market: Market, t_ms: int, *, notional: float, is_buy: bool, is_forced: bool) -> None:
    lots = _lots(market, notional, _best(market, is_buy=is_buy))
    market.act(
        t_ms,
        lambda one: one.take(t_ms, lots, is_buy=is_buy, reach=1, most_fills=1, is_forced=is_forced),
    )


def _top(market: Market, levels: int, *, is_buy: bool) -> list[tuple[int, int]]:
    """The first levels that an order meets; never more than half a side, so that there is a book left."""
    book = market.book
    count = min(levels, len(book.asks if is_buy else book.bids) // 2)
    return book.top_asks(count) if is_buy else book.top_bids(count)


def _fill_up(market: Market, t_ms: int, *, levels: int, notional: float, is_buy: bool) -> None:
    top = _top(market, levels, is_buy=is_buy)

    def deed(one: Market) -> None:
        for level, resting in top:
            one.put(level, max(resting, _lots(one, notional / len(top), level)), is_bid=not is_buy)

    market.act(t_ms, deed)


def _sweep(market: Market, t_ms: int, *, levels: int, is_buy: bool) -> None:
    top = _top(market, levels, is_buy=is_buy)
    lots = sum(resting for _, resting in top)
    market.act(t_ms, lambda one: one.take(t_ms, lots, is_buy=is_buy, reach=len(top)))


class Script:
    """Acts to come, by venue time."""

    def __init__(self) -> None:
        self._order = itertools.count()
        self._waiting: list[tuple[float, int, Market, Act]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, deed: AnyDeed, market: Market, start_ms: float) -> None:
        """Let a deed begin at a venue time."""
        for offset_s, act in deed.moments():
            heapq.heappush(self._waiting, (start_ms + offset_s * 1000.0, next(self._order), market, act))

    def run(self, now_ms: int, t_ms: int) -> None:
        """Do what is due at `now_ms`, in order; the venue calls the time `t_ms`. A frozen market waits."""
        frozen = []
        while self._waiting and self._waiting[0][0] <= now_ms:
            item = heapq.heappop(self._waiting)
            if item[2].is_frozen:
                frozen.append(item)
            else:
                item[3](item[2], t_ms)
        for item in frozen:
            heapq.heappush(self._waiting, item)
