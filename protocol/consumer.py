"""How everybody hears a publisher: each record once, in order, whatever the bus loses. Pure: no socket, no clock.

    PULL   fetch what is behind the position from the journal server; live frames wait in a buffer
    JOIN   at the journal's head: what waits and was fetched already is dropped, the next one is applied, and so on
    LIVE   every frame as it comes; a hole, a new epoch that does not follow on, or a heartbeat ahead of us: PULL

The key of everything is (publisher, epoch, seq). The chain check at each new epoch turns what neither bus nor
journal can give any more into a hole that is told, never into a silent skip. A subscriber of some topics only
(`prefixes`) judges by `topic_seq` instead of `seq`, and has the journal server filter.

Whoever owns the socket calls `hear` for each live frame, sends `request()` to the journal server when there is one
and gives back what came by `fetched` or `failed`, and calls `work` while `has_work`.
"""

from __future__ import annotations

import collections
import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from protocol.codec import decode_events
from protocol.errors import FrameError
from protocol.messages import Beat, Epoch
from protocol.record import Frame, RecordKind
from protocol.replay import CORRUPT, DATA, EXPIRED, MAX_FETCH_BYTES, Fetched, Position, frames_of

MAX_WAITING: Final = 20_000
"""Live frames kept while the journal is read; older ones are dropped, the journal has them."""
MAX_PULLED: Final = 20_000
"""Fetched frames that may wait before more are asked for."""
PATIENCE_NS: Final = 5_000_000_000
"""How long the journal may be behind a live frame (its publisher's disk is full) before what is missing is a hole."""
RETRY_NS: Final = 20_000_000
PROBE_NS: Final = 10_000_000_000
"""A subscriber of some topics that has heard nothing for so long asks the journal whether that is all."""
END_UNKNOWN: Final = "where the epoch ended is not known"

_HEARTBEAT: Final = RecordKind.HEARTBEAT


class State(enum.Enum):
    """What a consumer is doing."""

    WAITING = "waiting"
    """No position: it begins with the first frame it hears."""
    PULL = "pull"
    LIVE = "live"


class Hole(NamedTuple):
    """Records of a publisher that nobody can have any more."""

    publisher: str
    epoch: int
    first_seq: int
    last_seq: int
    """0: up to the end of that epoch, wherever that was."""
    reason: str


class Orphans(NamedTuple):
    """Records we applied that their publisher's journal lost in a power cut: kept here, unknown there."""

    publisher: str
    epoch: int
    first_seq: int
    last_seq: int


class _Reached(NamedTuple):
    """Everything wanted up to here has been handed out (a filtered fetch skips the rest)."""

    position: Position


