"""What the hub keeps of one topic: the newest frame as it came, and the windows behind it. Pure.

Storing is cheap, because everything is stored: a reference and an array header, no decoding. Reading decodes
the one event that was asked for, once. Candles, books and order flow are decoded as they come (their own
files), since their state is more than their last message.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

import msgspec

from actors.hub.payloads import event_count, last_event, split_events
from actors.hub.sharing import Sharing
from protocol.codec import decode_events
from protocol.errors import DECODE_ERRORS, PayloadError
from protocol.messages import Flow, Quote
from protocol.record import FLAG_REPAIRED, Frame
from protocol.topics import Topic

MAX_WINDOWS: Final = 100
"""Lengths of order flow kept of one topic."""


class Slot:
    """Base: the newest frame of a topic and counts of what came."""

    __slots__ = (
        "again", "counted", "ends", "events", "fixed", "frame", "frames", "is_posted", "is_restored", "name", "only", "rate_per_s",
        "schema", "session", "sharing", "since", "topic",
    )  # fmt: skip

    def __init__(self, name: str, topic: Topic, frame: Frame) -> None:
        self.name = name
        """The topic as text."""
        self.topic = topic
        self.frame = frame
        """Newest frame."""
        self.frames = 0
        self.events = 0
        self.counted = 0
        """Events when the rate was measured last."""
        self.rate_per_s = 0.0
        self.fixed: tuple[bytes, int, bytes] = (b"", 0, b"")
        """(publisher, its epoch, what every answer from this topic says meanwhile), kept by the desk."""
        self.is_restored = False
        """The newest frame came from its publisher's memory or the store, so the bus may bring it, and older ones."""
        self.again = b""
        """Payload of the frame that came from its publisher's memory."""
        self.ends: dict[bytes, tuple[int, int]] = {}
        """Publisher to the (epoch, seq) up to which this topic was filled from the store."""
        self.since: tuple[bytes, int, int] | None = (frame.publisher_padded, frame.epoch, frame.seq)
        """Publisher, epoch and seq of the first frame of the topic that was heard; None: the store has what was before."""
        self.only: bytes | None = None
        """Who sends it, while that is one publisher; None: it does not matter who does."""
        self.sharing: Sharing | None = None
        """Everybody who sends it, from the second one on."""
        self.schema = 0
        """Number of the message type that the topic carries."""
        self.is_posted = False
        """Whether such topics are on the board."""
        self.session = ""
        """Session calendar of the symbol; empty: always open."""

    def apply(self, frame: Frame) -> None:
        """Take the next frame of the topic.

        Raises:
            PayloadError: it cannot be read; the value before it stays.
        """
        count = event_count(frame.payload)
        if count:
            self.frame = frame
            self.frames += 1
            self.events += count

    def newest(self) -> tuple[bytes, int]:
        """The newest event, encoded, and when it was received (ns).

        Raises:
            PayloadError: what is stored is not what its header promised.
        """
        return last_event(self.frame.payload), self.frame.ts_pub_ns

    def tail(self, count: int) -> list[bytes]:
        """The newest `count` events, encoded, oldest first; as many as are kept."""
        return [self.newest()[0]] if count else []

    def ends_ns(self) -> int:
        """When what the newest value stands for ends, by the venue's clock; of what has no length its time of publication."""
        return self.frame.ts_pub_ns

    def is_last_known(self) -> bool:
        """Whether the newest value only repeats what was known when its source failed."""
        return False

    def backfill(self, frame: Frame) -> None:
        """Take a frame that comes after a newer one, since the journal is read from an earlier position.

        Of a newest value that changes nothing; windows put it in its place.
        """

    def join(self, frame: Frame) -> None:
        """Take a frame of a topic that was restored: neither what the store held already, nor a frame twice.

        Raises:
            PayloadError: as `apply`.
        """
        end = self.ends.get(frame.publisher_padded)
        if end is not None:
            if (frame.epoch, frame.seq) <= end:
                return
            del self.ends[frame.publisher_padded]
        if self.is_newer(frame):
            self.is_restored = bool(self.ends)
            self.apply(frame)
        elif frame.payload != self.again:
            self.backfill(frame)

    def adopt(self, frame: Frame) -> None:
        """The frame behind what the store gave, from its publisher's memory: the store does not keep its `topic_seq`."""
        mine = self.frame
        if (
            not mine.topic_seq
            and frame.publisher_padded == mine.publisher_padded
            and (frame.epoch, frame.seq) == (mine.epoch, mine.seq)
        ):
            self.frame = frame

    def is_newer(self, frame: Frame) -> bool:
        """Whether a frame comes after what is stored here, by its publisher's own numbers; of different
        publishers the one that was published later.
        """
        mine = self.frame
        if frame.publisher_padded != mine.publisher_padded:
            return frame.ts_pub_ns > mine.ts_pub_ns
        return (frame.epoch, frame.seq) > (mine.epoch, mine.seq)


