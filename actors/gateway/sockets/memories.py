"""What the hub remembers of topics, asked for once for all who want it at the same time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar, cast

from actors.gateway.reads import Reads
from actors.gateway.sockets.channels import ACTORS
from actors.gateway.sockets.feed import Feed
from actors.gateway.sockets.feeds import Feeds
from actors.gateway.sockets.joins import Memory
from protocol.client import questions
from protocol.client.streaming import tail
from protocol.errors import HubError, NoData, StaleData, UnknownSymbol
from protocol.messages import Book

T = TypeVar("T")
FRESH_S: Final = 1.0
"""An answer may be so old: what has come since is in the ring of the topic."""
MEND_S: Final = 1.0
"""Seconds between two questions for the same book."""


class Memories:
    """Asks the hub.

    Args:
        reads: Who asks it.
        feeds: Topics heard of.
    """

    def __init__(self, reads: Reads, feeds: Feeds) -> None:
        self._reads = reads
        self._feeds = feeds
        self._known: dict[object, tuple[float, asyncio.Future[object]]] = {}
        self._mended_s: dict[Feed, float] = {}
        self._mending: set[asyncio.Task[None]] = set()

    async def _once(self, key: object, ask: Callable[[], Awaitable[T]], *, is_anew: bool = False) -> T:
        """An answer that was asked for lately, or a new one."""
        now_s = time.monotonic()
        known = self._known.get(key)
        if known is None or now_s - known[0] > FRESH_S or (is_anew and known[1].done()):
            if len(self._known) > 1000:
                self._known = {key: one for key, one in self._known.items() if now_s - one[0] <= FRESH_S}
            future: asyncio.Future[object] = asyncio.ensure_future(ask())
            future.add_done_callback(_look)
            known = self._known[key] = (now_s, future)
        return cast(T, await asyncio.shield(known[1]))

    async def learn(self, kinds: Iterable[str]) -> None:
        """Make feeds of the topics of these kinds that the hub has heard of.

        Raises:
            HubError: it does not say.
        """
        for kind in kinds:
            if kind != ACTORS:
                question = questions.topics(f"{kind}.")
                rows = await self._once(("topics", kind), lambda asked=question: self._reads.result(asked))  # type: ignore[misc]
                for row in rows:
                    if self._feeds.get(row.topic) is None:
                        self._feeds.meet(row.topic)

    async def of(self, feed: Feed, count: int, *, is_anew: bool = False) -> Memory:
        """What the hub remembers of a topic.

        Raises:
            HubError: it does not say.
        """
        name = feed.place.topic

        async def ask() -> Memory:
            tails = await self._reads.result(tail(f"{name}$", count))
            return Memory(next((one for one in tails if one.topic == name), None))

        return await self._once((name, count), ask, is_anew=is_anew)

    async def book(self, feed: Feed) -> Book | None:
        """The hub's book; None: it has none that it vouches for.

        Raises:
            HubError: it does not say.
        """
        place = feed.place

        async def ask() -> Book | None:
            question = questions.book(place.symbol, 0, venue=place.venue, allow_stale=True)
            try:
                found = await self._reads.result(question)
            except (NoData, StaleData, UnknownSymbol):
                return None
            number = found.update_id
            times = (found.ts_event_ns, found.ts_recv_ns)
            return Book(found.symbol, found.venue, *times, True, number, number, found.bids, found.asks)  # noqa: FBT003 - a snapshot

        return await self._once((place.topic, "book"), ask, is_anew=True)

    def mend(self, feed: Feed, now_ns: Callable[[], int], mono_ns: Callable[[], int]) -> None:
        """Fetch a book that has been lost, in the background."""
        now_s = time.monotonic()
        if now_s - self._mended_s.get(feed, -MEND_S) < MEND_S:
            return
        self._mended_s[feed] = now_s

        async def fetch() -> None:
            try:
                book = await self.book(feed)
            except HubError:
                return  # it is asked again
            if book is not None and feed.is_open and not feed.is_past(book):
                feed.mend_book(book, now_ns(), mono_ns())

        task = asyncio.create_task(fetch())
        self._mending.add(task)
        task.add_done_callback(self._mending.discard)


def _look(future: asyncio.Future[object]) -> None:
    """An answer that nobody waits for any more may be an error."""
    if not future.cancelled():
        future.exception()
