"""A journal server without a socket: questions in, replies out, and a journal to ask about."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from actors.journal.ack_book import AckBook
from actors.journal.server import JournalServer
from actors.runtime.clock import SystemClock
from protocol.journal.disk import Disk
from protocol.replay import Position, decode_fetched, decode_status, fetch_request, status_request
from protocol.requests import Reply, Request, decode_reply, encode_request
from tests.unit.protocol.journal.rig import NAME


class StepClock(SystemClock):
    """Goes on by so much at each look: how much is done in a time does not depend on the machine."""

    def __init__(self, step_ns: int) -> None:
        self._at_ns = itertools.count(0, step_ns)

    @property
    def mono_ns(self) -> Callable[[], int]:  # type: ignore[override]
        return self._at_ns.__next__


class Desk:
    """Asks a server; background work runs when told."""

    def __init__(
        self,
        root: Path,
        configured: tuple[str, ...] = (NAME,),
        disk: Disk | None = None,
        clock: SystemClock | None = None,
    ) -> None:
        self.counters: collections.Counter[str] = collections.Counter()
        self.work: list[Any] = []
        book = AckBook(root, lambda *job: self.work.append(job), disk)
        self.server = JournalServer(
            "journal.1", 7, root, configured, clock or SystemClock(), self.counters, book, disk
        )

    def send(self, request: Request | bytes) -> list[Reply]:
        """Replies as they come, the first at once if the question needs no work."""
        replies: list[Reply] = []
        body = request if isinstance(request, bytes) else encode_request(request)
        self.server.answer(body, lambda data: replies.append(decode_reply(data)))
        return replies

    def ask(self, request: Request | bytes) -> Reply:
        replies = self.send(request)
        self.run()
        (reply,) = replies
        return reply

    def run(self) -> None:
        """Do the background work, also what that asks for."""
        while self.work:
            work, done = self.work.pop(0)
            try:
                result = work()
            except Exception as fault:  # noqa: BLE001 - as the background thread does
                result = fault
            done(result)

    def fetch(self, epoch: int, from_seq: int, *prefixes: str, max_bytes: int = 1 << 20, name: str = NAME):
        reply = self.ask(fetch_request(name, Position(epoch, from_seq - 1), max_bytes, prefixes))
        assert reply.ok, reply
        return decode_fetched(reply)

    def status(self, name: str = NAME):
        reply = self.ask(status_request(name))
        assert reply.ok, reply
        return decode_status(reply)
