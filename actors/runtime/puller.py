"""An actor's line to one journal server: questions without waiting, answers in the loop."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from protocol.errors import HubError
from protocol.fetch_pace import FetchPace
from protocol.replay import MAX_FETCH_BYTES
from protocol.requests import Reply, Request
from protocol.transport import Empty, Requester

PATIENCE_NS: Final = 1_000_000_000
"""With the server of the own host."""

Answered = Callable[[Reply | None], None]
"""Takes the answer; None: there was none in time."""


class Puller:
    """Asks, and gives each answer to who asked. A server that does not answer in time is asked on a new socket:
    what waits in the old one would only be answered too late.

    Args:
        connect: Makes a requester; the loop must watch its socket and call `receive`.
        forget: Closes one.
        mono_ns: Monotonic clock.
        pace: For the server of another host: how much to ask for, and how long to wait.
    """

    def __init__(
        self,
        connect: Callable[[], Requester],
        forget: Callable[[Requester], None],
        mono_ns: Callable[[], int],
        pace: FetchPace | None = None,
    ) -> None:
        self._connect = connect
        self._forget = forget
        self._mono_ns = mono_ns
        self._pace = pace
        self._requester: Requester | None = None
        self._asked: dict[int, tuple[int, int, Answered]] = {}
        self.timeouts = 0
        """Questions that nobody answered."""

    @property
    def most_bytes(self) -> int:
        """How long the answer to the next `fetch` may be."""
        return self._pace.most_bytes(len(self._asked)) if self._pace else MAX_FETCH_BYTES

    def ask(self, request: Request, done: Answered) -> None:
        """Ask; `done` is called from `receive` or `tick`."""
        if self._requester is None:
            self._requester = self._connect()
        try:
            number = self._requester.send(request)
        except Empty:
            done(None)
            return
        mono_ns = self._mono_ns()
        patience_ns = self._pace.patience_ns if self._pace else PATIENCE_NS
        self._asked[number] = (mono_ns + patience_ns, mono_ns, done)

    def receive(self) -> None:
        """Take what has been answered."""
        requester = self._requester
        with contextlib.suppress(Empty):
            while requester is not None and requester is self._requester:
                try:
                    reply = requester.receive()
                except HubError:  # not an answer at all: its question will time out
                    continue
                _, asked_ns, done = self._asked.pop(reply.id, (0, 0, None))
                if done is not None:
                    if self._pace is not None:
                        self._pace.answered(self._mono_ns() - asked_ns, len(reply.data))
                    done(reply)

    def tick(self) -> None:
        """Give up what has waited too long."""
        mono_ns = self._mono_ns()
        if not any(mono_ns > until_ns for until_ns, _, _ in self._asked.values()):
            return
        self.timeouts += 1
        if self._pace is not None:
            self._pace.unanswered()
        asked, self._asked = self._asked, {}
        if self._requester is not None:
            self._forget(self._requester)
            self._requester = None
        for _, _, done in asked.values():
            done(None)
