"""The synchronous way of asking: any thread, any fork, a deadline that holds, never a stuck socket."""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
from typing import Final

import msgspec

from protocol.client.patience import Patience, too_long
from protocol.errors import InvalidRequest, Unauthorized
from protocol.requests import Reply, Request, decode_reply, encode_request
from protocol.security.keyring import Keyring
from protocol.transport import Channel, Empty, Poller, Wire

_set: Final = msgspec.structs.force_setattr
_mono_ns: Final = time.monotonic_ns
_forks: Final = [0]
"""How many forks lie between this process and the one that imported this: asking the system each time is dearer."""
REFUSED_S: Final = 0.05
"""Time between two looks whether a hub lets us in."""
LONG: Final = frozenset(
    ("candles", "history", "trades", "ticks", "snapshot", "tail", "features_history", "footprint")
)
"""Operations whose answers may be long."""
_Home = tuple[Channel, int, int]


def _count_fork() -> None:
    _forks[0] += 1


os.register_at_fork(after_in_child=_count_fork)


class Asker:
    """Puts questions to one of several hubs.

    Sockets are not shared: a question takes one out of a pool (or opens one) and puts it back, so any number
    of threads may ask at once. A question without answer leaves its sockets closed, and an answer that comes
    late is known by its id and thrown away. After a fork the child opens its own.

    The way of a question that is answered is kept short on purpose: while less than five microseconds pass
    between an answer and the next question, ZeroMQ's own thread is still awake, and the question costs 20 less.
    """

    def __init__(self, patience: Patience, keyring: Keyring | None = None) -> None:
        self.patience = patience
        self.keyring = keyring
        """Our key; None: we have none."""
        self._next_id = itertools.count(random.getrandbits(48)).__next__
        self._abandoned: list[object] = []
        self._open()

    def _open(self) -> None:
        self._forks = _forks[0]
        self.wire = Wire(keyring=self.keyring)
        self._idle: dict[str, list[Channel]] = {endpoint: [] for endpoint in self.patience.endpoints}
        self._lock = threading.Lock()
        self._connected = 0
        """Channels that are open, idle ones too."""
        self._home: _Home | None = None
        """Where the hub that is preferred may have answered: the channel, id and time of the question."""
        self.is_closed = False
        """No more questions are taken."""

    def ask(self, request: Request) -> Reply:
        """Ask and wait.

        Raises:
            HubTimeout: no answer in time.
            HubUnreachable: no answer, and no hub of this client ever gave one.
            Unauthorized: no hub lets our key in, or a hub does not let it ask this.
            InvalidRequest: the question is too long, or the client is closed.
        """
        if self._forks != _forks[0]:
            self._leave_parent()
        patience, mono_ns, request_id = self.patience, _mono_ns(), self._next_id()
        endpoint = patience.first
        _set(request, "id", request_id)
        _set(request, "deadline_ns", patience.first_offset_ns and patience.first_offset_ns + mono_ns)
        body = encode_request(request)
        if len(body) > patience.max_request_bytes:
            raise too_long(body, patience.max_request_bytes)
        try:
            channel = self._idle[endpoint].pop()
        except IndexError:
            channel = self._connect(endpoint)
        try:
            reply = decode_reply(channel.ask(body, patience.attempt_ms, is_long=request.op in LONG))
            if reply.id != request_id:
                reply = _late(channel, request_id, patience.attempt_ms)
        except Empty:
            return self._insist(request, channel, mono_ns)
        except BaseException:
            self._disconnect(channel)  # nobody knows what is on its way
            raise
        self._idle[endpoint].append(channel)
        if self.is_closed:
            self._empty_pool()
        if mono_ns > patience.relearn_ns and endpoint == patience.first:
            patience.note_answer(endpoint, reply, mono_ns)
            if patience.is_away and reply.ok:
                self._look_home(request, mono_ns)
        if not reply.ok and patience.is_wrong_clock(reply, request.deadline_ns):
            return self.ask(request)
        return reply

    def _insist(self, request: Request, first: Channel, started_ns: int) -> Reply:
        """Put the question again and again, to one hub after the other, and take the first answer of any."""
        patience, poller = self.patience, Poller()
        asked = [first]
        refused: dict[str, str] = {}
        poller.watch(first.socket)
        deadline_ns = started_ns + patience.timeout_ns
        next_ns = started_ns
        try:
            while (now_ns := _mono_ns()) < deadline_ns:
                for channel in asked:
                    if channel.refusal:
                        refused[channel.endpoint] = channel.refusal
                if len(refused) == len(patience.endpoints):
                    raise Unauthorized("; ".join(refused.values()))
                if now_ns >= next_ns:
                    endpoint = patience.endpoint(len(asked))
                    _set(request, "deadline_ns", patience.deadline_ns(endpoint, started_ns))
                    asked.append(self._again(endpoint))
                    _put(asked[-1], encode_request(request))
                    poller.watch(asked[-1].socket)
                    next_ns = now_ns + patience.attempt_ms * 1_000_000
                wait_s = (min(next_ns, deadline_ns) - now_ns) / 1e9
                poller.poll(wait_s if self.keyring is None else min(wait_s, REFUSED_S))
                for channel in asked:
                    reply = _matching(channel, request.id)
                    if reply is not None:
                        patience.note_answer(channel.endpoint, reply, now_ns)
                        return reply
        finally:
            self._put_away(asked)
        raise patience.gave_up(request.op)

    def _look_home(self, request: Request, mono_ns: int) -> None:
        """Put an answered question to the preferred hub as well, without waiting; once it answers well it is the first again."""
        patience = self.patience
        asked = self._swap_home(None)
        if asked is not None:
            channel, request_id, asked_ns = asked
            reply = _matching(channel, request_id)
            if reply is not None and reply.ok:
                patience.note_answer(patience.home, reply, asked_ns)
                self._idle[patience.home].append(channel)
                return
            self._disconnect(channel)
        try:
            channel = self._connect(patience.home)
        except InvalidRequest:  # closed meanwhile
            return
        _set(request, "deadline_ns", 0)
        _put(channel, encode_request(request))
        asked = self._swap_home((channel, request.id, mono_ns))
        if asked is not None:  # of another thread
            self._disconnect(asked[0])

    def _swap_home(self, fresh: _Home | None) -> _Home | None:
        with self._lock:
            before, self._home = self._home, fresh
        return before

    def _again(self, endpoint: str) -> Channel:
        """A socket for one more try: over a network one that may be connected already, as its handshake takes its time."""
        try:
            return self._idle[endpoint].pop() if _is_far(endpoint) else self._connect(endpoint)
        except IndexError:
            return self._connect(endpoint)

    def _put_away(self, asked: list[Channel]) -> None:
        """Close the sockets of a question that was not answered at once, but for the oldest to each hub over a network: it is
        connected and slow, or being connected; a dead one connects anew by itself.
        """
        for channel in asked:
            idle = self._idle[channel.endpoint]
            if _is_far(channel.endpoint) and not channel.refusal and not self.is_closed and not idle:
                idle.append(channel)
            else:
                self._disconnect(channel)
        if self.is_closed:
            self._empty_pool()

    def _connect(self, endpoint: str) -> Channel:
        """One more socket; a closed client has none."""
        with self._lock:
            if self.is_closed:
                raise InvalidRequest("this client is closed", errors=["closed"])
            self._connected += 1
            return Channel(self.wire, endpoint)

    def _disconnect(self, channel: Channel) -> None:
        with self._lock:
            if channel.is_open:
                channel.close()
                self._connected -= 1
                if self.is_closed and not self._connected:
                    self.wire.close()

    def _empty_pool(self) -> None:
        asked = self._swap_home(None)
        if asked is not None:
            self._disconnect(asked[0])
        for idle in self._idle.values():
            while idle:
                try:
                    channel = idle.pop()
                except IndexError:
                    break  # a question has just taken it; it comes here when it is answered
                self._disconnect(channel)

    def _leave_parent(self) -> None:
        """In a forked child: the parent's sockets are the parent's; do not even close them."""
        self._abandoned.append((self.wire, self._idle))
        self._open()

    def close(self) -> None:
        """Ask no more. Questions that other threads are waiting for keep their sockets until they end."""
        if self._forks != _forks[0]:
            return
        with self._lock:
            if self.is_closed:
                return
            self.is_closed = True
            if not self._connected:
                self.wire.close()
        self._empty_pool()


def _is_far(endpoint: str) -> bool:
    return "tcp://" in endpoint


def _late(channel: Channel, request_id: int, attempt_ms: int) -> Reply:
    """The answer to a question, behind those of older ones.

    Raises:
        Empty: it does not come in time.
    """
    deadline_ns = _mono_ns() + attempt_ms * 1_000_000
    while (left_ms := (deadline_ns - _mono_ns()) // 1_000_000) > 0:
        reply = decode_reply(channel.wait(left_ms))
        if reply.id == request_id:
            return reply
    raise Empty


def _put(channel: Channel, body: bytes) -> None:
    try:
        channel.send(body)
    except Empty:
        return  # nobody there and its queue is full: as good as a lost question


def _matching(channel: Channel, request_id: int) -> Reply | None:
    """The answer to a question, if it is there; older answers are thrown away."""
    while True:
        try:
            reply = decode_reply(channel.receive())
        except Empty:
            return None
        if reply.id == request_id:
            return reply
