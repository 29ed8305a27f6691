"""The newest messages of topics, so that a client that was away can go on where it was. Pure."""

from __future__ import annotations

import collections
from typing import Final, NamedTuple

OVERHEAD_BYTES: Final = 200
"""Of one entry beside its payload, about."""
SHARE: Final = 4
"""One part in so many of the largest ring goes at once, so that it need not be sought for each message."""


class Entry(NamedTuple):
    """One numbered message."""

    seq: int
    ts_ns: int
    schema: int
    payload: bytes
    publisher_padded: bytes
    mark: tuple[int, int]
    """Epoch and topic_seq of its frame."""


class Ring:
    """The newest messages of one topic."""

    __slots__ = ("bytes", "entries", "lost")

    def __init__(self) -> None:
        self.entries: collections.deque[Entry] = collections.deque()
        self.bytes = 0
        self.lost: dict[bytes, Entry] = {}
        """Publisher to the newest of its messages that is no longer here."""


class Rings:
    """All of them, bounded each in messages and together in bytes."""

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._rings: set[Ring] = set()
        self.bytes = 0

    def make(self) -> Ring:
        """An empty one."""
        ring = Ring()
        self._rings.add(ring)
        return ring

    def drop(self, ring: Ring) -> None:
        """Forget one."""
        self._rings.discard(ring)
        self.bytes -= ring.bytes

    def add(self, ring: Ring, entry: Entry) -> None:
        """Keep a message."""
        size = len(entry.payload) + OVERHEAD_BYTES
        ring.entries.append(entry)
        ring.bytes += size
        self.bytes += size
        if len(ring.entries) > self._max_messages:
            self._lose(ring)
        while self.bytes > self._max_bytes:
            largest = max(self._rings, key=lambda one: one.bytes)
            for _ in range(max(1, len(largest.entries) // SHARE)):
                self._lose(largest)

    def _lose(self, ring: Ring) -> None:
        entry = ring.entries.popleft()
        size = len(entry.payload) + OVERHEAD_BYTES
        ring.bytes -= size
        self.bytes -= size
        ring.lost[entry.publisher_padded] = entry
