"""Questions and answers: a ROUTER that owes nobody a wait, DEALERs that a lost answer never wedges."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec
import zmq

from protocol.errors import HubTimeout, Unauthorized
from protocol.requests import Reply, Request, decode_reply, encode_request
from protocol.transport.addresses import endpoint_of
from protocol.transport.empty import Empty
from protocol.transport.flags import EVENTS, MORE, NO_COPY_BYTES, NOBLOCK, POLLIN

if TYPE_CHECKING:
    from protocol.transport.lines import Lines

REFUSED_S: Final = 0.1
"""Time between two looks whether we are let in."""

Envelope = list[bytes]
"""Routing frames of one request, to be sent back in front of its reply."""


class Responder:
    """Answers requests; slow and dead askers cost it nothing."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self.socket = socket
        self._recv: Callable[..., Any] = socket.recv
        self._send: Callable[..., Any] = super(zmq.Socket, socket).send  # without its wrapper's checks
        self._get: Callable[[int], Any] = socket.get
        self.unroutable = 0
        """Replies whose asker had gone, or did not read."""

    @property
    def endpoint(self) -> str:
        """Bound address."""
        return endpoint_of(self.socket)

    def has_request(self) -> bool:
        """Whether one is waiting: a quarter of the price of a `receive` that finds nothing."""
        return bool(self._get(EVENTS) & POLLIN)

    def receive(self) -> tuple[Envelope, bytes]:
        """Take one request: (envelope, body). Part by part, as frames that know whether more follow: half the
        price of `recv_multipart`.

        Raises:
            Empty: nothing is waiting.
        """
        receive = self._recv
        try:
            part = receive(NOBLOCK, False)  # noqa: FBT003 - copy
        except zmq.Again:
            raise Empty from None
        envelope = []
        while part.more:
            envelope.append(part.bytes)
            part = receive(NOBLOCK, False)  # noqa: FBT003 - copy
        return envelope, part.bytes

    def reply(self, envelope: Envelope, body: bytes) -> None:
        """Send one reply, or count that its asker cannot have it. Never blocks."""
        send = self._send
        try:
            for part in envelope:
                send(part, MORE)
            send(body, NOBLOCK, len(body) < NO_COPY_BYTES)
        except zmq.ZMQError as fault:
            if fault.errno not in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                raise
            self.unroutable += 1


class Requester:
    """Asks one answerer, speaking REQ's envelope over a DEALER: a lost answer never wedges it."""

    def __init__(self, socket: zmq.Socket[bytes], endpoint: str, lines: Lines | None = None) -> None:
        self.socket = socket
        self.endpoint = endpoint
        self.lines = lines
        """Its connection, if a key is wanted there."""
        self._next_id = random.getrandbits(32)

    def send(self, request: Request) -> int:
        """Send a question without waiting; returns the id that its answer will carry.

        Raises:
            Empty: nobody is connected and the queue is full.
        """
        self._next_id += 1
        numbered = msgspec.structs.replace(request, id=self._next_id)
        try:
            self.socket.send_multipart((b"", encode_request(numbered)), zmq.NOBLOCK)
        except zmq.Again:
            raise Empty from None
        return self._next_id

    def receive(self) -> Reply:
        """Take one answer, of whatever question.

        Raises:
            Empty: nothing is waiting.
            InvalidRequest: the answer is not one.
        """
        try:
            parts = self.socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            if self.lines is not None:
                self.lines.tend()
            raise Empty from None
        return decode_reply(parts[-1])

    def ask(self, request: Request, timeout_s: float) -> Reply:
        """Ask and wait; answers of earlier questions that come late are thrown away.

        Raises:
            HubTimeout: no answer in time.
            Unauthorized: our key is not let in.
        """
        deadline_s = time.monotonic() + timeout_s
        wanted: int | None = None
        longest_s = timeout_s if self.lines is None else REFUSED_S
        while (left_s := deadline_s - time.monotonic()) > 0:
            wait_ms = int(min(left_s, longest_s) * 1000) + 1
            if wanted is None:
                try:
                    wanted = self.send(request)
                except Empty:  # a connection that was refused is being remade
                    self.socket.poll(wait_ms, zmq.POLLOUT)
                    self.check()
            elif self.socket.poll(wait_ms):
                reply = self.receive()
                if reply.id == wanted:
                    return reply
            else:
                self.check()
        raise HubTimeout(f"no answer from {self.endpoint} within {timeout_s:g} s", timeout_s=timeout_s)

    def check(self) -> None:
        """See whether we are let in.

        Raises:
            Unauthorized: we are not.
        """
        if self.lines is not None:
            self.lines.tend()
            if self.lines.refusal:
                raise Unauthorized(self.lines.refusal)

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()
