"""The real recovery of books between fakes of the collector, the line and the clock: nothing is fetched, nobody waits."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from actors.collector.checks import with_defaults
from actors.collector.exchange.book_recovery import BookRecovery
from actors.collector.settings import CollectorSettings
from actors.collector.venue import Venue
from tests.support.conformance import Replay, known_names


class FakeClock:
    """Clocks that go when they are told to."""

    def __init__(self) -> None:
        self.mono = 1_000_000_000_000

    def mono_ns(self) -> int:
        """Monotonic."""
        return self.mono

    def now_ns(self) -> int:
        """Wall."""
        return 1_795_000_000_000_000_000 + self.mono


class FakeHost:
    """As much of a collector as a recovery needs; nothing is fetched."""

    def __init__(self, venue: Venue) -> None:
        self.name = f"collector.{venue.name}.1"
        self.log = logging.getLogger(self.name)
        self.clock = FakeClock()
        self.counters: Counter[str] = Counter()
        rest_url = dict.fromkeys(venue.markets, "http://rest.invalid")
        self.settings = with_defaults(CollectorSettings(venue=venue.name, rest_url=rest_url), venue)
        self.asked: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []
        self.dropped: Counter[str] = Counter()

    def submit(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Remember what would be fetched."""
        self.asked.append((work, done))

    def drop(self, reason: str, _what: object = "") -> None:
        """Count."""
        self.dropped[reason] += 1


class FakeLine:
    """A line whose streams are all confirmed."""

    def __init__(self) -> None:
        self.renewed: list[str] = []

    def is_active(self, _stream: str) -> bool:
        """Yes."""
        return True

    def renew(self, stream: str) -> None:
        """Remember it."""
        self.renewed.append(stream)


class FakeOutbox:
    """Nothing waits in it."""

    def flush(self) -> None:
        """Nothing."""


class Owner:
    """The real recovery of one market's books, between fakes."""

    def __init__(self, replay: Replay, market: str) -> None:
        self.host = FakeHost(replay.venue)
        self.line = FakeLine()
        self.market = market
        normaliser = replay.normaliser(market)
        host: Any = self.host
        outbox: Any = FakeOutbox()
        self.books = BookRecovery(host, replay.venue, market, normaliser, outbox, Random(1))
        line: Any = self.line
        types = replay.venue.defaults.streams[market]
        self.stream_type = next(one for one in types if replay.venue.kind_of(one) == "book")
        for raw, symbol in known_names(replay.venue.name, replay.name)[market].items():
            stream = replay.venue.stream(raw, self.stream_type)
            self.books.keep(symbol, stream, raw, line)
            self.books.confirmed(symbol, stream, self.host.clock.mono)

    def lost(self, symbol: str) -> None:
        """It had been confirmed before its book was lost."""
        self.books._books[symbol].generation = -1

    def wait(self, seconds: float) -> None:
        """Time passes, and the recovery looks."""
        for _ in range(max(1, round(seconds * 4))):
            self.host.clock.mono += 250_000_000
            self.books.tick(self.host.clock.mono)

    @property
    def requests(self) -> int:
        """Snapshots asked for and streams subscribed anew."""
        return len(self.host.asked) + len(self.line.renewed)