class DecodedSlot(Slot):
    """Keeps what it decoded at a read until the next frame."""

    __slots__ = ("_decoded", "_decoded_frame")

    _decoder: ClassVar[msgspec.msgpack.Decoder[Any]]

    def __init__(self, name: str, topic: Topic, frame: Frame) -> None:
        super().__init__(name, topic, frame)
        self._decoded: tuple[bytes, Any] = (b"", None)
        self._decoded_frame: Frame | None = None

    def decoded(self) -> tuple[bytes, Any]:
        """The newest event, encoded and decoded.

        Raises:
            PayloadError: it is not what the frame's schema promises.
        """
        frame = self.frame
        if self._decoded_frame is not frame:
            event = last_event(frame.payload)
            try:
                self._decoded = (event, self._decoder.decode(event))
            except DECODE_ERRORS as fault:
                raise PayloadError(f"{frame.topic}: {fault}") from fault
            self._decoded_frame = frame
        return self._decoded


class QuoteSlot(DecodedSlot):
    """Best bid and ask."""

    __slots__ = ()
    _decoder = msgspec.msgpack.Decoder(Quote)

    def apply(self, frame: Frame) -> None:
        """Take the next frame; quotes that came late are counted, and are never the newest."""
        if frame.flags & FLAG_REPAIRED and self.frames:
            self.frames += 1
            self.events += event_count(frame.payload)
        else:
            super().apply(frame)

    def newest(self) -> tuple[bytes, int]:
        """The newest quote and its receive time."""
        event, quote = self.decoded()
        return event, quote.ts_recv_ns


class FlowSlot(Slot):
    """Order-flow metrics, the newest of each window length."""

    __slots__ = ("windows",)

    def __init__(self, name: str, topic: Topic, frame: Frame) -> None:
        super().__init__(name, topic, frame)
        self.windows: dict[float, tuple[Flow, int]] = {}
        """Length in seconds (0: since the session began) to the newest metrics, and when they were published, ns."""

    def apply(self, frame: Frame) -> None:
        """Take the metrics of one or more windows."""
        flows: list[Flow] = decode_events(frame)
        if len({*self.windows, *(flow.window_s for flow in flows)}) > MAX_WINDOWS:
            raise PayloadError(f"{frame.topic}: order flow of more than {MAX_WINDOWS} windows")
        super().apply(frame)
        for flow in flows:
            self.windows[flow.window_s] = (flow, frame.ts_pub_ns)

    def shortest_s(self) -> float:
        """Length of the shortest window, seconds; 0 where there is only the one since the session began."""
        return min((length_s for length_s in self.windows if length_s), default=0.0)

    def tail(self, count: int) -> list[bytes]:
        """The last `count` metrics of the newest frame, which holds one of each window."""
        return [bytes(event) for event in split_events(self.frame.payload)[-count:]] if count else []

    def backfill(self, frame: Frame) -> None:
        """The newest frame may hold one window only: take those that are missing."""
        for flow in decode_events(frame):
            known = self.windows.get(flow.window_s)
            if known is None or known[0].ts_event_ns <= flow.ts_event_ns:
                self.windows[flow.window_s] = (flow, frame.ts_pub_ns)
