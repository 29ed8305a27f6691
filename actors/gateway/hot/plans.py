"""Which requests are plain enough for the fast way: their words are understood without a framework. Pure.

Whatever is not understood here is no mistake: it goes the way of all others, which answers or refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

Kind = Literal["all", "feed", "quote", "bars"]
ROUTES: Final = {
    "/market-data/all": "all",
    "/market-data/feed": "feed",
    "/market-data/venom-feed": "feed",
    "/venom-feed": "feed",
}
QUOTE: Final = "/api/v1/quotes/"
BARS: Final = "/api/v1/bars/"
DEFAULT_LIMIT: Final = 500
MOST_ROWS: Final = 1000
"""More are streamed, so that others are answered in between: not here."""
_SYMBOL: Final = re.compile(r"[A-Za-z0-9_.]{1,64}")
_VENUE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,39}")
_TIMEFRAME: Final = re.compile(r"[1-9][0-9]{0,4}[smhd]")
_LIMIT: Final = re.compile(r"[1-9][0-9]{0,3}")
_PLAIN_ACCEPTS: Final = frozenset((b"", b"*/*", b"application/json"))
_BOOLS: Final = {"true": True, "false": False}
_ALLOWED: Final[dict[str, frozenset[str]]] = {
    "all": frozenset(),
    "feed": frozenset(("symbol", "venue", "allow_stale")),
    "quote": frozenset(("venue", "allow_stale")),
    "bars": frozenset(("tf", "limit", "venue", "allow_stale")),
}


class Plan(NamedTuple):
    """A plain request."""

    kind: str
    route: str
    """Its template, for the metrics."""
    symbol: str = ""
    venue: str = ""
    allow_stale: bool = False
    timeframe: str = "1m"
    limit: int = DEFAULT_LIMIT


def accepts_json(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a client says nothing of the form of the answer, or JSON."""
    for name, value in headers:
        if name == b"accept":
            return value in _PLAIN_ACCEPTS
    return True


def plan_of(path: str, query: bytes) -> Plan | None:
    """What a path and its query ask for; None: not plain.

    Args:
        path: Decoded.
        query: As it came.
    """
    kind, symbol, route = ROUTES.get(path, ""), "", path
    for prefix, name in ((QUOTE, "quote"), (BARS, "bars")):
        if path.startswith(prefix):
            kind, symbol, route = name, path[len(prefix) :], prefix + "{symbol}"
    if not kind:
        return None
    words = _words(query, _ALLOWED[kind])
    if words is None:
        return None
    symbol = symbol or words.get("symbol", "")
    if kind != "all" and not _SYMBOL.fullmatch(symbol):
        return None
    allow_stale = _BOOLS.get(words.get("allow_stale", "false"))
    venue, timeframe, limit = (
        words.get("venue"),
        words.get("tf", "1m"),
        words.get("limit", str(DEFAULT_LIMIT)),
    )
    if (
        allow_stale is None
        or (venue is not None and not _VENUE.fullmatch(venue))
        or not _TIMEFRAME.fullmatch(timeframe)
        or not _LIMIT.fullmatch(limit)
        or int(limit) > MOST_ROWS
    ):
        return None
    return Plan(kind, route, symbol, venue or "", allow_stale, timeframe, int(limit))


def _words(query: bytes, allowed: frozenset[str]) -> dict[str, str] | None:
    """Names and values of a query without anything that would have to be decoded; None: it has such, or other names."""
    found: dict[str, str] = {}
    if not query:
        return found
    if not query.isascii():
        return None
    for piece in query.decode("ascii").split("&"):
        name, separator, value = piece.partition("=")
        if not separator or name not in allowed or name in found or not value:
            return None
        found[name] = value
    return found
