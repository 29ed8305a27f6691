"""How a subscriber of some topics hears a publisher: each record of them once, in order of its topic. Pure.

It sees holes in `seq` wherever others' records are, so it judges by `topic_seq`, and `position` is only what the
journal has proven: everything wanted up to it was handed out, and some behind it. What is missing is fetched from
there, and what was handed out before is known by its `topic_seq`. A lost last record of a topic shows in nothing
that follows, so every now and then, while live frames pass as ever, the journal is asked whether that was all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from protocol.chain import NOT_ANSWERED, Hole, Orphans, prev_of
from protocol.consumer import Consumer, State
from protocol.fetching import Left, Reached
from protocol.record import Frame
from protocol.replay import Position
from protocol.topics import mark_topic

PROBE_NS: Final = 10_000_000_000
"""How often the journal is asked for what the bus may have lost without a trace."""


class TopicConsumer(Consumer):
    """Follows some topics of one publisher; there must be a journal server.

    Args:
        publisher: Its name.
        handler: Takes each record of the wanted topics.
        on_hole: Told of numbers in which records of the wanted topics may be lost; others may lie between.
        wanted: Prefixes of topics; with a zero byte at its end one is a whole topic.
        position: Where to go on from; None begins with the first frame or heartbeat heard.
        topics: Last `topic_seq` handed out of each topic, behind or at that position.
        gives_up_ns: See Consumer.
    """

    def __init__(
        self,
        publisher: str,
        handler: Callable[[Frame], None],
        on_hole: Callable[[Hole], None],
        wanted: Sequence[str],
        position: Position | None = None,
        topics: Mapping[str, int] | None = None,
        *,
        gives_up_ns: int = 0,
        on_orphans: Callable[[Orphans], None] | None = None,
    ) -> None:
        self.topics: dict[str, int] = {}
        """Last `topic_seq` handed out of each topic of this epoch: with `position` all there is to go on from."""
        self.prefixes = (*wanted, mark_topic(publisher) + "\0")  # epochs begin on the last one
        self._wanted = tuple(wanted)
        self._give = handler
        super().__init__(
            publisher, self._hand_over, on_hole, position, gives_up_ns=gives_up_ns, on_orphans=on_orphans
        )
        self.topics.update(topics or {})

    def rewind(self, position: Position | None, topics: Mapping[str, int] | None = None) -> None:
        """Forget everything and go on from a position; `topics` as it was then."""
        self.topics = dict(topics or {})
        self._probed_ns = 0
        super().rewind(position)

    @property
    def wants_live(self) -> bool:
        """Whether live frames are of use now."""
        return self.state is not State.PULL or super().wants_live

    def doubt(self) -> None:
        """Nothing has been heard for too long: see what the journal says, and hear on."""
        if self.state is State.LIVE and not self._fetching.is_active:
            self._fetching.start(self.position)

    def _hand_over(self, frame: Frame) -> None:
        topic = frame.topic
        if frame.topic_seq <= self.topics.get(topic, 0):
            self.counts["duplicates"] += 1
            return
        self.topics[topic] = frame.topic_seq
        if (topic + "\0").startswith(self._wanted):
            self._give(frame)

    def _hear_beat(self, frame: Frame, here: Position, mono_ns: int) -> None:
        if self.state is not State.LIVE or here.epoch != self.epoch:
            super()._hear_beat(frame, here, mono_ns)
        elif here > self.position and mono_ns - self._probed_ns > PROBE_NS:
            self._probed_ns = mono_ns
            self.doubt()

    def _is_known(self, frame: Frame) -> bool:
        return frame.epoch == self.epoch and (
            frame.seq <= self.seq or frame.topic_seq <= self.topics.get(frame.topic, 0)
        )

    def _is_next(self, frame: Frame) -> bool:
        if frame.epoch != self.epoch:
            return super()._is_next(frame)
        return frame.seq == self.seq + 1 or frame.topic_seq == self.topics.get(frame.topic, 0) + 1

    def _pull(self) -> None:
        if self.state is State.LIVE and self._fetching.is_active:  # half-way there
            self.state = State.PULL
            self.counts["pulls"] += 1
        else:
            super()._pull()

    def _apply(self, frame: Frame, how: str, reason: str = "") -> None:
        is_pulled, is_same_epoch = how == "pulled", frame.epoch == self.epoch
        if not is_pulled and not (is_same_epoch and self._is_next(frame)):
            super()._apply(frame, how, reason)
            return
        if not is_same_epoch and not self._reach(Position(frame.epoch, 0), prev_of(frame), ""):
            return
        if is_pulled or frame.seq == self.seq + 1:
            self.seq = frame.seq
        self.counts[how] += 1
        self._handler(frame)

    def _pass(self, item: Hole | Left | Reached) -> bool:
        if not isinstance(item, Reached):
            return super()._pass(item)
        epoch, seq = item.position
        if epoch > self.epoch and not self._reach(Position(epoch, 0), None, ""):
            return False
        if epoch == self.epoch:
            self.seq = max(self.seq, seq)
        return True

    def _reach(self, to: Position, prev: Position | None, reason: str) -> bool:
        epoch = self.epoch
        is_here = super()._reach(to, prev, reason)
        if is_here and self.epoch != epoch:
            self.topics.clear()
        return is_here

    def _give_up(self) -> None:
        """What waits is all that there is; what else may be lost shows when the server answers again."""
        if self._bridge(Position(1 << 64, 0), NOT_ANSWERED):
            self._must_join = False
            self._go_live()
