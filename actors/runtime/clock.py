"""The only place that asks the system what time it is."""

from __future__ import annotations

import time
from typing import Protocol


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
