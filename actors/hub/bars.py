"""The candles the hub keeps of one symbol and timeframe: a bounded window of packed rows. Pure.

Rows lie in one block in time order, so any range is one slice of bytes: no object per candle, nothing to
encode at a read. Layout: protocol/windows.py.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from protocol.history import recoded
from protocol.messages import Bar
from protocol.windows import (
    BAR_BYTES,
    MAX_SOURCES,
    pack_bar,
    revision_of,
    status_of,
    ts_event_of,
    ts_open_of,
    unpack_bar,
)

Block = bytearray | memoryview
_FIRST_ROWS: Final = 16
_BACKFILL_BARS: Final = 4
"""So many candles among older ones go in at once."""


class Ground:
    """Where rows lie: on the heap here, on the board where there is one."""

    def block(self, size_bytes: int) -> Block:
        """Room for rows; the block before it is no longer used once they are copied."""
        return bytearray(size_bytes)

    def begin(self) -> None:
        """Rows are about to change."""


class BarWindow:
    """At most `limit` newest candles of one symbol, venue and timeframe; each open time once.

    Args:
        symbol: Canonical symbol.
        venue: Venue name.
        timeframe: For example `1m`.
        limit: Candles kept; memory is at most 1.25 times that, and grows only as they come.
    """

    def __init__(self, symbol: str, venue: str, timeframe: str, limit: int) -> None:
        self.identity = (symbol, venue, timeframe)
        self.sources: list[str] = ["trade", "quote"]
        self._limit = limit
        self._most_rows = limit + limit // 4 + 1
        self._ground = Ground()
        self._rows = self._ground.block(min(_FIRST_ROWS, self._most_rows) * BAR_BYTES)
        self._start = 0
        self._stop = 0

    def __len__(self) -> int:
        return self._stop - self._start

    def move(self, ground: Ground) -> None:
        """Keep the rows somewhere else from now on."""
        kept, capacity = bytes(self.rows(0, len(self))), len(self._rows)
        self._ground = ground
        self._settle(kept, capacity)

    @property
    def offset(self) -> int:
        """Where in the block the oldest row lies, bytes."""
        return self._start * BAR_BYTES

    def upsert(self, bar: Bar) -> bool:
        """Keep a candle unless a newer revision of it is here, or it is older than a full window.

        Returns:
            Whether it was kept.

        Raises:
            ValueError: it does not fit a row.
        """
        row = pack_bar(bar, self._source_code(bar.source))
        count = len(self)
        last_ns = self.ts_open_ns(count - 1) if count else bar.ts_open_ns - 1
        if bar.ts_open_ns > last_ns:
            self._append(row)
            return True
        index = count - 1 if bar.ts_open_ns == last_ns else self.position(bar.ts_open_ns)
        if self.ts_open_ns(index) != bar.ts_open_ns:
            return self._insert(index, row)
        place = self._start + index
        if _is_older(row, 0, self._rows, place):
            return False
        offset = place * BAR_BYTES
        self._rows[offset : offset + BAR_BYTES] = row
        return True

    def upsert_all(self, bars: Sequence[Bar]) -> int:
        """Keep candles as `upsert` would one after the other; a stretch of older ones goes in with one move.

        Returns:
            How many were left out.

        Raises:
            ValueError: one does not fit a row.
        """
        self._ground.begin()
        if len(bars) < _BACKFILL_BARS or not len(self) or bars[0].ts_open_ns > self._last_ns():
            return sum([not self.upsert(bar) for bar in bars])
        last_ns = self._last_ns()
        older = [bar for bar in bars if bar.ts_open_ns <= last_ns]
        left_out = self._backfill(older)
        if len(older) == len(bars):
            return left_out
        return left_out + sum([not self.upsert(bar) for bar in bars if bar.ts_open_ns > last_ns])

    def _backfill(self, bars: Sequence[Bar]) -> int:
        """Candles that are not newer than the newest one here; how many were left out."""
        count = len(self)
        if count >= self._limit:
            first_ns = self.ts_open_ns(0)
            kept = [bar for bar in bars if bar.ts_open_ns >= first_ns]
        else:
            kept = list(bars)
        if not kept:
            return len(bars)
        fresh = b"".join([pack_bar(bar, self._source_code(bar.source)) for bar in kept])
        start = self.position(min(bar.ts_open_ns for bar in kept))
        stop = self.position(max(bar.ts_open_ns for bar in kept) + 1)
        merged, older = _merged(bytes(self.rows(start, stop)), fresh)
        self._take(b"".join((self.rows(0, start), merged, self.rows(stop, count))))
        return len(bars) - len(kept) + older

    def fill(self, rows: bytes, sources: list[str]) -> None:
        """Take stored candles, oldest first, in one go: the newest revision wins, of equals what is here.

        Raises:
            ValueError: they come from more than 255 sources.
        """
        self._ground.begin()
        stored = recoded(rows, sources, self.sources)
        here = bytes(self.rows(0, len(self)))
        if here and stored and ts_open_of(stored, len(stored) // BAR_BYTES - 1) >= ts_open_of(here, 0):
            whole, _ = _merged(bytes(stored), here)
        else:
            whole = stored + here
        self._take(whole)

    def ts_open_ns(self, index: int) -> int:
        """Open time of a candle, 0 is the oldest."""
        return ts_open_of(self._rows, self._start + index)

    def _last_ns(self) -> int:
        return ts_open_of(self._rows, self._stop - 1)

    def status(self, index: int) -> str:
        """Status of a candle."""
        return status_of(self._rows, self._start + index)

    def position(self, ts_ns: int) -> int:
        """Index of the first candle that opens at or after a time; the length if there is none."""
        return bisect_left(range(len(self)), ts_ns, key=self.ts_open_ns)

    def between(self, from_ns: int, to_ns: int) -> tuple[int, int]:
        """Indexes (start, stop) of candles that open in `[from_ns, to_ns)`; 0 leaves an end open."""
        start = self.position(from_ns) if from_ns else 0
        stop = self.position(to_ns) if to_ns else len(self)
        return start, max(start, stop)

    def rows(self, start: int, stop: int) -> memoryview:
        """Bytes of candles `[start, stop)`; valid until the next candle is kept."""
        return memoryview(self._rows)[(self._start + start) * BAR_BYTES : (self._start + stop) * BAR_BYTES]

    def bar(self, index: int) -> Bar:
        """One candle as a message."""
        return unpack_bar(self._rows, self._start + index, self.identity, self.sources)

    def _source_code(self, source: str) -> int:
        try:
            return self.sources.index(source)
        except ValueError:
            if len(self.sources) >= MAX_SOURCES:
                raise ValueError(f"more than {MAX_SOURCES} sources of candles") from None
            self.sources.append(source)
            return len(self.sources) - 1

    def _append(self, row: bytes) -> None:
        if self._stop * BAR_BYTES == len(self._rows):
            self._make_room()
        offset = self._stop * BAR_BYTES
        self._rows[offset : offset + BAR_BYTES] = row
        self._stop += 1
        if len(self) > self._limit:
            self._start += 1

    def _make_room(self) -> None:
        """Move what is kept to the front of a block that is twice as large, or as large as it may be."""
        kept = bytes(self.rows(0, len(self)))
        self._settle(kept, min(self._most_rows, max(2 * len(self), _FIRST_ROWS)) * BAR_BYTES)

    def _insert(self, index: int, row: bytes) -> bool:
        """A candle between others: back-filled, rare."""
        if index == 0 and len(self) >= self._limit:
            return False
        tail = bytes(self.rows(index, len(self)))
        self._append(row)  # makes room
        end = self._stop * BAR_BYTES
        begin = end - len(tail) - BAR_BYTES
        self._rows[begin:end] = row + tail
        return True

    def _take(self, rows: bytes) -> None:
        """Let the newest of these rows be what is kept."""
        kept = memoryview(rows)[max(0, len(rows) - self._limit * BAR_BYTES) :]
        self._settle(kept, len(kept))

    def _settle(self, kept: bytes | memoryview, size_bytes: int) -> None:
        """Begin anew with these rows in a block of their own."""
        fresh = self._ground.block(size_bytes)
        fresh[: len(kept)] = kept
        self._rows, self._start, self._stop = fresh, 0, len(kept) // BAR_BYTES


def _is_older(row: bytes, index: int, kept: bytes | Block, place: int) -> bool:
    """Whether a row is not to replace the one that is kept of the same candle."""
    revision, known = revision_of(row, index), revision_of(kept, place)
    if revision != known:
        return revision < known
    # the running candle as it was before: read again from the journal
    return revision == 0 and ts_event_of(row, index) < ts_event_of(kept, place)


def _merged(kept: bytes, fresh: bytes) -> tuple[bytes, int]:
    """Rows of one series as one, in order of time, and how many of the fresh ones were older than those kept.

    Of one candle the newest revision stays, of equals the fresh one.
    """
    rows = {ts_open_of(row, 0): row for row in _each(kept)}
    older = 0
    for row in _each(fresh):
        ts_open_ns = ts_open_of(row, 0)
        other = rows.get(ts_open_ns)
        if other is not None and _is_older(row, 0, other, 0):
            older += 1
        else:
            rows[ts_open_ns] = row
    return b"".join([rows[ts_open_ns] for ts_open_ns in sorted(rows)]), older


def _each(rows: bytes) -> list[bytes]:
    return [rows[offset : offset + BAR_BYTES] for offset in range(0, len(rows), BAR_BYTES)]
