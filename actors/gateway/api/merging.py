"""Stored rows of several kinds in order of time, one page of each in memory. Pure but for what it awaits."""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

from actors.gateway.rendering.tables import Table


class Piece(NamedTuple):
    """One page of one kind, oldest first."""

    table: Table
    times: list[int]
    """When each of its rows was known, ns."""
    missing: list[dict[str, Any]]
    """Stretches that are not there."""
    has_more: bool


Fetch = Callable[[], Awaitable[Piece | None]]
"""The next page; None: there is none."""


class Line(NamedTuple):
    """A row, or a stretch without rows."""

    ts_ns: int
    kind: str
    row: Any
    is_missing: bool = False


class _Reel:
    """The rows of one kind, fetched as they are wanted."""

    def __init__(self, kind: str, fetch: Fetch, first: Piece | None) -> None:
        self.kind = kind
        self._fetch = fetch
        self._piece = first
        self._at = 0
        self._part: list[Any] = []
        self.missing = list(first.missing) if first is not None else []

    async def next(self) -> Line | None:
        while self._piece is not None and self._at >= len(self._piece.times):
            self._piece = await self._fetch() if self._piece.has_more else None
            self._at, self._part = 0, []
            if self._piece is not None:
                self.missing += self._piece.missing
        if self._piece is None:
            return None
        within = self._at % _PART
        if within == 0:
            self._part = self._piece.table.part(self._at, self._at + _PART)
        line = Line(self._piece.times[self._at], self.kind, self._part[within])
        self._at += 1
        return line


_PART = 200


async def merged(fetches: dict[str, tuple[Fetch, Piece | None]]) -> AsyncIterator[Line]:
    """Rows of all kinds, oldest first; of one time in the order of the kinds.

    Args:
        fetches: Kind to what gives its pages, and the first of them.
    """
    reels = [_Reel(kind, fetch, first) for kind, (fetch, first) in fetches.items()]
    heap: list[tuple[int, int, Line]] = []
    for place, reel in enumerate(reels):
        line = await reel.next()
        if line is not None:
            heapq.heappush(heap, (line.ts_ns, place, line))
    while True:
        for reel in reels:
            for lack in reel.missing:
                yield Line(int(lack.get("from_ns", 0)), reel.kind, lack, is_missing=True)
            reel.missing = []
        if not heap:
            return
        _, place, line = heap[0]
        yield line
        following = await reels[place].next()
        if following is None:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (following.ts_ns, place, following))
