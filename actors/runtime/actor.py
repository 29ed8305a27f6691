"""The life of an actor: one process, one thread, one loop. Knows no market word.

    STARTING -> RUNNING -> DRAINING -> STOPPED

Subclasses override the hooks (`setup`, `on_request`, `detail`, `drain`) and call the wiring methods
(`consume`, `serve`, `every`, `watch`, `submit`, `publish`, `drop`). Everything runs in the loop: a handler
that hangs stops the heartbeat, and that is how others notice. A peer's fault is dropped and counted; an
exception of any other kind is our own bug, ends the process with code 1, and the supervisor restarts it.
"""

from __future__ import annotations

import collections
import functools
import logging
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar, Final, TypeVar

import msgspec

from actors.runtime.background import Background
from actors.runtime.clock import Clock, system_clock
from actors.runtime.control import Control
from actors.runtime.guarding import Guarding, wire_of
from actors.runtime.hearing import Hearing, Loop
from actors.runtime.inputs import FrameHandler, HoleHandler, Input, Listener, OrphanHandler
from actors.runtime.intake import Intake
from actors.runtime.logging import RateLimit
from actors.runtime.settings import Loaded
from actors.runtime.speaking import Speaking
from actors.runtime.telling import Telling
from actors.runtime.timers import Timer, Timers
from actors.runtime.vitals import Vitals, describe
from protocol.consumer import Hole
from protocol.instruments import Catalog
from protocol.messages import Message
from protocol.record import RecordKind
from protocol.replay import Position
from protocol.requests import Request
from protocol.transport import Empty, Envelope, Poller, Responder

T = TypeVar("T")

BATCH: Final = 256
"""Frames taken from one input in one turn: timers and control get their turn after it."""
READS_EVERY: Final = 4
"""Frames between two looks at the questions: a read waits for at most so many writes."""
ANSWERING_NS: Final = 500_000
"""Longest spell of answering between two looks at the inputs: heavy questions by the thousand must not stop them."""
LONGEST_WAIT_S: Final = 1.0
CLOSING_S: Final = 10
"""Longest time to close files and sockets at the end."""
JOURNAL_S: Final = 0.5
"""Seconds between two looks at a journal whose disk is full."""
PULL_S: Final = 0.05
"""Seconds between two looks at what is to be fetched, beyond those that a loss causes."""
QUIET_S: Final = 0.02
"""While draining, an input that brings nothing for so long has nothing more on its way."""


