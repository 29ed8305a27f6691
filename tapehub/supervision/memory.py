"""What processes of this host hold together: pages that they share are counted once (Linux only)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

_PROC: Final = Path("/proc")
_KIB: Final = 1024


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """Of several processes."""

    processes: int
    pss_bytes: int
    """Each page of the machine once: of one that N processes share, an Nth part counts for each."""
    rss_bytes: int
    """The sum of what each process sees: interpreter and libraries count once for each of them."""


def memory_of(pids: Iterable[int], proc: Path = _PROC) -> Memory | None:
    """What processes hold now; None where the system does not tell of any of them.

    Args:
        pids: Process ids; those that have ended, or are somebody else's, are left out.
        proc: The system's folder of processes.
    """
    found = [one for pid in pids if (one := _of_process(proc / str(pid) / "smaps_rollup")) is not None]
    if not found:
        return None
    pss_bytes, rss_bytes = (sum(column) for column in zip(*found, strict=True))
    return Memory(processes=len(found), pss_bytes=pss_bytes, rss_bytes=rss_bytes)


def _of_process(path: Path) -> tuple[int, int] | None:
    """PSS and RSS of one process, bytes."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    sizes = {words[0]: int(words[1]) * _KIB for words in map(str.split, lines) if words[-1:] == ["kB"]}
    return (sizes["Pss:"], sizes["Rss:"]) if sizes else None
