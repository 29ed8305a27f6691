"""The synchronous way of asking: any thread, any fork, a deadline that holds, never a stuck socket."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import threading
import time

import msgspec

from protocol.client.patience import Patience, check_size
from protocol.errors import InvalidRequest
from protocol.requests import Reply, Request, decode_reply, encode_request
from protocol.transport import Channel, Empty, Poller, Wire

_set = msgspec.structs.force_setattr


class Asker:
    """Puts questions to one of several hubs.

    Sockets are not shared: a question takes one out of a pool (or opens one) and puts it back, so any number
    of threads may ask at once. A question without answer leaves its sockets closed, and an answer that comes
    late is known by its id and thrown away. After a fork the child opens its own.
    """

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self._ids = itertools.count(random.getrandbits(48))
        self._abandoned: list[object] = []
        self._open()

    def _open(self) -> None:
        self._pid = os.getpid()
        self.wire = Wire()
        self._idle: dict[str, list[Channel]] = {endpoint: [] for endpoint in self.patience.endpoints}
        self._in_flight: set[Channel] = set()
        self._lock = threading.Lock()
        self._is_closed = False

    def ask(self, request: Request, timeout_s: float = 0.0) -> Reply:
        """Ask and wait; `timeout_s` 0 means the client's own patience.

        Raises:
            HubTimeout: no answer in time.
            HubUnreachable: no answer, and no hub of this client ever gave one.
            InvalidRequest: the question is too long, or the client is closed.
        """
        if self._pid != os.getpid():
            self._leave_parent()
        patience = self.patience
        timeout_s = timeout_s or patience.timeout_s
        attempt_s = patience.attempt_s(timeout_s)
        endpoint = patience.endpoint(0)
        mono_ns = time.monotonic_ns()
        _set(request, "id", next(self._ids))
        _set(request, "timeout_s", timeout_s)
        _set(request, "deadline_ns", patience.deadline_ns(endpoint, mono_ns, timeout_s))
        channel = self._take(endpoint)
        try:
            reply = _exchange(channel, request, attempt_s)
            if reply is None:
                return self._insist(request, channel, mono_ns, timeout_s)
        except BaseException:
            self._give_up(channel)  # nobody knows what is on its way
            raise
        self._give_back(channel)
        patience.note_answer(endpoint, reply, time.monotonic_ns())
        return reply

    def _insist(self, request: Request, first: Channel, started_ns: int, timeout_s: float) -> Reply:
        """Put the question again and again, to one hub after the other, and take the first answer of any."""
        patience, poller = self.patience, Poller()
        asked = [first]
        poller.watch(first.socket)
        attempt_s = patience.attempt_s(timeout_s)
        deadline_s = started_ns / 1e9 + timeout_s
        next_s = started_ns / 1e9
        try:
            while (now_s := time.monotonic()) < deadline_s:
                if now_s >= next_s:
                    endpoint = patience.endpoint(len(asked))
                    _set(
                        request,
                        "deadline_ns",
                        patience.deadline_ns(endpoint, time.monotonic_ns(), deadline_s - now_s),
                    )
                    asked.append(self._take(endpoint, is_fresh=True))
                    _put(asked[-1], encode_request(request))
                    poller.watch(asked[-1].socket)
                    next_s = now_s + attempt_s
                poller.poll(min(next_s, deadline_s) - now_s)
                for channel in asked:
                    reply = _matching(channel, request.id)
                    if reply is not None:
                        patience.note_answer(channel.endpoint, reply, time.monotonic_ns())
                        return reply
        finally:
            for channel in asked:
                self._give_up(channel)
        raise patience.gave_up(request.op, timeout_s)

    def _take(self, endpoint: str, *, is_fresh: bool = False) -> Channel:
        """A socket for one question; a closed client has none."""
        with self._lock:
            if self._is_closed:
                raise InvalidRequest("this client is closed", errors=["closed"])
            idle = self._idle[endpoint]
            channel = idle.pop() if idle and not is_fresh else Channel(self.wire, endpoint)
            self._in_flight.add(channel)
        return channel

    def _give_back(self, channel: Channel) -> None:
        with self._lock:
            if not self._is_closed:
                self._in_flight.discard(channel)
                self._idle[channel.endpoint].append(channel)
                return
        self._give_up(channel)

    def _give_up(self, channel: Channel) -> None:
        with self._lock:
            if channel not in self._in_flight:
                return
            self._in_flight.discard(channel)
            channel.close()
            if self._is_closed and not self._in_flight:
                self.wire.close()

    def _leave_parent(self) -> None:
        """In a forked child: the parent's sockets are the parent's; do not even close them."""
        self._abandoned.append((self.wire, self._idle))
        self._open()

    @property
    def is_closed(self) -> bool:
        """Whether no more questions are taken."""
        return self._is_closed

    def close(self) -> None:
        """Ask no more. Questions that other threads are waiting for keep their sockets until they end."""
        with self._lock:
            if self._is_closed or self._pid != os.getpid():
                return
            self._is_closed = True
            if not self._in_flight:
                self.wire.close()
                return
            for idle in self._idle.values():
                while idle:
                    idle.pop().close()


def _exchange(channel: Channel, request: Request, attempt_s: float) -> Reply | None:
    """One question and its answer on one socket; None if it does not come."""
    body = encode_request(request)
    check_size(body)
    _put(channel, body)
    deadline_s = time.monotonic() + attempt_s
    timeout_ms = round(attempt_s * 1000)
    while True:
        try:
            reply = decode_reply(channel.wait(timeout_ms))
        except Empty:
            return None
        if reply.id == request.id:
            return reply
        timeout_ms = round((deadline_s - time.monotonic()) * 1000)
        if timeout_ms <= 0:
            return None


def _put(channel: Channel, body: bytes) -> None:
    with contextlib.suppress(Empty):  # nobody there and its queue is full: as good as a lost question
        channel.send(body)


def _matching(channel: Channel, request_id: int) -> Reply | None:
    """The answer to a question, if it is there; older answers are thrown away."""
    while True:
        try:
            reply = decode_reply(channel.receive())
        except Empty:
            return None
        if reply.id == request_id:
            return reply
