"""The course of prices: a bar stands if it fits the one before and the one behind it that stand. Pure.

Bars come oldest first onto a stack. The newest is judged when the next one comes, with the one under it; if it goes,
the one under it is judged anew, since it has another neighbour now. So in the end each bar stands between the very
neighbours that it was compared with, and judging what stands again changes nothing.

    beyond both neighbours              spike: cut to what others have, where they have the minute without it
    far from the one before, and stays  level: it and what follows, until it is back or somebody confirms
    far from the one before, no next    jump

The very first has none before it: it goes if it is beyond both of the two behind it.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from actors.collector.bars.judging.judged import Findings, JudgedAs, Market, shown
from actors.collector.bars.judging.spikes import (
    WINDOW,
    Excursion,
    excursion,
    limit_of,
    share_of,
    told,
    true_range,
)
from actors.collector.bars.judging.splits import is_forgotten, is_nearer, level_of, nearest_jump
from actors.collector.bars.providers.provider import ProviderBar

SETTLED: Final = -1
"""Index of a bar that was accepted before, and is not in question."""


class _Level(NamedTuple):
    """A stretch of bars that seem to be on another level."""

    base: ProviderBar
    """The last bar that stands."""
    close: float
    """Of the first one on the other level; what closes nearer to the base is back."""
    reason: str

    def is_left_by(self, bar: ProviderBar) -> bool:
        """Whether a bar is back, or too late to tell."""
        is_back = is_nearer(bar.close, self.base.close, self.close)
        return is_back or is_forgotten(self.base.ts_open_ns, bar)


class _Fate(NamedTuple):
    """What becomes of the newest bar of the stack."""

    verdict: JudgedAs
    reason: str
    mended: ProviderBar | None = None
    level: _Level | None = None
    """What begins with it."""


class Course:
    """Bars that stand, oldest first, and the verdicts on those that do not.

    Args:
        market: Asset class and tick.
        confirmed: Start of a minute to what others who agree on its close have.
        findings: Takes the verdicts.
    """

    def __init__(
        self, market: Market, confirmed: Mapping[int, tuple[ProviderBar, ...]], findings: Findings
    ) -> None:
        self._market = market
        self._confirmed = confirmed
        self._findings = findings
        self._bars: list[ProviderBar] = []
        self._indexes: list[int] = []
        self._ranges: list[float] = []
        """True range of each, with the one under it."""
        self._starts: list[int] = []
        self._level: _Level | None = None
        self._far_up = nearest_jump(market)
        self._far_down = 1.0 / self._far_up
        self._share = share_of(market)

    def follow(self, entries: Iterable[tuple[ProviderBar, int]]) -> None:
        """Judge all bars, oldest first, each with its index in the page, or `SETTLED`."""
        for bar, index in entries:
            self._take(bar, index)
        while self._bars:
            fate = self._fate(None)
            if fate is None:
                break
            bar, index = self._pop()
            self._tell(index, fate)
            if fate.mended is not None:
                self._take(fate.mended, index)
        self._starts = [bar.ts_open_ns for bar in self._bars]

    def strange(self, bar: ProviderBar, company: Sequence[ProviderBar] = ()) -> str:
        """Why a bar that is not among those that stand would not fit in, empty if it would; after `follow`.

        Args:
            bar: It.
            company: Others that it may lean on, beside those that stand before and behind it.
        """
        place = bisect.bisect_left(self._starts, bar.ts_open_ns)
        behind = bisect.bisect_right(self._starts, bar.ts_open_ns)
        if not place:
            return ""
        before = self._bars[place - 1]
        if behind < len(self._bars):
            after = self._bars[behind]
            limit = self._limit(bar, (before, after), place)
            found = excursion(bar, (before, after, *company))
            if max(found.up, found.down) > limit:
                return f"spike: {told(bar, found, limit)}"
        return level_of(self._market, before, bar)

    def _take(self, bar: ProviderBar, index: int) -> None:
        incoming = [(bar, index)]
        while incoming:
            bar, index = incoming[-1]
            level = self._level
            is_in_question = index != SETTLED and bar.ts_open_ns not in self._confirmed
            if level is not None and is_in_question and not level.is_left_by(bar):
                self._findings.find(index, "suspect", level.reason)
                incoming.pop()
                continue
            self._level = None
            if len(self._bars) == 2:
                self._check_first(bar)
            if self._fits(bar) or (fate := self._fate(bar)) is None:
                self._push(*incoming.pop())
                continue
            _, top_index = self._pop()
            self._tell(top_index, fate)
            if fate.mended is not None:
                incoming.append((fate.mended, top_index))
            self._level = fate.level

    def _fits(self, after: ProviderBar) -> bool:
        """Whether the newest bar needs no closer look: nearly all do not."""
        bars = self._bars
        if len(bars) < 2:
            return True
        before, bar = bars[-2], bars[-1]
        close = before.close
        floor = self._share * close
        high = max(before.high, after.high)
        low = min(before.low, after.low)
        return (
            bar.high - high <= floor
            and low - bar.low <= floor
            and self._far_down < bar.close / close < self._far_up
            and self._far_down < bar.open / close < self._far_up
        )

    def _fate(self, after: ProviderBar | None) -> _Fate | None:
        """What becomes of the newest bar, None if it stands for now; without a next one there is no later."""
        if self._indexes[-1] == SETTLED or len(self._bars) == 1:
            return None
        before, bar = self._bars[-2:]
        neighbours = (before,) if after is None else (before, after)
        reason = "" if bar.ts_open_ns in self._confirmed else level_of(self._market, before, bar)
        if not reason:
            return self._far(bar, neighbours, len(self._bars) - 1)
        level = _Level(before, bar.close, reason)
        on_level = _Fate("suspect", reason, level=level)
        if after is None or not level.is_left_by(after):
            return on_level
        return self._far(bar, neighbours, len(self._bars) - 1) or on_level

    def _check_first(self, third: ProviderBar) -> None:
        """The first of all has none before it: it goes if it is far from the two behind it."""
        first, second = self._bars
        if self._indexes[0] == SETTLED:
            return
        fate = self._far(first, (second, third), 0)
        if fate is None:
            return
        (_, second_index), (_, first_index) = self._pop(), self._pop()
        self._tell(first_index, fate)
        if fate.mended is not None:
            self._push(fate.mended, first_index)
        self._push(second, second_index)

    def _far(self, bar: ProviderBar, neighbours: Sequence[ProviderBar], place: int) -> _Fate | None:
        limit = self._limit(bar, neighbours, place)
        found = excursion(bar, neighbours)
        if found.up <= limit and found.down <= limit:
            return None
        others = self._confirmed.get(bar.ts_open_ns, ())
        if not others:
            text = told(bar, found, limit)
            if len(neighbours) == 1:
                return _Fate("suspect", f"jump: {text}, and no bar follows")
            return _Fate("suspect", f"spike: {text}")
        found = excursion(bar, [*neighbours, *others])
        if found.up <= limit and found.down <= limit:
            return None
        if found.body_up > limit or found.body_down > limit:
            return _Fate("quarantine", f"spike: {told(bar, found, limit)}; others agree on its close alone")
        return _cut(bar, others, found, limit)

    def _limit(self, bar: ProviderBar, neighbours: Sequence[ProviderBar], place: int) -> float:
        return limit_of(
            self._market,
            self._ranges[max(0, place - WINDOW) : place],
            neighbours[0].close,
            has_next=len(neighbours) > 1,
            apart_ns=min([abs(bar.ts_open_ns - one.ts_open_ns) for one in neighbours]),
        )

    def _tell(self, index: int, fate: _Fate) -> None:
        self._findings.find(index, fate.verdict, fate.reason, fate.mended)

    def _push(self, bar: ProviderBar, index: int) -> None:
        self._ranges.append(true_range(self._bars[-1] if self._bars else None, bar))
        self._bars.append(bar)
        self._indexes.append(index)

    def _pop(self) -> tuple[ProviderBar, int]:
        self._ranges.pop()
        return self._bars.pop(), self._indexes.pop()


def _cut(bar: ProviderBar, others: Sequence[ProviderBar], found: Excursion, limit: float) -> _Fate:
    """Without the wick that others do not have."""
    high, low = bar.high, bar.low
    parts = []
    if found.up > limit:
        high = max(bar.open, bar.close, *[one.high for one in others])
        parts.append(f"high {shown(bar.high)} cut to {shown(high)}")
    if found.down > limit:
        low = min(bar.open, bar.close, *[one.low for one in others])
        parts.append(f"low {shown(bar.low)} cut to {shown(low)}")
    reason = f"wick: {', '.join(parts)}, as others have it"
    return _Fate("repair", reason, replace(bar, high=high, low=low))
