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
from protocol.journal.index import Mark
from protocol.journal.resync import begins_frame, find_behind
from protocol.journal.sealed import all_segments
from protocol.journal.segment import SEGMENT_HEADER_BYTES, SegmentName
from protocol.journal.source import Blocks, Source, open_source
from protocol.journal.walk import MAX_FRAME_BYTES, Stop, chain_of, walk

_LOOKS: Final = 8
"""At segments that are being deleted while they are read."""
_WINDOW_BYTES: Final = 1024 * 1024
_SKIP_BYTES: Final = 128 * 1024
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
        self._blocks = Blocks()

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
        for _ in range(_LOOKS):
            try:
                return self._read(epoch, from_seq, max_bytes)
            except FileNotFoundError:  # deleted since we looked: the next look finds it gone
                self._places.clear()
        return self._read(epoch, from_seq, max_bytes)

    def _segments(self) -> list[SegmentName]:
        return all_segments(self._disk.names(self.folder))

    def _read(self, epoch: int, from_seq: int, max_bytes: int) -> Chunk:
        place = self._places.get((epoch, from_seq))
        if place:
            source = open_source(self.folder, place.name, self._disk, self._blocks)
            try:
                chunk = self._take(source, place, from_seq, max_bytes)
            finally:
                source.close()
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
        source = open_source(self.folder, name, self._disk, self._blocks)
        try:
            marks = source.marks() if name != segments[-1] else []
            chunk = self._take(source, self._seek(source, name, from_seq, marks), from_seq, max_bytes)
        finally:
            source.close()
        if chunk.outcome is not Outcome.END:
            return chunk
        following = of_epoch[number + 1 : number + 2]
        end_seq = following[0].first_seq if following else marks[-1][0] if marks else 0
        if from_seq < end_seq:
            return Chunk(Outcome.CORRUPT, from_seq, end_seq - 1)
        return chunk

    def _seek(self, source: Source, name: SegmentName, seq: int, marks: list[Mark]) -> _Place:
        """The last place in a segment that is not behind a number: where a read ended, or a mark that is true."""
        known = [
            (place.seq, place.offset)
            for place in self._places.values()
            if place.name == name and place.seq <= seq
        ]
        best = max([(name.first_seq, SEGMENT_HEADER_BYTES), *known])
        chain = chain_of(self.publisher, name.epoch)
        for mark_seq, offset in reversed(marks[:-1]):
            if best[0] < mark_seq <= seq and begins_frame(source, chain, mark_seq, offset):
                return _Place(name, offset, mark_seq)
        return _Place(name, best[1], best[0])

    def _take(self, source: Source, place: _Place, from_seq: int, max_bytes: int) -> Chunk:
        """Walk from a place to a number and take what follows."""
        name, offset, seq = place
        chain = chain_of(self.publisher, name.epoch)
        while True:
            is_skipping = seq < from_seq
            window = _SKIP_BYTES if is_skipping else max(1, max_bytes)
            data = source.read(window, offset)
            limit = (from_seq,) if is_skipping else ()
            reached = walk(data, 0, chain, seq, *limit)
            while reached.last_offset < 0 and reached.stop is Stop.SHORT and len(data) == window:
                if window >= MAX_FRAME_BYTES:
                    break
                # one frame is longer than was asked for
                window = min(MAX_FRAME_BYTES, max(_SKIP_BYTES, 8 * window))
                data = source.read(window, offset)
                reached = walk(data, 0, chain, seq, seq + 1)
            if reached.last_offset >= 0:
                offset += reached.offset
                if not is_skipping:
                    self._remember(_Place(name, offset, reached.seq))
                    return Chunk(Outcome.DATA, seq, reached.seq - 1, data[: reached.offset])
                seq = reached.seq
                continue
            behind = find_behind(source, chain, offset, seq)
            if behind is None:
                return Chunk(Outcome.END, from_seq, from_seq - 1)
            offset, found_seq = behind
            if found_seq > from_seq:
                self._remember(_Place(name, offset, found_seq))
                return Chunk(Outcome.CORRUPT, from_seq, found_seq - 1)
            seq = found_seq

    def _remember(self, place: _Place) -> None:
        """Keep where a number starts; the oldest of many is forgotten."""
        self._places[place.name.epoch, place.seq] = place
        if len(self._places) > _MOST_PLACES:
            self._places.popitem(last=False)
