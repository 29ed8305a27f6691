"""The only place that asks the system what time it is."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final, Protocol

OFFSET_VARIABLE: Final = "TAPEHUB_CLOCK_OFFSET_FILE"
"""Names a file with nanoseconds to add to the wall clock: chaos tests put a clock wrong with it."""
_LOOK_NS: Final = 50_000_000


class Clock(Protocol):
    """Two clocks: one for people and venues, one that never jumps."""

    def now_ns(self) -> int:
        """Wall clock, ns since 1970 UTC; may jump."""

    def mono_ns(self) -> int:
        """Monotonic clock, ns since some start; never goes back."""


class SystemClock:
    """The clocks of this machine."""

    now_ns = staticmethod(time.time_ns)
    mono_ns = staticmethod(time.monotonic_ns)


class OffsetClock:
    """A wall clock that is wrong by what a file says, ns; the monotonic one is right, as on a real host."""

    mono_ns = staticmethod(time.monotonic_ns)

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset_ns = 0
        self._next_ns = 0

    def now_ns(self) -> int:
        """Wall clock plus the offset, ns."""
        mono_ns = time.monotonic_ns()
        if mono_ns >= self._next_ns:
            self._next_ns = mono_ns + _LOOK_NS
            self._offset_ns = int(self._path.read_text() or 0)
        return time.time_ns() + self._offset_ns


def system_clock() -> Clock:
    """The clocks of this machine, or those that the environment asks for."""
    path = os.environ.get(OFFSET_VARIABLE)
    return OffsetClock(Path(path)) if path else SystemClock()
