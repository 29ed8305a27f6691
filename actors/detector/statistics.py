"""What is usual, and how far from it a number is: robust statistics with bounded memory. Pure.

Two kinds. `Window` keeps the last values and answers with median and MAD: exact, for what comes rarely or is rarely
asked. `Ewma` keeps two numbers and forgets slowly: for what comes all the time. In both the current point is judged
before it is added: it never is part of what it is compared with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

NORMAL: Final = 0.6745
"""MAD of a normal distribution, in standard deviations."""
NORMAL_MEAN: Final = 1.2533
"""Standard deviation of a normal distribution, in mean absolute deviations."""
SURE: Final = 1e6
"""The z of a value that differs from a history in which all values are equal."""
FRESH_SHARE: Final = 16
"""A summary of a window is made anew after a sixteenth of the window was replaced."""


class Summary(NamedTuple):
    """What is usual in a sample."""

    median: float
    mad: float
    """Median of the absolute deviations from the median."""
    mean_deviation: float
    """Mean of the absolute deviations from the median."""
    upper_mad: float
    """Median of the deviations of the values above the median: the scale of a skewed sample's upper side."""
    n: int

    def z(self, value: float) -> float:
        """How unusual a value is: about standard deviations, if the sample is normal.

        Source: Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993: 0.6745 (x - median) / MAD; where the
        MAD is 0 the mean absolute deviation takes its place; where that is 0 too any other value is `SURE` unusual.
        """
        return self._z(value, self.mad)

    def upper_z(self, value: float) -> float:
        """As `z`, on the scale of the upper side alone; for sizes, whose lower side is dust without end."""
        return self._z(value, self.upper_mad)

    def _z(self, value: float, mad: float) -> float:
        distance = value - self.median
        if mad > 0.0:
            return NORMAL * distance / mad
        if self.mean_deviation > 0.0:
            return distance / (NORMAL_MEAN * self.mean_deviation)
        return math.copysign(SURE, distance) if distance else 0.0


def median_of(ordered: Sequence[float]) -> float:
    """Median of sorted values, at least one."""
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2.0


def summary_of(values: Sequence[float]) -> Summary:
    """Summary of a sample of at least one value."""
    ordered = sorted(values)
    median = median_of(ordered)
    deviations = sorted([abs(value - median) for value in ordered])
    upper = [value - median for value in ordered if value > median]
    upper_mad = median_of(upper) if upper else 0.0
    mean_deviation = math.fsum(deviations) / len(ordered)
    return Summary(median, median_of(deviations), mean_deviation, upper_mad, len(ordered))


class Window(msgspec.Struct, array_like=True):
    """The last values of a series; adding is O(1), a summary is O(n log n) but rarely made anew.

    A summary is exact when it is made and serves until a sixteenth of the window has been replaced; a window of at
    most 16 values is always exact. Its size is the rule's, so that it can change with a threshold.
    """

    values: list[float] = []
    next: int = 0
    """Where the next value goes, once the window is full."""
    age: int = 0
    """Values added since the summary was made."""
    kept: Summary | None = None

    def add(self, value: float, size: int) -> None:
        """Add a value; the oldest goes where there are more than `size`."""
        values, at = self.values, self.next
        self.age += 1
        if len(values) == size:
            values[at] = value
            self.next = at + 1 if at + 1 < size else 0
            return
        if at or len(values) > size:  # the size has changed
            values = self.values = (values[at:] + values[:at])[-size:]
            self.next, self.kept = 0, None
        if len(values) == size:
            values[0] = value
            self.next = 1 if size > 1 else 0
        else:
            values.append(value)

    def summary(self, least: int = 1) -> Summary | None:
        """Summary of the values, None while there are fewer than `least`."""
        if len(self.values) < least:
            return None
        kept = self.kept
        if kept is None or self.age * FRESH_SHARE > kept.n:
            kept = self.kept = summary_of(self.values)
            self.age = 0
        return kept

    def exact(self, least: int = 1) -> Summary | None:
        """As `summary`, of the very values that are in it; for windows that get few."""
        return summary_of(self.values) if len(self.values) >= least else None

    def logs(self, least: int = 1) -> Summary | None:
        """As `exact`, of log(1 + value): for volumes, whose right side is long."""
        return summary_of([math.log1p(value) for value in self.values]) if len(self.values) >= least else None


class Ewma(msgspec.Struct, array_like=True):
    """Exponentially weighted mean and variance that one outlier cannot spoil: what is added is winsorised.

    Source: mean <- (1 - a) mean + a x, var <- (1 - a)(var + a (x - mean)^2), with x held within `CLIP` standard
    deviations of the mean; the first values are averaged plainly (a = 1/n), until 1/n is less than `a`.
    """

    mean: float = 0.0
    variance: float = 0.0
    n: int = 0

    def z(self, value: float) -> float:
        """Standard deviations between a value and the mean; 0 before the first value."""
        distance = value - self.mean
        if self.n == 0 or distance == 0.0:
            return 0.0
        return distance / math.sqrt(self.variance) if self.variance > 0.0 else math.copysign(SURE, distance)

    def add(self, value: float, weight: float, clip: float = 5.0) -> None:
        """Add a value.

        Args:
            value: It.
            weight: Share of the newest value, 0 to 1.
            clip: Values farther from the mean than so many standard deviations count as just so far.
        """
        self.n += 1
        distance = value - self.mean
        if self.n > MIN_CLIPPED and self.variance > 0.0:
            bound = clip * math.sqrt(self.variance)
            distance = min(max(distance, -bound), bound)
        share = max(weight, 1.0 / self.n)
        self.mean += share * distance
        self.variance = (1.0 - share) * (self.variance + share * distance * distance)


MIN_CLIPPED: Final = 10
"""Values before which a variance is too young to hold others to it."""
