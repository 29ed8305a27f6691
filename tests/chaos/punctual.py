"""Whether what comes in steps of time is overdue: the newest step is as old as a step is long, also when nothing was killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from tests.chaos.stage import StageError

SLACK_NS: Final = 50_000_000
_LOOK_S: Final = 0.01
_PATIENCE_S: Final = 10.0


class Punctual:
    """How old the newest step may be, and whether it is older.

    Args:
        newest_ns: End of the newest step that a reader gets; the venue's time is that of this machine.
        interval_s: Length of a step.

    Raises:
        StageError: no new step comes.
    """

    def __init__(self, newest_ns: Callable[[], int], interval_s: float) -> None:
        self._newest_ns = newest_ns
        before_ns, end_s = newest_ns(), time.monotonic() + _PATIENCE_S
        while (found_ns := newest_ns()) <= before_ns:
            if time.monotonic() > end_s:
                raise StageError(f"no new step of order flow within {_PATIENCE_S:g} s")
            threading.Event().wait(_LOOK_S)
        self._limit_ns = round(interval_s * 1e9) + time.time_ns() - found_ns + SLACK_NS

    def is_on_time(self) -> bool:
        """Whether every step that is due by now is there."""
        return time.time_ns() - self._newest_ns() <= self._limit_ns
