"""An actor's line to the journal server of its host: questions without waiting, answers in the loop."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from protocol.errors import HubError
from protocol.requests import Reply, Request
from protocol.transport import Empty, Requester

PATIENCE_NS: Final = 1_000_000_000

Answered = Callable[[Reply | None], None]
"""Takes the answer; None: there was none in time."""


class Puller:
    """Asks, and gives each answer to who asked. A server that does not answer in time is asked on a new socket:
    what waits in the old one would only be answered too late.

    Args:
        connect: Makes a requester; the loop must watch its socket and call `receive`.
        forget: Closes one.
        mono_ns: Monotonic clock.
    """

    def __init__(
        self,
        connect: Callable[[], Requester],
        forget: Callable[[Requester], None],
        mono_ns: Callable[[], int],
    ) -> None:
        self._connect = connect
        self._forget = forget
        self._mono_ns = mono_ns
        self._requester: Requester | None = None
        self._asked: dict[int, tuple[int, Answered]] = {}
        self.timeouts = 0
        """Questions that nobody answered."""

    def ask(self, request: Request, done: Answered) -> None:
        """Ask; `done` is called from `receive` or `tick`."""
        if self._requester is None:
            self._requester = self._connect()
        try:
            number = self._requester.send(request)
        except Empty:
            done(None)
            return
        self._asked[number] = (self._mono_ns() + PATIENCE_NS, done)

    def receive(self) -> None:
        """Take what has been answered."""
        requester = self._requester
        with contextlib.suppress(Empty):
            while requester is not None and requester is self._requester:
                try:
                    reply = requester.receive()
                except HubError:  # not an answer at all: its question will time out
                    continue
                _, done = self._asked.pop(reply.id, (0, None))
                if done is not None:
                    done(reply)

    def tick(self) -> None:
        """Give up what has waited too long."""
        mono_ns = self._mono_ns()
        if not any(mono_ns > until_ns for until_ns, _ in self._asked.values()):
            return
        self.timeouts += 1
        asked, self._asked = self._asked, {}
        if self._requester is not None:
            self._forget(self._requester)
            self._requester = None
        for _, done in asked.values():
            done(None)
