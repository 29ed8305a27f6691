"""Waiting for something that can only be asked about: one total deadline, and a clear word when it passes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

PAUSE_S: Final = 0.01
"""The one documented wait of the tests: between two looks at a condition that has no event to wait on
(a process table, another process's answer). Whatever has an event (a socket, a process) waits on that."""


def until(condition: Callable[[], T], deadline_s: float, what: str) -> T:
    """Look until the condition is truthy; returns its value.

    Args:
        condition: Asked again and again; what it raises is not caught.
        deadline_s: Seconds in all.
        what: What is waited for, in words: it becomes the message of the failure.

    Raises:
        AssertionError: not in time; names the last value seen.
    """
    end_s = time.monotonic() + deadline_s
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        left_s = end_s - time.monotonic()
        if left_s <= 0:
            raise AssertionError(f"waited {deadline_s:g} s for {what}; last seen: {value!r}")
        pause.wait(min(PAUSE_S, left_s))
