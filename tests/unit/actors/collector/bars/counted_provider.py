"""A provider that only counts what arrives, in every way that providers count. It shares no code with the allowance."""

from __future__ import annotations

import bisect
from collections.abc import Iterable

from actors.collector.bars.providers.provider import Limit

S = 1_000_000_000
T = 1_795_132_800 * S
"""A midnight in UTC."""


class CountedProvider:
    """Arrivals, in any order, each with its cost."""

    def __init__(self) -> None:
        self.arrivals: list[tuple[int, int]] = []

    @property
    def total(self) -> int:
        return sum(cost for _, cost in self.arrivals)

    def arrive(self, at_ns: int, cost: int = 1) -> None:
        bisect.insort(self.arrivals, (at_ns, cost))

    def sliding(self, per_s: float) -> int:
        """Most that ever arrived in `[t, t + per_s)`."""
        length_ns, worst, held, oldest = round(per_s * S), 0, 0, 0
        for at_ns, cost in self.arrivals:
            held += cost
            while self.arrivals[oldest][0] <= at_ns - length_ns:
                held -= self.arrivals[oldest][1]
                oldest += 1
            worst = max(worst, held)
        return worst

    def calendar(self, per_s: float, begins_ns: int = 0) -> int:
        """Most that ever arrived in one of the windows that lie back to back."""
        length_ns = round(per_s * S)
        windows: dict[int, int] = {}
        for at_ns, cost in self.arrivals:
            window = (at_ns - begins_ns) // length_ns
            windows[window] = windows.get(window, 0) + cost
        return max(windows.values(), default=0)

    def exceeded(self, limits: Iterable[Limit]) -> list[str]:
        """Limits that were not kept to, by any way of counting."""
        return [
            f"{worst} of {limit.calls} per {limit.per_s} s, {how}"
            for limit in limits
            for how, worst in (
                ("sliding", self.sliding(limit.per_s)),
                ("calendar", self.calendar(limit.per_s)),
                ("calendar, local", self.calendar(limit.per_s, 5 * 3_600 * S + 17)),
            )
            if worst > limit.calls
        ]
