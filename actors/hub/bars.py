"""The candles the hub keeps of one symbol and timeframe: a bounded window of packed rows. Pure.

Rows lie in one block in time order, so any range is one slice of bytes: no object per candle, nothing to
encode at a read. Layout: protocol/windows.py.
"""

from __future__ import annotations

from bisect import bisect_left

from protocol.history import recoded
from protocol.messages import Bar
from protocol.windows import (
    BAR_BYTES,
    MAX_SOURCES,
    pack_bar,
    revision_of,
    ts_event_of,
    ts_open_of,
    unpack_bar,
)

_FIRST_ROWS = 16


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
        self._rows = bytearray(min(_FIRST_ROWS, self._most_rows) * BAR_BYTES)
        self._start = 0
        self._stop = 0

    def __len__(self) -> int:
        return self._stop - self._start

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
        kept = revision_of(self._rows, place)
        if kept > bar.revision:
            return False
        if kept == bar.revision == 0 and ts_event_of(self._rows, place) > bar.ts_event_ns:
            return False  # the running candle as it was before: read again from the journal
        offset = place * BAR_BYTES
        self._rows[offset : offset + BAR_BYTES] = row
        return True

    def fill(self, rows: bytes, sources: list[str]) -> None:
        """Take stored candles, oldest first, in one go: the newest revision wins, of equals what is here.

        Raises:
            ValueError: they come from more than 255 sources.
        """
        stored = recoded(rows, sources, self.sources)
        here = bytes(self.rows(0, len(self)))
        if here and stored and ts_open_of(stored, len(stored) // BAR_BYTES - 1) >= ts_open_of(here, 0):
            whole = _merged(bytes(stored), here)
        else:
            whole = stored + here
        block = bytearray(whole[max(0, len(whole) - self._limit * BAR_BYTES) :])
        self._rows, self._start, self._stop = block, 0, len(block) // BAR_BYTES

    def ts_open_ns(self, index: int) -> int:
        """Open time of a candle, 0 is the oldest."""
        return ts_open_of(self._rows, self._start + index)

    def position(self, ts_ns: int) -> int:
        """Index of the first candle that opens at or after a time; the length if there is none."""
        return bisect_left(range(len(self)), ts_ns, key=self.ts_open_ns)

    def between(self, from_ns: int, to_ns: int) -> tuple[int, int]:
        """Indexes (start, stop) of candles that open in `[from_ns, to_ns)`; 0 leaves an end open."""
        start = self.position(from_ns) if from_ns else 0
        stop = self.position(to_ns) if to_ns else len(self)
        return start, max(start, stop)

    def rows(self, start: int, stop: int) -> memoryview:
        """Bytes of candles `[start, stop)`; valid until the next `upsert`."""
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
        capacity = min(self._most_rows, max(2 * len(self), _FIRST_ROWS))
        fresh = bytearray(capacity * BAR_BYTES)
        fresh[: len(kept)] = kept
        self._rows, self._start, self._stop = fresh, 0, len(kept) // BAR_BYTES

    def _insert(self, index: int, row: bytes) -> bool:
        """A candle between others: back-filled, rare."""
        if index == 0 and len(self) >= self._limit:
            return False
        tail = bytes(self.rows(index, len(self)))
        self._stop -= len(tail) // BAR_BYTES
        self._append(row)
        for offset in range(0, len(tail), BAR_BYTES):
            self._append(tail[offset : offset + BAR_BYTES])
        return True


def _merged(stored: bytes, here: bytes) -> bytes:
    """Two windows of one series as one, in order of time."""
    rows = {ts_open_of(row, 0): row for row in _each(stored)}
    for row in _each(here):
        ts_open_ns = ts_open_of(row, 0)
        other = rows.get(ts_open_ns)
        if other is None or revision_of(other, 0) <= revision_of(row, 0):
            rows[ts_open_ns] = row
    return b"".join(rows[ts_open_ns] for ts_open_ns in sorted(rows))


def _each(rows: bytes) -> list[bytes]:
    return [rows[offset : offset + BAR_BYTES] for offset in range(0, len(rows), BAR_BYTES)]
