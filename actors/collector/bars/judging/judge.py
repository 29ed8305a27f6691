"""The verdicts on a page of one provider: accept, repair, quarantine, suspect. Pure.

    shape       each bar by itself, and its place in the page
    agreement   its close among those of other providers
    course      with what is left: between the bars that stand before and behind it
    disputes    as many against a bar as for it: the neighbours are one more witness

Same input, same verdicts. A page that is judged in parts gets the verdicts of the whole, but for the bars at the cut,
if each part is given the 60 bars accepted before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actors.collector.bars.judging.agreement import Weighing, weigh
from actors.collector.bars.judging.course import SETTLED, Course
from actors.collector.bars.judging.judged import NOBODY, Findings, Judged, Market, Opinion, is_sound
from actors.collector.bars.judging.shape import check_shapes
from actors.collector.bars.providers.provider import MINUTE_NS, ProviderBar


def judge(
    bars: Sequence[ProviderBar],
    market: Market,
    before: Sequence[ProviderBar] = (),
    others: Mapping[int, Sequence[Opinion]] = NOBODY,
) -> list[Judged]:
    """What each bar of a page is worth; see `judged` for the rules. Never raises, whatever the bars are.

    Args:
        bars: One provider's page, oldest first.
        market: Of the instrument.
        before: Up to 60 bars that were accepted before, newest last; minutes that are in the page too are revised.
        others: Start of a minute to what other providers have for it.

    Returns:
        One for each bar, in the same order.
    """
    findings = Findings(bars)
    doubts = check_shapes(findings, market)
    confirmed: dict[int, tuple[ProviderBar, ...]] = {}
    disputed: list[tuple[int, Weighing]] = []
    entries: list[tuple[ProviderBar, int]] = []
    for at, bar in enumerate(findings.bars):
        if bar is None:
            continue
        opinions = others.get(bar.ts_open_ns)
        if opinions:
            weighing = weigh(bar, opinions, market.tolerance)
            if weighing.verdict == "confirmed":
                confirmed[bar.ts_open_ns] = weighing.agreeing
            elif weighing.against:
                disputed.append((at, weighing))
                continue
        if at in doubts and bar.ts_open_ns not in confirmed:
            findings.find(at, "suspect", doubts[at])
            continue
        entries.append((bar, at))
    course = Course(market, confirmed, findings)
    course.follow(_with_those_before(entries, before))
    for at, weighing in disputed:
        _settle(findings, at, weighing, course, others)
    return findings.judged()


def _with_those_before(
    entries: list[tuple[ProviderBar, int]], before: Sequence[ProviderBar]
) -> list[tuple[ProviderBar, int]]:
    """All in order of time; where both have a minute that of the page, which is settled if nothing has changed."""
    if not before:
        return entries
    settled = {bar.ts_open_ns: bar for bar in before}
    merged = {start_ns: (bar, SETTLED) for start_ns, bar in settled.items()}
    for bar, at in entries:
        same = settled.get(bar.ts_open_ns)
        is_same = same is not None and _prices(same) == _prices(bar)
        merged[bar.ts_open_ns] = (bar, SETTLED if is_same else at)
    return [merged[start_ns] for start_ns in sorted(merged)]


def _prices(bar: ProviderBar) -> tuple[float, ...]:
    return bar.open, bar.high, bar.low, bar.close


def _settle(
    findings: Findings,
    at: int,
    weighing: Weighing,
    course: Course,
    others: Mapping[int, Sequence[Opinion]],
) -> None:
    """As many are against a bar as for it: who does not fit the bars around is the odd one."""
    bar = findings.bars[at]
    assert bar is not None
    reason = weighing.told(bar)
    if weighing.verdict == "quarantine":
        findings.find(at, "quarantine", reason)
        return
    mine = course.strange(bar)
    theirs = all(course.strange(one.bar, _company(one, others)) for one in weighing.against)
    if mine and not theirs:
        findings.find(at, "quarantine", mine)
        findings.find(at, "quarantine", reason)
    elif theirs and not mine:
        findings.find(at, "accept", f"{reason}; theirs does not fit the bars around")
    else:
        findings.find(at, "suspect", reason)


def _company(opinion: Opinion, others: Mapping[int, Sequence[Opinion]]) -> list[ProviderBar]:
    """What the same provider says of the minutes before and behind."""
    start_ns = opinion.bar.ts_open_ns
    return [
        other.bar
        for near_ns in (start_ns - MINUTE_NS, start_ns + MINUTE_NS)
        for other in others.get(near_ns, ())
        if other.provider == opinion.provider and is_sound(other.bar)
    ]
