"""Things that happen now and then, newest last and bounded: alerts, signals, news, liquidations,
sweeps, verdicts, gaps. Pure.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable
from typing import Final, TypeVar

import msgspec

from actors.hub.slots import Slot
from protocol.codec import decode_events
from protocol.messages import GAP_STATES, Gap, Message
from protocol.record import Frame
from protocol.topics import Topic

OPEN_STATES: Final = ("open", "filling")
T = TypeVar("T", bound=Message)
_encode: Final = msgspec.msgpack.Encoder().encode


class EventLog:
    """The newest events of one kind, of all symbols."""

    def __init__(self, limit: int) -> None:
        self._events: collections.deque[Message] = collections.deque(maxlen=limit)
        self._stored: set[bytes] = set()
        """Events that came from the store, encoded: their publisher's memory may bring the newest of them again."""

    def __len__(self) -> int:
        return len(self._events)

    def add(self, events: Iterable[Message]) -> None:
        """Append, unless the store gave them already; the oldest are forgotten."""
        if self._stored:
            events = [event for event in events if _encode(event) not in self._stored]
        self._append(events)

    def _append(self, events: Iterable[Message]) -> None:
        self._events.extend(events)

    def fill(self, events: Iterable[Message]) -> None:
        """Take stored events, oldest first, before those that were heard; what was heard too stays once."""
        stored = {_encode(event): event for event in events}
        heard = [event for event in self._events if _encode(event) not in stored]
        self._events.clear()
        self._events.extend((*stored.values(), *heard))
        self._stored = set(stored)

    def add_earlier(self, events: Iterable[Message]) -> None:
        """Append events that come late, unless they came before."""
        self.add([event for event in events if event not in self._events])

    def newest(self, count: int, symbol: str = "", venue: str = "") -> list[Message]:
        """At most `count` events (0: all), oldest first; of one symbol or venue where named."""
        return _last(list(self._events), count, symbol, venue)

    def clear(self, symbol: str) -> None:
        """Forget the events of one symbol; an empty name means all."""
        kept = [event for event in self._events if symbol and not _concerns(event, symbol)]
        self._events.clear()
        self._events.extend(kept)


class GapLedger:
    """Gaps by id: an announcement with a known id replaces the one before."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._gaps: dict[str, Gap] = {}
        self._open: dict[tuple[str, str, str], set[str]] = {}
        """(venue, symbol, kind) to ids of gaps that are open."""
        self.open_count = 0
        """Gaps that are open now."""
        self.changed: set[tuple[str, str]] = set()
        """(venue, symbol) whose gaps have opened or closed; whoever writes the board takes them out."""

    def __len__(self) -> int:
        return len(self._gaps)

    def add(self, gaps: Iterable[Gap]) -> None:
        """Enter announcements; the oldest gaps are forgotten, closed ones first."""
        for gap in gaps:
            self._gaps[gap.gap_id] = gap
            key = (gap.venue, gap.symbol, gap.kind)
            if gap.state in OPEN_STATES and not gap.to_ts_ns:
                self._open.setdefault(key, set()).add(gap.gap_id)
                self.changed.add(key[:2])
                self.open_count = sum(map(len, self._open.values()))
            else:
                self._settle(gap)
        while len(self._gaps) > self._limit:
            oldest = next(
                (gap for gap in self._gaps.values() if gap.state not in OPEN_STATES),
                next(iter(self._gaps.values())),
            )
            self._settle(oldest)
            del self._gaps[oldest.gap_id]

    def add_earlier(self, gaps: Iterable[Gap]) -> None:
        """Enter announcements that may be older than what is known: a gap never goes back to an earlier state."""
        self.add(
            gap
            for gap in gaps
            if (known := self._gaps.get(gap.gap_id)) is None or _rank(gap.state) > _rank(known.state)
        )

    def _settle(self, gap: Gap) -> None:
        key = (gap.venue, gap.symbol, gap.kind)
        ids = self._open.get(key)
        if ids is not None:
            ids.discard(gap.gap_id)
            if not ids:
                del self._open[key]
            self.changed.add(key[:2])
            self.open_count = sum(map(len, self._open.values()))

    def is_open(self, venue: str, symbol: str, kind: str) -> bool:
        """Whether messages of this kind are missing right now."""
        return (venue, symbol, kind) in self._open

    def is_open_of(self, publisher: str, venue: str, symbol: str, kind: str) -> bool:
        """Whether messages of this kind that this publisher sends are missing right now."""
        ids = self._open.get((venue, symbol, kind))
        return ids is not None and any(gap_id.startswith(f"{publisher}-") for gap_id in ids)

    def abandon(self, publisher: str, epoch: int) -> None:
        """A publisher has begun a new epoch: gaps that its old process held open no longer grow."""
        prefix, current = f"{publisher}-", f"{publisher}-{epoch}-"
        for gap in list(self._gaps.values()):
            if gap.gap_id.startswith(prefix) and not gap.gap_id.startswith(current):
                self._settle(gap)

    def newest(
        self, count: int, symbol: str = "", venue: str = "", kind: str = "", state: str = ""
    ) -> list[Gap]:
        """At most `count` gaps (0: all) in order of announcement, filtered by what is named."""
        found = [
            gap
            for gap in self._gaps.values()
            if (not kind or gap.kind == kind) and (not state or gap.state == state)
        ]
        return _last(found, count, symbol, venue)

    def clear(self, symbol: str) -> None:
        """Forget the gaps of one symbol; an empty name means all."""
        for gap in list(self._gaps.values()):
            if not symbol or gap.symbol == symbol:
                self._settle(gap)
                del self._gaps[gap.gap_id]


class LogSlot(Slot):
    """A topic whose events go to a log that all topics of its kind share."""

    __slots__ = ("_log",)

    def __init__(self, name: str, topic: Topic, frame: Frame, log: EventLog | GapLedger) -> None:
        super().__init__(name, topic, frame)
        self._log = log

    def apply(self, frame: Frame) -> None:
        """Enter the frame's events in the log."""
        events = decode_events(frame)
        super().apply(frame)
        self._log.add(events)

    def tail(self, count: int) -> list[bytes]:
        """The newest `count` events of this topic, encoded, oldest first; what the store gave included."""
        topic = self.topic
        if topic.symbol:
            found: list[Message] = list(self._log.newest(count, topic.symbol, topic.venue))
        else:
            found = [one for one in self._log.newest(0) if getattr(one, "source", "") == topic.venue][-count:]
        return [_encode(event) for event in found] if count else []

    def backfill(self, frame: Frame) -> None:
        """Enter what was announced earlier, unless it has gone on since."""
        self._log.add_earlier(decode_events(frame))


def _rank(state: str) -> int:
    """How far a gap has got."""
    return GAP_STATES.index(state) if state in GAP_STATES else -1


def _concerns(event: Message, symbol: str) -> bool:
    names: list[str] = getattr(event, "symbols", None) or [getattr(event, "symbol", "")]
    return symbol in names


def _venue_of(event: Message, other: str) -> str:
    """Where it was; of what says nothing of a venue (headlines, signals of old) it may be any other."""
    return getattr(event, "venue", "") or other


def _last(events: list[T], count: int, symbol: str, venue: str) -> list[T]:
    found = [
        event
        for event in events
        if (not symbol or _concerns(event, symbol)) and (not venue or _venue_of(event, venue) == venue)
    ]
    return found[-count:] if count else found
