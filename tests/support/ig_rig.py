"""IG's feed as the collector runs it, between the servers of the tests: real sockets, a host that a test turns."""

from __future__ import annotations

import collections
import contextlib
import logging
import queue
import selectors
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from actors.collector.gaps import Gaps
from actors.collector.ig.feed import IgFeed
from actors.collector.ig.settings import IgSettings
from actors.collector.outbox import Outbox
from actors.collector.settings import CollectorSettings
from protocol.instruments import Catalog, Instrument
from protocol.messages import Gap, Message, Quote
from protocol.record import RecordKind
from tests.support.ig_server import ACCOUNT, API_KEY, PASSWORD, USER, IgServer
from tests.support.tlcp_server import TlcpServer


def _at(day: int, hour: int = 12) -> int:
    return int(datetime(2026, 11, day, hour, tzinfo=UTC).timestamp()) * 10**9


WEDNESDAY_NS: Final = _at(18)
SATURDAY_NS: Final = _at(21)
SUNDAY_OPENING_NS: Final = _at(22, 22)
MONDAY_NS: Final = _at(23)
EUR: Final = ("EUR_USD", "CS.D.EURUSD.CEEM.IP")
GBP: Final = ("GBP_USD", "CS.D.GBPUSD.MINI.IP")
EUR_ITEM: Final = f"PRICE:{ACCOUNT}:{EUR[1]}"
GBP_ITEM: Final = f"PRICE:{ACCOUNT}:{GBP[1]}"


class HostClock:
    """A Wednesday noon that goes on with the monotonic clock; tests may set the wall clock elsewhere."""

    def __init__(self) -> None:
        self.base_ns = WEDNESDAY_NS
        self._start_ns = time.monotonic_ns()

    def now_ns(self) -> int:
        """Wall clock."""
        return self.base_ns + time.monotonic_ns() - self._start_ns

    @staticmethod
    def mono_ns() -> int:
        """Monotonic clock."""
        return time.monotonic_ns()


class FakeHost:
    """A collector's loop without a collector: descriptors, threads, and what is published."""

    name = "collector.ig.1"

    def __init__(self, settings: CollectorSettings, instruments: Sequence[Instrument]) -> None:
        self.settings = settings
        self.catalog = Catalog(instruments)
        self.log = logging.getLogger("tests.ig")
        self.clock = HostClock()
        self.counters: collections.Counter[str] = collections.Counter()
        self.gaps = Gaps("ig", "collector.ig.1-1")
        self.published: list[Message] = []
        self.drops: collections.Counter[str] = collections.Counter()
        self.told: list[str] = []
        self._selector = selectors.DefaultSelector()
        self._done: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._soon: collections.deque[Callable[[], None]] = collections.deque()

    def publish(
        self, topic: str, events: list[Any], kind: RecordKind = RecordKind.DATA, flags: int = 0
    ) -> None:
        """Keep messages."""
        self.published += events

    def submit(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """In a thread of its own; the loop is given what came of it."""

        def run() -> None:
            result: Any
            try:
                result = work()
            except Exception as fault:  # noqa: BLE001 - handed to the loop, as the actor does
                result = fault
            self._done.put(lambda: done(result))

        threading.Thread(target=run, daemon=True).start()

    def watch(self, fd: int, on_readable: Callable[[], None]) -> None:
        """Look at a descriptor."""
        self._selector.register(fd, selectors.EVENT_READ, on_readable)

    def unwatch(self, fd: int) -> None:
        """Forget it."""
        self._selector.unregister(fd)

    def soon(self, handler: Callable[[], None]) -> None:
        """At the end of this turn."""
        self._soon.append(handler)

    def drop(self, reason: str, what: object = "") -> None:
        """Count, and keep what was said."""
        self.drops[reason] += 1
        self.told.append(f"{reason}: {what}")

    def turn(self) -> None:
        """One turn of the loop, without waiting long."""
        for key, _ in self._selector.select(0.005):
            key.data()
        while self._soon:
            self._soon.popleft()()
        with contextlib.suppress(queue.Empty):
            while True:
                self._done.get_nowait()()


class Rig:
    """The feed between both servers."""

    def __init__(
        self, stream: TlcpServer, rest: IgServer, symbols: Sequence[tuple[str, str]], **ig: Any
    ) -> None:
        self.stream, self.rest = stream, rest
        given: dict[str, Any] = {"username": USER, "password": PASSWORD, "api_key": API_KEY}
        settings = CollectorSettings(
            rest_url={"cfd": rest.url},
            ig=IgSettings(**given | ig),
            backoff_base_s=0.05,
            answer_timeout_s=2.0,
            connect_timeout_s=2.0,
            silence_floor_s=20.0,
            first_message_s=20.0,
        )
        instruments = [
            Instrument(symbol=symbol, session="fx", venues={"ig": f"cfd:{epic}"}) for symbol, epic in symbols
        ]
        self.host = FakeHost(settings, instruments)
        outbox = Outbox(self.host.publish, self.host.counters)
        self.feed = IgFeed(self.host, "cfd", outbox, Random(1))  # type: ignore[arg-type]
        self.feed.subscribe(symbols)
        self._swept = 0.0

    def run_until(self, condition: Callable[[], Any], what: str, deadline_s: float = 40.0) -> Any:
        """Turn the loop until something is so."""
        end = time.monotonic() + deadline_s
        while not condition():
            assert time.monotonic() < end, f"waited {deadline_s} s for {what}; {self.host.told[-5:]}"
            self.host.turn()
            mono_ns = self.host.clock.mono_ns()
            self.feed.tick(mono_ns)
            if time.monotonic() > self._swept + 0.05:
                self._swept = time.monotonic()
                self.feed.sweep(mono_ns)
        return condition()

    @property
    def quotes(self) -> list[Quote]:
        """All that were published."""
        return [message for message in self.host.published if isinstance(message, Quote)]

    @property
    def gaps(self) -> list[Gap]:
        """All that were published."""
        return [message for message in self.host.published if isinstance(message, Gap)]

    def price(self, item: str, bid: str, ask: str, flag: str = "DEAL") -> None:
        """The venue's newest quote, at the host's time."""
        stamp = str(self.host.clock.now_ns() // 1_000_000)
        self.stream.update(item, BIDPRICE1=bid, ASKPRICE1=ask, TIMESTAMP=stamp, DLG_FLAG=flag)

    def quote(self, item: str, bid: str, ask: str) -> Quote:
        """Send one and wait for it."""
        count = len(self.quotes)
        self.price(item, bid, ask)
        self.run_until(lambda: len(self.quotes) > count, "the quote")
        return self.quotes[-1]
