"""What libzmq tells of a socket's connections. Taken in the thread of the socket, whenever it has time."""

from __future__ import annotations

import contextlib
import itertools
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

import zmq

ACCEPTED: Final = int(zmq.EVENT_ACCEPTED)
CLOSED: Final = int(zmq.EVENT_CLOSED)
DISCONNECTED: Final = int(zmq.EVENT_DISCONNECTED)
SUCCEEDED: Final = int(zmq.EVENT_HANDSHAKE_SUCCEEDED)
NO_DETAIL: Final = int(zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL)
PROTOCOL: Final = int(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
AUTH: Final = int(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
FAILURES: Final = (NO_DETAIL, PROTOCOL, AUTH)
_WANTED: Final = ACCEPTED | CLOSED | DISCONNECTED | SUCCEEDED | NO_DETAIL | PROTOCOL | AUTH
_EVENT: Final = struct.Struct("=HI")
_numbers: Final = itertools.count(1)


class Event(NamedTuple):
    """Something that happened to a connection."""

    kind: int
    value: int
    """File descriptor, or number of the error."""
    endpoint: str


class Monitor:
    """Events of one socket.

    The queue is not bounded: libzmq's own thread would wait for room in it, and with it every socket.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], socket: zmq.Socket[bytes]) -> None:
        self._watched = socket
        address = f"inproc://monitor-{next(_numbers)}"
        socket.monitor(address, _WANTED)
        self.socket = context.socket(zmq.PAIR)
        self.socket.linger = 0
        self.socket.setsockopt(zmq.RCVHWM, 0)
        self.socket.connect(address)

    def take(self) -> Iterator[Event]:
        """What has happened since the last look."""
        while True:
            try:
                head, endpoint = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            kind, value = _EVENT.unpack(head)
            yield Event(kind, value, endpoint.decode(errors="replace"))

    def close(self) -> None:
        """Stop; before the watched socket is closed."""
        with contextlib.suppress(zmq.ZMQError):
            self._watched.monitor(None, 0)
        self.socket.close()
