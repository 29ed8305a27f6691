"""An actor's own journal over the life of the process: recovered, written before every send, synced by a thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from actors.runtime.clock import Clock
from actors.runtime.settings import Journals
from protocol.errors import StartError
from protocol.journal.journal import Journal
from protocol.journal.recovery import Recovered, recover
from protocol.journal.segment import JournalVersion

EXIT_CONFIG: Final = 78
EXIT_CANNOT_OPEN: Final = 69
JOIN_S: Final = 2.0

log = logging.getLogger(__name__)


def recover_journal(folder: Path, publisher: str) -> Recovered:
    """Repair the end of a journal and say where it is.

    Raises:
        StartError: a newer program wrote it (78: stays down), or it cannot be read (69).
    """
    try:
        found = recover(folder, publisher)
    except JournalVersion as fault:
        raise StartError(str(fault), EXIT_CONFIG) from fault
    except OSError as fault:
        raise StartError(
            f"the journal {folder} cannot be opened: {fault}; check its owner and its disk", EXIT_CANNOT_OPEN
        ) from fault
    if found.cut_bytes:
        kept = f"kept in {found.quarantined}" if found.quarantined else "not kept: no room"
        log.warning("journal: cut %d bytes that a crash left half (%s)", found.cut_bytes, kept)
    return found


class Journalling:
    """Opens the journal of one epoch and keeps it on the medium.

    Args:
        folder: Folder of this publisher's journal.
        publisher: Name.
        epoch: The new epoch.
        clock: Clocks.
        settings: Sizes and intervals.
    """

    def __init__(self, folder: Path, publisher: str, epoch: int, clock: Clock, settings: Journals) -> None:
        try:
            self.journal = Journal(
                folder,
                publisher,
                epoch,
                clock.now_ns,
                clock.mono_ns,
                segment_bytes=settings.segment_bytes,
                segment_age_ns=round(settings.segment_age_s * 1e9),
                ring_bytes=settings.ring_bytes,
                ballast_bytes=settings.ballast_bytes,
            )
        except OSError as fault:
            raise StartError(str(fault), EXIT_CANNOT_OPEN) from fault
        self.store = self.journal.write
        self._sync_s = settings.sync_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_synced, name="journal sync", daemon=True)
        self._thread.start()
        self._state = self.journal.state

    def tick(self) -> Sequence[tuple[int, int]]:
        """Try again what a full disk did not take; returns the ranges of records that were lost for good."""
        journal = self.journal
        journal.retry()
        if journal.state != self._state:
            self._state = journal.state
            if self._state == "ok":
                log.warning("journal: the disk has room again, everything is stored")
            else:
                log.error(
                    "journal: the disk of %s is full; frames are sent, and kept in memory", journal.folder
                )
        return journal.take_losses()

    def status(self) -> dict[str, Any]:
        """For the heartbeat."""
        journal = self.journal
        row: dict[str, Any] = {"state": journal.state, "durable_seq": journal.durable_seq}
        if journal.fault:
            row["fault"] = str(journal.fault)
            row["free_bytes"] = journal.free_bytes
        if journal.pending_frames:
            row["pending_frames"] = journal.pending_frames
        if journal.lost_frames:
            row["lost_frames"] = journal.lost_frames
        if journal.sync_fault:
            row["sync_fault"] = str(journal.sync_fault)
        return row

    def close(self) -> None:
        """Have everything on the medium and the segment sealed."""
        self._stopping.set()
        self._thread.join(JOIN_S)
        self.journal.close()

    def _keep_synced(self) -> None:
        journal = self.journal
        while not self._stopping.wait(self._sync_s):
            if journal.durable_seq < journal.seq and not journal.sync_fault:
                try:
                    journal.sync()
                except OSError as fault:
                    log.error("journal: cannot be synced, a power cut would take what follows: %s", fault)
