"""Which instruments a headline is about. Pure.

A headline names assets, an instrument is one way to trade one: every instrument of the catalog whose base is the asset
is meant. Read, in this order, at each word:

    BTC/USD EUR-USD eur/usd   a pair: with a currency first the very pair, else its first asset
    Bitcoin Cash              a name of the table, the longest that fits, whatever its case
    EURUSD BTCPERP            another name of an instrument (`aliases`), or base and quote in one word
    $ETH #SOL (NEAR)          a ticker with a mark
    ETH                       a bare ticker in capitals, unless it is a word as well (ONE, NEAR), shorter than three
                              letters, or the whole headline shouts

A currency alone (yen, EUR) means its pairs with another currency; the dollar alone means none, it is in all of them.
Precision before completeness: what might be a word is none.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from actors.collector.news.names import FIAT, NAMES, QUOTES, WORDS
from protocol.instruments import Instrument

MAX_SYMBOLS: Final = 64
_WORD: Final = re.compile(r"[^\W_]+")
_SHOUTING: Final = 0.7
"""Share of capitals among the letters from which a headline is taken to shout."""
_SURE: Final = frozenset({"BTC", "ETH", "XRP", "DOGE", "USDT", "USDC"})
"""Tickers that are believed even where everything is in capitals."""
_LONGEST_NAME: Final = 3
"""Words."""


class _Word(NamedTuple):
    text: str
    start: int
    end: int


class SymbolFinder:
    """Finds instruments in headlines.

    Args:
        instruments: The catalog.
        names: Name in lower case to asset; empty asset: these words name none.
    """

    def __init__(self, instruments: Iterable[Instrument], names: Mapping[str, str] = NAMES) -> None:
        self._names = dict(names)
        self._by_asset: dict[str, list[str]] = {}
        self._by_pair: dict[tuple[str, str], list[str]] = {}
        self._aliases: dict[str, list[str]] = {}
        instruments = sorted(instruments, key=lambda one: one.symbol)
        for one in instruments:
            self._enter(one)
        for one in instruments:
            for alias in one.aliases:
                if alias.upper() not in self._by_asset:
                    self._aliases.setdefault(alias.upper(), []).append(one.symbol)

    def _enter(self, one: Instrument) -> None:
        base, quote = assets_of(one)
        if not base:
            return
        self._by_asset.setdefault(base, []).append(one.symbol)
        if base in FIAT and quote in FIAT:
            self._by_asset.setdefault(quote, []).append(one.symbol)
            self._by_pair.setdefault((base, quote), []).append(one.symbol)
            if one.inverse_of:  # 6J is JPY/USD, and what is said of USD/JPY concerns it
                self._by_pair.setdefault((quote, base), []).append(one.symbol)

    def symbols_in(self, title: str, codes: Iterable[str] = ()) -> list[str]:
        """Canonical symbols, sorted, each once.

        Args:
            title: Plain text.
            codes: Assets that the source names itself: believed where the catalog has them.
        """
        found: set[str] = set()
        for code in codes:
            found.update(self._asset(code.upper()))
        words = [_Word(match.group(), *match.span()) for match in _WORD.finditer(title)]
        letters = [char for char in title if char.isalpha()]
        is_loud = len(words) > 2 and sum(map(str.isupper, letters)) > _SHOUTING * len(letters)
        at = 0
        while at < len(words):
            taken, symbols = self._at(title, words, at, is_loud=is_loud)
            found.update(symbols)
            at += taken
        return sorted(found)[:MAX_SYMBOLS]

    def _at(self, title: str, words: list[_Word], at: int, *, is_loud: bool) -> tuple[int, list[str]]:
        """(words taken, symbols) at one place."""
        pair = self._pair(title, words, at)
        if pair is not None:
            return 2, pair
        for length in range(min(_LONGEST_NAME, len(words) - at), 0, -1):
            asset = self._names.get(_phrase(title, words[at : at + length]))
            if asset is not None:
                return length, self._asset(asset)
        word = words[at]
        upper = word.text.upper()
        is_upper = word.text == upper
        is_marked = _is_marked(title, word)
        if is_upper and upper in self._aliases and (is_marked or (upper not in WORDS and len(upper) > 2)):
            return 1, self._aliases[upper]
        if is_upper and len(upper) >= 6:
            joined = self._joined(upper)
            if joined:
                return 1, joined
        if upper not in self._by_asset:
            return 1, []
        if is_marked:
            return 1, self._asset(upper) if is_upper or upper not in WORDS else []
        is_bare = is_upper and len(upper) > 2 and upper not in WORDS and (not is_loud or upper in _SURE)
        return 1, self._asset(upper) if is_bare else []

    def _asset(self, asset: str) -> list[str]:
        return [] if asset == "USD" else self._by_asset.get(asset, [])

    def _pair(self, title: str, words: list[_Word], at: int) -> list[str] | None:
        """Symbols of a pair that begins here; None if none does."""
        if at + 1 == len(words):
            return None
        first, second = words[at], words[at + 1]
        separator = title[first.end : second.start]
        if separator not in ("/", "-", "_"):
            return None
        base, quote = first.text.upper(), second.text.upper()
        if separator != "/" and (base != first.text or quote != second.text):
            return None
        if base == quote or quote not in QUOTES or not (base in self._by_asset or base in FIAT):
            return None
        return self._of_pair(base, quote)

    def _of_pair(self, base: str, quote: str) -> list[str]:
        if base in FIAT and quote in FIAT:
            return self._by_pair.get((base, quote), [])
        return self._by_asset.get(base, [])

    def _joined(self, text: str) -> list[str]:
        """Symbols of `EURUSD` or `SOLUSDT`."""
        for length in (3, 4, 5):
            base, quote = text[:-length], text[-length:]
            if quote in QUOTES and (base in self._by_asset or base in FIAT) and base != quote:
                return self._of_pair(base, quote)
        return []


def assets_of(one: Instrument) -> tuple[str, str]:
    """(base, quote) of an instrument; empty where its name does not say."""
    first, _, rest = one.symbol.partition("_")
    base = one.base or (first if rest else "")
    return base.upper(), (one.quote or rest.partition(".")[0]).upper()


def _phrase(title: str, words: list[_Word]) -> str:
    """Words in lower case, or empty where something else than one space or hyphen stands between them."""
    for left, right in itertools.pairwise(words):
        if title[left.end : right.start] not in (" ", "-"):
            return ""
    return " ".join(word.text.lower() for word in words)


def _is_marked(title: str, word: _Word) -> bool:
    """Whether a ticker is written as one: `$ETH`, `#ETH`, `(ETH)`."""
    before, after = title[word.start - 1 : word.start], title[word.end : word.end + 1]
    if before in ("$", "#") and before:
        earlier = title[word.start - 2 : word.start - 1] if word.start > 1 else ""
        return not earlier.isalnum() and earlier != before
    return before == "(" and after == ")"
