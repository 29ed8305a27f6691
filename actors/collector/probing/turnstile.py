"""One connection after the other to a venue that bounds them: looking at it must not be what gets us banned."""

from __future__ import annotations

import threading
from typing import Final

from actors.collector.budget import Budget
from actors.collector.venue import Allowance
from actors.runtime.clock import Clock

_LOOK_S: Final = 0.05


class Turnstile:
    """Shared by the probes of all markets of one venue.

    Args:
        allowed: Connections from one address.
        clock: Ours.
    """

    def __init__(self, allowed: Allowance, clock: Clock) -> None:
        self._clock = clock
        self._budget = Budget(allowed.burst, allowed.per_s, clock.mono_ns())
        self._lock = threading.Lock()
        self._pause = threading.Event()

    def enter(self, until_ns: int) -> bool:
        """Wait until one more connection may be opened; False if that is not before a moment of the monotonic clock."""
        while True:
            with self._lock:
                if self._budget.take(1.0, self._clock.mono_ns()):
                    return True
            if self._clock.mono_ns() >= until_ns:
                return False
            self._pause.wait(_LOOK_S)