class Actor:
    """Base of every actor; see the module docstring."""

    kind: ClassVar[str] = ""
    """First part of every instance name of this program."""
    TAKING_NS: ClassVar[int] = 50_000_000
    """Longest spell of taking frames from one input in one turn: a frame may hold hundreds of events."""
    CONFLATES: ClassVar[tuple[str, ...]] = ()
    """Prefixes of topics of which only the newest record counts here: while it is behind, older ones are left out. Never for
    who folds or stores (actors/runtime/conflating.py)."""
    Settings: ClassVar[type[msgspec.Struct]]
    """Type of this kind's section of the configuration."""
    input_type: Callable[..., Input] = Input
    """Makes the inputs of `consume`."""

    def __init__(self, name: str, loaded: Loaded, clock: Clock | None = None) -> None:
        self.name = name
        self.common = loaded.common
        self.settings: Any = loaded.section(name, self.Settings)
        self.catalog = Catalog(loaded.instruments)
        self.config_digest = loaded.digest
        self.run_dir = Path(self.common.run_dir)
        self.clock: Clock = clock or system_clock()
        self.log = logging.getLogger(name)
        self.counters: collections.Counter[str] = collections.Counter()
        self.state = "STARTING"
        self.endpoints = self.common.endpoints
        self.wire = wire_of(loaded, name)
        self.background = Background()
        self.vitals = Vitals(self.clock.mono_ns())
        self._timers = Timers()
        self._poller = Poller()
        self._responders: dict[Any, tuple[Responder, Callable[[Envelope, bytes], None]]] = {}
        self._urgent: list[tuple[Responder, Callable[[Envelope, bytes], None]]] = []
        self._fds: dict[int, tuple[Callable[[], None], Callable[[], None] | None]] = {}
        self._soon: list[Callable[[], None]] = []
        self._drop_lines = RateLimit()
        self._signals_seen = 0
        self._speaking = Speaking(name, self.common, self.endpoints, self.wire, self.clock)
        self.publisher = self._speaking.publisher
        self._hearing = Hearing(
            self.name,
            self.common,
            self.endpoints,
            self.wire,
            self._poller,
            Loop(self.soon, self.drop, self.clock.now_ns, self.clock.mono_ns),
        )
        self.lines = self._hearing.lines
        """To the journal servers; who asks without `consume` calls `tick` itself."""
        self._telling = Telling(self, self._hearing, self._speaking)
        self._control = Control(self)
        self._guarding = Guarding(self)

    # hooks

    def setup(self) -> None:
        """Wire inputs and timers. Runs once, in STARTING; an error here ends the process."""

    def on_request(self, request: Request) -> object:
        """Answer a control operation that the base does not know; any msgpack-able value or a Reply.

        Raises:
            HubError: refuses it; the asker gets code and text.
        """
        raise self._control.unknown(request)

    def detail(self) -> dict[str, Any]:
        """More for the full heartbeat, each second: small and JSON-able."""
        return {}

    def on_conflated(self, topic: str, events: int) -> None:
        """So many events of a topic in `CONFLATES` were left out for newer ones; by default
        they are counted by kind, `quotes_conflated`.
        """
        self.counters[topic.partition(".")[0] + "s_conflated"] += events

    def on_journal_loss(self, first_seq: int, last_seq: int) -> None:
        """Records of ours that were sent, but will never be in the journal: its disk was full for too long."""
        self.log.error("records %d to %d are not in the journal: its disk was full", first_seq, last_seq)

    def drain(self) -> None:
        """Publish what is left. Runs in DRAINING, after the last input; bounded by `drain_s`."""

    # wiring

    def consume(
        self,
        handler: FrameHandler,
        sources: Sequence[str] | None = None,
        topics: Sequence[str] = (),
        positions: Mapping[str, Position] | None = None,
        on_hole: HoleHandler | None = None,
        on_beat: FrameHandler | None = None,
        on_orphans: OrphanHandler | None = None,
        gives_up_s: float = 0.0,
    ) -> Intake:
        """Hear actors of the topology: each record once and in order, fetched from the journal where the bus lost it.

        Args:
            handler: Takes the records.
            sources: Kinds of the actors to hear; all but this one by default.
            topics: Prefixes of the wanted topics; all by default. EPOCH records come with `mark.`.
            positions: Where to go on from, by publisher; whoever is missing there is heard from now on.
            on_hole: Told of records that nobody can have any more, before the one behind them.
            on_beat: Takes the heartbeats.
            on_orphans: Told of records that we had and their publisher lost.
            gives_up_s: How long to wait for a journal server that does not answer before what is missing is a hole;
                0: for ever. For who would rather be current than complete.
        """
        listener = Listener(
            handler, on_hole or self._note_hole, tuple(topics), on_beat, on_orphans, round(gives_up_s * 1e9),
            self.CONFLATES, self.on_conflated,
        )  # fmt: skip
        intake = self._hearing.consume(listener, sources, positions or {}, self.input_type)
        self.every(PULL_S, intake.tick)
        return intake

    def serve(
        self, responder: Responder, handler: Callable[[Envelope, bytes], None], *, is_urgent: bool = True
    ) -> None:
        """Answer requests: they are looked at before inputs, and urgent ones again every few input frames."""
        self._responders[responder.socket] = (responder, handler)
        if is_urgent:
            self._urgent.append((responder, handler))
        self._poller.watch(responder.socket)

    def every(self, interval_s: float, handler: Callable[[], None]) -> Timer:
        """Call `handler` periodically, from the loop."""
        return self._timers.every(interval_s, handler, self.clock.mono_ns())

    def soon(self, handler: Callable[[], None]) -> None:
        """Call `handler` once in the next turn, without waiting first: more of the same work is at hand."""
        self._soon.append(handler)

    def watch(
        self, fd: int, on_readable: Callable[[], None], on_writable: Callable[[], None] | None = None
    ) -> None:
        """Call `on_readable` when a file descriptor has something; writable is asked by `want_write`."""
        self._fds[fd] = (on_readable, on_writable)
        self._poller.watch(fd)

    def want_write(self, fd: int, wanted: bool) -> None:
        """Start or stop waiting for room to write."""
        self._poller.watch(fd, writable=wanted)

    def unwatch(self, fd: int) -> None:
        """Forget a file descriptor, before it is closed."""
        if self._fds.pop(fd, None) is not None:
            self._poller.unwatch(fd)

    def submit(self, work: Callable[[], T], done: Callable[[T | Exception], None]) -> None:
        """Run blocking `work` in a thread; `done(result or exception)` runs in the loop."""
        self.background.submit(work, done)

    def publish(
        self, topic: str, events: Sequence[Message], kind: int = RecordKind.DATA, flags: int = 0
    ) -> int:
        """Journal and send events of one type and topic as one frame; returns its sequence number.

        They leave together with what else this turn of the loop publishes.
        """
        self.vitals.frames_out += 1
        return self.publisher.publish(topic, events, kind, flags)

    @property
    def journal_folder(self) -> Path:
        """Folder of this actor's own journal."""
        return self._speaking.journal_folder

    def drop(self, reason: str, what: object = "") -> None:
        """Count something bad that a peer sent; log it at most once per ten seconds and reason."""
        self.counters["dropped." + reason] += 1
        stands_for = self._drop_lines.allow(reason, self.clock.mono_ns())
        if stands_for:
            self.log.warning("dropped %s (%d since the last line): %s", reason, stands_for, describe(what))

    # life

    def run(self) -> None:
        """Live until told to stop: returns after a clean end, raises what a bug raised."""
        try:
            self._catch_signals()
            self._poller.watch(self.background.fd)
            self.setup()
            self.every(self.common.heartbeat_s, self._telling.beat)
            self.every(JOURNAL_S, self._tend_journal)
            self._enter("RUNNING")
            self.live()
            self._enter("DRAINING")
            self._finish()
        finally:
            signal.alarm(CLOSING_S)  # SIGALRM ends a process that cannot let go of something
            self.background.close()
            self._speaking.close()
            self.wire.close(is_shared=True)
            signal.alarm(0)

    def live(self) -> None:
        """Take turn after turn until told to stop; an actor with a loop of another kind has that call `turn`."""
        while not self.is_stopping:
            self.turn(LONGEST_WAIT_S)

    @property
    def is_stopping(self) -> bool:
        """Whether a signal or `ctl` has asked for the end."""
        return self._signals_seen > 0

    def stop(self) -> None:
        """Begin to drain, as SIGTERM does."""
        self._signals_seen += 1

    def turn(self, longest_wait_s: float) -> bool:
        """One turn of the loop: wait, answer, take, fire timers, send. Returns whether anything had come."""
        wait_s = 0.0 if self._soon else self._timers.until_next_s(self.clock.mono_ns(), longest_wait_s)
        ready = self._poller.poll(wait_s)
        for item in ready:
            if item in self._responders:
                self._answer(*self._responders[item])
        for item, (is_readable, is_writable) in ready.items():
            heard = self._hearing.inputs.get(item)
            if heard is not None:
                self._take(*heard)
            elif item in self._hearing.lines.open:
                self._hearing.lines.receive(item)
            elif item in self._fds:
                self._serve_fd(item, is_readable, is_writable)
            elif item == self.background.fd:
                self.background.deliver()
        promised, self._soon = self._soon, []
        for handler in promised:
            handler()
        self._timers.fire(self.clock.mono_ns())
        self.publisher.flush()
        return bool(ready or self._soon)

    def answer(self) -> None:
        """Answer urgent questions that wait, for a short spell; a long-running handler may call this in between."""
        for responder, handler in self._urgent:
            if responder.has_request():
                self._answer(responder, handler)

    def _answer(self, responder: Responder, handler: Callable[[Envelope, bytes], None]) -> None:
        until_ns = self.clock.mono_ns() + ANSWERING_NS
        for _ in range(BATCH):
            try:
                envelope, body = responder.receive()
            except Empty:
                return
            handler(envelope, body)
            if not responder.has_request() or self.clock.mono_ns() > until_ns:
                return

    def _take(self, source: Input, intake: Intake) -> None:
        until_ns = self.clock.mono_ns() + self.TAKING_NS
        for _ in range(0, BATCH, READS_EVERY):
            taken = source.take(READS_EVERY)
            self.vitals.frames_in += taken
            self.answer()
            if taken < READS_EVERY or intake.is_paused or self.clock.mono_ns() > until_ns:
                break
        self.publisher.flush()
        intake.after_take(source)
        age_ns = self.clock.now_ns() - source.newest_pub_ns
        if source.newest_pub_ns and source.is_live:
            self.vitals.note_lag(age_ns)
        source.note_taken(age_ns, was_full=taken == READS_EVERY)
        if source.has_backlog and not source.is_promised:
            source.is_promised = True
            self.soon(functools.partial(self._take_rest, source, intake))

    def _take_rest(self, source: Input, intake: Intake) -> None:
        source.is_promised = False
        self._take(source, intake)

    def _serve_fd(self, fd: int, is_readable: bool, is_writable: bool) -> None:
        on_readable, on_writable = self._fds[fd]
        if is_writable and on_writable is not None:
            on_writable()
        if is_readable and fd in self._fds:
            on_readable()

    def _finish(self) -> None:
        """Take what was published before the signal, let the actor publish its rest, say good-bye."""
        signalled_ns = self.clock.now_ns()
        deadline_ns = self.clock.mono_ns() + round(self.common.drain_s * 1e9)
        for source, intake in self._hearing.inputs.values():
            while (
                not intake.is_paused
                and source.newest_pub_ns < signalled_ns
                and self.clock.mono_ns() < deadline_ns
            ):
                if not source.take(BATCH) and not source.subscriber.wait(QUIET_S):
                    break
                self._timers.fire(self.clock.mono_ns())
        self.drain()
        self._speaking.end()
        self._enter("STOPPED")

    def _enter(self, state: str) -> None:
        self.state = state
        self.log.info("%s", state)
        self._telling.anew()

    def status(self) -> dict[str, Any]:
        """Everything a person asks of this actor: what `ctl status` and the full heartbeat say."""
        return {**self._telling.status(), **self._guarding.detail(), **self._control.rates(), **self.detail()}

    def _note_hole(self, hole: Hole) -> None:
        self.counters["frames_missing"] += max(0, hole.last_seq - hole.first_seq + 1)
        self.drop("bus_gap", hole)

    def _tend_journal(self) -> None:
        for first_seq, last_seq in self._speaking.journalling.tick():
            self.counters["journal_lost"] += last_seq - first_seq + 1
            self.on_journal_loss(first_seq, last_seq)

    def _catch_signals(self) -> None:
        signal.set_wakeup_fd(self.background.wake_fd, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signals_seen += 1
        if self._signals_seen > 1:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
