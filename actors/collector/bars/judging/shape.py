"""What can be said of a bar by itself, and by its place in the page. Pure."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from actors.collector.bars.judging.agreement import apart
from actors.collector.bars.judging.judged import LAST_NS, Findings, Market, moment, shown
from actors.collector.bars.providers.provider import MINUTE_NS, ProviderBar

FEW_TICKS: Final = 3.0
"""A high or low that misses open or close by so many ticks is a rounding, and mended."""


def check_shapes(findings: Findings, market: Market) -> dict[int, str]:
    """Judge each bar by itself, and its place.

    Args:
        findings: Takes the verdicts.
        market: Calendar, tick and tolerance.

    Returns:
        Index to reason of those that only another provider can confirm.
    """
    span = market.session.span(0)
    is_share = market.asset_class == "equity"
    infinity = math.inf
    for at, bar in enumerate(findings.sent):
        start_ns = bar.ts_open_ns
        if not 0 < start_ns < LAST_NS:
            findings.find(at, "quarantine", f"no time: {start_ns} ns")
            continue
        if start_ns % MINUTE_NS:
            findings.find(at, "quarantine", f"off grid: starts at {moment(start_ns)}, not on the minute")
            continue
        if not span.start_ns <= start_ns < span.end_ns:
            span = market.session.span(start_ns)
        if not span.is_open:
            name = market.session.name
            findings.find(at, "quarantine", f"outside session: {name} is closed on {moment(start_ns)}")
            continue
        volume = bar.volume
        if not (0.0 < bar.low <= bar.open <= bar.high < infinity and bar.low <= bar.close <= bar.high):
            _check_prices(findings, at, market)
        if volume is not None and not 0.0 <= volume < infinity:
            _drop_volume(findings, at, volume)
        elif is_share and volume == 0.0 and bar.high > bar.low:
            findings.find(at, "accept", f"unmoved volume: 0 from {shown(bar.low)} to {shown(bar.high)}")
    return _check_order(findings, market)


def _check_prices(findings: Findings, at: int, market: Market) -> None:
    bar = findings.sent[at]
    for name in ("open", "high", "low", "close"):
        price: float = getattr(bar, name)
        if not 0.0 < price < math.inf:
            findings.find(at, "quarantine", f"no price: {name} {shown(price)}")
            return
    top, bottom = max(bar.open, bar.close), min(bar.open, bar.close)
    allowed = max(market.tolerance * bar.close, FEW_TICKS * market.tick_size)
    is_gross = top - bar.high > allowed or bar.low - bottom > allowed
    faults = []
    if bar.high < top:
        faults.append(f"high {shown(bar.high)} below {_name(bar, top)} {shown(top)}")
    if bar.low > bottom:
        faults.append(f"low {shown(bar.low)} above {_name(bar, bottom)} {shown(bottom)}")
    reason = f"ohlc: {', '.join(faults)}"
    if is_gross:
        findings.find(at, "quarantine", reason)
    else:
        mended = replace(bar, high=max(bar.high, top), low=min(bar.low, bottom))
        findings.find(at, "repair", f"{reason}: widened", mended)


def _name(bar: ProviderBar, price: float) -> str:
    return "close" if bar.close == price else "open"


def _drop_volume(findings: Findings, at: int, volume: float) -> None:
    """A number that is no volume says nothing about the prices."""
    bar = findings.bars[at]
    if bar is not None:
        findings.find(at, "repair", f"no volume: {shown(volume)}", replace(bar, volume=None))


def _check_order(findings: Findings, market: Market) -> dict[int, str]:
    standing = [at for at, bar in enumerate(findings.bars) if bar is not None]
    starts = [findings.sent[at].ts_open_ns for at in standing]
    if all(map(int.__lt__, starts, starts[1:])):
        return {}
    first: dict[int, int] = {}
    doubts: dict[int, str] = {}
    for at, start_ns in zip(standing, starts, strict=True):
        earlier = first.setdefault(start_ns, at)
        if earlier == at:
            continue
        one, other = findings.bars[earlier], findings.bars[at]
        assert one is not None
        assert other is not None
        findings.find(at, "quarantine", f"repeated: {moment(start_ns)} is there already{_other(one, other)}")
        if apart(one.close, other.close) > market.tolerance:
            doubts[earlier] = f"two bars: close {shown(one.close)} and {shown(other.close)} in one minute"
    singles = sorted(first.values())
    fitting = set(longest_increasing([findings.sent[at].ts_open_ns for at in singles]))
    for place, at in enumerate(singles):
        if place not in fitting:
            follower = findings.sent[singles[min(place + 1, len(singles) - 1)]]
            placed = f"{moment(findings.sent[at].ts_open_ns)} among bars of {moment(follower.ts_open_ns)}"
            findings.find(at, "quarantine", f"out of order: {placed}")
    return doubts


def _other(one: ProviderBar, other: ProviderBar) -> str:
    return "" if one == other else f", with close {shown(one.close)} and not {shown(other.close)}"


def longest_increasing(numbers: Sequence[int]) -> list[int]:
    """Indexes of a longest strictly increasing part of a sequence: what stays if as few as possible go."""
    ends: list[int] = []
    """Smallest number that an increasing part of each length ends with, and where it is."""
    places: list[int] = []
    previous: list[int] = []
    for at, number in enumerate(numbers):
        length = bisect.bisect_left(ends, number)
        if length == len(ends):
            ends.append(number)
            places.append(at)
        else:
            ends[length] = number
            places[length] = at
        previous.append(places[length - 1] if length else -1)
    found = []
    at = places[-1] if places else -1
    while at >= 0:
        found.append(at)
        at = previous[at]
    return found[::-1]
