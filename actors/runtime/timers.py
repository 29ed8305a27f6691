"""Periodic timers on a grid: pure, time is an argument."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable


class Timer:
    """One periodic call; `cancel()` ends it."""

    __slots__ = ("due_ns", "handler", "interval_ns", "is_cancelled")

    def __init__(self, interval_ns: int, handler: Callable[[], None], due_ns: int) -> None:
        self.interval_ns = interval_ns
        self.handler = handler
        self.due_ns = due_ns
        self.is_cancelled = False

    def cancel(self) -> None:
        """Never fire again."""
        self.is_cancelled = True


class Timers:
    """All timers of one actor. A late timer fires once, not once per missed tick, and keeps its grid."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Timer]] = []
        self._order = itertools.count()

    def every(self, interval_s: float, handler: Callable[[], None], now_ns: int) -> Timer:
        """Call `handler` each `interval_s` seconds, first one interval from now.

        Raises:
            ValueError: the interval is not positive.
        """
        if interval_s <= 0:
            raise ValueError(f"timer interval {interval_s} s is not positive")
        interval_ns = max(1, round(interval_s * 1e9))
        timer = Timer(interval_ns, handler, now_ns + interval_ns)
        self._push(timer)
        return timer

    def _push(self, timer: Timer) -> None:
        heapq.heappush(self._heap, (timer.due_ns, next(self._order), timer))

    def until_next_s(self, now_ns: int, at_most_s: float) -> float:
        """Seconds to the next due timer, 0 if one is due, at most `at_most_s`."""
        if not self._heap:
            return at_most_s
        return min(at_most_s, max(0.0, (self._heap[0][0] - now_ns) / 1e9))

    def fire(self, now_ns: int) -> int:
        """Call everything that is due; returns how many were called."""
        fired = 0
        while self._heap and self._heap[0][0] <= now_ns:
            timer = heapq.heappop(self._heap)[2]
            if timer.is_cancelled:
                continue
            missed = (now_ns - timer.due_ns) // timer.interval_ns
            timer.due_ns += (missed + 1) * timer.interval_ns
            self._push(timer)
            timer.handler()
            fired += 1
        return fired
