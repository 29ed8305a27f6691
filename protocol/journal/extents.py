"""What there is of a publisher, epoch by epoch, without reading more than the end of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from protocol.journal.disk import Disk
from protocol.journal.sealed import all_segments
from protocol.journal.segment import SEGMENT_HEADER_BYTES, SegmentName
from protocol.journal.source import Blocks, Source, open_source
from protocol.journal.walk import MAX_FRAME_BYTES, chain_of, find_next, walk
from protocol.replay import Extent

_TAIL_BYTES: Final = 32 * 1024


class Extents:
    """First and last record of each epoch of one publisher; remembers those of closed epochs."""

    def __init__(self, folder: Path, publisher: str, disk: Disk | None = None) -> None:
        self.folder = folder
        self.publisher = publisher
        self._disk = disk or Disk()
        self._ends: dict[SegmentName, int] = {}

    def look(self) -> list[Extent]:
        """Extents, oldest epoch first; `last` is `first - 1` where an epoch has no record (yet).

        Raises:
            OSError: the disk cannot be read.
        """
        names = all_segments(self._disk.names(self.folder))
        self._ends = {name: last for name, last in self._ends.items() if name in names}
        newest = names[-1].epoch if names else 0
        first: dict[int, SegmentName] = {}
        last: dict[int, SegmentName] = {}
        for name in names:
            first.setdefault(name.epoch, name)
            last[name.epoch] = name
        return [
            Extent(epoch, first[epoch].first_seq, self._end(last[epoch], newest), epoch < newest)
            for epoch in first
        ]

    def _end(self, name: SegmentName, newest_epoch: int) -> int:
        known = self._ends.get(name)
        if known is not None:
            return known
        end = last_seq(self.folder, self.publisher, name, self._disk)
        if name.epoch < newest_epoch:
            self._ends[name] = end
        return end


def last_seq(folder: Path, publisher: str, name: SegmentName, disk: Disk) -> int:
    """Number of the last whole frame in a segment, one less than its first number if there is none.

    Looked for from the end of the file: a frame proves itself wherever one starts to read.

    Raises:
        OSError: the disk cannot be read.
    """
    try:
        source = open_source(folder, name, disk, Blocks())
    except FileNotFoundError:
        return name.first_seq - 1
    try:
        return _last_seq(source, publisher, name)
    finally:
        source.close()


def _last_seq(source: Source, publisher: str, name: SegmentName) -> int:
    chain, size = chain_of(publisher, name.epoch), source.size()
    tail = _TAIL_BYTES
    while True:
        start = max(SEGMENT_HEADER_BYTES, size - tail)
        data = source.read(max(0, size - start), start)
        last, found = name.first_seq - 1, find_next(data, 0, chain, name.first_seq - 1)
        while found:
            reached = walk(data, found[0], chain, found[1])
            last = reached.seq - 1
            found = find_next(data, reached.offset, chain, last)
        if last >= name.first_seq or start == SEGMENT_HEADER_BYTES or tail > 2 * MAX_FRAME_BYTES:
            return last
        tail *= 16
