"""Which question a recorded answer answers, by what the answer says of itself. Pure.

A live answer is read against the question that we asked; a recording mostly has no question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, tzinfo
from itertools import pairwise
from typing import Any, Final, NamedTuple

import msgspec

from actors.collector.bars.providers import alphavantage, polygon, twelvedata, yahoo
from actors.collector.bars.providers.alphavantage_csv import HEADER, read_csv
from actors.collector.bars.providers.provider import Answer, Page, Provider, Query, Refusal
from actors.collector.bars.providers.times import MAX_NS, SECOND_NS, zone_named
from actors.collector.bars.providers.words import decoded, refused
from protocol.sessions import timeframe_ns
from protocol.topics import is_symbol

UNNAMED: Final = "UNNAMED"
"""Symbol of an answer that names none."""
_MINUTE: Final = "1m"
_QUOTES: Final = "USD|EUR|GBP|JPY|CHF|CAD|AUD|USDT|USDC|BTC"
_CRYPTO: Final = re.compile(rf"([A-Z0-9]{{2,10}})-?({_QUOTES})")


class Question(NamedTuple):
    """What an answer answers."""

    query: Query
    symbol: str = UNNAMED
    """Canonical name made from the provider's."""
    about: Mapping[str, Any] = {}
    """What else it says of itself, in plain words and numbers."""
    zone: tzinfo | None = UTC
    """Of its times, where the reader cannot know it; None: nobody here knows that zone."""

    def read(self, provider: Provider, answer: Answer) -> Page | Refusal:
        """What the answer means; never raises."""
        if answer.body.startswith(HEADER):
            return read_csv(self.query, answer)
        if isinstance(provider, twelvedata.TwelveData):
            if self.zone is None:
                return refused(answer, "broken", "unknown time zone")
            return provider.read_in(self.query, answer, self.zone)
        return provider.read(self.query, answer)


def question_of(name: str, answer: Answer) -> Question:
    """The question to an answer of a provider; of one that says nothing it is a question about nothing."""
    return _QUESTIONS[name](answer) or Question(_query("", _MINUTE))


def _query(raw: str, timeframe: str) -> Query:
    return Query(raw, 0, MAX_NS, timeframe)


def _timeframe(names: Mapping[str, str], interval: str) -> str:
    """Ours for a provider's; 1m for one that is unknown: then reading says so."""
    return next((ours for ours, theirs in names.items() if theirs == interval), _MINUTE)


def _timeframe_of(starts_ns: Sequence[int]) -> str:
    """The smallest step between bars, as a timeframe; 1m if it is none."""
    steps = [abs(after - before) for before, after in pairwise(starts_ns) if after != before]
    seconds = min(steps, default=0) // SECOND_NS
    for unit, length_s in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and seconds % length_s == 0:
            try:
                timeframe_ns(f"{seconds // length_s}{unit}")
            except ValueError:
                return _MINUTE
            return f"{seconds // length_s}{unit}"
    return _MINUTE


def _named(symbol: str) -> str:
    return symbol if is_symbol(symbol) and len(symbol) <= 40 else UNNAMED


def _yahoo(answer: Answer) -> Question | None:
    body = decoded(answer.body, yahoo.Body)
    result = body.chart.result[0] if body and body.chart and body.chart.result else None
    if result is None:
        return None
    meta = result.meta
    about = {
        "granularity": meta.data_granularity,
        "currency": meta.currency,
        "gmtoffset": meta.gmtoffset,
        "events": {kind: len(rows) for kind, rows in (result.events or {}).items() if isinstance(rows, dict)},
    }
    query = _query(meta.symbol, _timeframe(yahoo.TIMEFRAMES, meta.data_granularity))
    is_share = meta.instrument_type in yahoo.SHARES
    return Question(
        query, _share(meta.symbol, meta.currency) if is_share else _yahoo_symbol(meta.symbol), about
    )


def _share(raw: str, currency: str | None) -> str:
    """`AAPL_USD`; without a currency, or of another exchange's name, the name alone."""
    return _named(f"{raw}_{currency}".upper() if currency and raw.isalnum() else raw.upper())


def _yahoo_symbol(raw: str) -> str:
    raw = raw.upper()
    if raw.endswith("=X"):
        pair = raw.removesuffix("=X")
        return _named(f"{pair[:3]}_{pair[3:]}" if len(pair) == 6 else f"USD_{pair}")
    if raw.endswith("=F"):
        return _named(f"{raw.removesuffix('=F')}.FUT")
    crypto = _CRYPTO.fullmatch(raw) if "-" in raw else None
    return f"{crypto[1]}_{crypto[2]}" if crypto else _named(raw.removeprefix("^"))


def _alphavantage(answer: Answer) -> Question | None:
    if answer.body.startswith(HEADER):
        return Question(_query("", _MINUTE))
    body = decoded(answer.body, dict[str, msgspec.Raw])
    found = decoded(bytes(body["Meta Data"]), dict[str, str]) if body and "Meta Data" in body else None
    if found is None:
        return None
    meta = alphavantage.named(found)
    raw = alphavantage.raw_in(meta)
    query = _query(raw, _timeframe(alphavantage.TIMEFRAMES, meta.get("interval", "")))
    return Question(query, _named(raw.upper().replace("/", "_")), {"meta": found})


def _twelvedata(answer: Answer) -> Question | None:
    body = decoded(answer.body, twelvedata.Body)
    meta = body.meta if body else None
    if meta is None:
        return None
    about = {"interval": meta.interval, "type": meta.type, "exchange_timezone": meta.exchange_timezone}
    query = _query(meta.symbol, _timeframe(twelvedata.TIMEFRAMES, meta.interval))
    zone = zone_named(meta.exchange_timezone) if meta.exchange_timezone else UTC
    symbol = (
        meta.symbol.replace("/", "_").upper() if "/" in meta.symbol else _share(meta.symbol, meta.currency)
    )
    return Question(query, _named(symbol), about, zone)


def _polygon(answer: Answer) -> Question | None:
    body = decoded(answer.body, polygon.Body)
    if body is None:
        return None
    starts_ns = [row.t * polygon.MS_NS for row in body.results or () if row.t is not None]
    raw = body.ticker or ""
    kind, _, name = raw.rpartition(":")
    pair = _CRYPTO.fullmatch(name) if kind == "X" else None
    if kind == "C" and len(name) == 6:
        name = f"{name[:3]}_{name[3:]}"
    elif pair:
        name = f"{pair[1]}_{pair[2]}"
    return Question(_query(raw, _timeframe_of(starts_ns)), _named(name), {"status": body.status})


_QUESTIONS: Final[Mapping[str, Callable[[Answer], Question | None]]] = {
    "yahoo": _yahoo,
    "alphavantage": _alphavantage,
    "twelvedata": _twelvedata,
    "polygon": _polygon,
}
