"""A disk in memory: it fills up, and a power cut takes what was not synced."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from protocol.journal.disk import Disk


class _File:
    def __init__(self) -> None:
        self.data = bytearray()
        self.synced_bytes = 0


class MemoryDisk(Disk):
    """`room` bytes are free; names are on the medium at once, bytes when they are synced."""

    def __init__(self, room: int = 1 << 40) -> None:
        self.room = room
        self._files: dict[Path, _File] = {}
        self._names: dict[Path, list[str]] = {}
        self._open: dict[int, _File] = {}
        self._next_fd = 1_000
        # the base has plain functions here, which a disk in memory cannot be
        self.write: Any = self._write
        self.read: Any = self._read

    def make_folder(self, path: Path) -> None:
        """Folders are not told apart from names."""

    def names(self, folder: Path) -> list[str]:
        if folder not in self._names:
            self._names[folder] = sorted(path.name for path in self._files if path.parent == folder)
        return self._names[folder]

    def _add(self, file: _File) -> int:
        self._next_fd += 1
        self._open[self._next_fd] = file
        return self._next_fd

    def create(self, path: Path) -> int:
        if path in self._files:
            raise FileExistsError(errno.EEXIST, "there is one", str(path))
        file = self._files[path] = _File()
        self._names.clear()
        return self._add(file)

    def open_to_read(self, path: Path) -> int:
        try:
            return self._add(self._files[path])
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path)) from None

    open_to_repair = open_to_read

    def _write(self, fd: int, data: bytes | memoryview) -> int:
        if not self.room and len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = bytes(data[: self.room])
        self.room -= len(taken)
        self._open[fd].data += taken
        return len(taken)

    def _read(self, fd: int, count: int, offset: int) -> bytes:
        return bytes(memoryview(self._open[fd].data)[offset : offset + count])

    def size(self, fd: int) -> int:
        return len(self._open[fd].data)

    def truncate(self, fd: int, size: int) -> None:
        file = self._open[fd]
        self.room += len(file.data) - size
        del file.data[size:]
        file.synced_bytes = min(file.synced_bytes, size)

    def sync(self, fd: int) -> None:
        file = self._open[fd]
        file.synced_bytes = len(file.data)

    def sync_folder(self, path: Path) -> None:
        """Names are there already."""

    def duplicate(self, fd: int) -> int:
        return self._add(self._open[fd])

    def close(self, fd: int) -> None:
        del self._open[fd]

    def rename(self, source: Path, target: Path) -> None:
        self._files[target] = self._files.pop(source)
        self._names.clear()

    def remove(self, path: Path) -> None:
        file = self._files.pop(path, None)
        self._names.clear()
        self.room += len(file.data) if file else 0

    def allocate(self, fd: int, size: int) -> None:
        self._open[fd].data += bytes(size)

    def allocated_bytes(self, path: Path) -> int:
        file = self._files.get(path)
        return len(file.data) if file else 0

    def free_bytes(self, folder: Path) -> int:
        return self.room

    def end_process(self) -> None:
        """What the system does for a process that is gone."""
        self._open.clear()

    def cut_power(self) -> None:
        """Bytes that no sync has seen are gone."""
        self.end_process()
        for file in self._files.values():
            del file.data[file.synced_bytes :]

    def damage(self, path: Path, offset: int) -> None:
        """Flip a bit."""
        self._files[path].data[offset] ^= 1
