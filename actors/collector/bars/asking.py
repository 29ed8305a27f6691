"""One question to one provider, and what its answer is worth. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from actors.collector.bars.judging.judge import judge
from actors.collector.bars.judging.judged import Judged, Market, Opinion
from actors.collector.bars.providers.provider import Answer, Page, Provider, ProviderBar, Query, Refusal
from protocol.messages import Bar

Purpose = Literal["live", "history", "hole", "check"]


class Ask(NamedTuple):
    """What is to be asked now; it is paid for already."""

    symbol: str
    job_id: str
    """Of the stretch of the past that it is for; empty: the instrument's own minutes."""
    provider: str
    endpoint: str
    query: Query
    purpose: Purpose
    upto_ns: int
    """Bars that begin here or later only tell what became of those before."""
    before: tuple[ProviderBar, ...] = ()
    """Minutes that went out before the range."""
    others: Mapping[int, tuple[Opinion, ...]] = {}
    """What other providers said of some of the minutes."""


class Found(NamedTuple):
    """A page, looked at."""

    page: Page
    judged: list[Judged]
    recv_ns: int


Result = Found | Refusal


def look_at(ask: Ask, provider: Provider, market: Market, answer: Answer) -> Result:
    """What an answer is worth; it may take a while for a long page."""
    page = provider.read(ask.query, answer)
    if isinstance(page, Refusal):
        return page
    return Found(page, judge(page.bars, market, ask.before, ask.others), answer.at_ns)


def context(bars: Iterable[Bar], before_ns: int) -> tuple[ProviderBar, ...]:
    """Minutes with a price of their own before a moment, as the judge wants them."""
    return tuple(
        ProviderBar(bar.ts_open_ns, bar.open, bar.high, bar.low, bar.close, bar.volume or None, bar.count)
        for bar in bars
        if bar.ts_open_ns < before_ns and bar.count
    )
