"""What is known of candle after candle besides the candle: indicator values, footprints, volume profiles. Pure.

Kept encoded, by the time the candle opens, so an answer is the bytes as they came. Of one candle the newest
revision stays; the running one is replaced by each newer state of it.
"""

from __future__ import annotations

from bisect import insort
from typing import NamedTuple

from actors.hub.payloads import split_events
from actors.hub.slots import Slot
from protocol.codec import decode_events
from protocol.messages import SESSION, Feature, Footprint
from protocol.record import Frame
from protocol.sessions import timeframe_ns
from protocol.topics import Topic


class _Kept(NamedTuple):
    """One candle's message."""

    revision: int
    ts_event_ns: int
    event: bytes
    """As it came, encoded."""


class SeriesSlot(Slot):
    """At most `keep` newest candles of a topic whose messages name revision and open time."""

    __slots__ = ("_keep", "_kept", "_opens", "older_revisions")

    def __init__(self, name: str, topic: Topic, frame: Frame, keep: int) -> None:
        super().__init__(name, topic, frame)
        self._keep = keep
        self._opens: list[int] = []
        """Open times, ns, ascending."""
        self._kept: dict[int, _Kept] = {}
        self.older_revisions = 0
        """Messages that came after a newer revision of themselves."""

    def __len__(self) -> int:
        return len(self._opens)

    def apply(self, frame: Frame) -> None:
        """Take new candles and new revisions of old ones."""
        events: list[Feature | Footprint] = decode_events(frame)
        super().apply(frame)
        self._upsert(events, frame.payload)

    def backfill(self, frame: Frame) -> None:
        """Take what an older frame says: a newer revision that is here stays."""
        self._upsert(decode_events(frame), frame.payload)

    def _upsert(self, events: list[Feature | Footprint], payload: bytes) -> None:
        for message, event in zip(events, split_events(payload), strict=True):
            opened_ns, fresh = (
                message.ts_open_ns,
                _Kept(message.revision, message.ts_event_ns, bytes(event)),
            )
            known = self._kept.get(opened_ns)
            if known is None:
                if self._is_too_old(opened_ns):
                    continue
                insort(self._opens, opened_ns)
            elif _is_older(fresh, known):
                self.older_revisions += 1
                continue
            self._kept[opened_ns] = fresh
        while len(self._opens) > self._keep:
            del self._kept[self._opens.pop(0)]

    def _is_too_old(self, opened_ns: int) -> bool:
        return len(self._opens) >= self._keep and opened_ns < self._opens[0]

    def newest(self) -> tuple[bytes, int]:
        """The newest candle's message, and when it was published (it has no receive time)."""
        if not self._opens:
            return super().newest()
        return self._kept[self._opens[-1]].event, self.frame.ts_pub_ns

    def tail(self, count: int) -> list[bytes]:
        """The messages of the newest `count` candles, encoded, oldest first."""
        return [self._kept[opened_ns].event for opened_ns in self._opens[-count:]] if count else []

    def ends_ns(self) -> int:
        """When the newest candle ends, by the venue's clock; of a session, which has no fixed length, as any value."""
        if not self._opens or self.topic.timeframe == SESSION:
            return super().ends_ns()
        return self._opens[-1] + timeframe_ns(self.topic.timeframe)

    def opened(self, count: int) -> tuple[int, int]:
        """When the first and the last of the newest `count` candles open, ns; (0, 0) if none is kept."""
        found = self._opens[-count:]
        return (found[0], found[-1]) if found else (0, 0)


def _is_older(fresh: _Kept, known: _Kept) -> bool:
    if fresh.revision != known.revision:
        return fresh.revision < known.revision
    return fresh.revision == 0 and fresh.ts_event_ns < known.ts_event_ns
