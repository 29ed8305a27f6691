"""Yahoo: `v8/finance/chart`, which nobody documents and nobody promises. Pure.

What it sends that is no bar: rows of nulls where nobody traded, and in the last row the quote of this moment, at its own
second or (after the close of shares) at the time of the last print with volume 0. Volume of currencies is always 0
and of crypto currencies in dollars: neither is a volume in base units, so there is none.

Prices of shares and funds are adjusted for the splits of all time up to now, not for dividends: NVDA closes of January
2022, recorded in February 2025, are a tenth of what was paid, as a split of 2024 asks. Seen of daily bars only.
Prices of London are in pence, as everybody quotes them there.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final
from urllib.parse import quote

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
from actors.collector.bars.providers.times import SECOND_NS
from actors.collector.bars.providers.words import decoded, no_json, refused, wrong

TIMEFRAMES: Final = {"1m": "1m", "5m": "5m", "15m": "15m", "1h": "1h", "1d": "1d"}
"""Ours to Yahoo's."""
THROTTLED_S: Final = 600.0
"""Rest after a refusal for too many requests: nobody tells the limit, and those who hurry are shut out for longer."""
USER_AGENT: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)
"""Programs that say what they are get 429 at once."""
SHARES: Final = frozenset({"EQUITY", "ETF", "MUTUALFUND"})
"""Sorts of instruments that can be split."""
_WITHOUT_VOLUME: Final = frozenset({"CURRENCY", "CRYPTOCURRENCY"})

Column = list[float | None]


class Meta(msgspec.Struct, rename="camel"):
    """What Yahoo says of the instrument."""

    symbol: str = ""
    data_granularity: str = ""
    instrument_type: str | None = None
    currency: str | None = None
    gmtoffset: float | None = None
    regular_market_time: float | None = None


class _Quote(msgspec.Struct):
    open: Column = []
    high: Column = []
    low: Column = []
    close: Column = []
    volume: Column = []


class _Indicators(msgspec.Struct):
    quote: list[_Quote | None] = []
    adjclose: list[Any] | None = None


class Result(msgspec.Struct):
    """One instrument."""

    meta: Meta
    timestamp: Column | None = None
    indicators: _Indicators = msgspec.field(default_factory=_Indicators)
    events: dict[str, Any] | None = None


class _Fault(msgspec.Struct):
    code: str | None = None
    description: str | None = None


class Chart(msgspec.Struct):
    """Either a result or an error."""

    result: list[Result] | None = None
    error: _Fault | None = None


class Body(msgspec.Struct):
    """`finance` instead of `chart` where the request did not get as far."""

    chart: Chart | None = None
    finance: Chart | None = None


