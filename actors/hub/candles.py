"""The candle window of one topic: decoded as it comes, packed, answered as one buffer. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from actors.hub.bars import BarWindow
from actors.hub.payloads import bytes_header, extend_map
from actors.hub.slots import Slot
from protocol.codec import decode_events
from protocol.errors import PayloadError
from protocol.messages import Bar
from protocol.record import Frame
from protocol.sessions import timeframe_ns
from protocol.topics import Topic
from protocol.windows import BAR_BYTES, BAR_COLUMNS, STATUSES

STALE: Final = "stale"
"""Status of such a candle."""
_encode: Final = msgspec.msgpack.Encoder().encode


class BarSlot(Slot):
    """Candles of one symbol, venue and timeframe."""

    __slots__ = ("_head", "older_revisions", "timeframe_ns", "window")

    def __init__(self, name: str, topic: Topic, frame: Frame, limit: int) -> None:
        super().__init__(name, topic, frame)
        self.window = BarWindow(topic.symbol, topic.venue, topic.timeframe, limit)
        self.timeframe_ns = timeframe_ns(topic.timeframe)
        self._head: tuple[int, bytes] = (0, b"")
        """Number of sources, and what precedes the rows while there are so many."""
        self.older_revisions = 0
        """Candles that came after a newer revision of themselves."""

    def apply(self, frame: Frame) -> None:
        """Take new candles and new revisions of old ones."""
        bars: list[Bar] = decode_events(frame)
        super().apply(frame)
        self._upsert(bars)

    def backfill(self, frame: Frame) -> None:
        """Take the candles of an older frame: a newer revision that is here stays."""
        self._upsert(decode_events(frame))

    def _upsert(self, bars: list[Bar]) -> None:
        try:
            self.older_revisions += self.window.upsert_all(bars)
        except ValueError as fault:
            raise PayloadError(f"{self.name}: {fault}") from fault

    def newest(self) -> tuple[bytes, int]:
        """The newest candle, and when the newest frame of the topic was published."""
        return _encode(self.window.bar(len(self.window) - 1)), self.frame.ts_pub_ns

    def tail(self, count: int) -> list[bytes]:
        """The newest `count` candles, encoded, oldest first."""
        stop = len(self.window)
        return [_encode(self.window.bar(index)) for index in range(max(0, stop - count), stop)]

    def ends_ns(self) -> int:
        """When the newest candle ends, by the venue's clock."""
        return self.span()[1] if len(self.window) else super().ends_ns()

    def is_last_known(self) -> bool:
        """Whether the newest candle is one of status stale."""
        return len(self.window) > 0 and self.window.status(len(self.window) - 1) == STALE

    def span(self) -> tuple[int, int]:
        """Time `[from, to)` of the candles kept, ns."""
        return self.covered(0, len(self.window))

    def covered(self, start: int, stop: int) -> tuple[int, int]:
        """Time range `[from, to)` that candles `[start, stop)` stand for, ns; (0, 0) if there are none."""
        if start >= stop:
            return 0, 0
        return self.window.ts_open_ns(start), self.window.ts_open_ns(stop - 1) + self.timeframe_ns

    def encoded(self, start: int, stop: int) -> list[bytes | memoryview]:
        """Pieces of an encoded `BarData` of candles `[start, stop)`: the rows are not copied here."""
        rows = self.window.rows(start, stop)
        return [self.head(), bytes_header(len(rows)), rows]

    def head(self) -> bytes:
        """What precedes the rows in an encoded `BarData`."""
        sources = self.window.sources
        if self._head[0] != len(sources):
            fields = {
                "symbol": self.topic.symbol,
                "venue": self.topic.venue,
                "timeframe": self.topic.timeframe,
                "row_bytes": BAR_BYTES,
                "columns": BAR_COLUMNS,
                "statuses": STATUSES,
                "sources": sources,
            }
            self._head = (len(sources), extend_map(_encode(fields), "rows"))
        return self._head[1]
