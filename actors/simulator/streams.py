"""Stream names and paths: what a client asks for and which socket serves it. Pure.

    /spot/ws[/<stream>...]   /spot/stream?streams=<a>/<b>
    /usdm/public/...         depth, bookTicker, trade
    /usdm/market/...         aggTrade, kline, forceOrder
    /usdm/...                the old root: still acks everything, but only sends bookTicker and trade
    /coinm/...               as before the split; recordings only

Names are lower case up to the `@`. A name that does not exist, or is asked for on the wrong path, is acked
like any other and stays silent: that is what the venue does.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import parse_qs, unquote

MARKETS: Final = ("spot", "usdm", "coinm")
PUBLIC_KINDS: Final = frozenset({"trade", "bookTicker", "depth", "top"})
MARKET_KINDS: Final = frozenset({"aggTrade", "kline", "forceOrder", "other"})
ALL_KINDS: Final = PUBLIC_KINDS | MARKET_KINDS
UNROUTED_KINDS: Final = frozenset({"trade", "bookTicker"})
_DEPTH: Final = re.compile(r"depth(5|10|20)?(?:@(0|100|250|500|1000)ms)?\Z")
_DEFAULT_SPEED_MS: Final = {"spot": 1000, "usdm": 250, "coinm": 250}
_KLINE_SPEED_MS: Final = 1000
_FORCE_ORDER_SPEED_MS: Final = 1000


class Stream(NamedTuple):
    """A stream that exists, at least as a pattern."""

    raw: str
    """Instrument's name at the venue, upper case."""
    kind: str
    """trade, aggTrade, bookTicker, depth (changes), top (depth5, 10, 20), kline, forceOrder
    (liquidations, USD-M); other: only in recordings."""
    speed_ms: int = 0
    """Interval of its messages; 0: at once."""
    levels: int = 0
    """Levels per side of a `top`."""


class Route(NamedTuple):
    """What a WebSocket path means."""

    market: str
    kinds: frozenset[str]
    """Kinds that this path sends."""
    is_combined: bool
    """Messages come in the envelope `{"stream":..,"data":..}`."""
    streams: list[str]
    """Streams subscribed by the path itself."""
    path: str
    """Without the query, for people and for picking connections."""


def parse_route(target: str) -> Route | None:
    """Understand the request target of a WebSocket handshake; None if there is nothing at that path."""
    path, _, query = target.partition("?")
    path = path.rstrip("/")
    market, _, rest = path.removeprefix("/").partition("/")
    if market not in MARKETS:
        return None
    kinds = ALL_KINDS
    if market == "usdm":
        head, _, tail = rest.partition("/")
        kinds = {"public": PUBLIC_KINDS, "market": MARKET_KINDS, "private": frozenset[str]()}.get(
            head, UNROUTED_KINDS
        )
        rest = tail if head in {"public", "market", "private"} else rest
    endpoint, _, names = rest.partition("/")
    if endpoint == "ws":
        return Route(market, kinds, is_combined=False, streams=_names(names), path=path)
    if endpoint == "stream" and not names:
        asked = "/".join(parse_qs(query).get("streams", []))
        return Route(market, kinds, is_combined=True, streams=_names(asked), path=path)
    return None


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(unquote(name) for name in text.split("/") if name))


def parse_stream(market: str, name: str) -> Stream | None:
    """Understand a stream name; None for one on which nothing can ever be sent."""
    symbol, separator, what = name.partition("@")
    if not separator or not symbol or symbol != symbol.lower():
        return None
    raw = symbol.upper()
    if what in {"trade", "aggTrade", "bookTicker"}:
        return Stream(raw, what)
    if what == "kline_1m":
        return Stream(raw, "kline", _KLINE_SPEED_MS)
    if what == "forceOrder" and market == "usdm":
        return Stream(raw, "forceOrder", _FORCE_ORDER_SPEED_MS)
    match = _DEPTH.match(what)
    if match is None:
        return Stream(raw, "other")
    speed_ms = int(match[2]) if match[2] else _DEFAULT_SPEED_MS[market]
    if match[1]:
        return Stream(raw, "top", max(speed_ms, 100), int(match[1]))
    return Stream(raw, "depth", speed_ms)
