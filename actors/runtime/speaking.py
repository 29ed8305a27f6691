"""What one process says: its publisher, the journal before it, and the marks at both ends of an epoch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from actors.runtime.clock import Clock
from actors.runtime.identity import EpochStore, boot_id, host_name
from actors.runtime.journalling import Journalling, recover_journal
from actors.runtime.settings import Common
from actors.runtime.version import VERSION
from protocol.endpoints import Endpoints
from protocol.messages import Beat, CleanStop, Epoch
from protocol.record import RecordKind
from protocol.topics import mark_topic
from protocol.transport import Wire, remove_stale_socket


class Speaking:
    """Recovers the journal, begins a new epoch in it, binds, and says who starts.

    Args:
        name: This actor.
        common: Its settings.
        endpoints: Where it binds.
        wire: Makes the socket.
        clock: Clocks.

    Raises:
        StartError: the journal cannot be had, or the address.
    """

    def __init__(self, name: str, common: Common, endpoints: Endpoints, wire: Wire, clock: Clock) -> None:
        run_dir = Path(common.run_dir)
        self.journal_folder = run_dir / "journal" / name
        self.recovered = recovered = recover_journal(self.journal_folder, name)
        self._name = name
        self._epochs = EpochStore(run_dir / "epochs", name)
        endpoint = endpoints.binds(name, "pub")
        remove_stale_socket(endpoint)
        epoch = self._epochs.begin(clock.now_ns(), recovered.highest_epoch)
        self.journalling = Journalling(self.journal_folder, name, epoch, clock, common.journal)
        self.publisher = wire.publisher(endpoint, name, epoch, clock.now_ns, self.journalling.store)
        first = Epoch(
            publisher=name,
            prev_epoch=recovered.epoch,
            prev_last_seq=recovered.seq,
            is_clean=recovered.is_clean,
            boot_id=boot_id(),
            host=host_name(),
            pid=os.getpid(),
            version=VERSION,
        )
        self.publisher.publish(mark_topic(name), [first], RecordKind.EPOCH)
        self.publisher.flush()

    def beat(self, state: str, detail: dict[str, Any] | None, mono_ns: int) -> None:
        """Send a heartbeat."""
        publisher = self.publisher
        publisher.flush()
        publisher.beat(
            Beat(
                publisher=self._name,
                epoch=publisher.epoch,
                last_seq=publisher.seq,
                durable_seq=self.journalling.journal.durable_seq,
                prev_epoch=self.recovered.epoch,
                prev_last_seq=self.recovered.seq,
                mono_ns=mono_ns,
                state=state,
                detail=detail,
            )
        )
        publisher.subscriptions()

    def end(self) -> None:
        """Say good-bye: the last record of the epoch."""
        publisher = self.publisher
        stop = CleanStop(self._name, publisher.seq + 1)
        publisher.publish(mark_topic(self._name), [stop], RecordKind.CLEAN_STOP)
        publisher.flush()
        self._epochs.end(publisher.epoch, publisher.seq)

    def close(self) -> None:
        """Have the journal on the medium, and closed."""
        self.journalling.close()
