"""The files of one journal as retention sees them, and their end."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from protocol.journal.disk import Disk
from protocol.journal.extents import Extents
from protocol.journal.retention import Stored
from protocol.journal.sealed import all_segments, sealed_file
from protocol.journal.segment import QUARANTINE, SegmentName
from protocol.replay import Extent


class Files(NamedTuple):
    """What a journal takes on disk."""

    extents: list[Extent]
    stored: list[Stored]
    """Segments, oldest first."""
    sealed_bytes: int
    """Of the sealed segments."""
    sealed: list[SegmentName]


def files_of(folder: Path, disk: Disk, extents: Extents) -> Files:
    """Look at the files of a journal; what vanishes meanwhile is left out.

    Args:
        folder: The journal.
        disk: Where.
        extents: Asked for the last records of epochs.

    Raises:
        OSError: the disk cannot be read.
    """
    names = all_segments(disk.names(folder))
    # after the names: a number that is too high keeps a segment, one that is too low would give up what is not stored
    extents_found = extents.look()
    ends = {extent.epoch: extent.last for extent in extents_found}
    stored: list[Stored] = []
    sealed: list[SegmentName] = []
    sealed_bytes = 0
    for at, name in enumerate(names):
        sizes = {file: _stat(folder / file) for file in forms_of(name)}
        if not any(sizes.values()):
            continue
        following = names[at + 1 : at + 2]
        if following and following[0].epoch == name.epoch:
            last_seq = following[0].first_seq - 1
        else:
            last_seq = ends.get(name.epoch, name.first_seq - 1)
        size = sum(found[0] for found in sizes.values() if found)
        written_ns = max(found[1] for found in sizes.values() if found)
        stored.append(Stored(name, last_seq, size, written_ns))
        packed = sizes[sealed_file(name)]
        if packed:
            sealed.append(name)
            sealed_bytes += packed[0]
    return Files(extents_found, stored, sealed_bytes, sealed)


def forms_of(name: SegmentName) -> tuple[str, str, str]:
    """Names of the files that a segment may consist of, in the order in which to delete them."""
    return (name.file, sealed_file(name), name.index_file)


def delete(folder: Path, names: list[SegmentName], disk: Disk) -> None:
    """Delete segments, oldest first.

    Raises:
        OSError: the disk failed; later ones are still there.
    """
    for name in names:
        for file in forms_of(name):
            disk.remove(folder / file)
    if names:
        disk.sync_folder(folder)


def trim_quarantine(folder: Path, most_bytes: int, disk: Disk) -> int:
    """Delete the oldest tails in quarantine until the rest fits; returns how many bytes are left."""
    place = folder / QUARANTINE
    found = [(_stat(place / name), name) for name in disk.names(place)]
    kept = sorted((stat[1], stat[0], name) for stat, name in found if stat)
    left = sum(size for _, size, _ in kept)
    for _, size, name in kept:
        if left <= most_bytes:
            break
        disk.remove(place / name)
        left -= size
    return left


def _stat(path: Path) -> tuple[int, int] | None:
    """Size and time of the last change, None if there is no such file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns
