"""Quotes in the shape that the old receivers gave them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from protocol.messages import Quote
from protocol.requests import Reply

DEFAULT_TTL_S: Final = 5.0
_REFUSED: Final = frozenset(("stale", "venue_down"))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS: Final = 12
"""Differences of prices are rounded so: 1.1002 - 1.1 is 0.0002."""
_PIP_DIGITS: Final = 4
_quote: Final = msgspec.msgpack.Decoder(Quote).decode
_replies: Final = msgspec.msgpack.Decoder(list[Reply]).decode

PipSize = Callable[[str], float]
"""Symbol to the size of its pip in quote currency, 0: it has none."""


class OldQuote(msgspec.Struct, frozen=True):
    """One symbol as `/market-data/feed` and `/market-data/all` give it."""

    symbol: str
    bid: float
    ask: float
    spread: float
    """Ask minus bid, in quote currency."""
    spread_pips: float | None
    """The same in pips; null where the symbol has no pip size."""
    volume: float
    """Size at bid and ask together, base units."""
    timestamp: str
    """The venue's time, ISO 8601 in UTC."""
    source: str
    """Venue; of what was pushed `push.<source>`."""
    age_seconds: float
    """Since it was received from there."""
    is_stale: bool
    """Not to be traded on: too old, or its venue is down."""
    state: str
    """fresh, gap_open, closed_market, stale, venue_down."""
    ts_event_ns: int


class Everything(msgspec.Struct, frozen=True):
    """`/market-data/all`."""

    count: int
    data: dict[str, OldQuote]
    timestamp: str


class FeedHealth(msgspec.Struct, frozen=True):
    """`/market-data/health`."""

    status: str
    """healthy: all symbols are fresh or their market is closed; degraded: some are stale; unhealthy: all are; no_data."""
    symbols_active: int
    symbols_stale: int
    symbols_total: int
    last_update: str | None
    last_update_age_seconds: float | None
    stale: list[str]
    """Names of the stale ones."""
    timestamp: str


def iso(ts_ns: int) -> str:
    """Time as Python's `isoformat` writes it, microseconds, UTC: `2026-11-21T12:00:00.000000+00:00`."""
    return (_EPOCH + timedelta(microseconds=ts_ns // 1000)).isoformat(timespec="microseconds")


def is_stale(reply: Reply, ttl_s: float) -> bool:
    """Whether the hub would refuse a quote to who does not allow stale ones."""
    return reply.state in _REFUSED or (reply.state == "gap_open" and reply.age_s > ttl_s)


def old_quote(reply: Reply, pip_size: PipSize, ttl_s: float) -> OldQuote:
    """The old shape of a reply that holds a quote.

    Raises:
        msgspec.DecodeError: it holds something else.
    """
    quote = _quote(reply.data)
    spread = round(quote.ask - quote.bid, _DIGITS)
    pip = pip_size(quote.symbol)
    return OldQuote(
        quote.symbol, quote.bid, quote.ask, spread, round(spread / pip, _PIP_DIGITS) if pip else None,
        quote.bid_size + quote.ask_size, iso(quote.ts_event_ns), quote.venue, reply.age_s, is_stale(reply, ttl_s),
        reply.state, quote.ts_event_ns,
    )  # fmt: skip


def old_quotes(reply: Reply, pip_size: PipSize, ttl_s: float) -> list[OldQuote]:
    """All quotes of a reply to `ticks`; what the hub refuses is left out.

    Raises:
        msgspec.DecodeError: it holds something else.
    """
    return [old_quote(part, pip_size, ttl_s) for part in _replies(reply.data) if part.ok]


def everything(quotes: Iterable[OldQuote], ts_ns: int) -> Everything:
    """All of them by symbol."""
    data = {quote.symbol: quote for quote in quotes}
    return Everything(len(data), data, iso(ts_ns))


def feed_health(quotes: list[OldQuote], ts_ns: int) -> FeedHealth:
    """How fresh they are."""
    stale = [quote.symbol for quote in quotes if quote.is_stale]
    newest = min(quotes, key=lambda quote: quote.age_seconds, default=None)
    if newest is None:
        status = "no_data"
    elif len(stale) == len(quotes):
        status = "unhealthy"
    else:
        status = "degraded" if stale else "healthy"
    return FeedHealth(
        status=status,
        symbols_active=len(quotes) - len(stale),
        symbols_stale=len(stale),
        symbols_total=len(quotes),
        last_update=None if newest is None else iso(ts_ns - round(newest.age_seconds * 1e9)),
        last_update_age_seconds=None if newest is None else newest.age_seconds,
        stale=stale,
        timestamp=iso(ts_ns),
    )


def ttl_of(actors: dict[str, dict[str, Any]]) -> float:
    """Age at which the hub refuses a quote, seconds, by its settings."""
    for name, section in actors.items():
        if name.partition(".")[0] == "hub":
            return float(section.get("quote_ttl_s", DEFAULT_TTL_S))
    return DEFAULT_TTL_S
