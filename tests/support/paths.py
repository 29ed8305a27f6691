"""Where things are: the checkout, short temporary folders, free ports."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
"""Top folder of the checkout."""


@contextlib.contextmanager
def short_folder(prefix: str = "th-") -> Iterator[Path]:
    """Make a temporary folder with a short name: a unix socket path holds about 107 bytes, and the folders
    that pytest makes (or a long TMPDIR) can be longer than that."""
    parent = Path("/tmp") if Path("/tmp").is_dir() else Path(tempfile.gettempdir())
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """Port of 127.0.0.1 that nobody listens on right now; prefer port 0 where the program can tell its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
