"""A subscriber that stores what it has applied together with how far it got, and dies in between."""

from __future__ import annotations

import random
from collections.abc import Callable

from protocol.consumer import Consumer, Hole, Orphans, State
from protocol.errors import FrameError, PayloadError
from protocol.record import Frame
from protocol.replay import Fetched, Position
from protocol.topic_consumer import TopicConsumer
from tests.unit.protocol.joins.bus import Bus
from tests.unit.protocol.joins.publisher import NAME
from tests.unit.protocol.joins.server import FalseServer

PATIENCE_NS = 1_000_000_000
"""How long an answer is waited for, as actors/runtime/puller.py does."""
BEGINNING = Position(0, 0)
DOUBT_NS = 1_000_000_000
"""Silence after which the journal is asked, as actors/runtime/intake.py does."""


class Stored:
    """What transactions have put on the medium."""

    def __init__(self, position: Position | None) -> None:
        self.frames: list[Frame] = []
        """As they were applied."""
        self.holes: list[Hole] = []
        self.orphans: list[Orphans] = []
        self.position = position
        self.topics: dict[str, int] = {}


class SimSubscriber:
    """One process with a consumer, its socket, its line to the journal server and its database.

    Args:
        rng: Decides when a handler fails, and how much is done in a turn.
        bus: Its socket.
        server: The journal server.
        wanted: Topics; none: everything.
        position: Where it begins.
        options: Of the consumer.
    """

    def __init__(
        self,
        rng: random.Random,
        bus: Bus,
        server: FalseServer,
        wanted: tuple[str, ...] = (),
        position: Position | None = BEGINNING,
        *,
        can_pull: bool = True,
        gives_up_ns: int = 0,
    ) -> None:
        self.bus = bus
        self.wanted = wanted
        self.stored = Stored(position)
        self.joins = 0
        """Times that it went from PULL to LIVE."""
        self.raises_share = 0.0
        """Share of records that its handler cannot use."""
        self.rewinds_share = 0.0
        """Share of records at which its database fails, and it begins again from what is stored."""
        self._rng = rng
        self._server = server
        self._can_pull = can_pull
        self._gives_up_ns = gives_up_ns
        self._generation = self._asked = 0
        self.start()

    def start(self) -> None:
        """Begin as a new process does: with what is stored."""
        self._forget()
        stored = self.stored
        if self.wanted:
            self.consumer: Consumer = TopicConsumer(
                NAME,
                self._on_frame,
                self._on_hole,
                self.wanted,
                stored.position,
                stored.topics,
                gives_up_ns=self._gives_up_ns,
                on_orphans=self._on_orphans,
            )
        else:
            self.consumer = Consumer(
                NAME,
                self._on_frame,
                self._on_hole,
                stored.position,
                can_pull=self._can_pull,
                gives_up_ns=self._gives_up_ns,
                on_orphans=self._on_orphans,
            )
        self._was_live = False
        self._heard_ns = 0

    def _forget(self) -> None:
        self._generation += 1
        self._asked_ns: int | None = None
        self._frames: list[Frame] = []
        self._holes: list[Hole] = []
        self._orphans: list[Orphans] = []

    def _on_frame(self, frame: Frame) -> None:
        self._frames.append(frame)
        if self.rewinds_share and self._rng.random() < self.rewinds_share:
            self.rewind()
        elif self.raises_share and self._rng.random() < self.raises_share:
            raise PayloadError("not for me")

    def _on_hole(self, hole: Hole) -> None:
        self._holes.append(hole)
        if self.rewinds_share and self._rng.random() < self.rewinds_share:
            self.rewind()

    def _on_orphans(self, orphans: Orphans) -> None:
        self._orphans.append(orphans)

    def rewind(self) -> None:
        """The database has failed: forget what it did not take."""
        self._forget()
        self.consumer.rewind(self.stored.position, self.stored.topics)

    def commit(self) -> None:
        """Store everything and the position, together."""
        self.store_rows()
        self.store_position()

    def store_rows(self) -> None:
        """One half of a commit; a transaction has both."""
        stored = self.stored
        stored.frames += self._frames
        stored.holes += self._holes
        stored.orphans += self._orphans
        self._frames, self._holes, self._orphans = [], [], []

    def store_position(self) -> None:
        """The other half."""
        consumer = self.consumer
        if consumer.state is not State.WAITING:
            self.stored.position = consumer.position
            self.stored.topics = dict(consumer.topics) if isinstance(consumer, TopicConsumer) else {}

    def turn(self, now_ns: int) -> None:
        """One turn of its loop."""
        consumer = self.consumer
        heard = self.bus.receive(now_ns)
        if heard:
            self._heard_ns = now_ns
        elif now_ns - self._heard_ns > DOUBT_NS:
            self._heard_ns = now_ns
            consumer.doubt()
        for frame in heard:
            if consumer.wants_live or frame.topic.startswith("beat."):
                self._guarded(lambda frame=frame: self.consumer.hear(frame, now_ns))  # type: ignore[misc]
        if self._asked_ns is not None and now_ns - self._asked_ns > PATIENCE_NS:
            self._asked_ns = None
            consumer.failed(now_ns)
        self.ask(now_ns)
        for _ in range(8):
            if not self.consumer.has_work:
                break
            self._guarded(lambda: self.consumer.work(self._rng.choice((1, 7, 128)), now_ns))
        is_live = self.consumer.state is State.LIVE
        self.joins += is_live and not self._was_live
        self._was_live = is_live

    def ask(self, now_ns: int) -> None:
        """Send what the consumer wants to know."""
        position = self.consumer.request(now_ns)
        if position is None:
            return
        self._asked_ns = now_ns
        generation = self._generation
        self._asked += 1
        number = self._asked

        def done(answer: Fetched) -> None:
            if generation == self._generation:
                if number == self._asked:
                    self._asked_ns = None
                self._guarded(lambda: self.consumer.fetched(answer, now_ns))

        self._server.ask(position, self.consumer.prefixes, now_ns, done)

    @staticmethod
    def _guarded(call: Callable[[], object]) -> None:
        try:
            call()
        except FrameError:
            return  # counted and logged, in an actor
