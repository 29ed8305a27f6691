"""The reading end of a journal: frames by number, from any process, while the publisher writes or is dead.

A record is visible when it is whole. What cannot be read is said, never passed over: damage is answered with the
range it cost, a deleted segment with the range that is gone.
"""

from __future__ import annotations

import enum
from collections import OrderedDict
from pathlib import Path
from typing import Final, NamedTuple

from protocol.journal.disk import Disk
from protocol.journal.index import Mark, read_index
from protocol.journal.segment import (
    SEGMENT_HEADER_BYTES,
    SegmentName,
    read_header,
    segments_of,
)
from protocol.journal.walk import MAX_FRAME_BYTES, Stop, chain_of, find_next, walk

_WINDOW_BYTES: Final = 1024 * 1024
_MOST_PLACES: Final = 256


class Outcome(enum.StrEnum):
    """What a chunk is."""

    DATA = "data"
    """Frames."""
    END = "end"
    """Nothing behind this number yet: ask again, or go on with the next epoch if there is one."""
    CORRUPT = "corrupt"
    """`first` to `last` are damaged for good; read on behind them."""
    EXPIRED = "expired"
    """`first` to `last` were deleted; `last` 0: the whole epoch was."""
    UNKNOWN = "unknown"
    """No such epoch yet."""


class Chunk(NamedTuple):
    """Answer to one read."""

    outcome: Outcome
    first: int
    last: int
    frames: bytes = b""
    """Whole frames back to back, `first` to `last`."""


class _Place(NamedTuple):
    """Where the frame of a number starts."""

    name: SegmentName
    offset: int
    seq: int


