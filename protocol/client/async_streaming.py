"""The asynchronous stream: as streaming.py, waiting in an event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from protocol.client import questions
from protocol.client.async_asking import AsyncAsker
from protocol.client.joining import Joint, Missing, Overture, Tail, is_behind
from protocol.client.streaming import (
    JOIN_S,
    POLL_S,
    RETRY_S,
    addresses_of,
    drain,
    prefixes_of,
    tail,
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
    addresses, alive = addresses_of(question.result(await asker.ask(question.request)))
    joint = Joint(on_gap)
    with Wire() as wire:  # its own: the client may be closed before the stream is
        subscriber = wire.subscriber(addresses, prefixes_of(topic, snapshot))
        source = _Source(subscriber)
        try:
            if snapshot:
                overture = Overture(alive)
                deadline_s = time.monotonic() + JOIN_S
                while not overture.is_over and (left_s := deadline_s - time.monotonic()) > 0:
                    for frame in await source.take(left_s):
                        overture.take(frame)
                for message in joint.begin(await _caught_up(asker, source, overture, topic, snapshot)):
                    yield message
                subscriber.unsubscribe(b"beat.")
                for frame in overture.waiting:
                    for message in joint.take(frame):
                        yield message
            idle_since_s = time.monotonic()
            while not asker.is_closed and (not idle_s or time.monotonic() - idle_since_s < idle_s):
                for frame in await source.take(min(POLL_S, idle_s or POLL_S)):
                    for message in joint.take(frame):
                        yield message
                        idle_since_s = time.monotonic()
        finally:
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
    """A subscriber that can be awaited."""

    def __init__(self, subscriber: Subscriber) -> None:
        self._subscriber = subscriber
        self._stirred = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._fd = int(subscriber.socket.FD)
        self._loop.add_reader(self._fd, self._stirred.set)

    async def take(self, timeout_s: float) -> list[Frame]:
        """The frames that are there, at most a batch; waits for the first one."""
        self._stirred.clear()
        found = drain(self._subscriber)
        if not found:
            try:
                await asyncio.wait_for(self._stirred.wait(), timeout_s)
            except TimeoutError:
                return []
            found = drain(self._subscriber)
        else:
            await asyncio.sleep(0)  # others have their turn, however much arrives
        return found

    def close(self) -> None:
        self._loop.remove_reader(self._fd)
