"""One source: what it is, one look at it (in a thread), and what of that is new. The look is the only part with I/O."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from actors.collector.news.cryptopanic import parse_posts, request_url
from actors.collector.news.fetching import Limits, Validators, fetch
from actors.collector.news.harmless import clean_id, clean_title, clean_url
from actors.collector.news.item import Item
from actors.collector.news.polling import Schedule
from actors.collector.news.rss import parse_feed
from actors.collector.news.seen import SeenIds, SeenStories
from actors.collector.news.settings import CRYPTOPANIC, NewsSettings
from actors.collector.news.symbols_in import SymbolFinder
from actors.runtime.clock import Clock
from protocol.messages import News

WHOLE_STEPS = 3.0
"""One look may take so many times the patience for one step."""


class Look(NamedTuple):
    """What one look has brought."""

    ts_recv_ns: int
    items: list[Item] | None
    """None: nothing has changed."""
    validators: Validators
    digest: bytes
    sponsored: int = 0
    unreadable: int = 0


class Source:
    """One source and what is known of it.

    Args:
        name: As in its topic.
        url: Shown to people.
        settings: Of all sources.
        schedule: When it is looked at.
    """

    def __init__(self, name: str, url: str, settings: NewsSettings, schedule: Schedule) -> None:
        self.name, self.url, self.schedule = name, url, schedule
        self.seen = SeenIds(settings.remembered)
        self.since_ns: int | None = None
        """When a process before has been here last; None: it has not."""
        self.is_first = True
        """Nothing has been read of it since the start."""
        self.validators = Validators()
        self.digest = b""
        self.ok_mono_ns: int | None = None
        self.fault = ""
        """Why the last look failed; empty if it did not."""
        self.looks = self.unchanged = self.published = self.failed = 0

    def look(self, settings: NewsSettings, step_s: float, clock: Clock) -> Callable[[], Look]:
        """A look to take in a thread: it shares nothing with this object.

        Raises (the look): FetchError, UnreadableNews.
        """
        name, url, validators, digest = self.name, self.url, self.validators, self.digest
        limits = Limits(step_s, WHOLE_STEPS * step_s, settings.max_body_bytes)
        is_api = name == CRYPTOPANIC
        target = request_url(settings.cryptopanic) if is_api else url

        def take() -> Look:
            found = fetch(target, validators, limits, clock, is_secret=is_api)
            ts_recv_ns = clock.now_ns()
            if found is None:
                return Look(ts_recv_ns, None, validators, digest)
            new_digest = hashlib.sha256(found.body).digest()
            if new_digest == digest:
                return Look(ts_recv_ns, None, found.validators, digest)
            if is_api:
                posts = parse_posts(found.body)
                items = posts.items[: settings.max_items]
                return Look(
                    ts_recv_ns, items, found.validators, new_digest, posts.sponsored, posts.unreadable
                )
            items = parse_feed(
                found.body, found.content_type, found.url, settings.max_items, settings.parse_timeout_s
            )
            return Look(ts_recv_ns, items, found.validators, new_digest)

        return take


class Judge:
    """Decides what of a source's items is published, and makes it harmless.

    Args:
        settings: Of all sources.
        finder: Finds instruments.
        counters: What is left out, by reason.
    """

    def __init__(self, settings: NewsSettings, finder: SymbolFinder, counters: Counter[str]) -> None:
        self._settings = settings
        self._finder = finder
        self._counters = counters
        self._stories = SeenStories()

    def new(self, source: Source, look: Look) -> list[News]:
        """News of one look, oldest first; everything in it is known from now on."""
        counters, found = self._counters, []
        is_old = self._age_limit(source, look.ts_recv_ns)
        headlines = list(
            messages(source.name, look.items or (), look.ts_recv_ns, self._settings, self._finder, counters)
        )
        known: set[str] = set()
        for news in headlines:
            if news.news_id in known or news.news_id in source.seen:
                continue
            known.add(news.news_id)
            is_new_story = (
                self._stories.is_new(news.url, news.title) or not self._settings.same_across_sources
            )
            if is_old(news.ts_event_ns):
                counters["news_old"] += 1
            elif not is_new_story:
                counters["news_repeated"] += 1
            else:
                counters["news_undated"] += news.ts_event_ns == look.ts_recv_ns
                counters["news_ahead"] += news.ts_event_ns > look.ts_recv_ns
                found.append(news)
        source.seen.add(news.news_id for news in reversed(headlines))
        source.is_first = False
        return sorted(found, key=lambda news: news.ts_event_ns)

    def _age_limit(self, source: Source, now_ns: int) -> Callable[[int], bool]:
        if not source.is_first:
            return lambda _: False
        since_ns = now_ns if source.since_ns is None else min(source.since_ns, now_ns)
        oldest_ns = since_ns - round(self._settings.max_age_s * 1e9)
        return lambda ts_ns: ts_ns < oldest_ns


def messages(
    source: str,
    items: Sequence[Item],
    ts_recv_ns: int,
    settings: NewsSettings,
    finder: SymbolFinder,
    counters: Counter[str],
) -> Iterator[News]:
    """Messages of items, harmless and in their order; one without a headline is left out and counted.

    Args:
        source: Its name.
        items: As it sent them.
        ts_recv_ns: When; stands in for the time of an item that has none.
        settings: Limits.
        finder: Finds instruments.
        counters: Where `news_no_title` and `news_bad_url` are counted.
    """
    for item in items:
        title = clean_title(item.title, settings.max_title_chars)
        if not title:
            counters["news_no_title"] += 1
            continue
        url = clean_url(item.url)
        counters["news_bad_url"] += bool(item.url.strip()) and not url
        yield News(
            source=source,
            news_id=clean_id(item.news_id, url, title),
            ts_event_ns=item.published_ns or ts_recv_ns,
            ts_recv_ns=ts_recv_ns,
            title=title,
            url=url,
            symbols=finder.symbols_in(title, item.codes),
        )
