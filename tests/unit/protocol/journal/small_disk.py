"""A disk of a few kilobytes that fills up, fails by name, and can be the last thing a process touches."""

from __future__ import annotations

import errno
import os

from protocol.journal.disk import Disk
from tests.unit.protocol.journal.rig import Hands


class Killed(BaseException):
    """The process is gone: nothing of it may catch this."""


class SmallDisk(Disk):
    """`room` bytes are free; names and folders take none. Syncs are not waited for.

    `broken` calls fail with their error number. With `calls_left` set, that many changing calls are done, of the
    next one a `share`, and then the process is gone.
    """

    def __init__(self, room: int = 1 << 40) -> None:
        self.room = room
        self.broken: dict[str, int] = {}
        self.calls_left: int | None = None
        self.share = 0.5
        self.is_open: set[int] = set()

    def _begin(self, call: str) -> bool:
        """Whether this is the call in which the process ends."""
        if call in self.broken:
            raise OSError(self.broken[call], os.strerror(self.broken[call]))
        if self.calls_left is None:
            return False
        self.calls_left -= 1
        return self.calls_left < 0

    def _end(self, is_last: bool) -> None:
        if is_last:
            raise Killed

    def make_folder(self, path):
        self._begin("make_folder")
        super().make_folder(path)

    def create(self, path):
        is_last = self._begin("create")
        fd = super().create(path)
        self.is_open.add(fd)
        self._end(is_last)
        return fd

    def duplicate(self, fd):
        copy = super().duplicate(fd)
        self.is_open.add(copy)
        return copy

    def open_to_repair(self, path):
        fd = super().open_to_repair(path)
        self.is_open.add(fd)
        return fd

    def close(self, fd):
        self.is_open.discard(fd)
        super().close(fd)

    def close_all(self) -> None:
        """What the system does for a process that is gone."""
        for fd in [*self.is_open]:
            self.close(fd)

    def write(self, fd, data):
        is_last = self._begin("write")
        if self.room == 0 and len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        data = data[: int(len(data) * self.share)] if is_last else data
        data = data[: self.room]
        self.room -= len(data)
        written = super().write(fd, data)
        self._end(is_last)
        return written

    def truncate(self, fd, size):
        is_last = self._begin("truncate")
        if not is_last:
            self.room += self.size(fd) - size
            super().truncate(fd, size)
        self._end(is_last)

    def remove(self, path):
        is_last = self._begin("remove")
        if path.exists() and not is_last:
            self.room += path.stat().st_size
            super().remove(path)
        self._end(is_last)

    def allocate(self, fd, size):
        self._begin("allocate")
        if size > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= size
        os.ftruncate(fd, size)

    def allocated_bytes(self, path):
        return path.stat().st_size if path.exists() else 0

    def free_bytes(self, folder):
        if not folder.exists():
            raise FileNotFoundError(errno.ENOENT, "no folder", str(folder))
        return self.room

    def sync(self, fd):
        self._begin("sync")

    def sync_folder(self, path):
        self._begin("sync_folder")


class Times(Hands):
    """A clock that moves when told; both of a journal's are this one."""

    def pass_retry(self) -> None:
        """Go on by more than a journal waits between two tries."""
        self.ns += 600_000_000
