"""One bound socket of an actor that others reach: shows its key, asks for theirs."""

from __future__ import annotations

import contextlib
import errno
import time
from typing import Final

import zmq

from protocol.security.reach import needs_key
from protocol.transport.addresses import endpoint_of
from protocol.transport.connections import Connections
from protocol.transport.curve import as_neighbour, as_server

_REBIND_S: Final = 0.5
_WAIT_MS: Final = 2


class Door:
    """A socket and its addresses.

    Args:
        context: Of the socket.
        socket: It; before it is bound.
        secret: The key it shows.
    """

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], socket: zmq.Socket[bytes], secret: str
    ) -> None:
        self.socket = socket
        self.secret = secret
        self.guarded: list[str] = []
        """Addresses that show the key, with the ports that the system chose."""
        self.unbound: list[str] = []
        """Those that are to be bound again."""
        self.connections = Connections(context, socket)

    def bind(self, endpoint: str) -> None:
        """Bind one address: with the key if others reach it.

        Raises:
            zmq.ZMQError: it cannot be had.
        """
        if not needs_key(endpoint):
            as_neighbour(self.socket)
            self.socket.bind(endpoint)
            return
        as_server(self.socket, self.secret)
        self.socket.bind(endpoint)
        self.guarded.append(endpoint_of(self.socket))

    def show(self, secret: str) -> None:
        """Show another key: who is connected is cut off, and comes back with the next `bind_again`."""
        self.secret = secret
        for endpoint in self.guarded:
            with contextlib.suppress(zmq.ZMQError):
                self.socket.unbind(endpoint)
        self.unbound += self.guarded
        self.guarded = []

    def bind_again(self) -> None:
        """Bind what was unbound; libzmq lets go of an address a moment later.

        Raises:
            zmq.ZMQError: it cannot be had yet; call again.
        """
        until_s = time.monotonic() + _REBIND_S
        while self.unbound:
            try:
                self.bind(self.unbound[0])
            except zmq.ZMQError as fault:
                if fault.errno != errno.EADDRINUSE or time.monotonic() > until_s:
                    raise
                self.connections.wait(_WAIT_MS)
            else:
                del self.unbound[0]
