"""Topic names: the only place that joins or splits them. Pure.

    trade.binance.BTC_USDT          kind.venue.SYMBOL
    bar.binance.BTC_USDT.PERP.1m    kind.venue.SYMBOL.timeframe
    beat.collector.binance.1        beat and mark name a publisher instead

Kind and venue are lower case, symbols upper case, a timeframe is a number and a lower-case unit or
`session`, so a name splits without a table even where venue or symbol hold dots (`push.mt5`, `BTC_USDT.PERP`).
On the wire a topic ends with a zero byte: subscribing with it is exact, without it is a prefix.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MAX_TOPIC_BYTES: Final = 128
END: Final = b"\x00"

_VENUE: Final = r"[a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)*"
_SYMBOL: Final = r"[A-Z0-9][A-Z0-9_&-]*(?:\.[A-Z0-9][A-Z0-9_&-]*)*"
_MARKET: Final = re.compile(rf"([a-z]+)\.({_VENUE})\.({_SYMBOL})(?:\.([0-9]+[smhdw]|session))?\Z")
_PUBLISHER: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}\Z")
_SYMBOL_ONLY: Final = re.compile(_SYMBOL + r"\Z")
_VENUE_ONLY: Final = re.compile(_VENUE + r"\Z")


class Topic(NamedTuple):
    """The parts of a topic; `venue` holds the publisher for `beat` and `mark`."""

    kind: str
    venue: str
    symbol: str = ""
    timeframe: str = ""

    def __str__(self) -> str:
        return ".".join(part for part in self if part)


def market_topic(kind: str, venue: str, symbol: str, timeframe: str = "") -> str:
    """Join a topic without checking it (hot path): the parts come from a checked configuration."""
    return f"{kind}.{venue}.{symbol}.{timeframe}" if timeframe else f"{kind}.{venue}.{symbol}"


def beat_topic(publisher: str) -> str:
    """Topic of a publisher's heartbeats."""
    return f"beat.{publisher}"


def mark_topic(publisher: str) -> str:
    """Topic of a publisher's EPOCH, TIME and CLEAN_STOP records."""
    return f"mark.{publisher}"


def parse_topic(text: str) -> Topic:
    """Split a topic into its parts.

    Raises:
        ValueError: the text is not a topic; says why.
    """
    if len(text) > MAX_TOPIC_BYTES:
        raise ValueError(f"topic of {len(text)} bytes is longer than {MAX_TOPIC_BYTES}")
    kind, _, rest = text.partition(".")
    if kind in ("beat", "mark"):
        if not _PUBLISHER.match(rest):
            raise ValueError(f"topic {text!r}: {rest!r} is not a publisher name")
        return Topic(kind, rest)
    if kind == "news" and _VENUE_ONLY.match(rest):
        return Topic(kind, rest)
    match = _MARKET.match(text)
    if match is None:
        raise ValueError(f"topic {text!r} is not kind.venue.SYMBOL[.timeframe]")
    return Topic(match[1], match[2], match[3], match[4] or "")


def is_publisher(text: str) -> bool:
    """Whether the text may name a publisher: 1 to 32 of a-z 0-9 . _ - and no separator first."""
    return bool(_PUBLISHER.match(text))


def is_symbol(text: str) -> bool:
    """Whether the text may be a canonical symbol, for example `BTC_USDT.PERP`."""
    return len(text) <= 64 and bool(_SYMBOL_ONLY.match(text))


def is_venue(text: str) -> bool:
    """Whether the text may be a venue, for example `binance` or `push.mt5`."""
    return len(text) <= 32 and bool(_VENUE_ONLY.match(text))


def subscription(topic: str) -> bytes:
    """Bytes to subscribe with: `trade.` and `trade.binance` are prefixes, a trailing `$` makes it exact.

    `*` at the end of a prefix is tolerated, since people type it.
    """
    text = topic.strip()
    if text.endswith("$"):
        return text[:-1].encode() + END
    return text.rstrip("*>").encode()
