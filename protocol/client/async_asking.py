"""The asynchronous way of asking: many questions at once on one socket per hub, answers matched by id.

No zmq.asyncio (it costs ten times as much per message): the loop watches the socket's descriptor, and
everything that has arrived is taken when it stirs and after each send, since it stirs once per change.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from typing import Final

import msgspec

from protocol.client.asking import REFUSED_S
from protocol.client.patience import Patience, too_long
from protocol.errors import InvalidRequest, Unauthorized
from protocol.requests import Reply, Request, decode_reply, encode_request
from protocol.security.keyring import Keyring
from protocol.transport import Channel, Empty, Wire

IN_FLIGHT: Final = 48
"""Questions under way at once; more wait their turn, since a hub keeps few unread answers per client."""
_set: Final = msgspec.structs.force_setattr


class AsyncAsker:
    """Puts questions to one of several hubs, within one event loop."""

    def __init__(self, patience: Patience, keyring: Keyring | None = None) -> None:
        self.patience = patience
        self.keyring = keyring
        """Our key; None: we have none."""
        self.wire = Wire(keyring=keyring)
        self._ids = itertools.count(random.getrandbits(48))
        self._channels: dict[str, Channel] = {}
        self._open: dict[int, asyncio.Future[tuple[str, Reply]]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turns = asyncio.Semaphore(IN_FLIGHT)
        self._is_closed = False
        self._home = (0, 0)
        """Id and time of the newest question to the preferred hub while another one answers."""

    async def ask(self, request: Request) -> Reply:
        """Ask and wait.

        Raises:
            HubTimeout: no answer in time.
            HubUnreachable: no answer, and no hub of this client ever gave one.
            Unauthorized: no hub lets our key in, or a hub does not let it ask this.
            InvalidRequest: the question is too long, the client is closed or belongs to another loop.
        """
        self._check_loop()
        turns, patience = self._turns, self.patience
        started_ns = time.monotonic_ns()
        try:
            await (
                asyncio.wait_for(turns.acquire(), patience.timeout_s) if turns.locked() else turns.acquire()
            )
        except TimeoutError:
            raise patience.gave_up(request.op) from None
        try:
            return await self._ask(request, started_ns)
        finally:
            turns.release()

    async def _ask(self, request: Request, started_ns: int) -> Reply:
        loop, patience = self._check_loop(), self.patience
        deadline_ns = started_ns + patience.timeout_ns
        request_id = next(self._ids)
        _set(request, "id", request_id)
        answer: asyncio.Future[tuple[str, Reply]] = loop.create_future()
        self._open[request_id] = answer
        try:
            for attempt in itertools.count():
                now_ns = time.monotonic_ns()
                if now_ns >= deadline_ns:
                    self._renew()
                    raise patience.gave_up(request.op)
                endpoint = patience.endpoint(attempt)
                _set(request, "deadline_ns", patience.deadline_ns(endpoint, started_ns))
                self._put(endpoint, encode_request(request))
                if not answer.done():
                    await self._wait(answer, min(patience.attempt_ms / 1e3, (deadline_ns - now_ns) / 1e9))
                if answer.done():
                    endpoint, reply = answer.result()
                    is_due, was_away = now_ns > patience.relearn_ns, patience.is_away
                    if attempt or (
                        is_due and endpoint == patience.first
                    ):  # else another one found the way back
                        patience.note_answer(endpoint, reply, now_ns)
                    if is_due and was_away and reply.ok:
                        self._look_home(request, now_ns)
                    break
        finally:
            del self._open[request_id]
        if not reply.ok and patience.is_wrong_clock(reply, request.deadline_ns):
            return await self._ask(request, started_ns)
        return reply

    async def _wait(self, answer: asyncio.Future[tuple[str, Reply]], timeout_s: float) -> None:
        """Wait for an answer; with a key, look now and then whether it is let in at all.

        Raises:
            Unauthorized: no hub lets it in.
        """
        if self.keyring is None:
            await asyncio.wait((answer,), timeout=timeout_s)
            return
        deadline_s = time.monotonic() + timeout_s
        while not answer.done() and (left_s := deadline_s - time.monotonic()) > 0:
            await asyncio.wait((answer,), timeout=min(left_s, REFUSED_S))
            refusals = [channel.refusal for channel in self._channels.values()]
            if not answer.done() and all(refusals) and len(refusals) == len(self.patience.endpoints):
                raise Unauthorized("; ".join(refusals))

    def _check_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if self._is_closed:
            raise InvalidRequest("this client is closed", errors=["closed"])
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise InvalidRequest("an AsyncHub belongs to the loop that used it first", errors=["loop"])
        return loop

    def _put(self, endpoint: str, body: bytes) -> None:
        if len(body) > self.patience.max_request_bytes:
            raise too_long(body, self.patience.max_request_bytes)
        channel = self._channels.get(endpoint)
        if channel is None:
            assert self._loop is not None
            channel = self._channels[endpoint] = Channel(self.wire, endpoint)
            self._loop.add_reader(channel.fd, self._take, channel)
        try:
            channel.send(body)
        except Empty:
            return  # nobody there and the queue is full: as good as a lost question
        self._take(channel)

    def _look_home(self, request: Request, now_ns: int) -> None:
        """Put an answered question to the preferred hub as well; once it answers well it is the first again."""
        self._home = (next(self._ids), now_ns)
        _set(request, "id", self._home[0])
        _set(request, "deadline_ns", 0)
        self._put(self.patience.home, encode_request(request))

    def _take(self, channel: Channel) -> None:
        """Hand out every answer that has arrived."""
        while True:
            try:
                reply = decode_reply(channel.receive())
            except Empty:
                return
            except InvalidRequest:
                continue
            waiting = self._open.get(reply.id)
            if waiting is not None and not waiting.done():
                waiting.set_result((channel.endpoint, reply))
            elif reply.id == self._home[0] and reply.ok:
                self.patience.note_answer(channel.endpoint, reply, self._home[1])

    def _renew(self) -> None:
        """Nobody answered: connect anew next time, unless others still wait for an answer."""
        if len(self._open) == 1:
            for endpoint, channel in list(self._channels.items()):
                self._drop(endpoint, channel)

    def _drop(self, endpoint: str, channel: Channel) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(channel.fd)
        del self._channels[endpoint]
        channel.close()

    @property
    def is_closed(self) -> bool:
        """Whether no more questions are taken."""
        return self._is_closed

    def close(self) -> None:
        """Close the sockets; questions that still wait are refused."""
        if self._is_closed:
            return
        self._is_closed = True
        for waiting in self._open.values():
            if not waiting.done():
                waiting.set_exception(InvalidRequest("this client is closed", errors=["closed"]))
        for endpoint, channel in list(self._channels.items()):
            self._drop(endpoint, channel)
        self.wire.close()
