"""Which headlines were there before: per source by id, and between sources by address and headline. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from actors.collector.news.harmless import same_title, same_url

REMEMBERED: Final = 100
"""Ids that a restart knows of a source, where its newest document does not hold more."""
MAX_STORIES: Final = 20_000
"""Stories of all sources that are remembered for comparing between them."""


class SeenIds:
    """Ids of one source, bounded; what its newest document holds is never forgotten."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ids: dict[str, None] = {}
        self._shown = 0
        """Ids of the newest document: they are the last ones."""

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, news_id: str) -> bool:
        return news_id in self._ids

    @property
    def newest(self) -> list[str]:
        """What the source shows, and a hundred in any case; oldest first."""
        return list(self._ids)[-max(self._shown, REMEMBERED) :]

    def add(self, news_ids: Iterable[str]) -> None:
        """Note what one document holds: also what was there before, so that it stays as long as the source shows it."""
        shown = dict.fromkeys(news_ids)
        for news_id in shown:
            self._ids.pop(news_id, None)
            self._ids[news_id] = None
        self._shown = len(shown)
        limit = max(self._limit, self._shown)
        while len(self._ids) > limit:
            del self._ids[next(iter(self._ids))]


class SeenStories:
    """Stories of all sources of this run."""

    def __init__(self, limit: int = MAX_STORIES) -> None:
        self._limit = limit
        self._keys: dict[str, None] = {}

    def is_new(self, url: str, title: str) -> bool:
        """Whether neither the address nor the headline was there; notes both."""
        keys = [f"u {same_url(url)}"] if url else []
        words = same_title(title)
        if words:
            keys.append(f"t {words}")
        is_new = not any(key in self._keys for key in keys)
        for key in keys:
            self._keys[key] = None
        while len(self._keys) > self._limit:
            del self._keys[next(iter(self._keys))]
        return is_new
