"""Levels of order books as Databento gives them. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from actors.collector.databento.layout import SCALE, UNDEF_PRICE
from protocol.messages import Level


def levels_of(levels: Sequence[tuple[int, int]], contract_size: float) -> list[Level]:
    """Levels in our units, without those that are undefined."""
    return [
        (price / SCALE, size * contract_size) for price, size in levels if price != UNDEF_PRICE and price > 0
    ]


def is_ordered(levels: Sequence[Level], direction: int) -> bool:
    """Whether prices go strictly one way from level to level: up (1) or down (-1)."""
    return all((after[0] - before[0]) * direction > 0 for before, after in itertools.pairwise(levels))
