"""Jumps that stay and are too far to be believed: splits, and other levels. Pure.

A provider that adjusts its prices does so for the whole past on the day of a split, and one that does not shows the
jump at the next opening: in both cases what was published before is on another level. A jump by a small ratio is
told as a split; one that is farther than anything a market of its kind does in a minute as another level, as a page
of another instrument or in another unit makes it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from actors.collector.bars.judging.judged import Market, shown
from actors.collector.bars.providers.provider import ProviderBar
from protocol.sessions import DAY_NS

SPLITS: Final = (
    (3, 2), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1), (7, 1), (8, 1), (10, 1), (15, 1), (20, 1), (25, 1), (30, 1),
    (50, 1), (100, 1),
)  # fmt: skip
"""New shares for old ones, as companies choose them; 100 is also pence for pounds."""
NEAR: Final = 0.02
"""A ratio within this share of a split looks like it."""
FARTHEST: Final[Mapping[str, float]] = {
    "fx": 0.04, "metal": 0.06, "index": 0.1, "future": 0.15, "equity": 0.5, "crypto": 0.25,
}  # fmt: skip
"""Asset class to the share of the price that is not believed of one provider alone, from one bar to the next. Chosen:
US markets halt at 7, 13 and 20 %, a share may open at half its price; FX goes farther in a minute once in years (the
franc in 2015, the pound in 2016), and then others say so too."""
OTHER_FARTHEST: Final = 0.5
"""Of an asset class that is not named."""
FORGOTTEN_NS: Final = 7 * DAY_NS
"""A bar so long ago says nothing of today's level: after that another level is accepted, though nobody confirmed it."""
LEAST_SPLIT: Final = 1.5 * (1.0 - NEAR)


def nearest_jump(market: Market) -> float:
    """Smallest ratio of two closes that can be another level: less need not be looked at."""
    return min(LEAST_SPLIT, 1.0 + FARTHEST.get(market.asset_class, OTHER_FARTHEST))


def split_of(ratio: float) -> str:
    """The split that a ratio of old to new price looks like, `4:1`, `1:10` for a reverse one; empty if none."""
    is_reverse = ratio < 1.0
    if is_reverse:
        ratio = 1.0 / ratio if ratio > 0.0 else 0.0
    for new, old in SPLITS:
        if abs(ratio - new / old) <= NEAR * new / old:
            return f"{old}:{new}" if is_reverse else f"{new}:{old}"
    return ""


def is_forgotten(before_ns: int, bar: ProviderBar) -> bool:
    """Whether the bar that began then is too old to be compared with."""
    return bar.ts_open_ns - before_ns > FORGOTTEN_NS


def is_nearer(price: float, one: float, other: float) -> bool:
    """Whether a price lies, as ratios go, on the one's side of the middle between two others."""
    half_way = one * math.sqrt(other / one)
    return (price < half_way) == (one < half_way)


def level_of(market: Market, before: ProviderBar, bar: ProviderBar) -> str:
    """Why a bar seems to be on another level than the one before, empty if it does not."""
    if is_forgotten(before.ts_open_ns, bar):
        return ""
    for price in (bar.open, bar.close):
        split = split_of(before.close / price)
        if split and not is_nearer(bar.close, before.close, price):
            return f"split: {shown(before.close)} to {shown(bar.close)} looks like a split {split}"
    ratio = bar.close / before.close
    away = max(ratio, 1.0 / ratio if ratio > 0.0 else math.inf) - 1.0
    if away > FARTHEST.get(market.asset_class, OTHER_FARTHEST):
        return f"level: {shown(before.close)} to {shown(bar.close)}, {100.0 * (ratio - 1.0):+.3g} %"
    return ""
