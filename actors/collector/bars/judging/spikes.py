"""How far a bar may leave its neighbours. Pure.

The scale is the median true range of the bars before: one bad bar does not move it. What counts is how far a bar goes
beyond both neighbours: a move that stays is shared by the next bar, a bar in wild minutes by the wild ones around it.

How far real minutes go (131,000 of FX, 6E, an equity in its hours and five crypto markets, 2012 to 2024; counted again
by `test_judged_recordings`): beyond both neighbours at most 14 median ranges where the market was not asleep (6E,
inflation figures, 13:30 UTC); at most 0.06 % in FX, 0.19 % in 6E, 1.9 % in crypto. Beyond the one before, which is all
that the newest bar has, at most 37 (BTC, the same figures), and one in 20,000 more than 25. `BOTH`, `ONE` and `FLOOR`
are chosen by that. The z = 3.5 of Iglewicz and Hoaglin is for normal samples: it finds one minute of thirty.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from actors.collector.bars.judging.judged import Market, shown
from actors.collector.bars.providers.provider import MINUTE_NS, ProviderBar

WINDOW: Final = 50
"""Bars before that the scale is made of. With those in front of them they are in the 60 that a judge is given."""
WARM: Final = 20
"""With fewer of them there is no scale."""
BOTH: Final = 20.0
"""Median ranges beyond both neighbours that are a spike."""
ONE: Final = 25.0
"""Median ranges beyond the bar before that are a jump, where no bar follows."""
COLD: Final = 5.0
"""The floor is so many times higher while there is no scale."""
TICKS: Final = 10.0
"""Less than so many ticks is never a spike: a coarse tick must not make every step one."""
FLOOR: Final[Mapping[str, float]] = {
    "fx": 0.001, "metal": 0.002, "index": 0.002, "future": 0.002, "equity": 0.005, "crypto": 0.01,
}  # fmt: skip
"""Asset class to the share of the price that is never a spike, however flat the market was: some times the widest real
excursion of a quiet hour, since where hardly anything trades the median range is 0."""
OTHER_FLOOR: Final = 0.005
"""Of an asset class that is not named."""


class Excursion(NamedTuple):
    """How far a bar goes beyond its neighbours, in units of price; negative where it stays within."""

    up: float
    down: float
    body_up: float
    """As `up`, of the higher one of open and close."""
    body_down: float


def true_range(before: ProviderBar | None, bar: ProviderBar) -> float:
    """High to low, or from the close before if that lies outside."""
    if before is None:
        return bar.high - bar.low
    return max(bar.high, before.close) - min(bar.low, before.close)


def share_of(market: Market) -> float:
    """Share of the price that is never a spike."""
    return FLOOR.get(market.asset_class, OTHER_FLOOR)


def floor_of(market: Market, price: float, *, is_warm: bool = True) -> float:
    """What is never a spike, in units of price."""
    share = share_of(market) * (1.0 if is_warm else COLD)
    return max(share * price, TICKS * market.tick_size)


def limit_of(
    market: Market, ranges: Sequence[float], price: float, *, has_next: bool = True, apart_ns: int = MINUTE_NS
) -> float:
    """Longest excursion that is believed, in units of price.

    Args:
        market: Asset class and tick.
        ranges: True ranges of the bars before, newest last; the last `WINDOW` count.
        price: Of the bar before.
        has_next: Whether it is measured against both neighbours.
        apart_ns: Time to the nearer neighbour: prices wander with its square root.
    """
    window = sorted(ranges[-WINDOW:])
    is_warm = len(window) >= WARM
    scale = (BOTH if has_next else ONE) * window[len(window) // 2] if is_warm else 0.0
    longer = math.sqrt(max(1.0, apart_ns / MINUTE_NS))
    return max(scale, floor_of(market, price, is_warm=is_warm)) * longer


def excursion(bar: ProviderBar, neighbours: Sequence[ProviderBar]) -> Excursion:
    """How far a bar goes beyond all of its neighbours, of which there is at least one."""
    high = max([one.high for one in neighbours])
    low = min([one.low for one in neighbours])
    top, bottom = (bar.open, bar.close) if bar.open > bar.close else (bar.close, bar.open)
    return Excursion(bar.high - high, low - bar.low, top - high, low - bottom)


def told(bar: ProviderBar, found: Excursion, limit: float) -> str:
    """The longer side of an excursion in words, with what is allowed."""
    name, price, beyond, side = (
        ("high", bar.high, found.up, "above")
        if found.up >= found.down
        else ("low", bar.low, found.down, "below")
    )
    return f"{name} {shown(price)} is {beyond:.4g} {side} its neighbours, more than {limit:.4g}"
