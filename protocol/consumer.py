"""How everybody hears a publisher: each record once, in order, whatever the bus loses. Pure: no socket, no clock.

    PULL   fetch what is behind the position from the journal server; live frames wait in a buffer
    JOIN   at the journal's head: what waits and was fetched already is dropped, the next one is applied, and so on
    LIVE   every frame as it comes; a hole, a new epoch that does not follow on, or a heartbeat ahead of us: PULL

The key of everything is (publisher, epoch, seq). The chain check at each new epoch (protocol/chain.py) turns what
neither bus nor journal can give any more into a hole that is told, never into a silent skip. Who wants some topics
only is a TopicConsumer (protocol/topic_consumer.py).

Whoever owns the socket calls `hear` for each live frame, sends `request()` to the journal server when there is one
and gives back what came by `fetched` or `failed`, and calls `work` while `has_work`. Handlers are called from `hear`
and `work` only, and may `rewind`.
"""

from __future__ import annotations

import collections
import enum
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from protocol.applying import NOWHERE, Applier
from protocol.chain import LEFT_OUT, LOST_ON_BUS, NEVER_STORED, NOT_ANSWERED, SET_BACK, Hole, Orphans, prev_of
from protocol.errors import FrameError
from protocol.fetching import RETRY_NS, Fetching, Left, Reached
from protocol.record import Frame, RecordKind
from protocol.replay import Fetched, Position

__all__ = ["Consumer", "Hole", "Orphans", "State"]

MAX_WAITING: Final = 20_000
"""Live frames kept while the journal is read; older ones are dropped, the journal has them."""
PATIENCE_NS: Final = 5_000_000_000
"""How long the journal may be behind a live frame (its publisher's disk is full) before what is missing is a hole."""
LARGEST: Final = 2**63 - 1
"""Epoch and number of a record: the header has room for more, a database has not."""

_HEARTBEAT: Final = RecordKind.HEARTBEAT
_EVERYWHERE: Final = Position(1 << 64, 0)


class State(enum.Enum):
    """What a consumer is doing."""

    WAITING = "waiting"
    """No position: it begins with the first frame it hears."""
    PULL = "pull"
    LIVE = "live"


