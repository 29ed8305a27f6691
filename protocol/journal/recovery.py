"""What a publisher does with its journal before it writes again: cut off what a crash left half, and find the end.

Only the end of the last segment can be half: rotation has the old segment on the medium before the new one.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final, NamedTuple

from protocol.journal.disk import Disk, write_whole
from protocol.journal.index import MARK_EVERY, Mark, pack_index
from protocol.journal.segment import (
    QUARANTINE,
    SEGMENT_HEADER_BYTES,
    SegmentName,
    read_header,
    segments_of,
)
from protocol.journal.walk import MAX_FRAME_BYTES, Stop, chain_of, frame_kind, walk
from protocol.record import RecordKind

_WINDOW_BYTES: Final = 1024 * 1024


class Recovered(NamedTuple):
    """End of a journal."""

    epoch: int
    """Epoch of the last record, 0 if there is none."""
    seq: int
    """Number of the last record, 0 if there is none. Where a segment was begun behind lost records and got none
    itself, the last of the lost ones: a reader is told of them."""
    is_clean: bool
    """Whether the last record is a CLEAN_STOP, and nothing was cut."""
    highest_epoch: int
    """Largest epoch that a file is named after: the next one must be larger, even if a power cut emptied it."""
    cut_bytes: int
    """How much was cut off."""
    quarantined: Path | None
    """Where it is kept; None if nothing was cut, or the disk had no room for it."""


class _Extent(NamedTuple):
    """What a segment holds."""

    end: int
    size: int
    next_seq: int
    last_kind: int
    marks: list[Mark]


def recover(folder: Path, publisher: str, disk: Disk | None = None) -> Recovered:
    """Repair the end of a journal and say where it is. The caller holds the publisher's lock.

    Raises:
        protocol.journal.segment.JournalVersion: a newer program wrote it; nothing was touched.
        OSError: the disk cannot be read or cut.
    """
    disk = disk or Disk()
    segments = segments_of(disk.names(folder))
    highest = segments[-1].epoch if segments else 0
    cut_bytes, quarantined = 0, None
    for name in reversed(segments):
        fd = disk.open_to_repair(folder / name.file)
        try:
            found = _measure(disk, fd, folder / name.file, name, publisher)
            if found.end < found.size:
                kept = _quarantine(disk, fd, folder, name, found)
                cut_bytes, quarantined = cut_bytes + found.size - found.end, kept or quarantined
                disk.truncate(fd, found.end)
            # also when nothing was cut: a kill leaves frames that no sync has seen
            disk.sync(fd)
        finally:
            disk.close(fd)
        if found.next_seq > name.first_seq:
            with contextlib.suppress(OSError):  # an index only saves a walk
                index = pack_index(found.marks, (found.next_seq, found.end))
                write_whole(disk, folder / name.index_file, index)
            is_clean = found.last_kind == RecordKind.CLEAN_STOP and cut_bytes == 0
            return Recovered(name.epoch, found.next_seq - 1, is_clean, highest, cut_bytes, quarantined)
        if name.first_seq > 1:
            # what is before an empty segment was sealed, and it may begin behind a hole
            epoch, seq = name.epoch, name.first_seq - 1
            break
    else:
        epoch = seq = 0
    return Recovered(
        epoch, seq, is_clean=False, highest_epoch=highest, cut_bytes=cut_bytes, quarantined=quarantined
    )


def _measure(disk: Disk, fd: int, path: Path, name: SegmentName, publisher: str) -> _Extent:
    """Walk a segment from its start to its last whole frame."""
    chain, seq, kind = chain_of(publisher, name.epoch), name.first_seq, 0
    size = disk.size(fd)
    is_whole = read_header(disk.read(fd, SEGMENT_HEADER_BYTES, 0), str(path)) is not None
    offset, window = SEGMENT_HEADER_BYTES, _WINDOW_BYTES
    marks: list[Mark] = []
    while True:
        data = disk.read(fd, window, offset)
        done = 0
        while True:
            reached = walk(data, done, chain, seq, seq + MARK_EVERY)
            if reached.last_offset < 0:
                break
            marks.append((seq, offset + done))
            kind = frame_kind(data, reached.last_offset)
            done, seq = reached.offset, reached.seq
            if reached.stop is not Stop.LIMIT:
                break
        offset += done
        if reached.stop is Stop.DAMAGED or len(data) < window:
            break
        if done == 0 and window > MAX_FRAME_BYTES:
            break  # a length that no frame has
        window = _WINDOW_BYTES if done else MAX_FRAME_BYTES + 1
    if seq == name.first_seq:  # no frame proves the file: keep its header if that is whole, or nothing
        offset = SEGMENT_HEADER_BYTES if is_whole else 0
    return _Extent(min(offset, size), size, seq, kind, marks)


def _quarantine(disk: Disk, fd: int, folder: Path, name: SegmentName, found: _Extent) -> Path | None:
    """Keep a copy of what will be cut, if there is room: a full disk must not keep a publisher down."""
    path = folder / QUARANTINE / f"{name.file}.{found.end}.tail"
    try:
        disk.make_folder(path.parent)
        write_whole(disk, path, disk.read(fd, found.size - found.end, found.end))
    except OSError:
        return None
    return path
