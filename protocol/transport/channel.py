"""A client's socket in bytes, for those that match questions and answers themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import zmq

from protocol.transport.empty import Empty
from protocol.transport.flags import MORE, NO_COPY_BYTES
from protocol.transport.wire import Wire


class Channel:
    """An asker's socket in bytes: a DEALER that speaks REQ's envelope, for clients that match ids themselves."""

    def __init__(self, wire: Wire, endpoint: str) -> None:
        self.endpoint = endpoint
        self._wire = wire
        self._socket = wire.requester(endpoint).socket
        self._recv: Callable[..., Any] = self._socket.recv
        self._timeout_ms = -1

    def send(self, body: bytes) -> None:
        """Send one question without waiting.

        Raises:
            Empty: nobody is connected and the queue is full.
        """
        try:
            self._socket.send(b"", MORE)
            self._socket.send(body, zmq.NOBLOCK)
        except zmq.Again:
            raise Empty from None

    def receive(self) -> bytes | memoryview:
        """Take one answer that has arrived; a long one as a view of ZeroMQ's own memory.

        Raises:
            Empty: none has.
        """
        try:
            self._recv(zmq.NOBLOCK)
        except zmq.Again:
            raise Empty from None
        return self._last_part()

    def wait(self, timeout_ms: int) -> bytes | memoryview:
        """Wait for one answer, as `receive` gives it; cheaper than polling first.

        Raises:
            Empty: none came in time.
        """
        if timeout_ms != self._timeout_ms:
            self._socket.rcvtimeo = self._timeout_ms = timeout_ms
        try:
            self._recv()
        except zmq.Again:
            raise Empty from None
        return self._last_part()

    def _last_part(self) -> bytes | memoryview:
        """The rest of a message whose first part has been taken; its parts arrive together."""
        part = self._recv(0, False)  # noqa: FBT003 - copy
        data: bytes | memoryview = part.bytes if len(part) < NO_COPY_BYTES else part.buffer
        return data

    @property
    def fd(self) -> int:
        """File descriptor that becomes readable, once per change: after it, and after each send, take all."""
        return int(self._socket.FD)

    @property
    def socket(self) -> zmq.Socket[bytes]:
        """For a Poller."""
        return self._socket

    def close(self) -> None:
        """Close the socket."""
        self._wire.forget(self._socket)
