"""Twelve Data: `time_series`. Pure.

We always ask for UTC and oldest first; without that, answers are newest first in the time of the exchange, as recordings
are. Currencies have no volume. Prices of shares are adjusted for splits, which is what it does unless told otherwise.
Errors come in the body, mostly with HTTP 200, with a code like HTTP's. Each symbol of a question costs a credit; we ask for one.
How far its minutes go back is not said; a year is what we ask for.
"""

from __future__ import annotations

import re
from datetime import UTC, tzinfo
from typing import ClassVar, Final

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
    Told,
)
from actors.collector.bars.providers.rows import Rows, number
from actors.collector.bars.providers.times import (
    DAY_S,
    next_minute_s,
    next_utc_day_s,
    ordered_ns,
    utc_text,
)
from actors.collector.bars.providers.words import decoded, no_json, refused, wrong

TIMEFRAMES: Final = {"1m": "1min", "5m": "5min", "15m": "15min", "1h": "1h", "4h": "4h", "1d": "1day"}
"""Ours to Twelve Data's."""
MOST_ROWS: Final = 5000
_SHARES: Final = frozenset({"common stock", "etf", "american depositary receipt", "preferred stock", "reit"})
_CREDITS: Final = re.compile(r"(\d{1,9}) API credits were used, with the current limit being (\d{1,9})")

Text = str | float | None


class Meta(msgspec.Struct):
    """What it says of the instrument."""

    symbol: str = ""
    interval: str = ""
    type: str | None = None
    currency: str | None = None
    exchange_timezone: str | None = None


class Row(msgspec.Struct):
    """One bar; numbers are text."""

    datetime: str
    open: Text = None
    high: Text = None
    low: Text = None
    close: Text = None
    volume: Text = None


class Body(msgspec.Struct):
    """Bars, or `status: error` with code and message."""

    meta: Meta | None = None
    values: list[Row] | None = None
    status: str | None = None
    code: int | str | None = None
    message: str | None = None


class TwelveData(Provider):
    """8 credits a minute and 800 a day for nothing."""

    name: ClassVar[str] = "twelvedata"
    base_url: ClassVar[str] = "https://api.twelvedata.com"
    limits: ClassVar[tuple[Limit, ...]] = (Limit(8, 60.0), Limit(800, float(DAY_S)))
    needs_key: ClassVar[bool] = True
    bars_per_call: ClassVar[int] = MOST_ROWS
    longest_ns: ClassVar[int] = (MOST_ROWS - 1) * MINUTE_NS
    """One less than it sends: whether the end of a range is in it is not said."""
    reach_ns: ClassVar[int] = 365 * 1440 * MINUTE_NS

    def endpoint(self, raw: str) -> str:  # noqa: ARG002 - one for all
        """There is one."""
        return "time_series"

    def call(self, query: Query, base_url: str, key: str, now_ns: int) -> Call:  # noqa: ARG002 - no clock
        """As the base class."""
        params = {
            "symbol": raw_of(query, "Twelve Data", "EUR/USD, QQQ"),
            "interval": interval_of(TIMEFRAMES, query, "Twelve Data"),
            "start_date": utc_text(query.from_ns),
            "end_date": utc_text(query.to_ns),
            "timezone": "UTC",
            "order": "asc",
            "outputsize": str(MOST_ROWS),
        }
        headers = {"Authorization": f"apikey {key}", "Accept": "application/json"}
        return Call(f"{(base_url or self.base_url).rstrip('/')}/time_series", headers, params)

    def read(self, query: Query, answer: Answer) -> Page | Refusal:
        """As the base class."""
        return self.read_in(query, answer, UTC)

    def read_in(self, query: Query, answer: Answer, zone: tzinfo) -> Page | Refusal:
        """As `read`, of an answer in a time zone: one that was not asked for UTC is in that of the exchange."""
        body = decoded(answer.body, Body)
        if body is None:
            return no_json(answer)
        if body.code is not None or body.status == "error":
            return _refusal(answer, body)
        if answer.status != 200:
            return no_json(answer)
        if body.meta is None or body.values is None:
            return refused(answer, "broken", "neither bars nor an error")
        return _page(query, answer, body.meta, body.values, zone)


def _told(answer: Answer) -> Told | None:
    """Credits of the current minute."""
    used = number(answer.headers.get("api-credits-used"))
    left = number(answer.headers.get("api-credits-left"))
    if used is None or left is None or not (0 <= used < 1e9 and 0 <= left < 1e9):
        return None
    return Told(int(used), int(left), int(used) + int(left), 60.0)


def _refusal(answer: Answer, body: Body) -> Refusal:
    text = body.message or ""
    lower = text.lower()
    code = number(body.code)
    if code is None or not 400 <= code < 600:
        code = float(answer.status)
    if code == 429 or "api credits" in lower:
        is_day = "for the day" in lower
        wait_s = next_utc_day_s(answer.at_ns) if is_day else next_minute_s(answer.at_ns)
        per_s = float(DAY_S) if is_day else 60.0
        credit = _CREDITS.search(text)
        over = Told(int(credit[1]), 0, int(credit[2]), per_s) if credit else Told(left=0, per_s=per_s)
        return refused(answer, "throttled", text, wait_s, over)
    told = _told(answer)
    if "no data is available" in lower:
        return refused(answer, "empty", text, told=told)
    if "with your plan" in lower or "upgrad" in lower or "available starting with" in lower or code == 403:
        return refused(answer, "plan", text, told=told)
    if code == 401:
        return refused(answer, "auth", text, told=told)
    if code == 404 or ("symbol" in lower and "not found" in lower):
        return refused(answer, "bad_symbol", text, told=told)
    return refused(answer, "unavailable" if code >= 500 else "bad_request", text, told=told)


def _page(query: Query, answer: Answer, meta: Meta, values: list[Row], zone: tzinfo) -> Page | Refusal:
    if meta.symbol and meta.symbol.upper() != query.raw.upper():
        return wrong(answer, "symbol", meta.symbol, query.raw)
    if meta.interval and meta.interval != TIMEFRAMES.get(query.timeframe):
        return wrong(answer, "interval", meta.interval, query.timeframe)
    rows = Rows(query, answer)
    for ts_ns, row in zip(ordered_ns([row.datetime for row in values], zone), values, strict=True):
        prices = number(row.open), number(row.high), number(row.low), number(row.close)
        rows.add(ts_ns, prices, number(row.volume))
    return rows.result(is_adjusted=(meta.type or "").lower() in _SHARES, told=_told(answer))
