"""Massive, Polygon.io until October 2025: `v2/aggs`. Pure.

Either host answers. Times are starts of bars in UTC. `v` of currencies is the number of updates of the quote, so it is the
count and no volume. A free plan is behind and says `DELAYED`. A ticker that it does not know has no bars: nothing tells it
from one that nobody trades.

An answer that is cut names the next page. Of that address only path and query are used, and asked of the configured base address:
the key goes to no other host, whatever the answer says.
"""

from __future__ import annotations

from typing import ClassVar, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec

from actors.collector.bars.providers.names import interval_of, raw_of
from actors.collector.bars.providers.provider import (
    MINUTE_NS,
    Answer,
    Call,
    Limit,
    Page,
    Provider,
    Query,
    Refusal,
)
from actors.collector.bars.providers.rows import Rows
from actors.collector.bars.providers.words import decoded, no_json, refused, wrong

TIMEFRAMES: Final = {
    "1m": "1/minute",
    "5m": "5/minute",
    "15m": "15/minute",
    "1h": "1/hour",
    "4h": "4/hour",
    "1d": "1/day",
}
"""Ours to the part of the path."""
HOSTS: Final = ("api.massive.com", "api.polygon.io")
MOST_ROWS: Final = 50_000
MS_NS: Final = 1_000_000
_PATH: Final = "/v2/aggs/ticker/"
_KEYS: Final = frozenset({"apikey"})
_MAX_CURSOR_CHARS: Final = 2_000


class Row(msgspec.Struct, gc=False):
    """One bar."""

    t: int | None = None
    """Start, ms since 1970 UTC."""
    o: float | None = None
    h: float | None = None
    l: float | None = None  # noqa: E741 - its name
    c: float | None = None
    v: float | None = None
    vw: float | None = None
    n: int | None = None


class Body(msgspec.Struct):
    """`results` is missing where there are none; an error is told in `error` or in `message`."""

    ticker: str | None = None
    status: str | None = None
    results: list[Row] | None = None
    adjusted: bool | None = None
    next_url: str | None = None
    error: str | None = None
    message: str | None = None


class Polygon(Provider):
    """5 questions a minute for nothing, each about a month."""

    name: ClassVar[str] = "polygon"
    base_url: ClassVar[str] = "https://api.massive.com"
    limits: ClassVar[tuple[Limit, ...]] = (Limit(5, 60.0),)
    needs_key: ClassVar[bool] = True
    bars_per_call: ClassVar[int] = MOST_ROWS
    longest_ns: ClassVar[int] = MOST_ROWS * MINUTE_NS
    """So that one answer is mostly enough."""
    reach_ns: ClassVar[int] = 730 * 1440 * MINUTE_NS
    """About two years for nothing."""

    def endpoint(self, raw: str) -> str:
        """Plans are sold by asset class, so each is an endpoint of its own."""
        return {"C": "aggs_fx", "X": "aggs_crypto", "I": "aggs_indices", "O": "aggs_options"}.get(
            raw.partition(":")[0] if ":" in raw else "", "aggs_stocks"
        )

    def call(self, query: Query, base_url: str, key: str, now_ns: int) -> Call:  # noqa: ARG002 - no clock
        """As the base class."""
        base = (base_url or self.base_url).rstrip("/")
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        if query.cursor:
            path, params = _next(query.cursor)
            return Call(base + path, headers, params)
        ticker = quote(raw_of(query, "Massive", "C:EURUSD, QQQ"), safe=":")
        interval = interval_of(TIMEFRAMES, query, "Massive")
        from_ms, to_ms = query.from_ns // MS_NS, (query.to_ns - 1) // MS_NS  # both are in the range
        url = f"{base}{_PATH}{ticker}/range/{interval}/{from_ms}/{to_ms}"
        return Call(url, headers, {"adjusted": "true", "sort": "asc", "limit": str(MOST_ROWS)})

    def read(self, query: Query, answer: Answer) -> Page | Refusal:
        """As the base class."""
        body = decoded(answer.body, Body)
        if body is None or (answer.status != 200 and not body.status):
            return no_json(answer)
        if answer.status != 200 or body.status not in ("OK", "DELAYED"):
            return _refusal(answer, body)
        if body.ticker and body.ticker != query.raw:
            return wrong(answer, "ticker", body.ticker, query.raw)
        cursor = _cursor(body.next_url or "")
        if body.next_url and cursor in ("", query.cursor):  # the bars of that page would be missed
            return refused(answer, "broken", "the next page leads nowhere")
        rows = Rows(query, answer)
        is_fx, is_share = query.raw.startswith("C:"), ":" not in query.raw
        for row in body.results or ():
            ts_ns = None if row.t is None else row.t * MS_NS
            volume, vwap = (None, None) if is_fx else (row.v, row.vw)
            rows.add(ts_ns, (row.o, row.h, row.l, row.c), volume, row.n or 0, vwap)
        return rows.result(
            is_adjusted=bool(body.adjusted) and is_share,
            is_delayed=body.status == "DELAYED",
            cursor=cursor,
        )


def _refusal(answer: Answer, body: Body) -> Refusal:
    text = body.error or body.message or body.status or ""
    if answer.status == 429 or "maximum requests per minute" in text.lower():
        found = refused(answer, "throttled", text)
        return found if found.retry_after_s is not None else refused(answer, "throttled", text, 60.0)
    if answer.status == 401:
        return refused(answer, "auth", text)
    if answer.status == 403 or body.status == "NOT_AUTHORIZED":
        return refused(answer, "plan", text)
    if answer.status == 404 or body.status == "NOT_FOUND":
        return refused(answer, "bad_symbol", text)
    if answer.status >= 500:
        return refused(answer, "unavailable", text)
    if "api key" in text.lower():
        return refused(answer, "auth", text)
    if answer.status >= 400 or body.status == "ERROR":
        return refused(answer, "bad_request", text)
    return refused(answer, "broken", f"status {text!r}")


def _cursor(next_url: str) -> str:
    """Path and query of the next page, without a key; empty: there is none, or it is no page of bars."""
    if (
        not next_url
        or len(next_url) > _MAX_CURSOR_CHARS
        or not next_url.isascii()
        or not next_url.isprintable()
    ):
        return ""
    try:
        parts = urlsplit(next_url)
    except ValueError:
        return ""
    _, found, rest = parts.path.partition(_PATH)  # a server in between may have a path in front
    if not found or ".." in rest:
        return ""
    pairs = [(name, value) for name, value in parse_qsl(parts.query) if name.lower() not in _KEYS]
    return f"{_PATH}{rest}?{urlencode(pairs)}"


def _next(cursor: str) -> tuple[str, dict[str, str]]:
    """Path and parameters of a next page.

    Raises:
        ValueError: no answer of this provider said so.
    """
    checked = _cursor(cursor)
    if not checked:
        raise ValueError(f"{cursor[:80]!r} is no cursor of Massive's")
    path, _, text = checked.partition("?")
    return path, dict(parse_qsl(text))
