"""News as one market of the collector: sources are polled in threads, new headlines go to `news.<source>`.

There are no symbols to subscribe, no ids that are counted and no gaps: a source that is down is told in the status.
Its clock never begins: headlines are hours late by nature, and no candle waits for them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from random import Random
from typing import Any, Final

from actors.collector.checkpoint import BudgetState, Checkpoint, SymbolState
from actors.collector.market_clock import MarketClock
from actors.collector.market_feed import Host
from actors.collector.news.fetching import FetchError
from actors.collector.news.item import UnreadableNews
from actors.collector.news.polling import Schedule
from actors.collector.news.settings import CRYPTOPANIC, NewsSettings
from actors.collector.news.source import Judge, Look, Source
from actors.collector.news.symbols_in import SymbolFinder
from actors.collector.outbox import Outbox
from protocol.errors import ConfigError
from protocol.messages import News
from protocol.record import RecordKind
from protocol.topics import Topic

MARKET: Final = "news"
_PER_FRAME: Final = 100
"""Headlines in one frame: even with the longest titles far from the greatest frame."""


def problems(settings: NewsSettings) -> list[str]:
    """Mistakes of the settings that their types allow."""
    if settings.sources or settings.cryptopanic.token:
        return []
    return ["news: name at least one of sources, or set cryptopanic.token"]


class NewsFeed:
    """All sources.

    Args:
        host: The collector.
        market: `news`.
        outbox: Not used: it groups by symbol, and a headline has a source instead.
        random: For jitter.

    Raises:
        ConfigError: there is no source.
    """

    def __init__(self, host: Host, market: str, outbox: Outbox, random: Random) -> None:  # noqa: ARG002 - as all feeds
        self.market = market
        self.clock = MarketClock()
        self._host = host
        self._settings = settings = host.settings.news
        mistakes = problems(settings)
        if mistakes:
            raise ConfigError([f"actors.{host.name}.{mistake}" for mistake in mistakes])
        catalog = host.catalog
        finder = SymbolFinder(catalog.get(symbol) for symbol in catalog.symbols)
        self._judge = Judge(settings, finder, host.counters)
        mono_ns = host.clock.mono_ns()
        wanted = [(name, one.url, one.day_s, one.night_s) for name, one in settings.sources.items()]
        api = settings.cryptopanic
        if api.token:
            wanted.append((CRYPTOPANIC, api.url, api.day_s, api.night_s))
        self._sources = {
            name: Source(name, url, settings, Schedule(settings, day_s, night_s, mono_ns, random.random))
            for name, url, day_s, night_s in wanted
        }
        self._is_closed = False

    # looks

    def tick(self, mono_ns: int) -> None:
        """Look at the sources that are due."""
        host = self._host
        for source in self._sources.values():
            if source.schedule.is_due(mono_ns):
                source.schedule.begin()
                source.looks += 1
                host.counters["news_looks"] += 1
                work = source.look(self._settings, host.settings.rest_timeout_s, host.clock)
                host.submit(work, functools.partial(self._done, source))

    def _done(self, source: Source, result: Look | Exception) -> None:
        if self._is_closed:
            return
        mono_ns, now_ns = self._host.clock.mono_ns(), self._host.clock.now_ns()
        if isinstance(result, FetchError | UnreadableNews):
            self._failed(source, result, mono_ns, now_ns)
            return
        if isinstance(result, Exception):
            raise result
        if source.fault:
            self._host.log.info(
                "news source %s is back after %d failures", source.name, source.schedule.failures
            )
        source.fault = ""
        source.ok_mono_ns = mono_ns
        source.validators, source.digest = result.validators, result.digest
        source.schedule.succeeded(mono_ns, now_ns)
        if result.items is None:
            source.unchanged += 1
            return
        counters = self._host.counters
        counters["news_sponsored"] += result.sponsored
        counters["news_unreadable_posts"] += result.unreadable
        news = self._judge.new(source, result)
        for at in range(0, len(news), _PER_FRAME):
            self._host.publish(
                str(Topic(News.KIND, source.name)), news[at : at + _PER_FRAME], RecordKind.DATA
            )
        source.published += len(news)
        counters["news_received"] += len(news)

    def _failed(self, source: Source, fault: FetchError | UnreadableNews, mono_ns: int, now_ns: int) -> None:
        status, retry_after_s = (
            (fault.status, fault.retry_after_s) if isinstance(fault, FetchError) else (200, None)
        )
        before = source.schedule.state
        pause_s = source.schedule.failed(mono_ns, now_ns, status, retry_after_s)
        source.failed += 1
        source.fault = str(fault)[:200]
        state = source.schedule.state
        if state != before:
            self._host.log.warning("news source %s is %s: %s", source.name, state, source.fault)
        self._host.drop(f"news_{fault.reason}", f"{source.name}: {fault}; again in {pause_s:.0f} s")

    # restarts

    def resume(self, past: Checkpoint, now_ns: int) -> None:  # noqa: ARG002 - the first look tells its own time
        """Know what the process before has published."""
        for entry in past.news_ids:
            name, _, news_id = entry.partition(" ")
            source = self._sources.get(name)
            if source is not None and news_id:
                source.seen.add([news_id])
                source.since_ns = past.at_ns or None

    @property
    def news_ids(self) -> list[str]:
        """`<source> <news_id>` of what the next process must not publish again, oldest first within a source."""
        return [
            f"{name} {news_id}" for name, source in self._sources.items() for news_id in source.seen.newest
        ]

    def remember(self) -> dict[str, SymbolState]:
        """Nothing of any symbol; see `news_ids`."""
        return {}

    def budget_state(self, mono_ns: int, now_ns: int) -> BudgetState | None:  # noqa: ARG002
        """There is no budget."""
        return None

    # symbols and books: there are none

    @property
    def is_connected(self) -> bool:
        """Whether any source answers."""
        return any(source.schedule.state == "ok" for source in self._sources.values())

    @property
    def kinds(self) -> dict[str, set[str]]:
        """Nothing is collected of a symbol."""
        return {}

    def subscribe(self, symbols: Iterable[tuple[str, str]]) -> None:
        """Headlines of all instruments come anyway."""

    def unsubscribe(self, symbol: str) -> None:
        """Headlines of all instruments come anyway."""

    def has(self, symbol: str) -> bool:  # noqa: ARG002
        """Nothing is subscribed by symbol."""
        return False

    def sweep(self, mono_ns: int) -> None:
        """A source that is silent is one without news."""

    def is_unsynced(self, symbol: str) -> bool:  # noqa: ARG002
        """There are no books."""
        return False

    def republish(self, symbol: str) -> bool:  # noqa: ARG002
        """There are no books."""
        return False

    def retry(self, gap_id: str) -> str:  # noqa: ARG002
        """There are no gaps."""
        return "news has no gaps of trades"

    # people

    def connections(self, mono_ns: int) -> list[dict[str, Any]]:
        """Each source."""
        return [
            {"name": name, "url": source.url, **_describe(source, mono_ns)}
            for name, source in self._sources.items()
        ]

    def rotate(self, name: str) -> bool:
        """Look at this source now; False if there is none of this name."""
        source = self._sources.get(name)
        if source is not None:
            source.schedule.hurry(self._host.clock.mono_ns())
        return source is not None

    def detail(self, mono_ns: int) -> dict[str, Any]:
        """State of each source."""
        sources = self._sources
        return {
            "connected": self.is_connected,
            "published": sum(source.published for source in sources.values()),
            "sources": {name: _describe(source, mono_ns) for name, source in sources.items()},
        }

    def close(self) -> None:
        """Take nothing more."""
        self._is_closed = True


def _describe(source: Source, mono_ns: int) -> dict[str, Any]:
    schedule = source.schedule
    return {
        "state": schedule.state,
        "ok_age_s": None if source.ok_mono_ns is None else round((mono_ns - source.ok_mono_ns) / 1e9, 1),
        "next_s": 0.0 if schedule.is_under_way else round(max(0, schedule.due_ns - mono_ns) / 1e9, 1),
        "looks": source.looks,
        "unchanged": source.unchanged,
        "items": source.published,
        "failed": source.failed,
        "failures": schedule.failures,
        "fault": source.fault,
    }
