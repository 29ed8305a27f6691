"""A publisher of a test that journals what it sends, as a real one does, and may lose frames on the bus on purpose."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import zmq

from protocol.journal.journal import Journal
from protocol.messages import Beat, Epoch, Message
from protocol.record import RecordKind
from protocol.topics import mark_topic
from protocol.transport import Publisher, Wire

CLOSED_MS: Final = 40_000


class JournalledSource:
    """Stands in for one actor of the topology.

    Args:
        wire: Makes the socket.
        run_dir: Run directory: the journal goes below it.
        endpoint: Where it binds.
        name: Its name.
        epoch: Its epoch.
        prev: Epoch and last number of the life before.
    """

    def __init__(
        self,
        wire: Wire,
        run_dir: Path,
        endpoint: str,
        name: str,
        epoch: int = 1,
        prev: tuple[int, int] = (0, 0),
    ) -> None:
        self.name = name
        self.loses = False
        """Frames go into the journal only, while this is set."""
        self._endpoint = endpoint
        self._journal = Journal(
            run_dir / "journal" / name, name, epoch, time.time_ns, time.monotonic_ns, ballast_bytes=0
        )
        self.publisher: Publisher = wire.publisher(endpoint, name, epoch, time.time_ns, self._store)
        self.send(mark_topic(name), Epoch(name, *prev, False, "", "", 0, ""), kind=RecordKind.EPOCH)

    def _store(self, frames: Sequence[bytes]) -> Sequence[bytes]:
        self._journal.write(frames)
        return [] if self.loses else frames

    def send(self, topic: str, *events: Message, kind: int = RecordKind.DATA) -> None:
        """Journal and publish events of one type."""
        self.publisher.publish(topic, events, kind)
        self.publisher.flush()

    def beat(self) -> None:
        """Say how far it is."""
        publisher = self.publisher
        beat = Beat(self.name, publisher.epoch, publisher.seq, 0, 0, 0, time.monotonic_ns(), "RUNNING")
        publisher.beat(beat)
        publisher.subscriptions()

    def close(self) -> None:
        """End it as kill -9 would: no CLEAN_STOP. Its address is free afterwards."""
        socket = self.publisher.socket
        closed = socket.get_monitor_socket(zmq.EVENT_CLOSED)
        socket.linger = 0
        socket.unbind(self._endpoint)
        assert closed.poll(CLOSED_MS), "libzmq closes what listens in a thread of its own, and did not"
        socket.disable_monitor()
        closed.close(linger=0)
        socket.close()
        self._journal.close()
