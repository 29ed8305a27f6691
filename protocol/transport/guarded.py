"""Answering and publishing to peers with keys: what they ask for is judged before anybody decodes it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import zmq

from protocol.record import FrameWriter
from protocol.requests import encode_reply, error_reply
from protocol.transport.asking import Envelope, Responder
from protocol.transport.door import Door
from protocol.transport.empty import Empty
from protocol.transport.flags import NOBLOCK
from protocol.transport.guard import Guard
from protocol.transport.publishing import Publisher, Store

USER: Final = "User-Id"
SRCFD: Final = int(zmq.SRCFD)
MOST_PARTS: Final = 8
"""Parts of a request with its envelope: who sends more is not answered."""
MOST_REFUSED: Final = 64
"""Refusals in one look: then others get their turn."""


class GuardedResponder(Responder):
    """Answers peers that may ask; those that may not are told so and cost the actor nothing.

    Args:
        socket: Bound by the guard.
        guard: Judges.
        door: Of the socket.
        purpose: Of the address: ctl, query or ingest.
        name: Who answers.
    """

    def __init__(self, socket: zmq.Socket[bytes], guard: Guard, door: Door, purpose: str, name: str) -> None:
        super().__init__(socket)
        self._guard = guard
        self._door = door
        self._purpose = purpose
        self._name = name

    @property
    def endpoint(self) -> str:
        """Address of others, where there is one."""
        return self._door.guarded[0] if self._door.guarded else super().endpoint

    def receive(self) -> tuple[Envelope, bytes]:
        """Take one request that its asker may ask.

        Raises:
            Empty: nothing is waiting.
        """
        for _ in range(MOST_REFUSED):
            envelope, last = self._receive_parts()
            body = last.bytes
            key = str(last.get(USER))
            if not key:
                return envelope, body
            self._guard.meets(self._door, key, last.get(SRCFD))
            refusal = self._guard.judge.request(self._purpose, key, body, time.monotonic_ns())
            if refusal is None and len(envelope) < MOST_PARTS:
                return envelope, body
            if refusal is not None and refusal[0] >= 0:
                self.reply(envelope, encode_reply(error_reply(*refusal, publisher=self._name)))
        raise Empty

    def _receive_parts(self) -> tuple[Envelope, Any]:
        receive = self._recv
        try:
            part = receive(NOBLOCK, False)  # noqa: FBT003 - copy
        except zmq.Again:
            raise Empty from None
        envelope: Envelope = []
        while part.more:
            if len(envelope) < MOST_PARTS:
                envelope.append(part.bytes)
            part = receive(NOBLOCK, False)  # noqa: FBT003 - copy
        return envelope, part


class GuardedPublisher(Publisher):
    """Sends to each peer what its key may hear: subscriptions are in force once they were judged.

    The loop has to call `subscriptions` whenever its socket is readable.
    """

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        writer: FrameWriter,
        now_ns: Callable[[], int],
        store: Store | None,
        guard: Guard,
        door: Door,
    ) -> None:
        super().__init__(socket, writer, now_ns, store)
        self._guard = guard
        self._door = door

    @property
    def endpoint(self) -> str:
        """Address of others, where there is one."""
        return self._door.guarded[0] if self._door.guarded else super().endpoint

    def subscriptions(self) -> list[bytes]:
        """Judge the subscriptions that have arrived; returns those that are in force now, or no longer."""
        found: list[bytes] = []
        while True:
            try:
                part: Any = self.socket.recv(NOBLOCK, copy=False)
            except zmq.Again:
                return found
            data = part.bytes
            if part.more:  # no subscription: whoever sends it is left alone with it
                while part.more:
                    part = self.socket.recv(copy=False)
                continue
            if data[:1] == b"\x01" and self._may(part, data[1:]):
                self.socket.setsockopt(zmq.SUBSCRIBE, data[1:])
                found.append(data)
            elif data[:1] == b"\x00":
                self._forget(part)
                self.socket.setsockopt(zmq.UNSUBSCRIBE, data[1:])
                found.append(data)

    def _may(self, part: Any, prefix: bytes) -> bool:
        key = str(part.get(USER))
        return not key or self._guard.admits(self._door, key, part.get(SRCFD), prefix)

    def _forget(self, part: Any) -> None:
        try:
            key = str(part.get(USER))
        except zmq.ZMQError:
            return  # libzmq's own, for a peer that has gone
        if key:
            self._guard.leaves(self._door, key, part.get(SRCFD))
