"""The ZeroMQ context of one process, and how each kind of socket is set up."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from typing import Final

import zmq

from protocol.record import FrameWriter
from protocol.requests import MAX_REQUEST_BYTES
from protocol.transport.addresses import bind
from protocol.transport.asking import Requester, Responder
from protocol.transport.publishing import Publisher, Store, Subscriber

HIGH_WATER_MARK: Final = 100_000
MAX_FRAME_BYTES: Final = 16 * 1024 * 1024
LINGER_MS: Final = 500


class Wire:
    """The ZeroMQ context of one process and every socket it opened."""

    def __init__(self, high_water_mark: int = HIGH_WATER_MARK) -> None:
        self.high_water_mark = high_water_mark
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
        socket.setsockopt(zmq.RECONNECT_IVL, random.randint(80, 160))
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
        socket.setsockopt(zmq.HANDSHAKE_IVL, 5000)
        with self._lock:
            self._sockets[socket] = threading.get_ident()
        return socket

    def publisher(
        self,
        endpoint: str,
        name: str,
        epoch: int,
        now_ns: Callable[[], int],
        store: Store | None = None,
    ) -> Publisher:
        """Bind an XPUB that numbers what it sends, and journals it before where there is a `store`."""
        socket = self._socket(zmq.XPUB, 4096)
        socket.setsockopt(zmq.SNDHWM, self.high_water_mark)
        socket.linger = LINGER_MS
        bind(socket, endpoint)
        return Publisher(socket, FrameWriter(name, epoch), now_ns, store)

    def subscriber(self, endpoints: Sequence[str], prefixes: Sequence[bytes]) -> Subscriber:
        """Connect a SUB to any number of publishers."""
        socket = self._socket(zmq.SUB, MAX_FRAME_BYTES)
        socket.setsockopt(zmq.RCVHWM, self.high_water_mark)
        socket.setsockopt(zmq.SNDHWM, self.high_water_mark)
        subscriber = Subscriber(socket)
        for prefix in prefixes:
            subscriber.subscribe(prefix)
        for endpoint in endpoints:
            subscriber.connect(endpoint)
        return subscriber

    def responder(self, endpoint: str, unread: int = 1000) -> Responder:
        """Bind a ROUTER that answers REQ and DEALER peers; one that does not read has `unread` answers kept."""
        socket = self._socket(zmq.ROUTER, MAX_REQUEST_BYTES)
        socket.setsockopt(zmq.SNDHWM, unread)
        socket.setsockopt(zmq.RCVHWM, 10_000)
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        bind(socket, endpoint)
        return Responder(socket)

    def requester(self, endpoint: str) -> Requester:
        """Connect a DEALER that asks one answerer."""
        socket = self._socket(zmq.DEALER, MAX_FRAME_BYTES)
        socket.setsockopt(zmq.SNDHWM, 1000)
        socket.connect(endpoint)
        return Requester(socket, endpoint)

    def forget(self, socket: zmq.Socket[bytes]) -> None:
        """Close one socket before the others."""
        with self._lock:
            self._sockets.pop(socket, None)
        socket.close()

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
            socket.close()
        self._context.term()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def libzmq_version() -> str:
    """Version of the ZeroMQ library underneath."""
    return str(zmq.zmq_version())
