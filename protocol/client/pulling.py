"""A stream's line to the journal server: questions without waiting, and a new socket when none is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from protocol.client.following import Following
from protocol.errors import HubError
from protocol.transport import Empty, Requester, Wire

PATIENCE_NS: Final = 1_000_000_000


class Pulling:
    """Asks for what a stream misses.

    Args:
        wire: Makes the sockets.
        endpoint: Of the journal server; empty: there is none, and nothing is done.
        following: Who misses what.
        watch: Have the loop wait for a socket.
        forget: Have it wait for it no longer.
    """

    def __init__(
        self,
        wire: Wire,
        endpoint: str,
        following: Following,
        watch: Callable[[Any], None],
        forget: Callable[[Any], None],
    ) -> None:
        self._wire = wire
        self._endpoint = endpoint
        self._following = following
        self._watch = watch
        self._forget = forget
        self._line: Requester | None = None
        self._asked: dict[int, tuple[int, bytes]] = {}

    @property
    def is_asking(self) -> bool:
        """Whether an answer is on its way."""
        return bool(self._asked)

    def turn(self, mono_ns: int) -> None:
        """Take the answers that are there, hand out what they bring, ask for more.

        Raises:
            PayloadError: a payload is not what its frame promises.
        """
        if not self._endpoint:
            return
        self._receive(mono_ns)
        if any(mono_ns > until_ns for until_ns, _ in self._asked.values()):
            self._give_up(mono_ns)
        self._ask(mono_ns)
        self._following.work(mono_ns)
        self._ask(mono_ns)

    def _ask(self, mono_ns: int) -> None:
        for publisher, request in self._following.questions(mono_ns):
            if self._line is None:
                self._line = self._wire.requester(self._endpoint)
                self._watch(self._line.socket)
            try:
                number = self._line.send(request)
            except Empty:
                self._following.answered(publisher, None, mono_ns)
            else:
                self._asked[number] = (mono_ns + PATIENCE_NS, publisher)

    def _receive(self, mono_ns: int) -> None:
        while self._line is not None:
            try:
                reply = self._line.receive()
            except Empty:
                return
            except HubError:  # not an answer at all: its question will time out
                continue
            asked = self._asked.pop(reply.id, None)
            if asked is not None:
                self._following.answered(asked[1], reply, mono_ns)

    def _give_up(self, mono_ns: int) -> None:
        """What waits in the old socket would only be answered too late."""
        asked, self._asked = self._asked, {}
        self.close()
        for _, publisher in asked.values():
            self._following.answered(publisher, None, mono_ns)

    def close(self) -> None:
        """Close the socket."""
        if self._line is not None:
            self._forget(self._line.socket)
            self._wire.forget(self._line.socket)
            self._line = None
