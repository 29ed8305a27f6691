"""Signals and alerts into the outbox, each once: frames are gathered, and stored with how far their publishers are.

    opening   the outbox tells how far it is; from there on everything is fetched
    taking    frames are gathered while those before are being stored
    failed    nothing is held: after a pause it is opened again, and what it lacks is fetched

The database is used in threads only: the loop never waits for it.
"""

from __future__ import annotations

import collections
import logging
from collections.abc import Callable
from typing import Any, Final

from actors.notifier.desk import Desk
from actors.notifier.failures import OutboxError
from actors.notifier.note import Note, note_of_alert, note_of_signal
from actors.notifier.operators import Change
from actors.notifier.outbox import Opened, Outbox
from actors.runtime.actor import Actor
from protocol.codec import decode_events
from protocol.consumer import Hole
from protocol.errors import FrameError
from protocol.messages import Alert, Signal
from protocol.record import Frame
from protocol.replay import Position

TOPICS: Final = ("signal.", "alert.")
MOST_WAITING: Final = 2000
"""Notes held while the ones before are being stored; beyond it nothing more is taken until they are."""
POSITIONS_NS: Final = 2_000_000_000
"""How often it is stored how far publishers are that say nothing of interest."""
FIRST_PAUSE_S: Final = 0.25

log = logging.getLogger(__name__)


