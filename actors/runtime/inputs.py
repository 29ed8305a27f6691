"""One publisher as an actor hears it: a subscriber that feeds a consumer (protocol/consumer.py)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final, NamedTuple

from actors.runtime.lagging import Pace
from protocol.consumer import Consumer, Hole, Orphans, State
from protocol.errors import FrameError
from protocol.record import Frame, RecordKind, parse_frame
from protocol.replay import Position
from protocol.transport import Empty, Subscriber

FrameHandler = Callable[[Frame], None]
HoleHandler = Callable[[Hole], None]
"""Called before the record behind a hole."""
OrphanHandler = Callable[[Orphans], None]
ConflatedHandler = Callable[[str, int], None]
"""(topic, events that newer ones have taken the place of)."""
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
    conflates: tuple[str, ...] = ()
    """Prefixes of the topics of which only the newest counts for who is behind; none: everything is handed on."""
    on_conflated: ConflatedHandler | None = None
    """Told how many events were not handed on."""


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

    is_behind = False
    """Whether it was, when that was looked at last."""
    has_backlog = False
    """Whether frames wait that are no longer in the socket: it is to be taken from again, whatever the socket says."""
    is_promised = False
    """Whether the loop is about to do so."""

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
        self._hand_on: FrameHandler = self._handle_wanted if self._topics else self._handler
        self.consumer = Consumer(
            publisher,
            self._hand_on,
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
        self.pace = Pace(self.heard_ns)

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

    def note_taken(self, age_ns: int, *, was_full: bool) -> None:
        """A turn has taken what it may.

        Args:
            age_ns: Of the newest frame taken: wall clock minus its publish time.
            was_full: The last `take` brought as many frames as were asked for.
        """
        if self.is_live and self.newest_pub_ns:
            mono_ns = self._mono_ns()
            self.pace.note_live(age_ns, mono_ns, has_more=was_full and self.has_more)
            self.is_behind = self.pace.behind_ns(mono_ns) > 0

    def look_at_pace(self, now_ns: int, *, is_paused: bool = False) -> int:
        """How far it is behind between the turns that take, 0 where it is not: what is fetched is old, what waits for an
        answer grows old; or nothing waits any more.

        Args:
            now_ns: Wall clock.
            is_paused: Whether nothing is taken at present.
        """
        consumer = self.consumer
        if consumer.state is State.PULL:
            fetched = next(consumer.fetched_frames, None)
            if fetched is None:
                self.pace.note_stuck()
            else:
                self.pace.note_fetched(now_ns - fetched.ts_pub_ns, self._mono_ns())
        elif self.pace.has_more and not self.has_more:
            self.pace.note_level(self._mono_ns())
        behind_ns = self.pace.behind_ns(self._mono_ns(), is_paused=is_paused)
        self.is_behind = behind_ns > 0
        return behind_ns

    @property
    def has_more(self) -> bool:
        """Whether frames wait that have come."""
        return self.has_backlog or self.subscriber.wait(0.0)

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