class Consumer(Applier):
    """Follows one publisher.

    Args:
        publisher: Its name; frames of others are refused.
        handler: Takes each record, heartbeats left out; `position` includes it already. May raise FrameError:
            the record counts as done.
        on_hole: Told of each hole, before the record behind it; `position` is still before it.
        position: Where to go on from; None begins with the first frame heard, (0, 0) with the oldest in the journal.
        can_pull: False where there is no journal: every loss is a hole at once.
        gives_up_ns: How long the journal server may not answer before what is missing is a hole; 0: for ever.
        on_orphans: Told of records that only we still have.
    """

    prefixes: tuple[str, ...] = ()
    """Topics to have fetched; none means all."""

    def __init__(
        self,
        publisher: str,
        handler: Callable[[Frame], None],
        on_hole: Callable[[Hole], None],
        position: Position | None = None,
        *,
        can_pull: bool = True,
        gives_up_ns: int = 0,
        on_orphans: Callable[[Orphans], None] | None = None,
    ) -> None:
        super().__init__(publisher, handler, on_hole, on_orphans)
        self.live = 0
        """Live frames that simply followed on."""
        self._padded = publisher.encode().ljust(32, b"\x00")
        self._can_pull = can_pull
        self._fetching = Fetching(publisher, gives_up_ns, is_filtered=bool(self.prefixes))
        self._waiting: collections.deque[Frame] = collections.deque(maxlen=MAX_WAITING)
        self.rewind(position)

    # what it is at

    @property
    def has_work(self) -> bool:
        """Whether `work` has something to do: fetched records to apply, or live ones to join."""
        return self._must_join or bool(self._fetching.pulled)

    @property
    def fetched_frames(self) -> Iterator[Frame]:
        """Fetched records that wait to be applied, oldest first."""
        return (item for item in self._fetching.pulled if isinstance(item, Frame))

    @property
    def fetched_backwards(self) -> Iterator[Frame]:
        """The same, newest first."""
        return (item for item in reversed(self._fetching.pulled) if isinstance(item, Frame))

    @property
    def fetched_to(self) -> Position:
        """The last record that has been fetched."""
        return self._fetching.reached

    @property
    def wants_live(self) -> bool:
        """Whether live frames are of use now: far behind, they would only be dropped again."""
        return not self._fetching.is_far

    def rewind(self, position: Position | None, topics: Mapping[str, int] | None = None) -> None:  # noqa: ARG002
        """Forget everything and go on from a position; `topics` is for a TopicConsumer."""
        self._go_to(position or NOWHERE)
        self._waiting.clear()
        self._fetching.clear()
        self._must_join = False
        self._stuck_at = NOWHERE
        self._stuck_since_ns = 0
        self._fenced_at: tuple[int, int] | None = None
        self._fetching.is_unknown = not self._can_pull
        self.state = State.WAITING
        if position is not None and self._can_pull:
            self._pull()
        elif position is not None and position.epoch:
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
        ):
            self.seq = frame.seq
            self.live += 1
            self._handler(frame)
        elif frame.publisher_padded != self._padded:
            self.counts["foreign"] += 1
        elif frame.epoch < self.epoch:
            self._fence(frame, mono_ns)
        elif max(frame.epoch, frame.seq) > LARGEST:
            raise FrameError(
                f"{frame.topic}: {frame.epoch}/{frame.seq} is beyond any number that is given out"
            )
        else:
            self._fetching.is_unknown, self._fenced_at = False, None
            here = Position(frame.epoch, frame.seq)
            self._heard[frame.epoch] = max(frame.seq, self._heard.get(frame.epoch, 0))
            if frame.kind == _HEARTBEAT:
                self._hear_beat(frame, here, mono_ns)
            else:
                self._hear_record(frame)

    def step_over(self, epoch: int, seq: int) -> bool:
        """Count off a live record that nobody wants; False if it does not simply follow on: then `hear` it."""
        if epoch != self.epoch or seq != self.seq + 1 or self.state is not State.LIVE:
            return False
        self.seq = seq
        return True

    def _fence(self, frame: Frame, mono_ns: int) -> None:
        """A frame of an epoch that a newer one has replaced; or we are the ones with a wrong epoch."""
        self.counts["fenced"] += 1
        since = self._fenced_at
        if since is None or since[1] != self.live:
            self._fenced_at = (mono_ns, self.live)
            return
        if mono_ns - since[0] <= PATIENCE_NS:
            return
        self._fenced_at = None  # nothing but older ones: does the journal know our epoch?
        if not self._fetching.is_unknown:
            self.doubt()
            return
        lives = self._lives
        self._lose(Hole(self.publisher, self.epoch, self.seq + 1, 0, SET_BACK))
        if lives == self._lives:
            before = self._before if self._before.epoch == frame.epoch else Position(frame.epoch, 0)
            self.rewind(before if self._can_pull else None)

    def _hear_beat(self, frame: Frame, here: Position, mono_ns: int) -> None:  # noqa: ARG002 - a TopicConsumer's
        if self.state is State.WAITING:
            self.epoch, self.seq = here
            self.state = State.LIVE
        elif self.state is State.LIVE and here > self.position:
            if self._can_pull:
                self._pull()
            else:
                self._reach(here, prev_of(frame), LOST_ON_BUS)

    def _hear_record(self, frame: Frame) -> None:
        if self.state is State.WAITING:
            self.epoch, self.seq = frame.epoch, frame.seq - 1
            self.state = State.LIVE
            self._apply(frame, "live")
        elif self.state is State.PULL:
            self._waiting.append(frame)
        elif self._is_known(frame):
            self.counts["duplicates"] += 1
        elif not self._can_pull or self._is_next(frame):
            self._apply(frame, "live", LOST_ON_BUS)
        else:
            self._waiting.append(frame)
            self._pull()

    def _is_known(self, frame: Frame) -> bool:
        return frame.epoch == self.epoch and frame.seq <= self.seq

    def _is_next(self, frame: Frame) -> bool:
        """Whether nothing is missing between what was applied and this frame."""
        if frame.epoch == self.epoch:
            return frame.seq == self.seq + 1
        prev = prev_of(frame) if frame.seq == 1 else None
        return prev is not None and prev.epoch == self.epoch and prev.seq <= self.seq

    # pull

    def doubt(self) -> None:
        """Nothing has been heard for too long: see what the journal says."""
        if self.state is State.LIVE and self._can_pull:
            self._pull()

    def _pull(self) -> None:
        self.state = State.PULL
        self.counts["pulls"] += 1
        self._fetching.start(self.position)

    def request(self, mono_ns: int) -> Position | None:
        """What to fetch now: the records behind this position; None if nothing, or an answer is awaited."""
        return self._fetching.request(mono_ns)

    def failed(self, mono_ns: int, pause_ns: int = RETRY_NS) -> None:
        """The journal server did not answer, or not with frames: ask the same again after a pause."""
        self._fetching.failed(mono_ns, pause_ns)
        if self._fetching.has_given_up:
            self._must_join = True

    def fetched(self, answer: Fetched, mono_ns: int) -> None:
        """Take the answer to the last `request`; calls no handler.

        Raises:
            FrameError: it holds nothing that can be read; it will be asked for again.
        """
        if self._fetching.take(answer, mono_ns):
            self._must_join = True

    # apply

    def work(self, limit: int, mono_ns: int) -> int:
        """Apply up to `limit` fetched records and, behind the last one, what came live; returns how many were fetched.

        Raises:
            FrameError: the handler could not use one; it counts as done, call again.
        """
        pulled = self._fetching.pulled
        done = 0
        while pulled and done < limit:
            done += 1
            item = pulled[0]
            if isinstance(item, Frame):
                pulled.popleft()
                if item.epoch >= self.epoch and not self._is_known(item):
                    self._apply(item, "pulled", LEFT_OUT)
            elif self._pass(item) and pulled:
                pulled.popleft()
        if self._must_join and not pulled:
            self._join(mono_ns)
        return done

    def _pass(self, item: Hole | Left | Reached) -> bool:
        """Go on behind something that is no record; False if a handler went somewhere else meanwhile."""
        if isinstance(item, Hole):
            end = Position(item.epoch, item.last_seq)
            return self._bridge(end, item.reason) and self._reach(end, None, item.reason)
        if isinstance(item, Left):
            if not self._bridge(Position(item.next_epoch, 0), NEVER_STORED):
                return False
            is_adjacent = item.is_complete and item.epoch in (self.epoch, self._next_epoch)
            self._next_epoch = item.next_epoch if is_adjacent else 0
        return True

    def _bridge(self, end: Position, reason: str) -> bool:
        """Nothing up to `end` can be fetched any more: take what came live of it, and tell what is missing before each."""
        waiting, lives = self._waiting, self._lives
        while waiting and lives == self._lives:
            frame = waiting[0]
            if (frame.epoch, frame.seq) > end:
                break
            waiting.popleft()
            if frame.epoch < self.epoch or self._is_known(frame):
                self.counts["duplicates"] += 1
            else:
                self._apply(frame, "live", reason)
        return lives == self._lives

    def _join(self, mono_ns: int) -> None:
        """Everything fetched is applied: go on with what came live meanwhile, if it follows on."""
        waiting = self._waiting
        while waiting:
            frame = waiting[0]
            is_old = frame.epoch < self.epoch or self._is_known(frame)
            if not is_old and not self._is_next(frame):
                break
            waiting.popleft()
            if is_old:
                self.counts["duplicates"] += 1
            else:
                self._apply(frame, "live")
        fetching = self._fetching
        if fetching.has_given_up:
            self._give_up()
        elif fetching.is_head and waiting:
            self._wait_for_journal(mono_ns)
        else:
            self._must_join = False
            if fetching.is_head:
                self._go_live()

    def _wait_for_journal(self, mono_ns: int) -> None:
        """The journal ends before a frame that was sent: it is on its way there, or its disk is full."""
        here = self.position
        has_no_room = len(self._waiting) == self._waiting.maxlen
        if self._stuck_at != here:
            self._stuck_at, self._stuck_since_ns = here, mono_ns
        elif has_no_room or mono_ns - self._stuck_since_ns > PATIENCE_NS:
            self._apply(self._waiting.popleft(), "live", NEVER_STORED)
            return  # still at the head, and to be joined
        self._must_join = False
        self._fetching.start(here, mono_ns + RETRY_NS)

    def _give_up(self) -> None:
        """The journal server does not answer: what waits is all that there is."""
        heard = max(map(Position._make, self._heard.items()), default=NOWHERE)
        if self._bridge(_EVERYWHERE, NOT_ANSWERED) and self._reach(heard, None, NOT_ANSWERED):
            self._must_join = False
            self._go_live()

    def _go_live(self) -> None:
        self.state = State.LIVE
        self._fetching.stop()
        self._stuck_at = NOWHERE
