"""The asynchronous stream: as streaming.py, waiting in an event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from protocol.client import questions
from protocol.client.async_asking import AsyncAsker
from protocol.client.following import Following, journal_endpoints, seen_from
from protocol.client.joining import Missing, Overture, Tail, is_behind
from protocol.client.pulling import Pulling
from protocol.client.streaming import (
    BEATS,
    JOIN_S,
    RETRY_S,
    addresses_of,
    drain,
    prefixes_of,
    tail,
    wait_s,
)
from protocol.messages import Message
from protocol.record import Frame
from protocol.transport import Subscriber, Wire


async def stream_messages(
    asker: AsyncAsker,
    topic: str,
    snapshot: int,
    on_gap: Callable[[Missing], None] | None,
    idle_s: float,
) -> AsyncIterator[Message]:
    """See `Hub.stream`."""
    question = questions.endpoints()
    rows = seen_from(asker.patience.first, question.result(await asker.ask(question.request)))
    addresses, alive = addresses_of(rows)
    journal = journal_endpoints(rows)
    following = Following(topic, on_gap, can_pull=bool(journal))
    with Wire(keyring=asker.keyring) as wire:  # its own: the client may be closed before the stream is
        prefixes = prefixes_of(topic, has_beats=bool(snapshot or journal))
        source = _Source(wire.subscriber(addresses, prefixes))
        pulling = Pulling(wire, journal, following, source.watch, source.forget)
        try:
            if snapshot:
                overture = Overture(alive)
                deadline_s = time.monotonic() + JOIN_S
                while not overture.is_over and (left_s := deadline_s - time.monotonic()) > 0:
                    for frame in await source.take(left_s):
                        overture.take(frame)
                following.begin(await _caught_up(asker, source, overture, topic, snapshot))
                if not journal:
                    source.subscriber.unsubscribe(BEATS)
                for frame in overture.heard:
                    following.hear(frame, time.monotonic_ns())
                for message in following.messages():
                    yield message
            idle_since_s = time.monotonic()
            while not asker.is_closed and (not idle_s or time.monotonic() - idle_since_s < idle_s):
                frames = await source.take(wait_s(following, pulling, idle_s))
                mono_ns = time.monotonic_ns()
                for frame in frames:
                    following.hear(frame, mono_ns)
                pulling.turn(mono_ns)
                for message in following.messages():
                    yield message
                    idle_since_s = time.monotonic()
        finally:
            pulling.close()
            source.close()


async def _caught_up(
    asker: AsyncAsker, source: _Source, overture: Overture, topic: str, snapshot: int
) -> list[Tail]:
    question = tail(topic, snapshot)
    deadline_s = time.monotonic() + JOIN_S
    while True:
        tails = question.result(await asker.ask(question.request))
        if not is_behind(tails, overture.waiting) or time.monotonic() > deadline_s:
            return tails
        for frame in await source.take(RETRY_S):
            overture.take(frame)


class _Source:
    """A subscriber that can be awaited, and other sockets with it."""

    def __init__(self, subscriber: Subscriber) -> None:
        self.subscriber = subscriber
        self._stirred = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._fds: dict[Any, int] = {}
        self.watch(subscriber.socket)

    def watch(self, socket: Any) -> None:
        """Wait for a socket too."""
        fd = self._fds[socket] = int(socket.FD)
        self._loop.add_reader(fd, self._stirred.set)

    def forget(self, socket: Any) -> None:
        """Wait for it no longer."""
        self._loop.remove_reader(self._fds.pop(socket))

    async def take(self, timeout_s: float) -> list[Frame]:
        """The frames that are there, at most a batch; waits for the first one, or for something else."""
        self._stirred.clear()
        found = drain(self.subscriber)
        if found or not timeout_s:
            await asyncio.sleep(0)  # others have their turn, however much arrives
            return found
        try:
            await asyncio.wait_for(self._stirred.wait(), timeout_s)
        except TimeoutError:
            return []
        return drain(self.subscriber)

    def close(self) -> None:
        for socket in list(self._fds):
            self.forget(socket)
