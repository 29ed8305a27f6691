"""One destination of everything that is stored, and how far it is: frames in, whole batches out.

    OPENING   the destination tells how far it is; from there on everything is pulled
    STORING   frames are gathered while the batch before is being stored
    FAILED    nothing is held: after a pause it is opened again, and what it lacks is pulled

There is one way back from every failure, the same as at the start. The journal is the buffer.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol

from actors.persistence.batch import Batch
from actors.persistence.failures import StoreError
from actors.persistence.first_rows import shared_venues
from actors.runtime.actor import Actor
from actors.runtime.intake import Intake
from protocol.consumer import Hole
from protocol.crash import crash_point
from protocol.record import Frame
from protocol.replay import Position

FIRST_PAUSE_S: Final = 0.25
ACK_NS: Final = 1_000_000_000
LOG_EVERY: Final = 20
"""Failed attempts between two lines about the same trouble."""

log = logging.getLogger(__name__)


class Stored(Protocol):
    """What a destination says of one batch."""

    @property
    def rows(self) -> int:
        """Rows stored."""

    @property
    def refused_doubles(self) -> dict[str, int]:
        """Kind to rows that were there already."""


class Target(Protocol):
    """Where rows go. Every call is made in a worker thread, one at a time."""

    name: str
    """For status and acknowledgements."""

    def open(self) -> dict[str, Position]:
        """Connect anew and tell how far each publisher is stored."""

    def batch(self) -> Batch:
        """An empty batch behind what is stored."""

    def save(self, batch: Batch) -> Stored:
        """Store a batch, all of it or nothing."""

    def durable(self) -> dict[str, Position]:
        """How far each publisher is stored for good."""

    def close(self) -> None:
        """End it."""


class Keeper:
    """Keeps one target filled.

    Args:
        actor: For threads, clocks and settings.
        target: Where rows go.
        topics: Prefixes of what is stored.
    """

    def __init__(self, actor: Actor, target: Target, topics: list[str]) -> None:
        self.target = target
        self.state = "opening"
        self.trouble = ""
        """Why nothing is stored, empty if something is."""
        self.rows = self.refused = self.failures = self.batches = 0
        self._actor = actor
        self._settings = actor.settings
        self._batch: Batch | None = None
        self._batch_ns = 0
        self._unstored_ns = 0
        """When the oldest of what is being stored, or could not be, had come; 0: there is nothing of that."""
        self._is_busy = False
        self._idle = threading.Event()
        self._pause_s = FIRST_PAUSE_S
        self._again_ns = 0
        self._acked_ns = 0
        self.intake: Intake = actor.consume(self._take, None, topics, on_hole=self._note_hole)
        self.intake.pause()
        self._open()

    # what comes

    def _take(self, frame: Frame) -> None:
        batch = self._batch
        if batch is None:
            return  # between a failure and the rewind that follows it: it will be pulled
        if not batch.frame_count:
            self._batch_ns = self._actor.clock.mono_ns()
        batch.add(frame)
        if batch.row_count >= self._settings.batch_rows:
            if not self._is_busy:
                self._save()
            elif batch.row_count >= self._settings.max_waiting_rows:
                self.intake.pause()

    def _note_hole(self, hole: Hole) -> None:
        if self._batch is not None:
            self._batch.add_hole(*hole)
        log.error("%s: records %d to %d of %s/%d are gone: %s", self.target.name, hole.first_seq, hole.last_seq,
                  hole.publisher, hole.epoch, hole.reason)  # fmt: skip

    # what goes

    def tick(self) -> None:
        """Store what is old enough, open again what failed, say how far it is; call it often."""
        mono_ns = self._actor.clock.mono_ns()
        if self._is_busy:
            return
        if self.state == "failed":
            if mono_ns >= self._again_ns:
                self._open()
            return
        batch = self._batch
        if not batch and self.intake.is_live:
            self._unstored_ns = 0
        if batch and mono_ns - self._batch_ns >= self._settings.batch_s * 1e9:
            self._save()
        elif mono_ns - self._acked_ns >= ACK_NS:
            self._acknowledge(mono_ns)

    def _open(self) -> None:
        self.state = "opening"
        self._batch = None
        self._submit(self.target.open, self._on_open)

    def _on_open(self, positions: dict[str, Position]) -> None:
        self._batch = self.target.batch()
        self._batch.first.venues = shared_venues(self._actor.common.actors)
        self.intake.rewind(positions, is_from_start=True)
        self.intake.resume()
        self.state = "storing"
        if self.trouble:
            log.warning("%s: storing again", self.target.name)
        self.trouble = ""
        self._pause_s = FIRST_PAUSE_S

    def _save(self) -> None:
        batch = self._batch
        if batch is None:
            return
        self._actor.counters["second_copies"] += batch.first.second
        batch.first.second = 0
        self._batch = batch.following()
        self._unstored_ns = self._unstored_ns or self._batch_ns
        self._submit(lambda: self.target.save(batch), self._on_saved)

    def _on_saved(self, saved: Stored) -> None:
        self._unstored_ns = 0
        self.batches += 1
        self.rows += saved.rows
        for kind, count in saved.refused_doubles.items():
            self.refused += count
            self._actor.drop("refused_double", f"{count} rows of kind {kind} were stored already")
        if self.intake.is_paused:
            self.intake.resume()
        if self._batch is not None and self._batch.row_count >= self._settings.batch_rows:
            self._save()

    def _submit(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Run one call of the target in a thread; a failure begins the way back."""
        self._is_busy = True
        self._idle.clear()

        def worked() -> Any:
            try:
                return work()
            finally:
                self._idle.set()

        def finished(result: Any) -> None:
            self._is_busy = False
            if isinstance(result, StoreError):
                self._on_failure(result)
            elif isinstance(result, Exception):
                raise result
            else:
                done(result)

        self._actor.submit(worked, finished)

    def _on_failure(self, fault: StoreError) -> None:
        self.failures += 1
        self.state = "failed"
        self._unstored_ns = self._unstored_ns or self._actor.clock.mono_ns()
        self._batch = None  # what it holds is in the journal
        self.intake.pause()
        self._again_ns = self._actor.clock.mono_ns() + round(self._pause_s * 1e9)
        self._pause_s = min(self._pause_s * 2, self._settings.retry_cap_s)
        if str(fault) != self.trouble or self.failures % LOG_EVERY == 0:
            log.error("%s: nothing is stored: %s", self.target.name, fault)
        self.trouble = str(fault)

    def _acknowledge(self, mono_ns: int) -> None:
        self._acked_ns = mono_ns
        crash_point("ack.before")
        self.intake.ack(self.target.name, self.target.durable())
        crash_point("ack.after")

    def finish(self) -> None:
        """Store what is left, in this thread: the process ends."""
        if not self._idle.wait(self._actor.common.drain_s):
            log.error(
                "%s: the last transaction does not end; the journal has what is in it", self.target.name
            )
            return
        batch, self._batch = self._batch, None
        if batch and self.state == "storing":
            try:
                self.target.save(batch)
            except StoreError as fault:
                log.error(
                    "%s: the last rows are not stored, the journal has them: %s", self.target.name, fault
                )
        self._acknowledge(self._actor.clock.mono_ns())
        self.target.close()

    def detail(self) -> dict[str, Any]:
        """For the heartbeat."""
        return {
            "state": self.state,
            "rows": self.rows,
            "batches": self.batches,
            "refused_doubles": self.refused,
            "failures": self.failures,
            "is_live": self.intake.is_live,
            "waiting_rows": self._batch.row_count if self._batch else 0,
            "oldest_unflushed_s": round(self._oldest_unflushed_s(), 3),
            **({"trouble": self.trouble} if self.trouble else {}),
        }

    def _oldest_unflushed_s(self) -> float:
        """How long the oldest row that came and is not stored has waited."""
        since_ns = self._unstored_ns or (self._batch_ns if self._batch else 0)
        return (self._actor.clock.mono_ns() - since_ns) / 1e9 if since_ns else 0.0
