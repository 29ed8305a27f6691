"""One publisher, its journal server, any number of subscribers, and everything that can go wrong; one seed, one process."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any, Final, NamedTuple

from protocol.consumer import State
from protocol.journal.sealed import all_segments
from protocol.journal.segment import SegmentName
from protocol.record import Frame, parse_frame
from protocol.replay import Position
from tests.unit.protocol.joins.bus import Bus
from tests.unit.protocol.joins.checker import Id, Verdict, compare
from tests.unit.protocol.joins.memory_disk import MemoryDisk
from tests.unit.protocol.joins.publisher import FOLDER, SimPublisher, records_of
from tests.unit.protocol.joins.server import FalseServer
from tests.unit.protocol.joins.subscriber import BEGINNING, SimSubscriber

PLENTY: Final = 1 << 40
SETTLE_TICKS: Final = 200
TICK_NS: Final = 10_000_000
LONG_TICK_NS: Final = 250_000_000
PROBE_TICKS: Final = 48
"""Long ones, in which a TopicConsumer asks once more whether that was all."""


class NotLive(AssertionError):
    """A subscriber does not become LIVE although nothing goes wrong any more."""


class Member(NamedTuple):
    """A subscriber and where it began."""

    subscriber: SimSubscriber
    start: Position


class World:
    """Everything, and the clock.

    Args:
        seed: Of every decision.
        sends_first: Of the publisher: wrong on purpose.
    """

    def __init__(self, seed: int, *, sends_first: bool = False) -> None:
        self.rng = random.Random(seed)
        self.now_ns = 1_000_000_000
        self.disk = MemoryDisk()
        self.server = FalseServer(self.disk, self.rng)
        self.members: list[Member] = []
        self.crashes = 0
        self.losses_allowed = False
        """Something has happened that may cost records for good: then holes are no fault."""
        self.epochs: set[int] = set()
        self._sends_first = sends_first
        self._published: dict[Id, Frame] = {}
        self._deleted: dict[Id, Frame] = {}
        self.publisher: SimPublisher | None = None
        self.begin()

    # the publisher

    def begin(self) -> None:
        """Start the publisher, if it does not run."""
        if self.publisher is None:
            epoch = max(self.epochs, default=0) + 1
            self.publisher = SimPublisher(
                self.disk, self._send, lambda: self.now_ns, epoch, sends_first=self._sends_first
            )
            self.epochs.add(self.publisher.epoch)

    def _send(self, data: bytes) -> None:
        frame = parse_frame(data)
        for member in self.members:
            member.subscriber.bus.send(frame, self.now_ns)

    def publish(self, count: int) -> None:
        """Publish, if it runs."""
        if self.publisher is not None:
            self.publisher.publish(count)

    def beat(self) -> None:
        """Have it beat, if it runs."""
        if self.publisher is not None:
            self.publisher.tick()
            self.publisher.beat()

    def end(self, how: str, count: int = 3, sent: int = 1) -> None:
        """End it: `writing`, `sending`, `quietly`, `power`, `order`."""
        publisher = self.publisher
        if publisher is None:
            return
        if publisher.journal.state != "ok":
            self.losses_allowed = True
        if how == "writing":
            publisher.die_writing(count)
        elif how == "sending":
            publisher.die_sending(count, min(sent, count))
        elif how == "quietly":
            publisher.die()
        elif how == "power":
            publisher.lose_power()
            self.losses_allowed = True
        else:
            publisher.stop()
        self._note(publisher)
        self.publisher = None
        self.crashes += how != "order"

    def _note(self, publisher: SimPublisher) -> None:
        for data in publisher.published:
            frame = parse_frame(data)
            self._published[frame.epoch, frame.seq] = frame
        publisher.published.clear()

    def sync(self) -> None:
        """The journal's thread has its turn."""
        if self.publisher is not None:
            self.publisher.journal.sync()

    def fill_disk(self, room: int) -> None:
        """Leave so much room."""
        self.disk.room = room
        self.losses_allowed = True

    def delete_oldest(self, count: int) -> None:
        """Retention that overtakes everybody: delete segments, never the newest."""
        self._delete(all_segments(self.disk.names(FOLDER))[:-1][:count])
        self.losses_allowed = True

    def delete_stored(self) -> None:
        """Retention as it should be: delete the segments that all subscribers have stored."""
        floor = min(member.subscriber.stored.position or Position(0, 0) for member in self.members)
        names = all_segments(self.disk.names(FOLDER))
        self._delete(
            [name for name, behind in pairwise(names) if (behind.epoch, behind.first_seq - 1) <= floor]
        )

    def _delete(self, names: list[SegmentName]) -> None:
        for name in names:
            self._deleted.update(records_of(self.disk, name))
        for name in names:
            self.disk.remove(FOLDER / name.file)
            self.disk.remove(FOLDER / name.index_file)

    def damage(self) -> None:
        """Flip a bit in a segment that gets no more frames."""
        names = all_segments(self.disk.names(FOLDER))[:-1]
        if names:
            path = FOLDER / self.rng.choice(names).file
            size = self.disk.allocated_bytes(path)
            if size > 64:
                self.disk.damage(path, self.rng.randrange(64, size))
                self.losses_allowed = True

    # the subscribers

    def join(
        self,
        wanted: tuple[str, ...] = (),
        position: Position | None = BEGINNING,
        kind: type[SimSubscriber] = SimSubscriber,
        **options: Any,
    ) -> SimSubscriber:
        """One more subscriber."""
        bus = Bus(self.rng, wanted)
        subscriber = kind(self.rng, bus, self.server, wanted, position, **options)
        self.members.append(Member(subscriber, position or Position(0, 0)))
        return subscriber

    def tick(self, ticks: int = 1, tick_ns: int = TICK_NS) -> None:
        """Let time pass."""
        for _ in range(ticks):
            self.now_ns += tick_ns
            self.server.deliver(self.now_ns)
            for member in self.members:
                member.subscriber.turn(self.now_ns)

    # the end

    def settle(self) -> None:
        """Stop everything that goes wrong, and wait until all have what there is.

        Raises:
            NotLive: somebody does not get there.
        """
        self.disk.room = PLENTY
        self.server.lost_share = self.server.twice_share = 0.0
        self.server.restart()
        for member in self.members:
            subscriber = member.subscriber
            subscriber.raises_share = subscriber.rewinds_share = 0.0
            subscriber.bus.drop_share = 0.0
            subscriber.bus.dropping = 0
            subscriber.bus.reconnect()
        self.begin()
        self.tick(3, LONG_TICK_NS)  # what a full disk did not take is tried again after half a second
        self.publish(3)
        least = PROBE_TICKS if any(member.subscriber.wanted for member in self.members) else 2
        for ticks in range(SETTLE_TICKS):
            self.beat()
            self.tick(1, LONG_TICK_NS)
            if ticks >= least and self._is_settled():
                break
        else:
            raise NotLive(
                [(m.subscriber.consumer.state, m.subscriber.consumer.position) for m in self.members]
            )
        for member in self.members:
            member.subscriber.commit()

    def _is_settled(self) -> bool:
        assert self.publisher is not None
        here = Position(self.publisher.epoch, self.publisher.seq)
        for subscriber, _ in self.members:
            consumer = subscriber.consumer
            if consumer.state is not State.LIVE or consumer.has_work:
                return False
            if not subscriber.wanted and consumer.position != here:
                return False
        return True

    def verdicts(self) -> list[Verdict]:
        """What is wrong with each subscriber."""
        assert self.publisher is not None
        self._note(self.publisher)
        journalled = dict(self._deleted)
        for name in all_segments(self.disk.names(FOLDER)):
            journalled.update(records_of(self.disk, name))
        return [
            compare(
                journalled,
                self._published,
                member.subscriber.stored,
                self._begun(member),
                member.subscriber.wanted,
            )
            for member in self.members
        ]

    def published(self, here: Id) -> Frame:
        """The record of that number."""
        return self._published[here]

    def _begun(self, member: Member) -> Position:
        """Where a subscriber began: at the start of the journal is at the oldest epoch that was not deleted by then."""
        stored, start = member.subscriber.stored, member.start
        if start.epoch or not self.losses_allowed:
            return start
        oldest = [frame.epoch for frame in stored.frames[:1]] + [hole.epoch for hole in stored.holes[:1]]
        return Position(min(oldest, default=0), 0)

    @property
    def records(self) -> int:
        """Numbers given out."""
        return len(self._published)
