"""Sealing: a segment that gets no more frames becomes a compressed file of blocks, and is there the whole time.

The sealed form is written beside the plain one, read back and compared, synced and named; only then the plain one
goes. Whoever has that open reads on; whoever opens later finds the other.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from protocol.crash import crash_point
from protocol.journal.disk import Disk
from protocol.journal.extents import last_seq
from protocol.journal.index import Mark
from protocol.journal.resync import begins_frame, find_behind
from protocol.journal.sealed import (
    SUFFIX,
    Block,
    Row,
    all_segments,
    pack_block_header,
    pack_table,
    sealed_file,
)
from protocol.journal.segment import SEGMENT_HEADER_BYTES, SegmentName, read_header, segments_of
from protocol.journal.source import Blocks, Source, open_plain, open_sealed
from protocol.journal.walk import MAX_FRAME_BYTES, Chain, chain_of, walk

BLOCK_BYTES: Final = 1024 * 1024
LEVEL: Final = 3


class Sealed(NamedTuple):
    """What sealing made of a segment."""

    name: SegmentName
    plain_bytes: int
    sealed_bytes: int
    blocks: int


class SealFault(Exception):
    """What was read back is not what was written; the plain segment stays."""


def sealable(folder: Path, publisher: str, disk: Disk, before_ns: int) -> list[SegmentName]:
    """Plain segments that may be sealed, oldest first.

    A publisher that starts looks for its last record in plain segments: the newest one that has any, and is old
    enough for its first frame to have been synced, stays plain, and so does all behind it.

    Args:
        folder: The journal.
        publisher: Whose.
        disk: Where.
        before_ns: Wall clock; that newest one was begun before it.

    Raises:
        OSError: the disk cannot be read.
    """
    names = disk.names(folder)
    plain = set(segments_of(names))
    ordered = all_segments(names)
    for at in range(len(ordered) - 1, 0, -1):
        name = ordered[at]
        if name in plain and _is_begun(folder, publisher, name, disk, before_ns):
            return [one for one in ordered[:at] if one in plain and _has_frames(folder, publisher, one, disk)]
    return []


def seal(folder: Path, publisher: str, name: SegmentName, disk: Disk, level: int = LEVEL) -> Sealed:
    """Put the sealed form of a segment in the place of the plain one.

    Raises:
        SealFault: the disk gave back something else; nothing has changed.
        protocol.journal.segment.JournalVersion: a newer program wrote it; nothing has changed.
        OSError: no room, or the disk failed; nothing has changed.
    """
    import zstandard  # noqa: PLC0415 - only where it is needed

    target = folder / sealed_file(name)
    draft = target.with_name(target.name + ".new")
    compress = zstandard.ZstdCompressor(level=level, write_content_size=True).compress
    source = open_plain(folder, name, disk)
    try:
        size = source.size()
        marks, end_seq = _marks_of(source, chain_of(publisher, name.epoch), name.first_seq)
        disk.remove(draft)
        try:
            rows = _write(disk, draft, source, [*marks, (end_seq, size)], compress)
            _compare(disk, draft, name, source)
        except BaseException:
            disk.remove(draft)
            raise
    finally:
        source.close()
    sealed_bytes = draft.stat().st_size
    times = (folder / name.file).stat()
    os.utime(draft, ns=(times.st_atime_ns, times.st_mtime_ns))  # its age is that of its last record
    crash_point("journal.seal.before")
    disk.rename(draft, target)
    disk.sync_folder(folder)
    crash_point("journal.seal.after")
    disk.remove(folder / name.file)
    disk.remove(folder / name.index_file)
    return Sealed(name, size, sealed_bytes, len(rows))


def tidy(folder: Path, disk: Disk) -> None:
    """Remove what a crash left of a sealing: drafts, and indexes of segments that are sealed."""
    names = disk.names(folder)
    plain = {name.index_file for name in segments_of(names)}
    sealed = {name.index_file for name in all_segments(names)} - plain
    for name in names:
        if name.endswith(SUFFIX + ".new") or name in sealed:
            disk.remove(folder / name)


def _is_begun(folder: Path, publisher: str, name: SegmentName, disk: Disk, before_ns: int) -> bool:
    fd = disk.open_to_read(folder / name.file)
    try:
        header = read_header(disk.read(fd, SEGMENT_HEADER_BYTES, 0), name.file)
    finally:
        disk.close(fd)
    return header is not None and header.created_ns < before_ns and _has_frames(folder, publisher, name, disk)


def _has_frames(folder: Path, publisher: str, name: SegmentName, disk: Disk) -> bool:
    return last_seq(folder, publisher, name, disk) >= name.first_seq


def _marks_of(source: Source, chain: Chain, first_seq: int) -> tuple[list[Mark], int]:
    """Where blocks begin, the first one with the segment's header, and the number behind the last frame."""
    first: Mark = (first_seq, SEGMENT_HEADER_BYTES)
    index = source.marks()
    marks = [mark for mark in index[:-1] if mark[0] > first_seq and begins_frame(source, chain, *mark)]
    cuts, end_seq = [first], first_seq
    for start, stop in zip([first, *marks], [*marks, None], strict=True):
        if cuts[-1] != start:
            cuts.append(start)
        end = stop[1] if stop else source.size()
        if stop is not None and end - start[1] <= BLOCK_BYTES:
            continue
        more, end_seq = _split(source, chain, start, end)
        cuts += more
    if index and index[-1][1] == source.size():  # it knows of frames at the end that are damaged
        end_seq = max(end_seq, index[-1][0])
    return [(first_seq, 0), *cuts[1:]], end_seq


