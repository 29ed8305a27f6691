"""Who starts first where supervisord starts many actors at once, and all of them import.

An actor that others wait for shares a lock with its like until it works. One that may wait takes the lock alone for a
moment before it imports: so it comes after all that have begun, and never waits for one that is started by itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Final, NoReturn

SERVER_VARIABLE: Final = "SUPERVISOR_SERVER_URL"
"""supervisord tells its children where it listens: the lock is a file beside its socket."""
LOCK_SUFFIX: Final = ".start"
PATIENCE_S: Final = 2.0
"""Longest wait for the others."""


def go_first() -> Callable[[], None]:
    """Say that we start, and that who may wait should; returns what to call when we work."""
    lock = _lock()
    if lock is None:
        return lambda: None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:  # who holds it has waited long enough, and lets go of it at once
        os.close(lock)
        return lambda: None
    return lambda: os.close(lock)


def let_others_first() -> Callable[[], None]:
    """Wait until those that start now and go first work, `PATIENCE_S` at most; returns what to call when we work."""
    lock = _lock()
    if lock is not None:
        before = signal.signal(signal.SIGALRM, _give_up)
        with contextlib.suppress(OSError):  # TimeoutError is one too
            signal.setitimer(signal.ITIMER_REAL, PATIENCE_S)
            fcntl.flock(lock, fcntl.LOCK_EX)
            signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        os.close(lock)
    return lambda: None


def _lock() -> int | None:
    """The open lock file; None where supervisord has not started us, or the file cannot be had."""
    scheme, _, path = os.environ.get(SERVER_VARIABLE, "").partition("://")
    if scheme != "unix":
        return None
    try:
        return os.open(path + LOCK_SUFFIX, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None


def _give_up(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise TimeoutError
