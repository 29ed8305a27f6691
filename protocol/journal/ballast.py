"""A file that only takes room, to be given back when the disk is full: it buys a journal minutes, and a person notice."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from protocol.journal.disk import Disk

FILE: Final = "BALLAST"
_KEEP_FREE: Final = 2
"""Times its own size that must stay free beside it: it may not be what fills the disk."""


class Ballast:
    """The ballast of one journal folder. No method raises: a journal works without it."""

    def __init__(self, disk: Disk, folder: Path, size_bytes: int) -> None:
        self._disk = disk
        self._folder = folder
        self._path = folder / FILE
        self._size_bytes = size_bytes
        self.is_there = False
        """Whether there is a ballast to release."""

    def settle(self) -> None:
        """Have a ballast of the right size if the disk has room enough, and none if the size is 0.

        Allocating takes no time where the file system can reserve room; what a crash left half is made again.
        """
        if self.is_there:
            return
        with contextlib.suppress(OSError):
            held = self._disk.allocated_bytes(self._path)
            if held != self._size_bytes:
                self._disk.remove(self._path)
                held = 0
            if not held and self._size_bytes:
                self._make()
            self.is_there = self._size_bytes > 0

    def release(self) -> bool:
        """Give the room back; returns whether there was any to give."""
        try:
            held = self._disk.allocated_bytes(self._path)
            self._disk.remove(self._path)
        except OSError:
            return False
        self.is_there = False
        return held > 0

    def _make(self) -> None:
        """Allocate it.

        Raises:
            OSError: there is no room to spare; nothing of it stays.
        """
        if self._disk.free_bytes(self._folder) < (1 + _KEEP_FREE) * self._size_bytes:
            raise OSError("no room to spare")
        fd = self._disk.create(self._path)
        try:
            self._disk.allocate(fd, self._size_bytes)
        except OSError:
            self._disk.remove(self._path)
            raise
        finally:
            self._disk.close(fd)