def _split(source: Source, chain: Chain, start: Mark, end: int) -> tuple[list[Mark], int]:
    """Marks at most BLOCK_BYTES (or one longer frame) apart between a frame and an offset, and the number behind
    the last whole frame.
    """
    marks: list[Mark] = []
    seq, offset = start
    while offset < end:
        if offset > start[1]:
            marks.append((seq, offset))
        reached = walk(source.read(min(BLOCK_BYTES, end - offset), offset), 0, chain, seq)
        if reached.last_offset < 0:
            reached = walk(source.read(min(MAX_FRAME_BYTES, end - offset), offset), 0, chain, seq, seq + 1)
        if reached.last_offset >= 0:
            seq, offset = reached.seq, offset + reached.offset
            continue
        behind = find_behind(source, chain, offset, seq)
        if behind is None:
            break
        offset, seq = behind
    return marks, seq


def _write(
    disk: Disk, path: Path, source: Source, marks: list[Mark], compress: Callable[[bytes], bytes]
) -> list[Row]:
    """Write a sealed segment; the last mark is its end. Returns where its blocks are."""
    fd = disk.create(path)
    rows: list[Row] = []
    try:
        place = 0
        for (first_seq, offset), (next_seq, end) in itertools.pairwise(marks):
            plain = source.read(end - offset, offset)
            packed = compress(plain)
            block = Block(first_seq, next_seq, offset, len(plain), len(packed))
            rows.append(Row(first_seq, offset, place))
            place += _append(disk, fd, (pack_block_header(block), packed))
        _append(disk, fd, (pack_table(rows, Row(*marks[-1], place)),))
        disk.sync(fd)
    finally:
        disk.close(fd)
    return rows


def _append(disk: Disk, fd: int, parts: Iterable[bytes]) -> int:
    data = b"".join(parts)
    rest = memoryview(data)
    while rest:
        written = disk.write(fd, rest)
        if written == 0:
            raise OSError("nothing was written")
        rest = rest[written:]
    return len(data)


def _compare(disk: Disk, draft: Path, name: SegmentName, source: Source) -> None:
    """Read the draft as a reader will, and the plain segment beside it."""
    sealed = open_sealed(draft, name, disk, Blocks())
    try:
        is_same = sealed.size() == source.size() and all(
            sealed.read(BLOCK_BYTES, offset) == source.read(BLOCK_BYTES, offset)
            for offset in range(0, source.size(), BLOCK_BYTES)
        )
    finally:
        sealed.close()
    if not is_same:
        raise SealFault(f"{draft}: what was read back is not what was written; the plain segment stays")
