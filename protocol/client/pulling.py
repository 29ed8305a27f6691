"""A stream's lines to the journal servers: questions without waiting, and a new socket when none is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from protocol.client.following import Following
from protocol.errors import HubError
from protocol.transport import Empty, Requester, Wire

PATIENCE_NS: Final = 1_000_000_000
FAR_PATIENCE_NS: Final = 3_000_000_000
"""With a server over tcp: the handshake takes its time."""


class Pulling:
    """Asks for what a stream misses.

    Args:
        wire: Makes the sockets.
        journals: Publisher to where its journal is served; empty: nothing is done.
        following: Who misses what.
        watch: Have the loop wait for a socket.
        forget: Have it wait for it no longer.
    """

    def __init__(
        self,
        wire: Wire,
        journals: Mapping[str, str],
        following: Following,
        watch: Callable[[Any], None],
        forget: Callable[[Any], None],
    ) -> None:
        self._wire = wire
        self._journals = {name.encode().ljust(32, b"\x00"): at for name, at in journals.items()}
        self._following = following
        self._watch = watch
        self._forget = forget
        self._lines: dict[str, Requester] = {}
        self._asked: dict[tuple[str, int], tuple[int, bytes]] = {}

    @property
    def is_asking(self) -> bool:
        """Whether an answer is on its way."""
        return bool(self._asked)

    def turn(self, mono_ns: int) -> None:
        """Take the answers that are there, hand out what they bring, ask for more.

        Raises:
            PayloadError: a payload is not what its frame promises.
        """
        if not self._journals:
            return
        for endpoint in list(self._lines):
            self._receive(endpoint, mono_ns)
        for endpoint in {at for (at, _), (until_ns, _) in self._asked.items() if mono_ns > until_ns}:
            self._give_up(endpoint, mono_ns)
        self._ask(mono_ns)
        self._following.work(mono_ns)
        self._ask(mono_ns)

    def _ask(self, mono_ns: int) -> None:
        for publisher, request in self._following.questions(mono_ns):
            endpoint = self._journals.get(publisher, "")
            if not endpoint:
                self._following.answered(publisher, None, mono_ns)
                continue
            if endpoint not in self._lines:
                self._lines[endpoint] = self._wire.requester(endpoint)
                self._watch(self._lines[endpoint].socket)
            try:
                number = self._lines[endpoint].send(request)
            except Empty:
                self._following.answered(publisher, None, mono_ns)
            else:
                patience_ns = FAR_PATIENCE_NS if endpoint.startswith("tcp://") else PATIENCE_NS
                self._asked[endpoint, number] = (mono_ns + patience_ns, publisher)

    def _receive(self, endpoint: str, mono_ns: int) -> None:
        while True:
            try:
                reply = self._lines[endpoint].receive()
            except Empty:
                return
            except HubError:  # not an answer at all: its question will time out
                continue
            asked = self._asked.pop((endpoint, reply.id), None)
            if asked is not None:
                self._following.answered(asked[1], reply, mono_ns)

    def _give_up(self, endpoint: str, mono_ns: int) -> None:
        """What waits in the old socket would only be answered too late."""
        asked = {key: row for key, row in self._asked.items() if key[0] == endpoint}
        self._close(endpoint)
        for key, (_, publisher) in asked.items():
            del self._asked[key]
            self._following.answered(publisher, None, mono_ns)

    def close(self) -> None:
        """Close the sockets."""
        for endpoint in list(self._lines):
            self._close(endpoint)

    def _close(self, endpoint: str) -> None:
        line = self._lines.pop(endpoint)
        self._forget(line.socket)
        self._wire.forget(line.socket)