class Keeping:
    """Keeps the outbox filled.

    Args:
        actor: For threads, clocks and the bus.
        outbox: Where notes go.
        desk: Makes messages of them.
        on_opened: Told what the outbox remembers.
        on_stored: Called when there may be something to send.
    """

    def __init__(
        self,
        actor: Actor,
        outbox: Outbox,
        desk: Desk,
        on_opened: Callable[[Opened], None],
        on_stored: Callable[[], None],
    ) -> None:
        self.state = "opening"
        self.trouble = ""
        """Why nothing is stored; empty if something is."""
        self.counts: collections.Counter[str] = collections.Counter()
        self._actor = actor
        self._outbox = outbox
        self._desk = desk
        self._on_opened = on_opened
        self._on_stored = on_stored
        self._notes: list[Note] = []
        self._changes: list[Change] = []
        """Of the system: nobody can fetch them again, so they are held until they are stored."""
        self._stored: dict[str, Position] = {}
        self._stored_ns = 0
        self._is_busy = False
        self._pause_s = FIRST_PAUSE_S
        self._again_ns = 0
        sources = actor.settings.sources or None
        self._intake = actor.consume(self._take, sources, TOPICS, on_hole=self._on_hole)
        self._intake.pause()
        self._open()

    @property
    def is_taking(self) -> bool:
        """Whether the outbox is open."""
        return self.state == "taking"

    @property
    def is_live(self) -> bool:
        """Whether nothing that is known of is missing."""
        return self.is_taking and self._intake.is_live

    def tell(self, changes: list[Change]) -> None:
        """Something about the system is to be told."""
        self._changes += changes
        self._save_if_due()

    def tick(self) -> None:
        """Open again what failed, store what waits; call it often."""
        if self.state == "failed" and not self._is_busy:
            if self._actor.clock.mono_ns() >= self._again_ns:
                self._open()
            return
        self._save_if_due()

    def drain(self) -> None:
        """Store what is left, in this thread."""
        if self.is_taking and not self._is_busy:
            try:
                self._store(self._notes, self._changes, self._intake.positions())
            except OutboxError as fault:
                log.error("the last messages are not in the outbox, the journal has them: %s", fault)

    def detail(self) -> dict[str, Any]:
        """For the heartbeat."""
        return {
            "state": self.state,
            "is_live": self._intake.is_live,
            "waiting": len(self._notes) + len(self._changes),
            **self.counts,
            **({"trouble": self.trouble} if self.trouble else {}),
        }

    def _take(self, frame: Frame) -> None:
        if not self.is_taking:
            return  # between a failure and the rewind that follows it: it will be fetched
        try:
            events = decode_events(frame)
        except FrameError as fault:
            self._actor.drop(fault.code, fault)
            return
        for event in events:
            faults = event.validate()
            if faults:
                self._actor.drop("invalid", "; ".join(faults))
            elif isinstance(event, Signal):
                self._notes.append(note_of_signal(event, frame.ts_pub_ns))
            elif isinstance(event, Alert):
                self._notes.append(note_of_alert(event, frame.ts_pub_ns))
        if len(self._notes) >= MOST_WAITING:
            self._intake.pause()
        self._actor.soon(self._save_if_due)

    def _on_hole(self, hole: Hole) -> None:
        self._actor.counters["frames_missing"] += max(0, hole.last_seq - hole.first_seq + 1)
        self._actor.drop("bus_gap", hole)

    def _save_if_due(self) -> None:
        if self._is_busy or not self.is_taking:
            return
        mono_ns = self._actor.clock.mono_ns()
        positions = self._intake.positions()
        is_late = mono_ns - self._stored_ns > POSITIONS_NS
        if not self._notes and not self._changes and not (is_late and positions != self._stored):
            return
        notes, self._notes = self._notes, []
        changes, self._changes = self._changes, []
        self._stored_ns = mono_ns
        self._is_busy = True

        def done(result: dict[str, int] | Exception) -> None:
            self._is_busy = False
            if isinstance(result, OutboxError):
                self._changes = changes + self._changes
                self._fail(result)
            elif isinstance(result, Exception):
                raise result
            else:
                self._stored = positions
                self.counts.update(result)
                if self._intake.is_paused:
                    self._intake.resume()
                self._on_stored()
                self._save_if_due()

        self._actor.submit(lambda: self._store(notes, changes, positions), done)

    def _store(
        self, notes: list[Note], changes: list[Change], positions: dict[str, Position]
    ) -> dict[str, int]:
        """One transaction; runs in a thread."""
        now_ns = self._actor.clock.now_ns()
        all_notes = notes + [change.note for change in changes]
        mutes = self._outbox.mutes(now_ns) if all_notes else []
        found = [self._desk.drafts(note, mutes, now_ns) for note in all_notes]
        # in their order: a later revision follows the message that this very batch begins
        counts = self._outbox.take_in(
            [(drafts.begun, drafts.following) for drafts in found],
            positions,
            {change.condition: change.since_ns for change in changes},
            now_ns,
        )
        counts["quiet"] = sum(drafts.quiet for drafts in found)
        counts["muted"] = sum(drafts.muted for drafts in found)
        return counts

    def _open(self) -> None:
        self.state = "opening"
        self._is_busy = True
        self._notes = []
        self._actor.submit(self._outbox.open, self._opened)

    def _opened(self, result: Opened | Exception) -> None:
        self._is_busy = False
        if isinstance(result, OutboxError):
            self._fail(result)
            return
        if isinstance(result, Exception):
            raise result
        if self.trouble:
            log.warning("the outbox is open again")
        self.state, self.trouble, self._pause_s = "taking", "", FIRST_PAUSE_S
        self._stored = dict(result.positions)
        self._on_opened(result)
        # whoever was never heard is read from the start: what is too old is not sent, and nothing is lost
        self._intake.rewind(result.positions, is_from_start=True)
        self._intake.resume()
        self._on_stored()

    def _fail(self, fault: OutboxError) -> None:
        self.state = "failed"
        self._notes = []  # the journal has them
        self._intake.pause()
        self._again_ns = self._actor.clock.mono_ns() + round(self._pause_s * 1e9)
        self._pause_s = min(self._pause_s * 2, self._actor.settings.retry_cap_s)
        if str(fault) != self.trouble:
            log.error("nothing is taken, the outbox cannot be used: %s", fault)
        self.trouble = str(fault)
