"""Where a curve changes its manner, by rules that are said and not by eye. Pure.

    rising(...)      cost that grows with x: the knee is the last x up to which it stays within `FACTOR` of its lowest value
    falling(...)     cost that falls with x: the knee is the first x from which on it stays within `FACTOR` of its lowest value
    saturated(...)   what is taken against what is offered: the knee is the last x of which at least `SHARE` was taken

A curve without a knee by its rule has None, and the page says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

FACTOR: Final = 1.25
SHARE: Final = 0.95


class Knee(NamedTuple):
    """Where, and why."""

    x: float
    why: str


def rising(xs: Sequence[float], ys: Sequence[float], factor: float = FACTOR) -> float | None:
    """Last x up to which every y is within `factor` of the lowest; None: all are."""
    limit = min(ys) * factor
    for place, y in enumerate(ys):
        if y > limit and place > ys.index(min(ys)):
            return xs[place - 1]
    return None


def falling(xs: Sequence[float], ys: Sequence[float], factor: float = FACTOR) -> float | None:
    """First x from which on every y is within `factor` of the lowest; None: from the first one on, or only at the last."""
    limit = min(ys) * factor
    place = len(ys)
    while place and ys[place - 1] <= limit:
        place -= 1
    return xs[place] if 0 < place < len(xs) - 1 else None


def saturated(offered: Sequence[float], taken: Sequence[float], share: float = SHARE) -> float | None:
    """Last rate of which at least `share` was taken before the first of which less was; None: all were."""
    before: float | None = None
    for wanted, had in zip(offered, taken, strict=True):
        if had < share * wanted:
            return before
        before = wanted
    return None


def reason(causes: Mapping[str, Sequence[float]], ys: Sequence[float], up_to: int) -> str:
    """The cause whose values follow the curve best up to a place: largest correlation, either way; with how it changed.

    Args:
        causes: Name to what was measured beside each y.
        ys: The curve.
        up_to: Points that count, from the first.
    """
    best, text = 0.0, ""
    for name, values in causes.items():
        strength = abs(correlation(values[:up_to], ys[:up_to]))
        if strength > best:
            best, text = (
                strength,
                f"{name}: {values[0]:.3g} at the first point, {values[up_to - 1]:.3g} there",
            )
    return text


def correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Of the ranks (Spearman): -1 to 1; 0 where one does not change."""
    one, other = _ranks(first), _ranks(second)
    count = len(one)
    if count < 2:
        return 0.0
    mean = (count - 1) / 2
    over = sum((a - mean) * (b - mean) for a, b in zip(one, other, strict=True))
    under = (sum((a - mean) ** 2 for a in one) * sum((b - mean) ** 2 for b in other)) ** 0.5
    return over / under if under else 0.0


def _ranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    return [ordered.index(value) + (ordered.count(value) - 1) / 2 for value in values]
