"""What a process takes, read from /proc: memory, open files, threads, processor time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
MIB: Final = 1024 * 1024


class Sample(msgspec.Struct, frozen=True):
    """One process at one moment."""

    at_s: float
    """Monotonic clock."""
    pid: int
    rss_mib: float
    pss_mib: float
    """Its own memory and its share of what it shares; 0: the system does not say."""
    fds: int
    threads: int
    cpu_s: float
    """Processor time since it began."""
    lag_p99_s: float = 0.0
    """How late frames were when it took them, as it says itself."""
    waiting: int = 0
    """Rows, messages or questions that wait in it, as it says itself."""


def sample_of(pid: int, at_s: float) -> Sample | None:
    """Look at a process; None: it is gone."""
    folder = Path("/proc") / str(pid)
    try:
        fields = (folder / "stat").read_text().rpartition(") ")[2].split()
        rss_pages = int((folder / "statm").read_text().split()[1])
        fds = sum(1 for _ in (folder / "fd").iterdir())
        pss_kib = _pss_kib(folder)
    except (OSError, IndexError, ValueError):
        return None
    return Sample(
        at_s,
        pid,
        rss_pages * _PAGE_BYTES / MIB,
        pss_kib / 1024,
        fds,
        int(fields[17]),
        (int(fields[11]) + int(fields[12])) / _TICKS_PER_S,
    )


def _pss_kib(folder: Path) -> int:
    try:
        for line in (folder / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0
