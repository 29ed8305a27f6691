"""The ZeroMQ context of one process, and how each kind of socket is set up."""

from __future__ import annotations

import functools
import random
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import zmq

from protocol.record import FrameWriter
from protocol.requests import MAX_REQUEST_BYTES
from protocol.security.limits import Limits
from protocol.security.reach import needs_key
from protocol.transport.addresses import bind, listed
from protocol.transport.asking import Requester, Responder
from protocol.transport.publishing import Publisher, Store, Subscriber

if TYPE_CHECKING:
    from protocol.security.keyring import Keyring
    from protocol.transport.guard import Guard
    from protocol.transport.lines import Lines

HIGH_WATER_MARK: Final = 100_000
MAX_FRAME_BYTES: Final = 16 * 1024 * 1024
LINGER_MS: Final = 500
UNACKNOWLEDGED_MS: Final = 10_000
"""A tcp connection is given up when what was sent has not been acknowledged for so long: its peer is behind a black hole.
Who only listens notices by keepalive, after 5 + 3 x 2 s. No ZMTP heartbeats: on a subscriber that is behind they end the process."""
CONNECT_MS: Final = 3_000
"""Longest time of one try to connect, before the next."""


class Wire:
    """The ZeroMQ context of one process and every socket it opened.

    Args:
        high_water_mark: Frames kept for a slow subscriber.
        keyring: Our key and those of others; None: nothing is bound off loopback, and nothing reached there.
        limits: What each key may do with what is bound.
    """

    def __init__(
        self,
        high_water_mark: int = HIGH_WATER_MARK,
        keyring: Keyring | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.high_water_mark = high_water_mark
        self.keyring = keyring
        self.guard: Guard | None = None
        """Judges who comes in; None: nobody but this machine does."""
        self._limits = limits
        self._lines: dict[zmq.Socket[bytes], Lines] = {}
        self._context = zmq.Context()
        self._context.linger = 0
        self._sockets: dict[zmq.Socket[bytes], int] = {}
        """Each with the thread that opened it: no other one may close it."""
        self._lock = threading.Lock()

    def _socket(self, kind: int, max_message_bytes: int) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        socket.setsockopt(zmq.MAXMSGSIZE, max_message_bytes)
        socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
        socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 5)
        socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, 2)
        socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, 3)
        socket.setsockopt(zmq.TCP_MAXRT, UNACKNOWLEDGED_MS)
        socket.setsockopt(zmq.CONNECT_TIMEOUT, CONNECT_MS)
        socket.setsockopt(zmq.RECONNECT_IVL, random.randint(80, 160))
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, 250)
        socket.setsockopt(zmq.HANDSHAKE_IVL, 5000)
        with self._lock:
            self._sockets[socket] = threading.get_ident()
        return socket

    def publisher(
        self,
        endpoint: str | Sequence[str],
        name: str,
        epoch: int,
        now_ns: Callable[[], int],
        store: Store | None = None,
    ) -> Publisher:
        """Bind an XPUB that numbers what it sends, and journals it before where there is a `store`.

        Raises:
            StartError: exit 69, an address cannot be had.
            ConfigError: exit 78, others reach an address and there is no key for it.
        """
        socket = self._socket(zmq.XPUB, 4096)
        socket.setsockopt(zmq.SNDHWM, self.high_water_mark)
        socket.linger = LINGER_MS
        guard = self._guard_of(endpoint)
        if guard is None:
            bind(socket, endpoint)
            return Publisher(socket, FrameWriter(name, epoch), now_ns, store)
        socket.setsockopt(zmq.XPUB_MANUAL, 1)
        from protocol.transport.guarded import GuardedPublisher  # noqa: PLC0415 - not for who needs no key

        door = guard.bind(socket, listed(endpoint))
        return GuardedPublisher(socket, FrameWriter(name, epoch), now_ns, store, guard, door)

    def subscriber(self, endpoints: Sequence[str], prefixes: Sequence[bytes]) -> Subscriber:
        """Connect a SUB to any number of publishers.

        Raises:
            Unauthorized: one of them wants a key that is missing.
        """
        socket = self._socket(zmq.SUB, MAX_FRAME_BYTES)
        socket.setsockopt(zmq.RCVHWM, self.high_water_mark)
        socket.setsockopt(zmq.SNDHWM, self.high_water_mark)
        subscriber = Subscriber(socket, functools.partial(self._connect, socket))
        for prefix in prefixes:
            subscriber.subscribe(prefix)
        for endpoint in endpoints:
            subscriber.connect(endpoint)
        return subscriber

    def responder(
        self,
        endpoint: str | Sequence[str],
        unread: int = 1000,
        max_request_bytes: int = MAX_REQUEST_BYTES,
        purpose: str = "",
    ) -> Responder:
        """Bind a ROUTER that answers REQ and DEALER peers.

        Args:
            endpoint: One address or several.
            unread: Answers kept for a peer that does not read them.
            max_request_bytes: Who sends more is cut off.
            purpose: ctl, query or ingest: what a key must be good for. Empty: for everything.

        Raises:
            StartError: exit 69, an address cannot be had.
            ConfigError: exit 78, others reach an address and there is no key for it.
        """
        socket = self._socket(zmq.ROUTER, max_request_bytes)
        socket.setsockopt(zmq.SNDHWM, unread)
        socket.setsockopt(zmq.RCVHWM, 10_000)
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        guard = self._guard_of(endpoint)
        if guard is None:
            bind(socket, endpoint)
            return Responder(socket)
        from protocol.transport.guarded import GuardedResponder  # noqa: PLC0415 - not for who needs no key

        door = guard.bind(socket, listed(endpoint))
        return GuardedResponder(socket, guard, door, purpose, guard.keyring.name)

    def requester(self, endpoint: str) -> Requester:
        """Connect a DEALER that asks one answerer.

        Raises:
            Unauthorized: it wants a key that is missing.
        """
        socket = self._socket(zmq.DEALER, MAX_FRAME_BYTES)
        socket.setsockopt(zmq.SNDHWM, 1000)
        try:
            self._connect(socket, endpoint)
        except BaseException:
            self.forget(socket)
            raise
        return Requester(socket, endpoint, self._lines.get(socket))

    def _connect(self, socket: zmq.Socket[bytes], endpoint: str) -> Lines | None:
        """Connect; returns the connections of the socket that want a key, if any."""
        if self.keyring is None and endpoint.startswith("ipc://"):
            socket.connect(endpoint)
            return None
        from protocol.transport.lines import connect  # noqa: PLC0415 - not for who needs no key

        lines = connect(self._context, socket, self._lines.get(socket), endpoint, self.keyring)
        if lines is not None:
            self._lines[socket] = lines
        return lines

    def _guard_of(self, endpoint: str | Sequence[str]) -> Guard | None:
        """The guard, if others than this machine reach one of the addresses and there is a key for it."""
        if self.keyring is None or not any(needs_key(one) for one in listed(endpoint)):
            return None
        if self.guard is None:
            from protocol.transport.guard import Guard  # noqa: PLC0415 - not for who needs no key

            self.guard = Guard(self._context, self.keyring, self._limits or Limits())
        return self.guard

    def tend(self) -> None:
        """See to the sockets of this thread that were refused, and to those who come in; several times a second.

        Raises:
            GuardDied: nobody judges any more who comes in.
        """
        me = threading.get_ident()
        for socket, lines in list(self._lines.items()):
            if self._sockets.get(socket) == me:
                lines.tend()
        if self.guard is not None:
            self.guard.look()

    def forget(self, socket: zmq.Socket[bytes]) -> None:
        """Close one socket before the others."""
        with self._lock:
            self._sockets.pop(socket, None)
        self._let_go(socket)
        socket.close()

    def _let_go(self, socket: zmq.Socket[bytes]) -> None:
        lines = self._lines.pop(socket, None)
        if lines is not None:
            lines.close()
        if self.guard is not None:
            self.guard.forget(socket)

    def close(self, *, is_shared: bool = False) -> None:
        """Close every socket, waiting at most the linger for what is queued.

        Args:
            is_shared: Other threads may be using sockets that they opened. Those are left to them: who waits on
                one is woken (ETERM) and closes it, and this call waits for that.
        """
        me = threading.get_ident()
        with self._lock:
            chosen = [socket for socket, owner in self._sockets.items() if owner == me or not is_shared]
            for socket in chosen:
                del self._sockets[socket]
        for socket in chosen:
            self._let_go(socket)
            socket.close()
        self._context.term()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def libzmq_version() -> str:
    """Version of the ZeroMQ library underneath."""
    return str(zmq.zmq_version())
