"""One TCP connection of a client: bytes in through the websockets protocol, bytes out through a bounded buffer.

Market data is serialised elsewhere and put into the buffer as it is; handshake, control frames and HTTP
answers come from the protocol object and take their place in the same queue.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from websockets.http11 import Response
from websockets.server import ServerProtocol

if TYPE_CHECKING:
    from websockets.frames import Frame
    from websockets.http11 import Request

    from actors.simulator.session import Session

RECEIVE_BYTES: Final = 65_536
SEND_BYTES: Final = 1 << 20
"""At most so much is joined for one send."""
MOST_INBOUND_BYTES: Final = 1 << 16
"""A control message is short; a longer one ends the connection with 1009."""

_quiet: Final = logging.getLogger("actors.simulator.websockets")
_quiet.setLevel(logging.WARNING)  # a line per connection belongs to the counters, not into the log


class Host(Protocol):
    """Who keeps the clients."""

    def want_write(self, fd: int, wanted: bool) -> None:
        """Start or stop waiting for room to write."""

    def received(self, client: Client, event: Request | Frame) -> None:
        """A client has asked or said something."""

    def lost(self, client: Client) -> None:
        """A client is gone, or is to go at once."""


class Client:
    """A connection before, during and after its WebSocket life."""

    def __init__(self, sock: socket.socket, host: Host, dirty: list[Client], now_ns: int) -> None:
        """Take over a connected, non-blocking socket; `dirty` is told when there is something to flush."""
        self.sock = sock
        self.fd = sock.fileno()
        self.protocol = ServerProtocol(max_size=MOST_INBOUND_BYTES, logger=_quiet)
        self.session: Session | None = None
        """Set once the handshake to a stream is done."""
        self.opened_ns = now_ns
        self.closing_since_ns = 0
        """When its end began, 0 while it lives."""
        self.queued_bytes = 0
        self.has_asked = False
        """It has sent a complete HTTP request."""
        self._dirty = dirty
        self._host = host
        self._chunks: deque[bytes] = deque()
        self._rest = memoryview(b"")
        self._is_dirty = False
        self._is_ending = False
        self._waits_for_room = False

    def put(self, data: bytes) -> None:
        """Queue bytes; `flush` sends them."""
        self._chunks.append(data)
        self.queued_bytes += len(data)
        if not self._is_dirty:
            self._is_dirty = True
            self._dirty.append(self)

    def receive(self) -> None:
        """Take what has arrived and hand the events on."""
        try:
            data = self.sock.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.protocol.receive_eof()
            self._host.lost(self)
            return
        self.protocol.receive_data(data)
        for event in self.protocol.events_received():
            if not isinstance(event, Response):  # what only clients receive
                self._host.received(self, event)
        self.collect()

    def collect(self) -> None:
        """Queue what the protocol wants to send; call after each use of it."""
        for data in self.protocol.data_to_send():
            if data:
                self.put(data)
            else:
                self._is_ending = True
                self._dirty.append(self)

    def flush(self) -> None:
        """Send once, as much as the kernel takes; asks to be called again when there is more."""
        self._is_dirty = False
        if not self._rest and self._chunks:
            self._rest = memoryview(self._join())
        if self._rest:
            try:
                sent = self.sock.send(self._rest)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._host.lost(self)
                return
            self._rest = self._rest[sent:]
            self.queued_bytes -= sent
        has_more = bool(self._rest or self._chunks)
        if has_more != self._waits_for_room:
            self._waits_for_room = has_more
            self._host.want_write(self.fd, has_more)
        if self._is_ending and not has_more:
            self._is_ending = False
            with contextlib.suppress(OSError):  # the peer may have gone first
                self.sock.shutdown(socket.SHUT_WR)

    def _join(self) -> bytes:
        chunks, size, parts = self._chunks, 0, []
        while chunks and size < SEND_BYTES:
            part = chunks.popleft()
            size += len(part)
            parts.append(part)
        return b"".join(parts)

    def close(self, *, is_abrupt: bool = False) -> None:
        """Close the socket now; abruptly: with a TCP reset, as a crashing server or a cut line does."""
        if is_abrupt:
            with contextlib.suppress(OSError):
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
