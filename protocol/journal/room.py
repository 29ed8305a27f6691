"""How much room there is on a disk, and how much a journal takes of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class DiskRoom(NamedTuple):
    """Room on the disk of a folder."""

    free_bytes: int
    """What a program without special rights may still use."""
    total_bytes: int
    """That, and what is used."""

    @property
    def used_share(self) -> float:
        """0 empty, 1 full."""
        return 1.0 - self.free_bytes / self.total_bytes if self.total_bytes else 0.0


def disk_room(folder: Path) -> DiskRoom:
    """Room on the disk that a folder is on, or will be on.

    Raises:
        OSError: the disk cannot be asked.
    """
    while not folder.exists():
        folder = folder.parent
    found = os.statvfs(folder)
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    free = found.f_bavail * found.f_frsize
    return DiskRoom(free, used + free)


def folder_bytes(folder: Path) -> int:
    """Bytes of the files in a folder and the folders in it; 0 if there is none. What vanishes meanwhile is left out."""
    size = 0
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return 0
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            size += folder_bytes(Path(entry.path))
            continue
        try:
            size += entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            continue
    return size
