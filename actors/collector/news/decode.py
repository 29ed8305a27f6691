"""A recorded document of a source (RSS, Atom, CryptoPanic's JSON, also gzipped) as messages, for `tapehub decode news`.

The source is not in such a file: it is the first word of the file's name (`cointelegraph_20260815.xml`), or
cryptopanic. Nobody noted when it was received, so that is 0, and so is the time of an item without a date.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from actors.collector.news.cryptopanic import parse_posts
from actors.collector.news.item import Item, UnreadableNews
from actors.collector.news.rss import parse_feed
from actors.collector.news.settings import CRYPTOPANIC, NewsSettings
from actors.collector.news.source import messages
from actors.collector.news.symbols_in import SymbolFinder
from actors.collector.recorded.recordings import UnreadableRecording
from protocol.instruments import Catalog
from protocol.messages import Message, News

_MAX_BYTES: Final = 64 * 1024 * 1024
_MOST: Final = 100_000
_GZIP: Final = b"\x1f\x8b"
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")


class NewsSummary:
    """Counts of one document, as plain numbers."""

    def __init__(self) -> None:
        self.source = ""
        self.documents = 0
        self.news = self.undated = 0
        self.first_event_ns = self.last_event_ns = 0
        self.symbols: Counter[str] = Counter()
        self.rejects: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()

    def note(self, news: News) -> None:
        """Count one headline."""
        self.news += 1
        self.symbols.update(news.symbols)
        at_ns = news.ts_event_ns
        if at_ns:
            self.first_event_ns = min(self.first_event_ns or at_ns, at_ns)
            self.last_event_ns = max(self.last_event_ns, at_ns)
        else:
            self.undated += 1

    def to_dict(self) -> dict[str, Any]:
        """One JSON-able document."""
        return {
            "venue": "news",
            "source": self.source,
            "frames": self.documents,
            "by_kind": {News.KIND: self.news} if self.news else {},
            "rejects": dict(sorted((+self.rejects).items())),
            "ignored": dict(sorted((+self.ignored).items())),
            "first_event_ns": self.first_event_ns,
            "last_event_ns": self.last_event_ns,
            "undated": self.undated,
            "gaps": [],
            "symbols": {symbol: {News.KIND: count} for symbol, count in sorted(self.symbols.items())},
        }


class NewsDecoder:
    """Decodes one document.

    Args:
        catalog: For the symbols in headlines; without one none are found.
        source: Name of the source; empty: from the file's name.
    """

    def __init__(self, catalog: Catalog | None = None, source: str = "") -> None:
        self.summary = NewsSummary()
        self._finder = (
            SymbolFinder(catalog.get(symbol) for symbol in catalog.symbols) if catalog else SymbolFinder(())
        )
        self._source = source

    def messages(self, path: Path) -> Iterator[Message]:
        """News of a document, in its order; `summary` is complete at the end.

        Raises:
            UnreadableRecording: says which line and why.
        """
        body = _read(path)
        summary = self.summary
        try:
            items, is_api = self._items(body)
        except UnreadableNews as fault:
            raise UnreadableRecording(f"{path}:1: {fault}") from fault
        summary.documents += 1
        summary.source = self._source or (CRYPTOPANIC if is_api else _name_of(path))
        for news in messages(summary.source, items, 0, NewsSettings(), self._finder, summary.rejects):
            summary.note(news)
            yield news

    def _items(self, body: bytes) -> tuple[list[Item], bool]:
        if body.lstrip()[:1] in (b"{", b"["):
            posts = parse_posts(body)
            self.summary.ignored["sponsored"] += posts.sponsored
            self.summary.rejects["news_unreadable_posts"] += posts.unreadable
            return posts.items, True
        return parse_feed(body, "", "", _MOST, 60.0), False


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            is_gzip = file.read(2) == _GZIP
            file.seek(0)
            if is_gzip:
                with gzip.open(file) as unpacked:
                    body = unpacked.read(_MAX_BYTES + 1)
            else:
                body = file.read(_MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as fault:
        raise UnreadableRecording(f"{path}:1: {fault}") from fault
    if len(body) > _MAX_BYTES:
        raise UnreadableRecording(f"{path}:1: more than {_MAX_BYTES} bytes")
    return body


def _name_of(path: Path) -> str:
    found = _NAME.match(path.name.lower())
    return found.group() if found else "rss"
