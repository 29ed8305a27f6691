"""A client's socket in bytes, for those that match questions and answers themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import zmq

from protocol.transport.empty import Empty
from protocol.transport.flags import MORE, NO_COPY_BYTES, NOBLOCK
from protocol.transport.wire import Wire


class Channel:
    """An asker's socket in bytes: a DEALER that speaks REQ's envelope, for clients that match ids themselves.

    Raises:
        Unauthorized: a key is wanted there and we have none.
    """

    def __init__(self, wire: Wire, endpoint: str) -> None:
        self.endpoint = endpoint
        self._wire = wire
        requester = wire.requester(endpoint)
        self.socket = requester.socket
        """For a Poller."""
        self._lines = requester.lines
        self._send: Callable[..., Any] = super(zmq.Socket, self.socket).send  # without its wrapper's checks
        self._recv: Callable[..., Any] = self.socket.recv
        self._timeout_ms = -1
        self.is_open = True

    def send(self, body: bytes) -> None:
        """Send one question without waiting.

        Raises:
            Empty: nobody is connected and the queue is full.
        """
        try:
            self._send(b"", MORE)
            self._send(body, NOBLOCK)
        except zmq.Again:
            raise Empty from None

    def receive(self) -> bytes | memoryview:
        """Take one answer that has arrived; a long one as a view of ZeroMQ's own memory.

        Raises:
            Empty: none has.
        """
        try:
            self._recv(NOBLOCK)
        except zmq.Again:
            raise Empty from None
        return self._last_part()

    def ask(self, body: bytes, timeout_ms: int, *, is_long: bool = False) -> bytes | memoryview:
        """Send one question and wait for an answer, of whatever question: the short way of one that is answered.

        Args:
            body: The question.
            timeout_ms: How long to wait.
            is_long: Whether the answer may be long: then it is not copied.

        Raises:
            Empty: nobody to send it to, or no answer in time.
        """
        if timeout_ms != self._timeout_ms:
            self.socket.rcvtimeo = self._timeout_ms = timeout_ms
        receive = self._recv
        try:
            self._send(b"", MORE)
            self._send(body, NOBLOCK)
            receive()
        except zmq.Again:
            raise Empty from None
        data: bytes | memoryview = self._last_part() if is_long else receive()
        return data

    def wait(self, timeout_ms: int) -> bytes | memoryview:
        """Wait for one answer, as `receive` gives it.

        Raises:
            Empty: none came in time.
        """
        if timeout_ms != self._timeout_ms:
            self.socket.rcvtimeo = self._timeout_ms = timeout_ms
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
    def refusal(self) -> str:
        """Why our key is not let in; empty: it is, none is wanted, or we do not know yet."""
        if self._lines is None:
            return ""
        self._lines.tend()
        return self._lines.refusal

    @property
    def fd(self) -> int:
        """File descriptor that becomes readable, once per change: after it, and after each send, take all."""
        return int(self.socket.FD)

    def close(self) -> None:
        """Close the socket."""
        self.is_open = False
        self._wire.forget(self.socket)
