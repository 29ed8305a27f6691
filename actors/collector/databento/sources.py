"""Which record type gives which kind of message, where several could. Pure.

The same trade comes in `trades`, `tbbo`, `mbp-1`, `mbp-10` and `mbo`, whichever are subscribed; counted twice, volume is
wrong. So each kind has one source: the first subscribed one of its list.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from actors.collector.databento import layout
from protocol.messages import Book, Quote, Trade

_TRADES: Final = ("trades", "tbbo", "mbp-1", "mbp-10", "mbo")
_QUOTES: Final = ("mbp-1", "tbbo", "mbp-10", "mbo", "bbo-1s", "bbo-1m")
_BOOKS: Final = ("mbo", "mbp-10")
_TYPES: Final = {name: number for number, name in layout.TYPE_NAMES.items()} | {"tbbo": layout.MBP_1}
SUPPORTED: Final = (
    "trades", "tbbo", "mbp-1", "mbp-10", "mbo", "bbo-1s", "bbo-1m", "ohlcv-1s", "ohlcv-1m", "ohlcv-1h", "ohlcv-1d",
    "definition", "statistics", "status",
)  # fmt: skip
"""Schemas that may be subscribed."""


class Sources(NamedTuple):
    """Record types by what is taken from them; -1: nothing."""

    trades: int
    quotes: int
    books: int
    is_tbbo: bool = False
    """Records of type MBP_1 are of schema tbbo: each is a trade, and the quote before it."""

    @property
    def kinds(self) -> set[str]:
        """Kinds of messages that come of a symbol."""
        pairs = ((Trade.KIND, self.trades), (Quote.KIND, self.quotes), (Book.KIND, self.books))
        return {kind for kind, number in pairs if number >= 0}

    def of(self, kind: str) -> int:
        """Record type that a kind of message comes from."""
        return {Trade.KIND: self.trades, Quote.KIND: self.quotes, Book.KIND: self.books}.get(kind, -1)


def sources_of(schemas: Iterable[str]) -> Sources:
    """Sources of what is subscribed."""
    wanted = set(schemas)
    return Sources(
        _first(_TRADES, wanted),
        _first(_QUOTES, wanted),
        _first(_BOOKS, wanted),
        "tbbo" in wanted and "mbp-1" not in wanted,
    )


def schemas_of_types(types: Iterable[int]) -> list[str]:
    """Schemas of a stream that does not say which it holds; type MBP_1 is taken for mbp-1."""
    return [layout.TYPE_NAMES[number] for number in types if number in layout.TYPE_NAMES]


def _first(names: Iterable[str], wanted: set[str]) -> int:
    return next((_TYPES[name] for name in names if name in wanted), -1)
