"""Rows of an answer on their way to bars: what no bar can be is left out, and counted. Pure.

Nothing is mended or filled here, and no bar is judged: one whose high is below its low passes.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from operator import attrgetter
from typing import Final

from actors.collector.bars.providers.provider import (
    MINUTE_NS,
    Answer,
    Page,
    ProviderBar,
    Query,
    Refusal,
    Told,
)
from actors.collector.bars.providers.times import MAX_NS
from actors.collector.bars.providers.words import refused
from protocol.sessions import timeframe_ns

MIN_PRICE: Final = 1e-12
"""Returns divide by prices."""
MAX_PRICE: Final = 1e15
MAX_VOLUME: Final = 1e18
MAX_COUNT: Final = 1 << 53
_MAX_NUMBER_CHARS: Final = 40
_SURE_BARS: Final = 12
"""So many minutes are not five minutes apart by chance, whoever trades."""
_OTHER_STEP_NS: Final = 5 * MINUTE_NS
_start: Final = attrgetter("ts_open_ns")


def number(value: object) -> float | None:
    """A number as a provider writes it, as text or not; None: it is none."""
    if isinstance(value, str):
        if len(value) > _MAX_NUMBER_CHARS or not value.isascii() or "_" in value:
            return None
        try:
            return float(value)
        except ValueError:
            return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return None
    return None


class Rows:
    """Takes the rows of one answer, in any order.

    Args:
        query: What was asked: bars outside of its range are left out.
        answer: The answer; a bar that ends after it came was still running.

    Raises:
        ValueError: the query's timeframe is none.
    """

    def __init__(self, query: Query, answer: Answer) -> None:
        self.dropped: Counter[str] = Counter()
        self._bars: dict[int, ProviderBar] = {}
        self._from_ns, self._to_ns = query.from_ns, query.to_ns
        self._is_by_minute = query.timeframe == "1m"
        self._answer = answer
        self._running_from_ns = answer.at_ns - timeframe_ns(query.timeframe)
        """A bar that starts after this ends after the answer came."""

    def drop(self, reason: str) -> None:
        """Leave out a row that is no bar."""
        self.dropped[reason] += 1

    def add(
        self,
        ts_ns: int | None,
        prices: tuple[float | None, float | None, float | None, float | None],
        volume: float | None,
        count: int = 0,
        vwap: float | None = None,
    ) -> None:
        """Take a row: its start, and open, high, low and close.

        A row without any price is null; of a start that comes again the first row counts.
        """
        open_, high, low, close = prices
        if open_ is None or high is None or low is None or close is None:
            self.dropped["null"] += 1
        elif (
            ts_ns is None
            or not 0 < ts_ns < MAX_NS
            or not (MIN_PRICE <= open_ <= MAX_PRICE and MIN_PRICE <= high <= MAX_PRICE)
            or not (MIN_PRICE <= low <= MAX_PRICE and MIN_PRICE <= close <= MAX_PRICE)
            or not (volume is None or 0 <= volume <= MAX_VOLUME)
        ):
            self.dropped["impossible"] += 1
        elif ts_ns % MINUTE_NS:
            self.dropped["off_grid"] += 1
        elif not self._from_ns <= ts_ns < self._to_ns:
            self.dropped["out_of_range"] += 1
        elif ts_ns in self._bars:
            self.dropped["repeated"] += 1
        else:
            self._bars[ts_ns] = ProviderBar(
                ts_ns,
                open_,
                high,
                low,
                close,
                volume,
                count if 0 <= count < MAX_COUNT else 0,
                vwap if vwap is not None and MIN_PRICE <= vwap <= MAX_PRICE else 0.0,
                ts_ns > self._running_from_ns,
            )

    def result(
        self,
        *,
        is_adjusted: bool = False,
        is_delayed: bool = False,
        cursor: str = "",
        told: Told | None = None,
    ) -> Page | Refusal:
        """What was taken, oldest first.

        Without a bar and without a next page it is a refusal: `broken` if there were rows that no bar can be, else `empty`.
        Where minutes were asked for and longer bars came it is one too, also of a provider that does not say the interval.
        """
        if not self._bars and not cursor:
            if self.dropped["impossible"]:
                return refused(
                    self._answer, "broken", f"{self.dropped['impossible']} rows, and none can be a bar"
                )
            return refused(self._answer, "empty", "no bars in the range", told=told)
        bars = sorted(self._bars.values(), key=_start)
        step_ns = _step_ns(bars) if self._is_by_minute and len(bars) >= _SURE_BARS else 0
        if step_ns >= _OTHER_STEP_NS:
            return refused(self._answer, "wrong_symbol", f"bars are {step_ns // MINUTE_NS} minutes apart")
        return Page(bars, is_adjusted, is_delayed, cursor, dict(self.dropped), told)


def _step_ns(bars: list[ProviderBar]) -> int:
    """Of what all steps between bars are multiples."""
    step_ns = 0
    for before, after in pairwise(bars):
        step_ns = math.gcd(step_ns, after.ts_open_ns - before.ts_open_ns)
        if step_ns == MINUTE_NS:
            break
    return step_ns
