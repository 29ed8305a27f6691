"""Walking over DBN records that lie back to back: runs of one type and one length. Pure.

Records of a file are mostly alike, those of a live session mixed. A run is looked for in growing steps, so that neither
costs more than it must: the step never overtakes four times what has matched.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from actors.collector.databento.layout import HEADER, WORD

_FIRST_STEP: Final = 64


class Run(NamedTuple):
    """Records of one type and length."""

    rtype: int
    size_bytes: int
    data: memoryview
    """The records, nothing else."""

    def __len__(self) -> int:
        return len(self.data) // self.size_bytes


class Walk:
    """Runs of a stretch of bytes.

    Args:
        data: Whole records; what is cut off at the end is left, see `rest`.
    """

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        self.rest = b""
        """What came behind the last whole record, once all runs are taken."""
        self.is_broken = False
        """A length that no record can have stopped the walk: nothing behind it can be read."""

    def runs(self) -> Iterator[Run]:
        """All runs, in order."""
        data = self._data
        start, end = 0, len(data)
        while end - start >= HEADER.size:
            size_bytes = data[start] * WORD
            if size_bytes < HEADER.size:
                self.is_broken = True
                break
            if end - start < size_bytes:
                break
            count = self._count(start, size_bytes)
            stop = start + count * size_bytes
            yield Run(data[start + 1], size_bytes, data[start:stop])
            start = stop
        self.rest = bytes(data[start:])

    def _count(self, start: int, size_bytes: int) -> int:
        """How many records from `start` on have the same first two bytes."""
        data = self._data
        room = (len(data) - start) // size_bytes
        second = start + size_bytes
        if room == 1 or data[second] != data[start] or data[second + 1] != data[start + 1]:
            return 1
        count, step = 1, _FIRST_STEP
        head = np.frombuffer(data[start : start + 2], "<u2")[0]
        while count < room:
            step = min(step, room - count)
            first = start + count * size_bytes
            same = np.ndarray((step,), "<u2", data, first, (size_bytes,)) == head
            if not same.all():
                return count + int(same.argmin())
            count += step
            step *= 4
        return count
