"""One publisher as an actor hears it: a subscriber that feeds a consumer (protocol/consumer.py)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final, NamedTuple

from protocol.consumer import Consumer, Hole, Orphans, State
from protocol.errors import FrameError
from protocol.record import Frame, RecordKind, parse_frame
from protocol.replay import Position
from protocol.transport import Empty, Subscriber

FrameHandler = Callable[[Frame], None]
HoleHandler = Callable[[Hole], None]
"""Called before the record behind a hole."""
OrphanHandler = Callable[[Orphans], None]
Drop = Callable[[str, object], None]

_ID: Final = struct.Struct("<QQ")
_ID_OFFSET: Final = 48
"""Of epoch and seq behind the topic; see protocol/record.py."""
_BEAT: Final = b"beat."


class Listener(NamedTuple):
    """Who wants what of a publisher."""

    handler: FrameHandler
    """Takes the records of the wanted topics."""
    on_hole: HoleHandler
    """Told of what cannot be had any more."""
    topics: tuple[str, ...] = ()
    """Prefixes of the wanted topics; none means all. The others are only counted off."""
    on_beat: FrameHandler | None = None
    """Takes the heartbeats."""
    on_orphans: OrphanHandler | None = None
    """Told of records that we had and their publisher has lost."""
    gives_up_ns: int = 0
    """A journal server that has not answered for so long is not waited for: what is missing is a hole; 0: never."""


class Input:
    """Frames of one publisher on their way to one listener, in order, each once.

    Args:
        publisher: Whom it hears.
        connect: Makes a subscriber to it.
        listener: Who wants what.
        drop: Counts and logs what cannot be used.
        mono_ns: Monotonic clock.
        position: Where to go on from; None: with the first frame heard.
        can_pull: Whether there is a journal server to ask.
    """

    def __init__(
        self,
        publisher: str,
        connect: Callable[[], Subscriber],
        listener: Listener,
        drop: Drop,
        mono_ns: Callable[[], int],
        position: Position | None,
        *,
        can_pull: bool,
    ) -> None:
        self.publisher = publisher
        self.subscriber = connect()
        self._topics = listener.topics
        self._heads = (*(topic.encode() for topic in self._topics), _BEAT) if self._topics else ()
        self._handler = listener.handler
        self._on_beat = listener.on_beat
        self._drop = drop
        self._mono_ns = mono_ns
        self.consumer = Consumer(
            publisher,
            self._handle_wanted if self._topics else self._handler,
            listener.on_hole,
            position,
            can_pull=can_pull,
            on_orphans=listener.on_orphans,
            gives_up_ns=listener.gives_up_ns,
        )
        self.newest_pub_ns = 0
        """Publish time of the newest frame taken."""
        self.heard_ns = mono_ns()
        """When anything of it was heard last, monotonic."""

    def take(self, limit: int) -> int:
        """Take at most `limit` frames from the bus; returns how many there were."""
        mono_ns = self._mono_ns()
        receive, hear = self.subscriber.receive_raw, self.consumer.hear
        heads, on_beat = self._heads, self._on_beat
        for taken in range(limit):
            try:
                data = receive()
            except Empty:
                if taken:
                    self.heard_ns = mono_ns
                return taken
            if heads and not data.startswith(heads) and self._is_counted_off(data):
                continue
            if not self.consumer.wants_live and not data.startswith(_BEAT):
                continue
            try:
                frame = parse_frame(data)
                self.newest_pub_ns = frame.ts_pub_ns
                hear(frame, mono_ns)
                if on_beat is not None and frame.kind == RecordKind.HEARTBEAT:
                    on_beat(frame)
            except FrameError as fault:
                self._drop(fault.code, fault)
        self.heard_ns = mono_ns
        return limit

    def work(self, limit: int) -> int:
        """Hand on at most `limit` fetched records; returns how many there were."""
        try:
            return self.consumer.work(limit, self._mono_ns())
        except FrameError as fault:
            self._drop(fault.code, fault)
            return 1

    def reconnect(self, connect: Callable[[], Subscriber]) -> None:
        """Hear it on a new subscriber: the old one may be deaf."""
        self.subscriber = connect()

    def _is_counted_off(self, data: bytes) -> bool:
        """Step over a frame that nobody here wants, without reading it; False if it does not follow on."""
        head = data.find(0) + 1
        if not head or len(data) < head + _ID_OFFSET + _ID.size:
            return False
        epoch, seq = _ID.unpack_from(data, head + _ID_OFFSET)
        return self.consumer.step_over(epoch, seq)

    def _handle_wanted(self, frame: Frame) -> None:
        if frame.topic.startswith(self._topics):
            self._handler(frame)

    @property
    def is_live(self) -> bool:
        """Whether everything that was published is applied, as far as is known."""
        return self.consumer.state is State.LIVE

    def chain(self) -> dict[str, int]:
        """Counters of the chain check, for the heartbeat."""
        counts = self.consumer.counts
        return {
            "missing": counts["missing"],
            "gaps": counts["holes"],
            "duplicates": counts["duplicates"],
            "fenced": counts["fenced"],
            "foreign": counts["foreign"],
            "pulls": counts["pulls"],
            "pulled": counts["pulled"],
        }
