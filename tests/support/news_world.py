"""The news feed as the collector runs it, and pages for it: real HTTP, real threads; the clock is the test's."""

from __future__ import annotations

import collections
import logging
import select
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final

from actors.collector.checkpoint import Checkpoint
from actors.collector.news.feed import NewsFeed
from actors.collector.news.settings import NewsSettings, SourceSettings
from actors.collector.outbox import Outbox
from actors.collector.settings import CollectorSettings
from actors.runtime.background import Background
from protocol.instruments import Catalog, Instrument
from protocol.messages import News
from protocol.topics import parse_topic
from tests.support.news_server import NewsServer

S: Final = 1_000_000_000
NOON: Final = 1_786_795_200 * S
"""2026-08-15T12:00:00Z"""
CATALOG: Final = Catalog([Instrument(symbol="BTC_USDT"), Instrument(symbol="EUR_USD")])


class SteeredClock:
    """Moves when the test says so."""

    def __init__(self) -> None:
        self.mono = 0

    def now_ns(self) -> int:
        """Wall clock."""
        return NOON + self.mono

    def mono_ns(self) -> int:
        """Monotonic clock."""
        return self.mono


class FakeHost:
    """The part of the collector that a feed sees."""

    def __init__(self, settings: NewsSettings, rest_timeout_s: float = 2.0) -> None:
        self.name = "collector.news.1"
        self.log = logging.getLogger("test.news")
        self.clock = SteeredClock()
        self.counters: collections.Counter[str] = collections.Counter()
        self.catalog = CATALOG
        self.settings = CollectorSettings(news=settings, rest_timeout_s=rest_timeout_s)
        self.published: list[News] = []
        self.topics: list[str] = []
        self.dropped: list[tuple[str, str]] = []
        self.background = Background()
        self.under_way = 0

    def publish(self, topic: str, events: list[Any], kind: int = 1, flags: int = 0) -> None:
        """Keep messages, and the topic of each frame."""
        assert events
        assert parse_topic(topic).kind == "news"
        self.topics.append(topic)
        self.published += events

    def submit(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """In the background, counted."""
        self.under_way += 1

        def finished(result: Any) -> None:
            self.under_way -= 1
            done(result)

        self.background.submit(work, finished)

    def drop(self, reason: str, what: object = "") -> None:
        """Keep what was said."""
        self.dropped.append((reason, str(what)))

    def settle(self) -> None:
        """Wait until nothing is under way."""
        deadline_s = time.monotonic() + 20.0
        while self.under_way:
            ready, _, _ = select.select([self.background.fd], [], [], max(0.0, deadline_s - time.monotonic()))
            assert ready, "a look did not end in time"
            self.background.deliver()


class World:
    """A feed and its host; `turn` lets time pass and every due source be looked at."""

    def __init__(
        self, settings: NewsSettings, past: Checkpoint | None = None, rest_timeout_s: float = 2.0
    ) -> None:
        self.host = FakeHost(settings, rest_timeout_s)
        self.feed = NewsFeed(self.host, "news", Outbox(self.host.publish, self.host.counters), Random(1))  # type: ignore[arg-type]
        if past is not None:
            self.feed.resume(past, self.host.clock.now_ns())

    def turn(self, seconds: float = 40.0) -> list[News]:
        """What is published in it."""
        before = len(self.host.published)
        self.host.clock.mono += round(seconds * S)
        self.feed.tick(self.host.clock.mono_ns())
        self.host.settle()
        return self.host.published[before:]

    def source(self, name: str) -> dict[str, Any]:
        """What the status says of a source."""
        found: dict[str, Any] = self.feed.detail(self.host.clock.mono_ns())["sources"][name]
        return found


def serving() -> Iterator[NewsServer]:
    """A server as long as a test lasts: to be made a fixture."""
    with NewsServer() as running:
        yield running


def item(number: int, title: str = "", at: str = "Sat, 15 Aug 2026 11:59:00 GMT", link: str = "") -> str:
    """One headline of a page."""
    date = f"<pubDate>{at}</pubDate>" if at else ""
    link = link or f"https://news.example/{number}"
    return f"<item><guid>id-{number}</guid><title>{title or f'Headline {number}'}</title><link>{link}</link>{date}</item>"


def rss(*items: str) -> str:
    """A page."""
    return (
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>N</title>{"".join(items)}</channel></rss>'
    )


def settings(server: NewsServer, *names: str, **more: Any) -> NewsSettings:
    """Of a feed with these sources, each a page of the server's."""
    sources = {name: SourceSettings(url=server.url(f"/{name}")) for name in names or ("wire",)}
    return NewsSettings(sources=sources, **more)


def ids(news: list[News]) -> list[str]:
    """Of headlines."""
    return [one.news_id for one in news]
