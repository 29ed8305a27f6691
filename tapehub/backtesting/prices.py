"""Prices as they were touched, symbol by symbol: what a position is worth, how much of the time there was data, a line to draw. Pure."""

from __future__ import annotations

import bisect
import collections
from typing import Final

from actors.scanner.market import Touch

MINUTE_NS: Final = 60_000_000_000
KEPT_NS: Final = 15 * MINUTE_NS
"""A signal ends so long at most before the scanner says so, or in a hole of the data."""
OLD_NS: Final = 2 * MINUTE_NS
"""A price that is older is none to leave a position at: there was no market then."""


class Prices:
    """Of one symbol."""

    def __init__(self) -> None:
        self.first_ns = 0
        self.last_ns = 0
        self.minutes = 0
        """Minutes with at least one price."""
        self.line: list[tuple[int, float]] = []
        """Time and middle of the last price of each minute."""
        self._kept: collections.deque[Touch] = collections.deque()
        self._minute = -1

    def add(self, touch: Touch) -> None:
        """Take the next one."""
        ts_ns, bid, ask = touch
        self.first_ns = self.first_ns or ts_ns
        self.last_ns = max(self.last_ns, ts_ns)
        point = (ts_ns, (bid + ask) / 2)
        minute = ts_ns // MINUTE_NS
        if minute > self._minute:
            self._minute = minute
            self.minutes += 1
            self.line.append(point)
        else:
            self.line[-1] = point
        kept = self._kept
        kept.append(touch)
        while len(kept) > 2 and kept[1][0] < ts_ns - KEPT_NS:
            kept.popleft()

    def at(self, ts_ns: int) -> Touch:
        """The price at a time: the newest one then, but the next one where that is old.

        Raises:
            IndexError: there never was one.
        """
        kept = list(self._kept)
        place = bisect.bisect_right(kept, ts_ns, key=lambda touch: touch[0])
        before = kept[max(0, place - 1)]
        if ts_ns - before[0] > OLD_NS and place < len(kept):
            return kept[place]
        return before
