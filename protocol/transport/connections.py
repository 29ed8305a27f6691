"""The tcp connections of one socket that strangers can reach: whose they are, and how one of them is cut.

libzmq neither tells who is connected nor closes one connection. It does tell their file descriptors, and which one
brought a message: shutting that down is a peer that has gone, as far as libzmq can see.
"""

from __future__ import annotations

import collections
import contextlib
import os
import socket as sockets
import struct
from dataclasses import dataclass
from typing import Any, Final

import zmq

from protocol.security.roles import Grant
from protocol.transport.monitor import ACCEPTED, AUTH, CLOSED, DISCONNECTED, FAILURES, NO_DETAIL, Monitor

MAX_UNFINISHED_BYTES: Final = 64 * 1024 * 1024
"""What a connection may send without ending a message: no high-water mark counts the parts of one."""
MAX_SILENT: Final = 256
"""Connections of one address that have not sent anything yet; the oldest beyond are cut."""
_TCP_INFO_BYTES: Final = 192
_RECEIVED: Final = struct.Struct("=128xQ")
"""`tcpi_bytes_received` in Linux' struct tcp_info."""


@dataclass(slots=True)
class Connection:
    """One peer."""

    fd: int
    peer: tuple[Any, ...]
    key: str = ""
    """Public key that it showed; empty until it sends something."""
    grant: Grant | None = None
    """What that allowed when it was first looked at."""
    messages: int = 0
    subscriptions: int = 0
    looked_messages: int = 0
    base_bytes: int = 0
    """Bytes it had sent when it last ended a message."""


class Connections:
    """Connections of one bound socket.

    Args:
        context: Of the socket.
        socket: It; before it is bound.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], socket: zmq.Socket[bytes]) -> None:
        self.by_fd: dict[int, Connection] = {}
        self.failed: list[str] = []
        """Handshakes that failed before the key was looked at, since the last look."""
        self.cuts = 0
        self._monitor = Monitor(context, socket)

    def take_events(self) -> None:
        """Take note of who came and went."""
        for kind, value, endpoint in self._monitor.take():
            if kind == ACCEPTED and endpoint.startswith("tcp://"):
                self.by_fd[value] = Connection(value, _peer_of(value))
            elif kind in (DISCONNECTED, CLOSED):
                self.by_fd.pop(value, None)
            elif kind in FAILURES and kind != AUTH:
                what = "it did not answer" if kind == NO_DETAIL else "no key, another server's, or no ZMTP"
                self.failed.append(f"a handshake at {endpoint} failed: {what}")

    def of(self, fd: int, key: str) -> Connection:
        """The connection that brought a message, by a peer with this key."""
        found = self.by_fd.get(fd)
        if found is None or (found.key and found.key != key):
            self.take_events()
            found = self.by_fd.get(fd)
        if found is None or (found.key and found.key != key):
            found = self.by_fd[fd] = Connection(fd, _peer_of(fd))
        found.key = key
        found.messages += 1
        return found

    def subscriptions_of(self, name: str) -> int:
        """Subscriptions of all connections of one name."""
        return sum(
            one.subscriptions
            for one in self.by_fd.values()
            if one.grant is not None and one.grant.name == name
        )

    def wait(self, timeout_ms: int) -> None:
        """Wait for something to happen."""
        if self._monitor.socket.poll(timeout_ms):
            self.take_events()

    def cut(self, connection: Connection) -> bool:
        """End a connection, if it is still the one that it was."""
        self.by_fd.pop(connection.fd, None)
        with _opened(connection.fd) as found:
            if found is None or _name_of(found) != connection.peer or not connection.peer:
                return False
            with contextlib.suppress(OSError):
                found.shutdown(sockets.SHUT_RDWR)
            self.cuts += 1
            return True

    def overdue(self) -> list[tuple[Connection, str]]:
        """Connections to be cut, with the reason: they send without end, or there are too many that say nothing."""
        found: list[tuple[Connection, str]] = []
        silent: dict[str, list[Connection]] = collections.defaultdict(list)
        for one in self.by_fd.values():
            if not one.messages and one.peer:
                silent[str(one.peer[0])].append(one)
            received = _received_bytes(one.fd)
            if one.messages != one.looked_messages or received < one.base_bytes:
                one.looked_messages, one.base_bytes = one.messages, received
            elif received - one.base_bytes > MAX_UNFINISHED_BYTES:
                found.append((one, f"sent {(received - one.base_bytes) >> 20} MiB of one message"))
        for many in silent.values():
            found += [(one, "says nothing, as too many of its address") for one in many[:-MAX_SILENT]]
        return found

    def close(self) -> None:
        """Before the socket is closed."""
        self._monitor.close()


@contextlib.contextmanager
def _opened(fd: int) -> Any:
    """A second handle of libzmq's socket, for a moment; None: it is gone."""
    try:
        found = sockets.socket(fileno=os.dup(fd))
    except OSError:
        yield None
        return
    try:
        yield found
    finally:
        found.close()


def _name_of(found: sockets.socket) -> tuple[Any, ...]:
    try:
        name = found.getpeername()
    except OSError:
        return ()
    return tuple(name) if isinstance(name, tuple) else ()


def _peer_of(fd: int) -> tuple[Any, ...]:
    with _opened(fd) as found:
        return () if found is None else _name_of(found)


def _received_bytes(fd: int) -> int:
    """Bytes that a connection has brought; 0 where the system does not tell."""
    with _opened(fd) as found:
        if found is None or not hasattr(sockets, "TCP_INFO"):
            return 0
        try:
            info = found.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_INFO, _TCP_INFO_BYTES)
            return int(_RECEIVED.unpack_from(info)[0])
        except (OSError, struct.error):
            return 0
