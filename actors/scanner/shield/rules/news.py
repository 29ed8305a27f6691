"""Around scheduled events, and after headlines. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from actors.scanner.shield.judged import Candidate, Surroundings
from actors.scanner.shield.rule import Finding, Minutes, Rule, RuleSettings, Shared

_MINUTE_NS = 60_000_000_000
_SHOWN = 60


class NewsSettings(RuleSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far to keep away."""

    before_min: Minutes = 15.0
    """Minutes before an event."""
    after_min: Minutes = 15.0
    """Minutes after it."""
    events: tuple[str, ...] = ("*",)
    """Patterns of names of events; an empty list: none."""
    headline_min: Minutes = 15.0
    """Minutes after a headline; 0: headlines do not count."""
    titles: tuple[str, ...] = ()
    """Words or phrases that make a headline count for every symbol; otherwise it must name the symbol. Whole words, of any
    case; `*` stands for any letters: `halt*`."""


class News(Rule):
    """The nearest event that moves the instrument, the newest headline that counts."""

    name = "news"
    Settings = NewsSettings

    def __init__(self, settings: NewsSettings, shared: Shared) -> None:
        super().__init__(settings, shared)
        self._titles = [_phrase(title) for title in settings.titles]
        self._events = [
            event
            for event in shared.events
            if any(fnmatchcase(event.name, pattern) for pattern in settings.events)
        ]

    def findings(self, candidate: Candidate, surroundings: Surroundings) -> Iterator[Finding]:
        """At most one event, one headline."""
        yield from self._of_events(candidate, surroundings)
        if self.settings.headline_min:
            yield from self._of_headlines(candidate, surroundings)

    def _of_events(self, candidate: Candidate, surroundings: Surroundings) -> Iterator[Finding]:
        settings: NewsSettings = self.settings
        before_ns, after_ns = round(settings.before_min * _MINUTE_NS), round(settings.after_min * _MINUTE_NS)
        near = []
        for event in self._events:
            if event.moves(candidate.symbol, surroundings.base, surroundings.quote):
                since_ns = candidate.ts_ns - event.nearest_ns(candidate.ts_ns)
                if -before_ns <= since_ns <= after_ns:
                    near.append((abs(since_ns), since_ns, event.name))
        if near:
            _, since_ns, name = min(near)
            if since_ns < 0:
                words = f"in {_minutes(-since_ns)}, kept free from {settings.before_min:g} min before"
            else:
                words = f"{_minutes(since_ns)} ago, kept free until {settings.after_min:g} min after"
            yield Finding(f"{name} {words}")

    def _of_headlines(self, candidate: Candidate, surroundings: Surroundings) -> Iterator[Finding]:
        longest_ns = round(self.settings.headline_min * _MINUTE_NS)
        heard = [
            (candidate.ts_ns - headline.ts_ns, headline.title, headline.source)
            for headline in surroundings.headlines
            if 0 <= candidate.ts_ns - headline.ts_ns <= longest_ns
            and (
                candidate.symbol in headline.symbols
                or any(title.search(headline.title) for title in self._titles)
            )
        ]
        if heard:
            age_ns, title, source = min(heard)
            title = " ".join(title.split())
            title = title if len(title) <= _SHOWN else f"{title[: _SHOWN - 1].rstrip()}…"
            limit = f"kept free for {self.settings.headline_min:g} min"
            yield Finding(f"headline of {source} {_minutes(age_ns)} ago, {limit}: {title}")


def _minutes(ns: int) -> str:
    return f"{ns / _MINUTE_NS:.1f} min"


def _phrase(text: str) -> re.Pattern[str]:
    words = r"\s+".join(re.escape(word).replace(r"\*", r"\w*") for word in text.split())
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)
