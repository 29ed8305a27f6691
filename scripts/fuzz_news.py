"""The path of news for `fuzz_frames.py`: answers of CryptoPanic, RSS and Atom documents, and what is made of them.

feedparser takes milliseconds for a document, so only one wrong document in a hundred is given to it, and it is read in this process: the
live path gives each document a process with limits of its own.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from actors.collector.news.cryptopanic import parse_posts
from actors.collector.news.entries import entries
from actors.collector.news.item import Item, UnreadableNews
from actors.collector.news.settings import NewsSettings
from actors.collector.news.source import messages
from actors.collector.news.symbols_in import SymbolFinder
from actors.collector.news.times import in_range, ns_of
from actors.runtime.settings import load
from protocol.instruments import Catalog
from scripts.fuzz_samples import CRYPTOPANIC, EXCHANGES, RSS
from tests.support.paths import ROOT
from tests.support.soundness import Soundness, Unsound

RECV_NS: Final = 1_795_000_000_000_000_000
XML_SHARE: Final = 0.01
"""feedparser is slow."""
MOST: Final = 100


class Seed(NamedTuple):
    """One document."""

    data: bytes
    is_xml: bool = False


class NewsTarget:
    """Documents to headlines."""

    is_text = True

    def __init__(self, folder: Path | None, random: Random) -> None:
        self.reasons: Counter[str] = Counter()
        self.messages: Counter[str] = Counter()
        self._random = random
        answers = [Seed(data) for data in CRYPTOPANIC]
        documents = [Seed(data, is_xml=True) for data in RSS]
        for path in sorted((folder / "news").iterdir()) if folder is not None else ():
            is_xml = path.suffix == ".xml"
            (documents if is_xml else answers).append(Seed(path.read_bytes(), is_xml))
        self.groups = [answers, documents]
        self.seeds = [*answers, *documents]
        self.strangers = [sample.data for samples in EXCHANGES.values() for sample in samples]
        catalog = Catalog(load(ROOT / "config" / "tapehub.yaml", environ={}).instruments)
        self._finder = SymbolFinder(catalog.get(symbol) for symbol in catalog.symbols)
        self._settings = NewsSettings()
        self.sound = Soundness("news")

    def renew(self) -> None:
        """Nothing is remembered but what was counted."""
        self.messages.update(self.sound.counts)
        self.sound = Soundness("news")

    def connect_anew(self) -> None:
        """There is no connection."""

    def remembered(self) -> object:
        """What finds symbols."""
        return self._finder, self.reasons

    def take(self, seed: Seed, data: bytes) -> None:
        """One document."""
        items: list[Item] = []
        if seed.is_xml and self._random.random() < XML_SHARE:
            items = self._items(data)
        else:
            try:
                posts = parse_posts(data)
                items = posts.items
                self.reasons["news_unreadable_posts"] += posts.unreadable
            except UnreadableNews as fault:
                self.reasons[fault.reason] += 1
        if seed.is_xml and not items:  # titles of any bytes must be harmless
            items = [Item(data[:40].decode("utf-8", "replace"), data.decode("utf-8", "replace"), "", 0)]
        for news in messages("fuzz", items, RECV_NS, self._settings, self._finder, self.reasons):
            self.sound.take(news)
            if not news.title.isprintable() or len(news.title) > self._settings.max_title_chars:
                raise Unsound(f"title: {news!r:.500}")
            if news.url and not news.url.startswith(("http://", "https://")):
                raise Unsound(f"url: {news!r:.500}")
            if not news.news_id or len(news.news_id) > 256:
                raise Unsound(f"id: {news!r:.500}")

    def _items(self, data: bytes) -> list[Item]:
        try:
            found: list[Any] = entries(data, "", MOST)["entries"]
        except Exception:  # noqa: BLE001 - feedparser's: the live path has it in a process of its own
            self.reasons["parser_failed"] += 1
            return []
        self.reasons["(document read)"] += 1
        return [
            Item(
                news_id,
                title,
                url,
                next((ns for ns in map(ns_of, times) if ns), 0) or in_range(seconds * 10**9),
            )
            for news_id, title, url, times, seconds in found
        ]
