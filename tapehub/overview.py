"""What `tapehub top` shows of each symbol, joined from the hub's quotes, topics and candles. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from protocol.topics import parse_topic

if TYPE_CHECKING:
    from protocol.client import Tick, TopicInfo


class SymbolRow(msgspec.Struct, kw_only=True):
    """One symbol at one moment."""

    symbol: str
    venue: str = ""
    last: float | None = None
    """Price of the newest trade of the running candle, else the mid of the quote."""
    bid: float | None = None
    ask: float | None = None
    spread: float | None = None
    age_s: float | None = None
    """Seconds since anything of it came."""
    rate_per_s: float = 0.0
    """Events a second, quotes, trades and book changes together."""
    state: str = ""
    """Of the quote: fresh, stale, venue_down, gap_open, closed_market; empty if there is none."""
    bar_status: str = ""
    """Of the running candle."""


class BarEnd(msgspec.Struct, frozen=True):
    """The newest candle of a symbol."""

    close: float
    status: str


FEEDS = frozenset({"quote", "trade", "book", "liquidation"})


def symbol_rows(
    ticks: Mapping[str, Tick], topics: Iterable[TopicInfo], bars: Mapping[str, BarEnd]
) -> list[SymbolRow]:
    """Every symbol that a feed brings, the busiest first."""
    rows: dict[str, SymbolRow] = {}
    for info in topics:
        try:
            topic = parse_topic(info.topic)
        except ValueError:
            continue
        if topic.kind not in FEEDS:
            continue
        row = rows.setdefault(topic.symbol, SymbolRow(symbol=topic.symbol, venue=topic.venue))
        row.rate_per_s += info.rate_per_s
        row.age_s = info.age_s if row.age_s is None else min(row.age_s, info.age_s)
    for symbol, tick in ticks.items():
        row = rows.setdefault(symbol, SymbolRow(symbol=symbol))
        row.venue, row.state = tick.venue, tick.state
        row.bid, row.ask, row.spread, row.last = tick.bid, tick.ask, tick.spread, tick.mid
        row.age_s = tick.age_s if row.age_s is None else min(row.age_s, tick.age_s)
    for symbol, bar in bars.items():
        if symbol in rows:
            rows[symbol].last, rows[symbol].bar_status = bar.close, bar.status
    return sorted(rows.values(), key=lambda row: (-row.rate_per_s, row.symbol))