class Yahoo(Provider):
    """Quotes of nearly everything, for nothing, without a promise."""

    name: ClassVar[str] = "yahoo"
    base_url: ClassVar[str] = "https://query1.finance.yahoo.com"
    limits: ClassVar[tuple[Limit, ...]] = (Limit(30, 60.0),)
    """It publishes none: one in two seconds, which is how often people ask who are not shut out."""
    needs_key: ClassVar[bool] = False
    bars_per_call: ClassVar[int] = 7 * 1440
    longest_ns: ClassVar[int] = 7 * 1440 * MINUTE_NS
    reach_ns: ClassVar[int] = 29 * 1440 * MINUTE_NS
    """It says 30 days and means the moment of the question, so one day is left for the clock."""

    def endpoint(self, raw: str) -> str:  # noqa: ARG002 - one for all
        """There is one."""
        return "chart"

    def call(self, query: Query, base_url: str, key: str, now_ns: int) -> Call:  # noqa: ARG002 - no key
        """As the base class."""
        raw = raw_of(query, "Yahoo", "EURUSD=X, ^NDX, AAPL")
        params = {
            "interval": interval_of(TIMEFRAMES, query, "Yahoo"),
            "period1": str(query.from_ns // SECOND_NS),
            "period2": str(-(-query.to_ns // SECOND_NS)),
            "includePrePost": "false",
            "events": "split",
        }
        url = f"{(base_url or self.base_url).rstrip('/')}/v8/finance/chart/{quote(raw, safe='')}"
        return Call(url, {"User-Agent": USER_AGENT, "Accept": "application/json"}, params)

    def read(self, query: Query, answer: Answer) -> Page | Refusal:
        """As the base class."""
        body = decoded(answer.body, Body)
        chart = None if body is None else body.chart or body.finance
        if chart is None:
            refusal = no_json(answer)
            if refusal.kind == "throttled":
                return refused(answer, "throttled", refusal.text, THROTTLED_S)
            return refusal
        if chart.error is not None:
            return _refusal(answer, chart.error)
        if not chart.result:
            return refused(answer, "empty", "no result")
        return _page(query, answer, chart.result[0])


def _refusal(answer: Answer, fault: _Fault) -> Refusal:
    code, text = fault.code or "", fault.description or ""
    words = f"{code}: {text}" if code and text else code or text
    lower = words.lower()
    if answer.status == 429 or "too many requests" in lower:
        return refused(answer, "throttled", words, THROTTLED_S)
    if "data doesn't exist for startdate" in lower:  # it knows the instrument, and nobody traded
        return refused(answer, "empty", words)
    if answer.status == 404 or code == "Not Found":
        return refused(answer, "bad_symbol", words)
    if answer.status in (401, 403) or code in ("Unauthorized", "Forbidden"):
        return refused(answer, "auth", words)
    if answer.status >= 500 or code in ("Internal Server Error", "internal-error"):
        return refused(answer, "unavailable", words)
    return refused(answer, "bad_request", words)


def _page(query: Query, answer: Answer, result: Result) -> Page | Refusal:
    meta = result.meta
    if meta.symbol and _pair(meta.symbol) != _pair(query.raw):
        return wrong(answer, "symbol", meta.symbol, query.raw)
    if meta.data_granularity and meta.data_granularity != TIMEFRAMES.get(query.timeframe):
        return wrong(answer, "interval", meta.data_granularity, query.timeframe)
    columns = result.indicators.quote[0] if result.indicators.quote else None
    if not result.timestamp or columns is None:
        return refused(answer, "empty", "no bars in the range")
    opens, highs, lows, closes = columns.open, columns.high, columns.low, columns.close
    if {len(opens), len(highs), len(lows), len(closes)} != {len(result.timestamp)}:
        return refused(answer, "broken", "columns of different lengths")
    has_volume = meta.instrument_type not in _WITHOUT_VOLUME
    volumes = columns.volume if len(columns.volume) == len(opens) else [None] * len(opens)
    rows = Rows(query, answer)
    last = len(opens) - 1
    for index, seconds in enumerate(result.timestamp):
        prices = opens[index], highs[index], lows[index], closes[index]
        volume = volumes[index]
        if index == last and volume == 0 and seconds == meta.regular_market_time and _is_print(meta, prices):
            rows.drop("off_grid")
        else:
            ts_ns = None if seconds is None else int(seconds) * SECOND_NS
            rows.add(ts_ns, prices, volume if has_volume else None)
    is_split = bool(result.events and result.events.get("splits"))
    return rows.result(is_adjusted=is_split or meta.instrument_type in SHARES)


def _is_print(meta: Meta, prices: tuple[float | None, ...]) -> bool:
    """Whether a last row of volume 0 at the time of the last trade is that trade, and no bar."""
    return meta.instrument_type in SHARES and len(set(prices)) == 1


def _pair(symbol: str) -> str:
    """`JPY=X` and `USDJPY=X` are the same."""
    symbol = symbol.upper()
    return symbol[3:] if len(symbol) == 8 and symbol.startswith("USD") and symbol.endswith("=X") else symbol
