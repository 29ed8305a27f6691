"""Alpha Vantage: `FX_INTRADAY` and `TIME_SERIES_INTRADAY`. Pure.

A raw name with a slash is a pair of currencies (`EUR/USD`), any other one a share (`QQQ`). Every failure is HTTP 200 with a
sentence, so the sentence decides; the one about the pace (1 request a second) also names the daily limit.
Free keys may be told that currencies by the minute are premium: then that is a refusal of kind `plan`.

A question about the last 99 minutes is answered by the compact answer, the newest 100 rows. Any other takes the full
one: the last 30 days of shares; how far it goes back for currencies nobody says, so a question that ends before its oldest
row is refused as `bad_request` and not taken for a time in which nobody traded. The parameter `month` would reach further back
for shares alone, and is not used: 25 questions a day are for the minutes that nobody else has.

Times are starts of bars, in the zone of `Meta Data`. The rows are an object keyed by time: an hour that a clock shows twice
is in it once, so its rows are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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
from actors.collector.bars.providers.times import DAY_S, local_ns, next_utc_day_s, zone_named
from actors.collector.bars.providers.words import decoded, no_json, refused, wrong

TIMEFRAMES: Final = {"1m": "1min", "5m": "5min", "15m": "15min", "1h": "60min"}
"""Ours to Alpha Vantage's."""
COMPACT_ROWS: Final = 100
_LIVE_NS: Final = (COMPACT_ROWS - 1) * MINUTE_NS
_PAIR: Final = re.compile(r"([A-Z]{3,5})/([A-Z]{3,5})")
_PER_DAY: Final = re.compile(r"(\d{1,6}) requests per day")
_META: Final = "Meta Data"
_SERIES: Final = "Time Series"
_SENTENCES: Final = ("Information", "Note", "Error Message")


class Row(
    msgspec.Struct,
    rename={
        "open": "1. open",
        "high": "2. high",
        "low": "3. low",
        "close": "4. close",
        "volume": "5. volume",
    },
):
    """One bar; prices are text."""

    open: str | None = None
    high: str | None = None
    low: str | None = None
    close: str | None = None
    volume: str | None = None


class AlphaVantage(Provider):
    """25 questions a day for nothing."""

    name: ClassVar[str] = "alphavantage"
    base_url: ClassVar[str] = "https://www.alphavantage.co"
    limits: ClassVar[tuple[Limit, ...]] = (Limit(25, float(DAY_S)), Limit(1, 1.0))
    needs_key: ClassVar[bool] = True
    bars_per_call: ClassVar[int] = 30 * 1440
    longest_ns: ClassVar[int] = 30 * 1440 * MINUTE_NS
    reach_ns: ClassVar[int] = 30 * 1440 * MINUTE_NS

    def endpoint(self, raw: str) -> str:
        """Currencies and shares are sold apart."""
        return "fx_intraday" if "/" in raw else "time_series_intraday"

    def call(self, query: Query, base_url: str, key: str, now_ns: int) -> Call:
        """As the base class."""
        raw = raw_of(query, "Alpha Vantage", "EUR/USD, QQQ")
        is_live = now_ns - query.from_ns <= _LIVE_NS and query.timeframe == "1m"
        params = {"function": self.endpoint(raw).upper()}
        if "/" in raw:
            pair = _PAIR.fullmatch(raw)
            if pair is None:
                raise ValueError(f"{raw!r} is no pair of currencies like EUR/USD")
            params |= {"from_symbol": pair[1], "to_symbol": pair[2]}
        else:
            params |= {"symbol": raw, "extended_hours": "false", "adjusted": "true"}
        params |= {
            "interval": interval_of(TIMEFRAMES, query, "Alpha Vantage"),
            "outputsize": "compact" if is_live else "full",
            "datatype": "json",
            "apikey": key,
        }
        return Call(
            f"{(base_url or self.base_url).rstrip('/')}/query", {"Accept": "application/json"}, params
        )

    def read(self, query: Query, answer: Answer) -> Page | Refusal:
        """As the base class."""
        body = decoded(answer.body, dict[str, msgspec.Raw])
        if body is None:
            return no_json(answer)
        for name in _SENTENCES:
            if name in body:
                return _refusal(answer, decoded(bytes(body[name]), str) or name)
        meta = decoded(bytes(body[_META]), dict[str, str]) if _META in body else None
        if meta is None:
            if answer.status != 200:
                return no_json(answer)
            return refused(answer, "broken" if body else "empty", "neither bars nor a reason")
        return _page(query, answer, named(meta), body)


def named(meta: Mapping[str, str]) -> dict[str, str]:
    """Meta data by their names in small letters, without the numbers in front: `7. Time Zone` -> `time zone`."""
    return {key.partition(". ")[2].lower(): value for key, value in meta.items()}


def raw_in(meta: Mapping[str, str]) -> str:
    """The raw name that an answer is about; empty: it does not say."""
    if "from symbol" in meta:
        return f"{meta['from symbol']}/{meta.get('to symbol', '')}"
    return meta.get("symbol", "")


def _refusal(answer: Answer, text: str) -> Refusal:
    lower = text.lower()
    if (
        "spreading out" in lower or "burst pattern" in lower
    ):  # names the daily limit and the premium plans too
        return refused(answer, "throttled", text, 1.0)
    if "premium" in lower and "rate limit" not in lower and "call frequency" not in lower:
        return refused(answer, "plan", text)
    per_day = _PER_DAY.search(lower)
    if per_day is not None or "daily" in lower:
        told = Told(left=0, limit=int(per_day[1]), per_s=float(DAY_S)) if per_day else None
        return refused(answer, "throttled", text, next_utc_day_s(answer.at_ns), told)
    if "apikey" in lower or "api key" in lower:
        return refused(answer, "auth", text)
    if "rate limit" in lower or "call frequency" in lower or "per minute" in lower:
        return refused(answer, "throttled", text, 60.0)
    # a symbol that it does not know is an invalid call too, and ours are valid
    return refused(answer, "bad_symbol" if "invalid api call" in lower else "bad_request", text)


def _page(
    query: Query, answer: Answer, meta: Mapping[str, str], body: Mapping[str, msgspec.Raw]
) -> Page | Refusal:
    raw, interval = raw_in(meta), meta.get("interval", "")
    if raw and raw.upper() != query.raw.upper():
        return wrong(answer, "symbol", raw, query.raw)
    if interval and interval != TIMEFRAMES.get(query.timeframe):
        return wrong(answer, "interval", interval, query.timeframe)
    zone = zone_named(meta.get("time zone", ""))
    if zone is None:
        return refused(answer, "broken", f"unknown time zone {meta.get('time zone', '')!r}")
    series = next((key for key in body if key.startswith(_SERIES)), "")
    if not series:
        return refused(answer, "empty", "no time series")
    found = decoded(bytes(body[series]), dict[str, Row])
    if found is None:
        return refused(answer, "broken", "the time series is none")
    rows, oldest_ns = Rows(query, answer), None
    for text, row in found.items():
        ts_ns = local_ns(text, zone)
        if ts_ns is not None and (oldest_ns is None or ts_ns < oldest_ns):
            oldest_ns = ts_ns
        prices = number(row.open), number(row.high), number(row.low), number(row.close)
        rows.add(ts_ns, prices, number(row.volume))
    if oldest_ns is not None and query.to_ns <= oldest_ns:
        return refused(answer, "bad_request", "the answer begins later: older bars are not there")
    return rows.result(is_adjusted="/" not in query.raw)
