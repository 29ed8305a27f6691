"""A collector small enough to hold in one hand: what `DatabentoFeed` asks of its host, with a loop that a test turns."""

from __future__ import annotations

import collections
import itertools
import logging
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from actors.collector.checkpoint import Checkpoint
from actors.collector.databento.feed import DatabentoFeed
from actors.collector.databento.settings import DatabentoSettings
from actors.collector.gaps import Gaps
from actors.collector.outbox import Outbox
from actors.collector.settings import CollectorSettings
from protocol.instruments import Catalog, Instrument
from protocol.messages import Gap, Message
from protocol.record import RecordKind
from tests.support.databento_gateway import KEY, Gateway
from tests.support.wait import PAUSE_S


class Clock:
    """Real time, moved by the test."""

    def __init__(self) -> None:
        self.ahead_ns = 0

    def now_ns(self) -> int:
        """Wall clock."""
        return time.time_ns() + self.ahead_ns

    def mono_ns(self) -> int:
        """Monotonic clock."""
        return time.monotonic_ns() + self.ahead_ns


class Host:
    """Publishes into a list."""

    _epochs = itertools.count(1)

    def __init__(self, settings: CollectorSettings, catalog: Catalog) -> None:
        self.name = "collector.databento.1"
        self.log = logging.getLogger("test.databento")
        self.clock: Any = Clock()
        self.counters: collections.Counter[str] = collections.Counter()
        self.catalog = catalog
        self.gaps = Gaps("databento", f"test-{next(self._epochs)}")
        self.settings = settings
        self.published: list[tuple[str, Message, int]] = []
        """Topic, message, flags."""
        self.drops: list[tuple[str, str]] = []
        self._poll = select.poll()
        self._handlers: dict[int, Callable[[], None]] = {}

    def publish(
        self, topic: str, events: list[Any], kind: RecordKind = RecordKind.DATA, flags: int = 0
    ) -> None:
        """Keep messages."""
        self.published += [(topic, event, flags) for event in events]

    def raw_name(self, symbol: str) -> str:
        """As in the catalog."""
        return self.catalog.get(symbol).venues["databento"].rpartition(":")[2]

    def submit(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """At once."""
        done(work())

    def soon(self, handler: Callable[[], None]) -> None:
        """At once."""
        handler()

    def watch(self, fd: int, on_readable: Callable[[], None]) -> None:
        """Look at a descriptor."""
        self._handlers[fd] = on_readable
        self._poll.register(fd, select.POLLIN)

    def unwatch(self, fd: int) -> None:
        """Forget it."""
        del self._handlers[fd]
        self._poll.unregister(fd)

    def drop(self, reason: str, what: object = "") -> None:
        """Count."""
        self.counters["dropped." + reason] += 1
        self.drops.append((reason, str(what)))

    def turn(self) -> None:
        """Wait a moment for descriptors, and serve them."""
        for fd, _ in self._poll.poll(PAUSE_S * 1000):
            handler = self._handlers.get(fd)
            if handler is not None:
                handler()


class Rig:
    """A feed, its host and its gateway."""

    def __init__(self, gateway: Gateway, host: Host, feed: DatabentoFeed) -> None:
        self.gateway, self.host, self.feed = gateway, host, feed

    def until(self, condition: Callable[[], Any], what: str, deadline_s: float = 40.0) -> Any:
        """Turn the loop until the condition is true."""
        end_s = time.monotonic() + deadline_s
        while True:
            mono_ns = self.host.clock.mono_ns()
            self.feed.tick(mono_ns)
            self.feed.sweep(mono_ns)
            self.host.turn()
            value = condition()
            if value:
                return value
            if time.monotonic() > end_s:
                heard = [type(message).__name__ for _, message, _ in self.host.published[-10:]]
                raise AssertionError(
                    f"waited {deadline_s:g} s for {what}; heard {heard}, {self.host.drops[-5:]}"
                )

    def of(self, kind: type[Any]) -> list[Any]:
        """Messages of one type, in order."""
        return [message for _, message, _ in self.host.published if isinstance(message, kind)]

    def gaps(self, kind: str = "") -> list[Gap]:
        """Gaps announced, of one kind."""
        return [gap for gap in self.of(Gap) if kind in ("", gap.kind)]


@contextmanager
def rig(
    gateway: Gateway,
    instruments: list[Instrument],
    past: Checkpoint | None = None,
    clock: Any = None,
    **settings: Any,
) -> Iterator[Rig]:
    """A feed that is subscribed to all instruments and connects to the gateway at its first tick."""
    chosen: dict[str, Any] = {
        "api_key": KEY,
        "gateway": "127.0.0.1",
        "port": gateway.port,
        "auth_pause_s": 60.0,
    } | settings
    whole = CollectorSettings(
        venue="databento", backoff_base_s=0.05, backoff_cap_s=0.1, databento=DatabentoSettings(**chosen)
    )
    host = Host(whole, Catalog(instruments))
    host.clock = clock or host.clock
    feed = DatabentoFeed(host, "glbx", Outbox(host.publish, host.counters), Random(1))
    feed.subscribe([(one.symbol, one.venues["databento"].rpartition(":")[2]) for one in instruments])
    if past is not None:
        feed.resume(past, host.clock.now_ns())
    try:
        yield Rig(gateway, host, feed)
    finally:
        feed.close()