class Consumer:
    """Follows one publisher.

    Args:
        publisher: Its name; frames of others are refused.
        handler: Takes each record, heartbeats left out; `position` includes it already. May raise FrameError:
            the record counts as done.
        on_hole: Told of each hole, before the record behind it.
        position: Where to go on from; None begins with the first frame heard.
        prefixes: Topics wanted, as prefixes; none means all.
        can_pull: False where there is no journal: every loss is a hole at once.
        on_orphans: Told of records that only we still have.
    """

    def __init__(
        self,
        publisher: str,
        handler: Callable[[Frame], None],
        on_hole: Callable[[Hole], None],
        position: Position | None = None,
        prefixes: Sequence[str] = (),
        *,
        can_pull: bool = True,
        on_orphans: Callable[[Orphans], None] | None = None,
    ) -> None:
        self.publisher = publisher
        self.prefixes = tuple(prefixes)
        self.counts: collections.Counter[str] = collections.Counter()
        """pulled, duplicates, fenced, foreign, holes, missing, pulls, and live ones beyond the fast path."""
        self.live = 0
        """Live frames that simply followed on."""
        self._padded = publisher.encode().ljust(32, b"\x00")
        self._handler = handler
        self._on_hole = on_hole
        self._on_orphans = on_orphans
        self._can_pull = can_pull
        self._topics: dict[str, int] = {}
        self._waiting: collections.deque[Frame] = collections.deque(maxlen=MAX_WAITING)
        self._pulled: collections.deque[Frame | Hole | _Reached] = collections.deque()
        self.rewind(position)

    # what it is at

    @property
    def position(self) -> Position:
        """Last record that was applied; (0, 0) before the first."""
        return Position(self.epoch, self.seq)

    @property
    def has_work(self) -> bool:
        """Whether fetched records wait to be applied."""
        return bool(self._pulled)

    @property
    def wants_live(self) -> bool:
        """Whether live frames are of use now: far behind, they would only be dropped again."""
        return not self._is_far

    def rewind(self, position: Position | None, topics: Mapping[str, int] | None = None) -> None:
        """Forget everything and go on from a position; `topics` is the last `topic_seq` of each topic there."""
        self.epoch, self.seq = position or (0, 0)
        self._topics = dict(topics or {})
        self._waiting.clear()
        self._pulled.clear()
        self._is_asking = False
        self._is_head = False
        self._is_far = False
        self._stuck_since_ns = 0
        self._not_before_ns = 0
        self._heard_ns = 0
        if position is None or (not self._can_pull and not position.epoch):
            self.state = State.WAITING
        elif self._can_pull:
            self._pull()
        else:
            self.state = State.LIVE

    # live

    def hear(self, frame: Frame, mono_ns: int) -> None:
        """Take one live frame, heartbeats included.

        Raises:
            FrameError: the handler could not use it; it counts as done.
        """
        if (
            frame.seq == self.seq + 1
            and frame.epoch == self.epoch
            and self.state is State.LIVE
            and frame.kind != _HEARTBEAT
            and frame.publisher_padded == self._padded
            and not self.prefixes
        ):
            self.seq = frame.seq
            self.live += 1
            self._handler(frame)
            return
        if frame.publisher_padded != self._padded:
            self.counts["foreign"] += 1
        elif frame.epoch < self.epoch:
            self.counts["fenced"] += 1
        elif frame.kind == _HEARTBEAT:
            self._hear_beat(frame, mono_ns)
        else:
            self._hear_record(frame, mono_ns)

    def step_over(self, epoch: int, seq: int) -> bool:
        """Count off a live record that nobody wants; False if it does not simply follow on: then `hear` it."""
        if epoch != self.epoch or seq != self.seq + 1 or self.state is not State.LIVE:
            return False
        self.seq = seq
        return True

    def _hear_beat(self, frame: Frame, mono_ns: int) -> None:
        here = Position(frame.epoch, frame.seq)
        if self.state is State.WAITING:
            self.epoch, self.seq = here
            self.state = State.LIVE
        elif self.state is State.LIVE and here > self.position:
            if not self._can_pull:
                self._skip_to(here, self._prev_of(frame))
            elif not self.prefixes or frame.epoch > self.epoch:
                self._pull()
            elif mono_ns - self._heard_ns > PROBE_NS:
                self._heard_ns = mono_ns
                self._pull()

    def _hear_record(self, frame: Frame, mono_ns: int) -> None:
        self._heard_ns = mono_ns
        if self.state is State.WAITING:
            self.epoch, self.seq = frame.epoch, frame.seq - 1
            self._topics.clear()
            self.state = State.LIVE
            self._apply(frame, "live")
        elif self.state is State.PULL:
            self._waiting.append(frame)
        elif self._is_known(frame):
            self.counts["duplicates"] += 1
        elif self._is_next(frame):
            self._apply(frame, "live")
        elif self._can_pull:
            self._waiting.append(frame)
            self._pull()
        else:
            self._skip_to(Position(frame.epoch, frame.seq - 1), self._prev_of(frame))
            self._apply(frame, "live")

    def _is_known(self, frame: Frame) -> bool:
        return frame.epoch == self.epoch and frame.seq <= self.seq

    def _is_next(self, frame: Frame) -> bool:
        """Whether nothing is missing between what was applied and this frame."""
        if frame.epoch == self.epoch:
            if not self.prefixes:
                return frame.seq == self.seq + 1
            known = self._topics.get(frame.topic)
            return known is not None and frame.topic_seq == known + 1
        if frame.seq != 1:
            return False
        prev_epoch, prev_seq = self._prev_of(frame)
        return prev_epoch == self.epoch and prev_seq <= self.seq

    @staticmethod
    def _prev_of(frame: Frame) -> Position:
        """Where the epoch before ended, as an EPOCH record or a heartbeat says."""
        if frame.kind in (RecordKind.EPOCH, _HEARTBEAT):
            try:
                said: Epoch | Beat = decode_events(frame)[0]
            except (FrameError, IndexError):
                return Position(0, 0)
            return Position(said.prev_epoch, said.prev_last_seq)
        return Position(0, 0)

    # pull

    def doubt(self) -> None:
        """Nothing has been heard for too long: see what the journal says."""
        if self.state is State.LIVE and self._can_pull:
            self._pull()

    def _pull(self) -> None:
        self.state = State.PULL
        self.counts["pulls"] += 1
        self._cursor = self.position
        self._is_head = False

    def request(self, mono_ns: int) -> Position | None:
        """What to fetch now: the records behind this position; None if nothing, or an answer is awaited."""
        if self.state is not State.PULL or self._is_asking or self._is_head:
            return None
        if len(self._pulled) >= MAX_PULLED or mono_ns < self._not_before_ns:
            return None
        self._is_asking = True
        return self._cursor

    def failed(self, mono_ns: int, pause_ns: int = RETRY_NS) -> None:
        """The journal server did not answer: ask the same again after a pause."""
        self._is_asking = False
        self._not_before_ns = mono_ns + pause_ns

    def fetched(self, answer: Fetched, mono_ns: int) -> None:
        """Take the answer to the last `request`.

        Raises:
            FrameError: the answer holds something that is no frame; it will be asked for again.
        """
        self._is_asking = False
        if self.state is not State.PULL:
            return
        epoch, seq = self._cursor
        if answer.epoch != epoch or answer.first != seq + 1:
            self._not_before_ns = mono_ns + RETRY_NS  # an answer to something else
        elif answer.outcome == DATA:
            self._queue(answer)
        elif answer.outcome in (CORRUPT, EXPIRED) and answer.last >= answer.first:
            self._pulled.append(Hole(self.publisher, epoch, answer.first, answer.last, answer.outcome))
            self._cursor = Position(epoch, answer.last)
        elif answer.next_epoch:
            self._cursor = Position(answer.next_epoch, 0)
        else:
            self._is_head = True
            self._is_far = False
        if not self._pulled:
            self._join(mono_ns)

    def _queue(self, answer: Fetched) -> None:
        try:
            frames = frames_of(answer.frames)
        except FrameError:
            self._not_before_ns += RETRY_NS
            raise
        self._pulled.extend(frame for frame in frames if frame.publisher_padded == self._padded)
        self._cursor = Position(answer.epoch, answer.last)
        self._is_far = len(answer.frames) > MAX_FETCH_BYTES // 2
        if self.prefixes:
            self._pulled.append(_Reached(self._cursor))

    def work(self, limit: int, mono_ns: int) -> int:
        """Apply up to `limit` fetched records; returns how many.

        Raises:
            FrameError: the handler could not use one; it counts as done, call again.
        """
        pulled = self._pulled
        done = 0
        while pulled and done < limit:
            item = pulled.popleft()
            done += 1
            if isinstance(item, Frame):
                if not self._is_known(item) and item.epoch >= self.epoch:
                    self._apply(item, "pulled")
            elif isinstance(item, Hole):
                if item.epoch != self.epoch and self.epoch:  # its first record, which names ours, is gone too
                    self._lose(Hole(self.publisher, self.epoch, self.seq + 1, 0, END_UNKNOWN))
                self._lose(item)
                self.epoch, self.seq = item.epoch, item.last_seq
            else:
                self.epoch, self.seq = max(item.position, self.position)
        if not pulled:
            self._join(mono_ns)
        return done

    def _join(self, mono_ns: int) -> None:
        """Everything fetched is applied: go on with what came live meanwhile, if it follows on."""
        waiting = self._waiting
        while waiting:
            frame = waiting[0]
            if frame.epoch < self.epoch or self._is_known(frame):
                waiting.popleft()
                self.counts["duplicates"] += 1
            elif self._is_next(frame):
                waiting.popleft()
                self._stuck_since_ns = 0
                self._apply(frame, "live")
            else:
                break
        if not self._is_head:
            return
        if not waiting:
            self._stuck_since_ns = 0
            self.state = State.LIVE
            return
        # the journal ends before a frame that was sent: it is on its way there, or its disk is full
        self._is_head = False
        self._cursor = self.position
        self._not_before_ns = mono_ns + RETRY_NS
        if not self._stuck_since_ns:
            self._stuck_since_ns = mono_ns
        elif mono_ns - self._stuck_since_ns > PATIENCE_NS:
            frame = waiting[0]
            self._skip_to(Position(frame.epoch, frame.seq - 1), self._prev_of(frame))
            self._is_head = True
            self._stuck_since_ns = 0
            self._topics.pop(frame.topic, None)
            waiting.popleft()
            self._apply(frame, "live")
            self._join(mono_ns)

    # records

    def _apply(self, frame: Frame, how: str) -> None:
        if frame.epoch != self.epoch:
            self._begin(frame)
        self.seq = frame.seq
        if self.prefixes:
            self._topics[frame.topic] = frame.topic_seq
        self.counts[how] += 1
        self._handler(frame)

    def _begin(self, frame: Frame) -> None:
        """The chain check: does this first frame of an epoch follow on what we have?"""
        if self.epoch:
            prev = self._prev_of(frame)
            if prev.epoch == self.epoch and 0 < prev.seq < self.seq and not self.prefixes:
                if self._on_orphans is not None:
                    self._on_orphans(Orphans(self.publisher, self.epoch, prev.seq + 1, self.seq))
            elif not self.prefixes:
                self._tell_missing(prev)
        self.epoch, self.seq = frame.epoch, 0
        self._topics.clear()
        if frame.seq > 1 and not self.prefixes:
            self._lose(Hole(self.publisher, frame.epoch, 1, frame.seq - 1, "the start of the epoch is gone"))

    def _tell_missing(self, prev: Position) -> None:
        """Tell the end of our epoch, and all of the one before the new one, as far as it is not here."""
        if prev.epoch == self.epoch:
            if prev.seq > self.seq:
                reason = "the journal has lost the end of the epoch"
                self._lose(Hole(self.publisher, self.epoch, self.seq + 1, prev.seq, reason))
            return
        self._lose(Hole(self.publisher, self.epoch, self.seq + 1, 0, END_UNKNOWN))
        if prev.epoch > self.epoch and prev.seq:
            self._lose(Hole(self.publisher, prev.epoch, 1, prev.seq, "the epoch is gone"))

    def _skip_to(self, position: Position, prev: Position) -> None:
        """What lies before a position cannot be had: tell it, and be there."""
        if position.epoch == self.epoch:
            if not self.prefixes and position.seq > self.seq:
                self._lose(Hole(self.publisher, self.epoch, self.seq + 1, position.seq, "lost on the bus"))
        else:
            if self.epoch and not self.prefixes:
                self._tell_missing(prev)
            if position.seq and not self.prefixes:
                self._lose(Hole(self.publisher, position.epoch, 1, position.seq, "lost on the bus"))
            self._topics.clear()
        self.epoch, self.seq = position

    def _lose(self, hole: Hole) -> None:
        self.counts["holes"] += 1
        self.counts["missing"] += max(0, hole.last_seq - hole.first_seq + 1)
        self._on_hole(hole)
