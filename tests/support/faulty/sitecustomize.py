"""Faults for a real actor, without a line of its own: put this folder into PYTHONPATH.

SIGUSR2 has its main thread spin for ever. While a file of its name lies in `$TAPEHUB_FAULTY`, it ends as soon as it starts.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import FrameType

FOLDER = os.environ.get("TAPEHUB_FAULTY", "")


def spin(_number: int, _frame: FrameType | None) -> None:
    """Never return, never sleep."""
    while True:
        pass


def words() -> list[str]:
    """The command line; `sys.argv` is not there yet."""
    return Path("/proc/self/cmdline").read_text().split("\0")


if FOLDER:
    signal.signal(signal.SIGUSR2, spin)
    if any((Path(FOLDER) / word).is_file() for word in words() if word and "/" not in word):
        os._exit(1)
