"""The alarm that finds inputs which hang, and how to be left alone by it."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Final

STUCK_S: Final = 2.0
"""An input that takes longer hangs the socket for everybody else."""


@contextlib.contextmanager
def unwatched() -> Iterator[None]:
    """What takes its time here is not an input: an actor is made anew."""
    left_s, every_s = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        yield
    finally:
        if left_s:
            signal.setitimer(signal.ITIMER_REAL, every_s, every_s)
