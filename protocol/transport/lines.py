"""Connections of one socket to those who want a key: which key each is tried with, and what becomes of a refusal.

libzmq gives up a connection that was refused, and tries for ever with a server key that is wrong: in both cases the
socket stays deaf without a word. Here each refusal is seen, and the address connected anew: at first soon, with another
key if there is one, then ever more rarely.
"""

from __future__ import annotations

import contextlib
import random
import time
from dataclasses import dataclass
from typing import Final

import zmq

from protocol.errors import ConfigError, HubError, Unauthorized
from protocol.security.keyring import Keyring
from protocol.security.reach import needs_key, split_owner
from protocol.transport.curve import as_client, as_stranger
from protocol.transport.monitor import AUTH, FAILURES, PROTOCOL, SUCCEEDED, Monitor

SHORTEST_NS: Final = 100_000_000
LONGEST_NS: Final = 5_000_000_000
LOOK_NS: Final = 50_000_000
SETTLED_NS: Final = 600_000_000
"""How long a server may not have seen a new key of ours yet: until then a refusal is tried again and not told."""


@dataclass(slots=True)
class Line:
    """One address."""

    name: str
    """Who listens there."""
    address: str
    key: str = ""
    """Of the server, that it is tried with."""
    refusal: str = ""
    """Why we are not let in; empty: we are, or do not know yet."""
    refused_ns: int = 0
    """Since when our key is refused, monotonic; 0: it is not."""
    pause_ns: int = SHORTEST_NS
    again_ns: int = 0
    """When it is connected again, monotonic; 0: it need not be."""


class Lines:
    """The addresses of one socket that want a key.

    Args:
        context: Of the socket.
        socket: It.
        keyring: Our key, and those of the servers.
    """

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], socket: zmq.Socket[bytes], keyring: Keyring
    ) -> None:
        self.all: dict[str, Line] = {}
        self._socket = socket
        self._keyring = keyring
        self._monitor = Monitor(context, socket)
        self._looked_ns = 0

    def connect(self, name: str, address: str) -> None:
        """Connect with our key to whoever listens there; where its key or ours is missing, as soon as it is there."""
        line = self.all[address] = Line(name, address)
        self._try(line)

    def disconnect(self, address: str) -> None:
        """Give an address up."""
        self.all.pop(address, None)

    def _connect(self, line: Line) -> None:
        line.key = self._keyring.candidate(line.name)
        try:
            own = self._keyring.own
        except ConfigError as error:
            raise Unauthorized("\n".join(error.problems), problems=error.problems) from None
        as_client(self._socket, own.secret, line.key)
        self._socket.connect(line.address)

    def tend(self) -> None:
        """See what was refused, and connect again where it is time; cheap, and often."""
        mono_ns = time.monotonic_ns()
        if mono_ns - self._looked_ns < LOOK_NS:
            return
        self._looked_ns = mono_ns
        for kind, value, endpoint in self._monitor.take():
            line = self._line_of(endpoint)
            if line is None:
                continue
            if kind == SUCCEEDED:
                line.refusal, line.refused_ns, line.again_ns, line.pause_ns = "", 0, 0, SHORTEST_NS
                self._keyring.succeeded(line.name, line.key)
            elif kind in FAILURES and not line.again_ns:
                self._failed(line, kind, value, mono_ns)
        for line in self.all.values():
            if line.again_ns and mono_ns >= line.again_ns:
                self._connect_again(line)

    def _failed(self, line: Line, kind: int, value: int, mono_ns: int) -> None:
        if self._keyring.refresh():
            line.refusal, line.refused_ns = "", 0  # there are other keys now: try those first
        elif kind == AUTH:
            line.refused_ns = line.refused_ns or mono_ns
            if mono_ns - line.refused_ns >= SETTLED_NS:
                line.refusal = (
                    f"{line.name} at {line.address} refuses the key of {self._keyring.name} ({value}): it does not know "
                    "it, or it is revoked"
                )
        elif kind == PROTOCOL:
            line.refusal = f"{line.address} wants no key, or speaks another protocol"
        elif self._keyring.failed(line.name, line.key):
            known = self._keyring.folder.public_path(line.name)
            line.refusal = f"whoever listens at {line.address} has none of the keys in {known}"
        is_refused = line.refusal or line.refused_ns
        line.again_ns = mono_ns + (int(line.pause_ns * random.uniform(0.7, 1.3)) if is_refused else 0)
        line.again_ns = max(line.again_ns, 1)
        line.pause_ns = min(LONGEST_NS, line.pause_ns * 2)

    def _connect_again(self, line: Line) -> None:
        line.again_ns = 0
        with contextlib.suppress(zmq.ZMQError):
            self._socket.disconnect(line.address)
        self._keyring.refresh()
        self._try(line)

    def _try(self, line: Line) -> None:
        try:
            self._connect(line)
        except HubError as error:
            line.refusal = str(error)
            line.again_ns = time.monotonic_ns() + LONGEST_NS

    def _line_of(self, endpoint: str) -> Line | None:
        found = self.all.get(endpoint)
        if found is not None or len(self.all) == 1:
            return found or next(iter(self.all.values()))
        port = endpoint.rpartition(":")[2]  # a name has been resolved
        return next((line for line in self.all.values() if line.address.rpartition(":")[2] == port), None)

    @property
    def refusal(self) -> str:
        """Why none of the addresses lets us in; empty: one does, or we do not know yet."""
        texts = [line.refusal for line in self.all.values()]
        return "; ".join(texts) if all(texts) else ""

    def close(self) -> None:
        """Before the socket is closed."""
        self._monitor.close()


def owner_of(endpoint: str, keyring: Keyring | None) -> tuple[str, str]:
    """(who listens there with a key, address); the name is empty where none is wanted.

    Raises:
        Unauthorized: a key is wanted and we have none, or do not know whose it is.
    """
    name, address = split_owner(endpoint)
    if keyring is not None:
        return keyring.server_of(endpoint), address
    if name or needs_key(address):
        raise Unauthorized(
            f"{address} wants a key: name yours, Hub(key='keys/private/NAME.key') or --key or TAPEHUB_KEY "
            "(`tapehub keys add NAME` makes one)",
            endpoint=address,
        )
    return "", address


def connect(
    context: zmq.Context[zmq.Socket[bytes]],
    socket: zmq.Socket[bytes],
    lines: Lines | None,
    endpoint: str,
    keyring: Keyring | None,
) -> Lines | None:
    """Connect a socket to an address, with our key if it wants one; returns the lines of the socket.

    Raises:
        Unauthorized: a key is missing.
    """
    name, address = owner_of(endpoint, keyring)
    if not name or keyring is None:
        if lines is not None:
            as_stranger(socket)
        socket.connect(address)
        return lines
    found = lines or Lines(context, socket, keyring)
    found.connect(name, address)
    return found
