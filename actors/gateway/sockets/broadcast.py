"""What comes over the bus, on its way to WebSocket clients: numbered, shared, written in rounds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from actors.gateway.sockets.channels import Row
from actors.gateway.sockets.client import Client, Line
from actors.gateway.sockets.counts import Counts
from actors.gateway.sockets.dialects import Dialect
from actors.gateway.sockets.feed import Feed
from actors.gateway.sockets.feeds import Feeds
from actors.gateway.sockets.settings import SocketSettings
from actors.gateway.sockets.view import View
from actors.runtime.clock import Clock
from protocol.instruments import Catalog
from protocol.record import Frame
from protocol.topics import is_symbol

SLICE: Final = 100
"""Clients written to before others have their turn."""
TEND_S: Final = 0.25
"""Seconds between two looks at slow clients and the rest."""
CLOSE_EVERY: Final = 20
"""Looks between two at topics that nobody wants any more."""


TTL_S: Final = {"quote": 5.0, "trade": 60.0, "book": 5.0, "bar": 5.0, "flow": 60.0}
"""As a hub that is not configured otherwise has them."""


def ttl_of(actors: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """For how long the first hub of a topology takes values of each kind for fresh, seconds."""
    hub = next((section for name, section in actors.items() if name.startswith("hub.")), {})
    return {kind: float(hub.get(f"{kind}_ttl_s", ttl_s)) for kind, ttl_s in TTL_S.items()}


class Broadcast:
    """Takes every market frame once; those that nobody wants cost next to nothing.

    Args:
        settings: Bounds.
        stream: Name of this life of the gateway: numbers mean nothing in another one.
        catalog: Instruments.
        clock: Clocks.
        ttl_s: How long values of each kind are fresh, seconds.
    """

    def __init__(
        self, settings: SocketSettings, stream: str, catalog: Catalog, clock: Clock, ttl_s: Mapping[str, float]
    ) -> None:  # fmt: skip
        self.settings = settings
        self.stream = stream
        self.clock = clock
        self.ttl_s = dict(ttl_s)
        self.feeds = Feeds(settings)
        self.counts = Counts()
        self.clients: dict[Client, None] = {}
        self.actor_rows: Callable[[], list[Row]] = list
        """Rows of all actors; set by the routes."""
        self.mend: Callable[[Feed], None] = lambda _feed: None
        """Asked to fetch a book that has been lost; set by the routes."""
        self._catalog = catalog
        self._get = self.feeds.get
        self._stirred = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._beat_ns = 0
        self._actors_ns = 0
        self._actor_states: Any = None
        self._looks = 0
        self.is_closed = False
        self._bug: BaseException | None = None

    def take(self, frame: Frame) -> None:
        """Take a frame of the bus.

        Raises:
            PayloadError: somebody wants it, and it cannot be read.
        """
        feed = self._get(frame.topic)
        if feed is None:
            feed = self.feeds.meet(frame.topic)
            if feed is None:
                return
        if feed.is_open:
            feed.take(frame, self.clock.mono_ns())
            if self.feeds.dirty or self.feeds.waiting:
                self._stirred.set()
        else:
            feed.last[frame.publisher_padded] = frame

    def resolve(self, symbol: str) -> str:
        """Any spelling of a symbol to the canonical one.

        Raises:
            UnknownSymbol: nobody configured it, and nothing of that name has been heard.
        """
        if symbol not in self._catalog and is_symbol(symbol) and self.feeds.has_symbol(symbol):
            return symbol
        return self._catalog.get(symbol).symbol

    # clients

    def admit(self, line: Line, dialect: Dialect, name: str) -> Client | None:
        """A new client; None: there are too many."""
        if len(self.clients) >= self.settings.clients or self.is_closed:
            return None
        if not self._tasks:
            self._beat_ns = self.clock.mono_ns()
            self._tasks = [asyncio.create_task(self._pump()), asyncio.create_task(self._tend())]
            for task in self._tasks:
                task.add_done_callback(self._ended)
        client = Client(line, dialect, self.settings, self.counts, self.whole, name)
        self.clients[client] = None
        self.counts.clients_total += 1
        return client

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._bug = task.exception()

    def dismiss(self, client: Client) -> None:
        """A client has gone."""
        client.is_gone = True
        self.clients.pop(client, None)
        self.feeds.leave(client, self.clock.mono_ns())

    def close_client(self, client: Client, code: int, reason: str, detail: str) -> None:
        """End a connection, and tell why."""
        if client.is_gone:
            return
        client.send()
        self.counts.closed[reason] += 1
        line = client.line
        line.write(client.dialect.plain({"op": "closing", "code": reason, "detail": detail}))
        line.end(code, reason)
        self.dismiss(client)

    def whole(self, view: View) -> bytes:
        """A snapshot of a view that has only changes; empty: it is not known now."""
        feed = self._get(view.place.topic)
        row = feed.book_row(0) if feed is not None else None
        if feed is None or row is None:
            return b""
        return view.snapshot(feed.seq, self.clock.now_ns(), (row,))

    # rounds

    def stir(self) -> None:
        """Something waits."""
        self._stirred.set()

    def release_due(self, mono_ns: int) -> float:
        """Hand on what was held back long enough; returns the seconds until more is due, negative: nothing waits."""
        waiting = self.feeds.waiting
        for view in [view for view in waiting if view.due_ns <= mono_ns]:
            view.release(mono_ns)
        dues = [view.due_ns for view in waiting if view.due_ns > mono_ns]
        return (min(dues) - mono_ns) / 1e9 if dues else -1.0

    def note_sent(self, oldest_ns: int) -> None:
        """An audience has had everything that waited, the oldest of it published at this time."""
        self.counts.lag.add(max(0.0, (self.clock.now_ns() - oldest_ns) / 1e9))

    async def _pump(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            begun_s = loop.time()
            next_s = self.release_due(self.clock.mono_ns())
            for _ in self.feeds.flush(SLICE, self.note_sent):
                await asyncio.sleep(0)
            if next_s > 0:
                loop.call_later(next_s, self._stirred.set)
            await asyncio.sleep(max(self.settings.flush_s, (loop.time() - begun_s) / 2))

    # from time to time

    async def _tend(self) -> None:
        while True:
            self.tend(self.clock.mono_ns())
            await asyncio.sleep(TEND_S)

    def tend(self, mono_ns: int) -> None:
        """Heartbeats, slow clients, actors, books, topics that nobody wants any more."""
        settings, self._looks = self.settings, self._looks + 1
        if mono_ns - self._beat_ns >= settings.heartbeat_s * 1e9:
            self._beat_ns = mono_ns
            for client in list(self.clients):
                client.say({"op": "heartbeat", "ts_ns": self.clock.now_ns()})
        for client in [client for client in self.clients if client.is_slow]:
            client.drain()
            if client.stuck_ns(mono_ns) > settings.silence_s * 1e9 or client.outbox.is_overrun:
                detail = f"nothing was read for {settings.silence_s:g} s while more waited; read faster, or ask for less"
                self.close_client(client, 1013, "slow_consumer", detail)
        if self.feeds.actors.views:
            self._tend_actors(mono_ns)
        if self._looks % CLOSE_EVERY == 0:
            self.feeds.close_idle(mono_ns - round(settings.linger_s * 1e9))
        for feed in self.feeds.books():
            if feed.needs_book:
                self.mend(feed)
        self._stirred.set()

    def _tend_actors(self, mono_ns: int) -> None:
        rows = self.actor_rows()
        states = [(row.get("name"), row.get("state"), row.get("is_alive")) for row in rows]
        if states != self._actor_states or mono_ns - self._actors_ns >= 1_000_000_000:
            self._actor_states, self._actors_ns = states, mono_ns
            feed = self.feeds.actors
            feed.seq += 1
            feed.say(self.clock.now_ns(), rows, mono_ns)

    def close(self) -> None:
        """The gateway ends: tell everybody."""
        self.is_closed = True
        for client in list(self.clients):
            self.close_client(client, 1012, "restarting", "the gateway restarts: connect again, and resume")
        for task in self._tasks:
            task.cancel()

    async def closed(self) -> None:
        """Wait until nothing of it runs."""
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task

    def status(self) -> dict[str, Any]:
        """Counts, for the heartbeat and the metrics.

        Raises:
            BaseException: our own bug, which has ended the sending.
        """
        if self._bug is not None and not self.is_closed:
            raise self._bug
        feeds = self.feeds
        return {
            "clients": len(self.clients),
            "slow": sum(client.is_slow for client in self.clients),
            "topics": len(feeds),
            "topics_open": sum(feed.is_open for feed in feeds),
            "topics_beyond": feeds.beyond,
            "ring_bytes": feeds.rings.bytes,
            **self.counts.status(),
        }
