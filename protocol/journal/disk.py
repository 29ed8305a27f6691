"""The few file calls of a journal, in one place: a test puts a disk here that is full, slow to sync, or cut off."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

_ZEROS_BYTES: Final = 1024 * 1024


class Disk:
    """This machine's file system. Every method raises OSError as the system call does.

    Local file systems only: O_APPEND and fsync mean less on a network mount.
    """

    def make_folder(self, path: Path) -> None:
        """Make a folder and its parents; one that is there is fine."""
        path.mkdir(parents=True, exist_ok=True)

    def names(self, folder: Path) -> list[str]:
        """Names in a folder, sorted; none if there is no folder."""
        try:
            return sorted(entry.name for entry in folder.iterdir())
        except FileNotFoundError:
            return []

    def create(self, path: Path) -> int:
        """Make a file that must not exist and open it for appending and reading."""
        return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)

    def open_to_read(self, path: Path) -> int:
        """Open a file that exists."""
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def open_to_repair(self, path: Path) -> int:
        """Open a file that exists, to cut it."""
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    write: Callable[[int, bytes | memoryview], int] = staticmethod(os.write)
    """Append; returns how many bytes went in, fewer than given when the disk fills up."""

    read: Callable[[int, int, int], bytes] = staticmethod(os.pread)
    """Up to a count of bytes from an offset; fewer only at the end of the file."""

    def size(self, fd: int) -> int:
        """Bytes in an open file."""
        return os.fstat(fd).st_size

    def truncate(self, fd: int, size: int) -> None:
        """Cut an open file."""
        os.ftruncate(fd, size)

    def sync(self, fd: int) -> None:
        """Have the data of a file on the medium, and of its metadata what finds the data."""
        os.fdatasync(fd)

    def sync_folder(self, path: Path) -> None:
        """Have the names in a folder on the medium."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def duplicate(self, fd: int) -> int:
        """A second descriptor of an open file, so that a thread may sync while another closes."""
        return os.dup(fd)

    def close(self, fd: int) -> None:
        """Close a descriptor."""
        os.close(fd)

    def rename(self, source: Path, target: Path) -> None:
        """Put a file in the place of another, at once."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """Remove a file; one that is not there is fine."""
        path.unlink(missing_ok=True)

    def allocate(self, fd: int, size: int) -> None:
        """Have room for a file reserved on the medium, without writing it where the file system can do that."""
        try:
            os.posix_fallocate(fd, 0, size)
        except OSError as fault:
            if fault.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
            zeros = bytes(min(size, _ZEROS_BYTES))
            while (left := size - self.size(fd)) > 0:
                if self.write(fd, zeros[:left]) == 0:
                    raise OSError(errno.ENOSPC, "nothing was written") from fault

    def allocated_bytes(self, path: Path) -> int:
        """Bytes of a file that have room on the medium, at most its size; 0 if there is no file."""
        try:
            found = path.stat()
        except FileNotFoundError:
            return 0
        return min(found.st_size, found.st_blocks * 512)

    def free_bytes(self, folder: Path) -> int:
        """Room left on the disk that holds a folder, for a user who is not root."""
        found = os.statvfs(folder)
        return found.f_bavail * found.f_frsize


def is_full(fault: OSError) -> bool:
    """Whether a call failed for want of room, or says nothing (a write that took no byte)."""
    return fault.errno in (None, errno.ENOSPC, errno.EDQUOT)


def write_whole(disk: Disk, path: Path, data: bytes) -> None:
    """Write a small file so that it is there whole, on the medium, or not at all.

    Raises:
        OSError: it could not be written; nothing of it stays.
    """
    draft = path.with_name(path.name + ".new")
    disk.remove(draft)
    try:
        fd = disk.create(draft)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[disk.write(fd, rest) :]
            disk.sync(fd)
        finally:
            disk.close(fd)
        disk.rename(draft, path)
    except OSError:
        disk.remove(draft)
        raise
    disk.sync_folder(path.parent)
