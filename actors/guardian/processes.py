"""Processes of this host: when they end (pidfd), what they do (/proc), and how to signal exactly them. Linux.

Where the system has no pidfd or no /proc, nothing is seen and nobody is judged: supervisord alone does its work.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import Final

from actors.guardian.silence import Sample

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_TICK_NS: Final = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_STATE, _UTIME, _STIME, _RSS = 0, 11, 12, 21
"""Places in /proc/PID/stat behind the name, which may hold anything: proc(5)."""


def open_pidfd(pid: int) -> int:
    """A descriptor that is readable once the process has ended; -1: it is gone, or there is no such thing here."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return -1


def send(pidfd: int, pid: int, number: int) -> None:
    """Send a signal to exactly this process, never to another one that got its number."""
    with contextlib.suppress(ProcessLookupError):
        if pidfd >= 0:
            signal.pidfd_send_signal(pidfd, signal.Signals(number))
        else:
            os.kill(pid, number)


def sample(pid: int) -> tuple[Sample | None, int]:
    """The main thread of a process, and the memory that it holds, bytes; None and 0 if it cannot be seen."""
    folder = Path("/proc") / str(pid)
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        cpu_ns = (int(fields[_UTIME]) + int(fields[_STIME])) * _TICK_NS
        found = Sample(fields[_STATE], _waited_ns(folder), cpu_ns)
        return found, int(fields[_RSS]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return None, 0


def _waited_ns(folder: Path) -> int:
    try:
        return int((folder / "schedstat").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return -1  # a kernel without CONFIG_SCHED_INFO
