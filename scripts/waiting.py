"""Waiting, in a check, for what other processes do: looked at again and again, with one deadline in all."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from protocol.errors import HubError

PAUSE_S: Final = 0.02
"""Between two looks."""


def seconds_until(is_so: Callable[[], Any], patience_s: float) -> float | None:
    """Wait until something is so; seconds it took, None where it is not in time. A refused read is not so yet."""
    began_s, pause = time.monotonic(), threading.Event()
    while True:
        with contextlib.suppress(HubError):
            if is_so():
                return time.monotonic() - began_s
        if time.monotonic() - began_s > patience_s:
            return None
        pause.wait(PAUSE_S)