class JournalReader:
    """Reads the journal of one publisher; remembers where recent reads ended, so that following is cheap."""

    def __init__(self, folder: Path, publisher: str, disk: Disk | None = None) -> None:
        self.folder = folder
        self.publisher = publisher
        self._disk = disk or Disk()
        self._places: OrderedDict[tuple[int, int], _Place] = OrderedDict()

    def epochs(self) -> list[int]:
        """Epochs of which there are segments, oldest first; one may be empty."""
        return sorted({name.epoch for name in self._segments()})

    def read(self, epoch: int, from_seq: int, max_bytes: int = _WINDOW_BYTES) -> Chunk:
        """Frames `from_seq` and following, about `max_bytes` of them but at least one.

        Raises:
            protocol.journal.segment.JournalVersion: a newer program wrote the segment.
            OSError: the disk cannot be read.
            ValueError: `from_seq` is less than 1.
        """
        if from_seq < 1:
            raise ValueError(f"records count from 1, not {from_seq}")
        try:
            return self._read(epoch, from_seq, max_bytes)
        except FileNotFoundError:  # deleted since we looked: a second look finds it gone
            self._places.clear()
            return self._read(epoch, from_seq, max_bytes)

    def _segments(self) -> list[SegmentName]:
        return segments_of(self._disk.names(self.folder))

    def _read(self, epoch: int, from_seq: int, max_bytes: int) -> Chunk:
        place = self._places.get((epoch, from_seq))
        if place:
            chunk = self._read_at(place, from_seq, max_bytes)
            if chunk.outcome is Outcome.DATA:
                return chunk
        segments = self._segments()
        of_epoch = [name for name in segments if name.epoch == epoch]
        if not of_epoch:
            is_old = bool(segments) and epoch < segments[-1].epoch
            return Chunk(Outcome.EXPIRED if is_old else Outcome.UNKNOWN, from_seq, 0)
        if from_seq < of_epoch[0].first_seq:
            return Chunk(Outcome.EXPIRED, from_seq, of_epoch[0].first_seq - 1)
        number = max(at for at, name in enumerate(of_epoch) if name.first_seq <= from_seq)
        name = of_epoch[number]
        following = of_epoch[number + 1] if number + 1 < len(of_epoch) else None
        marks = self._marks(name) if name != segments[-1] else []
        chunk = self._read_at(self._seek(name, from_seq, marks), from_seq, max_bytes)
        if chunk.outcome is not Outcome.DATA and marks:
            # damage, or an index that does not belong to the segment
            chunk = self._read_at(self._seek(name, from_seq, []), from_seq, max_bytes)
        if chunk.outcome is not Outcome.END:
            return chunk
        end_seq = following.first_seq if following else marks[-1][0] if marks else 0
        if from_seq < end_seq:
            return Chunk(Outcome.CORRUPT, from_seq, end_seq - 1)
        return chunk

    def _seek(self, name: SegmentName, seq: int, marks: list[Mark]) -> _Place:
        """The last known place in a segment that is not behind a number."""
        before = [mark for mark in marks[:-1] if name.first_seq <= mark[0] <= seq]
        known = [
            (place.seq, place.offset)
            for place in self._places.values()
            if place.name == name and place.seq <= seq
        ]
        first = (name.first_seq, SEGMENT_HEADER_BYTES)
        at_seq, offset = max([first, *before, *known])
        return _Place(name, offset, at_seq)

    def _marks(self, name: SegmentName) -> list[Mark]:
        """The index of a sealed segment, empty if there is none or it is damaged."""
        try:
            fd = self._disk.open_to_read(self.folder / name.index_file)
        except FileNotFoundError:
            return []
        try:
            return read_index(self._disk.read(fd, self._disk.size(fd), 0)) or []
        finally:
            self._disk.close(fd)

    def _read_at(self, place: _Place, from_seq: int, max_bytes: int) -> Chunk:
        """Walk from a place to a number and take what follows."""
        path = self.folder / place.name.file
        fd = self._disk.open_to_read(path)
        try:
            read_header(self._disk.read(fd, SEGMENT_HEADER_BYTES, 0), str(path))
            return self._take(fd, place, from_seq, max_bytes)
        finally:
            self._disk.close(fd)

    def _take(self, fd: int, place: _Place, from_seq: int, max_bytes: int) -> Chunk:
        name, offset, seq = place
        chain = chain_of(self.publisher, name.epoch)
        while True:
            is_skipping = seq < from_seq
            window = _WINDOW_BYTES if is_skipping else max(1, max_bytes)
            data = self._disk.read(fd, window, offset)
            limit = (from_seq,) if is_skipping else ()
            reached = walk(data, 0, chain, seq, *limit)
            if reached.last_offset < 0 and reached.stop is Stop.SHORT and len(data) == window:
                # one frame is longer than was asked for
                data = self._disk.read(fd, MAX_FRAME_BYTES, offset)
                reached = walk(data, 0, chain, seq, seq + 1)
            if reached.last_offset >= 0:
                offset += reached.offset
                if not is_skipping:
                    self._remember(_Place(name, offset, reached.seq))
                    return Chunk(Outcome.DATA, seq, reached.seq - 1, data[: reached.offset])
                seq = reached.seq
                continue
            behind = self._find_behind(fd, offset, seq, name)
            if behind is None:
                return Chunk(Outcome.END, from_seq, from_seq - 1)
            offset, found_seq = behind
            if found_seq > from_seq:
                self._remember(_Place(name, offset, found_seq))
                return Chunk(Outcome.CORRUPT, from_seq, found_seq - 1)
            seq = found_seq

    def _find_behind(self, fd: int, offset: int, seq: int, name: SegmentName) -> tuple[int, int] | None:
        """Offset and number of the next whole frame at or behind an offset where `seq` was not whole."""
        chain = chain_of(self.publisher, name.epoch)
        rest = self._disk.read(fd, max(0, self._disk.size(fd) - offset), offset)
        found = find_next(rest, 0, chain, seq)
        # what was half a moment ago may be whole now, and then it is no damage
        again = self._disk.read(fd, MAX_FRAME_BYTES if found else len(rest), offset)
        if walk(again, 0, chain, seq, seq + 1).stop is Stop.LIMIT:
            return offset, seq
        return (offset + found[0], found[1]) if found else None

    def _remember(self, place: _Place) -> None:
        """Keep where a number starts; the oldest of many is forgotten."""
        self._places[place.name.epoch, place.seq] = place
        if len(self._places) > _MOST_PLACES:
            self._places.popitem(last=False)
