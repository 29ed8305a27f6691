"""Messages of a recording as the frames that a collector would have published: numbered, with marks of time. Pure.

Messages of one topic that follow each other share a frame; the order in which they came is kept across topics. Between
them come the watermarks, by the recorder's clock, as the collector sends them by its own.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from actors.collector.market_clock import MarketClock
from actors.collector.outbox import Outbox
from protocol.codec import encode_events
from protocol.messages import Gap, Message, Watermark
from protocol.record import VERSION, Frame, RecordKind
from protocol.topics import mark_topic

MARK_NS: Final = 250_000_000
"""Between two watermarks."""
EPOCH: Final = 1


class Published:
    """Frames of one publisher, numbered as it would number them; nobody sends them, so they have no checksum.

    Args:
        name: Of the publisher.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._padded = name.encode().ljust(32, b"\x00")
        self._seq = itertools.count(1)
        self._topic_seqs: Counter[str] = Counter()

    def frame(
        self,
        topic: str,
        messages: Sequence[Any],
        ts_pub_ns: int,
        kind: int = RecordKind.DATA,
        flags: int = 0,
    ) -> Frame:
        """One frame with messages of one type."""
        self._topic_seqs[topic] += 1
        payload, number = encode_events(messages), self._topic_seqs[topic]
        return Frame(
            topic, payload, b"", len(payload), 0, VERSION, kind, flags, messages[0].SCHEMA, self._padded, EPOCH,
            next(self._seq), number, ts_pub_ns,
        )  # fmt: skip


class CollectorFrames:
    """What the collector of a venue would have published.

    Args:
        venue: Where the messages come from.
    """

    def __init__(self, venue: str) -> None:
        self._venue = venue
        self._published = Published(f"collector.{venue}.1")
        self._outbox = Outbox(self._publish, Counter())
        self._clock = MarketClock()
        self._newest: tuple[str, str] = ("", "")
        self._next_mark_ns = 0
        self._now_ns = 0
        self._newest_event_ns = 0
        self._ready: list[Frame] = []

    def take(self, message: Message) -> Iterator[Frame]:
        """Take the next message; frames that are complete come out."""
        if not isinstance(message, Gap):
            self._now_ns = max(self._now_ns, message.ts_recv_ns)  # type: ignore[attr-defined]
            if self._now_ns >= self._next_mark_ns:
                yield from self._mark()
            event_ns: int = message.ts_event_ns  # type: ignore[attr-defined]  # every market message has one
            self._newest_event_ns = max(self._newest_event_ns, event_ns)
            self._clock.saw(event_ns, self._now_ns)
        topic = (message.KIND, message.symbol)  # type: ignore[attr-defined]
        if topic != self._newest:
            self._newest = topic
            self._outbox.flush()
        self._outbox.add(message)
        yield from self._take_ready()

    def end(self, settled_ns: Callable[[int], int]) -> Iterator[Frame]:
        """The rest, and a last mark at the time that a function makes of the newest event's."""
        self._outbox.flush()
        yield from self._take_ready()
        if self._newest_event_ns:
            yield self._mark_frame(settled_ns(self._newest_event_ns))

    def _mark(self) -> Iterator[Frame]:
        self._outbox.flush()
        yield from self._take_ready()
        if self._clock.has_begun:
            yield self._mark_frame(self._clock.reached(self._now_ns))
        self._next_mark_ns = self._now_ns + MARK_NS

    def _mark_frame(self, reached_ns: int) -> Frame:
        name = self._published.name
        mark = Watermark(name, self._venue, reached_ns, is_connected=True)
        return self._published.frame(mark_topic(name), [mark], self._now_ns, RecordKind.TIME)

    def _publish(
        self, topic: str, messages: Sequence[Any], kind: int = RecordKind.DATA, flags: int = 0
    ) -> None:
        self._ready.append(self._published.frame(topic, messages, self._now_ns, kind, flags))

    def _take_ready(self) -> list[Frame]:
        ready, self._ready = self._ready, []
        return ready
