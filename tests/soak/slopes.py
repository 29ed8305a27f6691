"""Whether something grows: a straight line through measurements, and how sure that is. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final, NamedTuple

LEAST_SAMPLES: Final = 8
HOUR_S: Final = 3600.0
# 97.5 % of Student's distribution, by degrees of freedom; between them the smaller one's is taken: wider, never narrower
_STUDENT: Final = ((1, 12.71), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (6, 2.447), (8, 2.306), (10, 2.228), (15, 2.131),
                   (20, 2.086), (30, 2.042), (60, 2.000), (120, 1.980))  # fmt: skip


class Slope(NamedTuple):
    """A straight line through measurements; 95 % of such intervals hold the true slope."""

    samples: int
    mean: float
    per_hour: float
    low: float
    """Per hour, as `high`."""
    high: float

    @property
    def is_known(self) -> bool:
        """Whether there were enough measurements to say anything."""
        return self.samples >= LEAST_SAMPLES

    def grows(self, slack_per_hour: float) -> bool:
        """Whether it surely grows by more than `slack_per_hour`."""
        return self.is_known and self.low > slack_per_hour

    def is_vague(self, slack_per_hour: float) -> bool:
        """Whether it may grow by more than that and may not: the run was too short."""
        return not self.is_known or (self.low <= slack_per_hour < self.high)


def slope_of(times_s: Sequence[float], values: Sequence[float]) -> Slope:
    """Least squares, with an interval for measurements that follow on each other.

    What is measured each few seconds is not new each time: neighbours are alike. The interval counts only as many
    measurements as their likeness (the correlation of each residual with the next one) leaves independent.

    Args:
        times_s: When, seconds.
        values: What was measured, in any unit; the slope is in that unit per hour.
    """
    count = len(values)
    mean = math.fsum(values) / count if count else 0.0
    if count < LEAST_SAMPLES:
        return Slope(count, mean, 0.0, -math.inf, math.inf)
    middle_s = math.fsum(times_s) / count
    spread = math.fsum((at - middle_s) ** 2 for at in times_s)
    if not spread:
        return Slope(count, mean, 0.0, -math.inf, math.inf)
    slope = (
        math.fsum((at - middle_s) * (value - mean) for at, value in zip(times_s, values, strict=True))
        / spread
    )
    rest = [value - mean - slope * (at - middle_s) for at, value in zip(times_s, values, strict=True)]
    square = math.fsum(one * one for one in rest)
    alike = math.fsum(one * other for one, other in itertools.pairwise(rest)) / square if square else 0.0
    alike = min(0.98, max(0.0, alike))
    independent = max(3.0, count * (1 - alike) / (1 + alike))
    error = math.sqrt(square / (independent - 2) / spread * count / independent) if square else 0.0
    reach = student(independent - 2) * error
    return Slope(count, mean, slope * HOUR_S, (slope - reach) * HOUR_S, (slope + reach) * HOUR_S)


def student(freedom: float) -> float:
    """97.5 % of Student's distribution."""
    found = _STUDENT[0][1]
    for degrees, value in _STUDENT:
        if degrees <= freedom:
            found = value
    return found


def quantile(values: Sequence[float], share: float) -> float:
    """The value that a share of all lies below; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
