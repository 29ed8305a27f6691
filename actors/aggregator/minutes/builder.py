"""From a provider's minutes to longer candles, for one symbol: a function of the minutes in their order alone. Pure.

Revision 0 is a minute that still runs, 1 one that has closed, in order of time, a higher one has changed. Minutes older
than all that are kept, at revision 1, are a stretch of the past that is filled in: it has a line of its own, which
begins with no indicator and publishes no candle of which a minute never came. It ends where the kept ones begin.

The minutes themselves are not published again, their indicators are.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from actors.aggregator.indicators.series import Series
from actors.aggregator.indicators.suite import suite_of
from actors.aggregator.minutes.rolled import MINUTE_NS, rolled_minute
from actors.aggregator.minutes.rung import Outbox, Rung
from actors.aggregator.minutes.stretch import Stretch, StretchState
from actors.aggregator.rules import Rules
from protocol.messages import Bar, Feature
from protocol.sessions import DAY_NS, FOREVER_NS, NS_PER_S, Session, timeframe_ns
from protocol.topics import market_topic

MINUTE: Final = "1m"
MAX_RUNNING: Final = 16
"""Minutes kept that run, or have ended and are not told as closed."""
FRESH_NS: Final = 3600 * NS_PER_S
"""A minute that was fetched so soon after its end is not history: the candles that it goes into are shown at once."""
_CLOCK_CHANGE_NS: Final = 3600 * NS_PER_S
_INF: Final = float("inf")


class MinutesState(msgspec.Struct, array_like=True):
    """What one builder remembers between two frames."""

    line: StretchState
    running: list[Bar] = []
    past: StretchState | None = None


class MinuteBuilder:
    """Candles of one symbol from its minutes; after each input, `take` what is to be published.

    Args:
        venue: Where.
        symbol: Canonical symbol.
        rules: How candles are built; those longer than a minute are.
        session: Calendar of the symbol.
        counters: Where refused and repeated minutes are counted.
    """

    source: Final = Bar.KIND
    """What it is fed with."""

    def __init__(
        self, venue: str, symbol: str, rules: Rules, session: Session, counters: Counter[str]
    ) -> None:
        self.venue, self.symbol = venue, symbol
        self._rules = rules
        self._session = session
        self._counters = counters
        self._timeframes = [MINUTE, *_longer(rules)]
        self._features: Outbox = {timeframe: [] for timeframe in self._timeframes}
        self._bars: Outbox = {timeframe: [] for timeframe in self._timeframes}
        self._line = self._stretch(is_past=False)
        self._past: Stretch | None = None
        self._running: dict[int, Bar] = {}
        """Minutes that are not closed, in order of time."""

    @property
    def is_started(self) -> bool:
        """Whether there was a closed minute."""
        return self._line.next_ns > 0

    @property
    def event_ns(self) -> int:
        """End of the newest closed minute, 0 before the first."""
        return next(reversed(self._line.minutes)) + MINUTE_NS if self.is_started else 0

    # inputs

    def add(self, bars: Sequence[Bar]) -> None:
        """Fold minutes, in their order."""
        self._counters["minutes_received"] += len(bars)
        line = self._line
        for bar in bars:
            if not self._is_possible(bar):
                self._counters["minutes_rejected"] += 1
            elif not bar.revision:
                self._run(bar)
            elif bar.ts_open_ns >= line.next_ns:
                line.close(bar)
                if self._running:
                    self._running = {at: one for at, one in self._running.items() if at >= line.next_ns}
                self._show_fresh(bar)
            elif bar.ts_open_ns >= line.oldest_ns:
                outcome = line.amend(bar)
                self._counters[outcome] += 1
                if outcome == "minutes_revised":
                    self._show_fresh(bar)
            else:
                self._fill_in(bar)

    def _is_possible(self, bar: Bar) -> bool:
        low, high, open_ns = bar.low, bar.high, bar.ts_open_ns
        return (
            0.0 < low <= bar.open <= high < _INF
            and low <= bar.close <= high
            and 0.0 <= bar.volume < _INF
            and 0.0 <= bar.buy_volume < _INF
            and 0.0 <= bar.sell_volume < _INF
            and 0.0 <= bar.vwap < _INF
            and 0.0 <= bar.coverage <= 1.0
            and bar.count >= 0
            and bar.revision >= 0
            and not open_ns % MINUTE_NS
            and open_ns > 0
            and bar.timeframe == MINUTE
            and bar.symbol == self.symbol
            and bar.venue == self.venue
            and (not bar.ts_recv_ns or open_ns - bar.ts_recv_ns <= self._rules.max_ahead_ns)
            and self._session.is_open(open_ns)
        )

    def _run(self, bar: Bar) -> None:
        """Take the minute that runs."""
        at_ns = bar.ts_open_ns
        if at_ns < self._line.next_ns:
            self._counters["minutes_late"] += 1
            return
        running = self._running
        before = running.get(at_ns)
        running[at_ns] = bar
        if before is not None and _look(before) == _look(bar):
            return
        if before is None:
            self._running = running = dict(sorted(running.items())[-MAX_RUNNING:])
            if at_ns not in running:
                return
        self._show(at_ns, "stale" if bar.status == "stale" else "open", with_minute=True)

    def _show_fresh(self, bar: Bar) -> None:
        """Show the running candles that a closed minute went into, unless it is history."""
        if abs(bar.ts_recv_ns - bar.ts_open_ns - MINUTE_NS) <= FRESH_NS:
            self._show(bar.ts_open_ns, "open", with_minute=False)

    def _show(self, at_ns: int, status: str, *, with_minute: bool) -> None:
        running = [rolled_minute(bar) for bar in self._running.values()]
        self._line.show(running, at_ns, status, with_minute=with_minute)

    def _fill_in(self, bar: Bar) -> None:
        """Take a minute older than those that are kept."""
        at_ns, past = bar.ts_open_ns, self._past
        if past is not None and past.oldest_ns <= at_ns < past.next_ns:
            self._counters[past.amend(bar)] += 1
            return
        if bar.revision > 1:
            self._counters["minutes_not_kept"] += 1
            return
        if past is None or at_ns < past.oldest_ns or at_ns - past.next_ns > longest_break_ns(self._session):
            if past is not None:
                past.settle()
            past = self._past = self._stretch(is_past=True)
            self._counters["past_stretches"] += 1
        past.close(bar)
        if past.next_ns >= self._line.oldest_ns:
            past.settle()
            self._past = None

    # outputs

    def take(self) -> list[tuple[str, list[Any]]]:
        """What is to be published now: lower timeframes first, candles before their indicators; each topic once."""
        for stretch in (self._line, self._past):
            if stretch is not None:
                stretch.settle()
        found: list[tuple[str, list[Any]]] = []
        counters = self._counters
        for timeframe in self._timeframes:
            bars, features = self._bars[timeframe], self._features[timeframe]
            if bars:
                counters["bars_published"] += len(bars)
                counters["revisions"] += sum(bar.revision > 1 for bar in bars)
                found.append((market_topic(Bar.KIND, self.venue, self.symbol, timeframe), bars.copy()))
                bars.clear()
            if features:
                counters["features_published"] += len(features)
                found.append(
                    (market_topic(Feature.KIND, self.venue, self.symbol, timeframe), features.copy())
                )
                features.clear()
        return found

    def bars(self, timeframe: str, count: int = 0) -> list[Bar]:
        """The newest candles that are kept (all: 0), oldest first, running ones included.

        Raises:
            ValueError: the timeframe is not built.
        """
        line, running = self._line, list(self._running.values())
        if timeframe == MINUTE:
            return [*(bar for bar in line.minutes.values() if bar.revision), *running][-count:]
        views = [rolled_minute(bar) for bar in running]
        for rung in line.rungs[1:]:
            views = rung.views(views)
            if rung.timeframe == timeframe:
                return [*rung.closed_bars(), *(rung.open_bar(view) for view in views)][-count:]
        raise ValueError(f"timeframe {timeframe!r} is none of {', '.join(self._timeframes)}")

    def state(self) -> MinutesState:
        """What to keep; it shares the candles, so encode it before the next input and after `take`."""
        past = None if self._past is None else self._past.state()
        return MinutesState(self._line.state(), list(self._running.values()), past)

    def restore(self, state: MinutesState) -> None:
        """Go on from a decoded state: the same inputs give the same outputs.

        Raises:
            ValueError: it is of other timeframes.
        """
        self._line.restore(state.line)
        self._running = {bar.ts_open_ns: bar for bar in state.running}
        if state.past is not None:
            self._past = self._stretch(is_past=True)
            self._past.restore(state.past)

    def _stretch(self, *, is_past: bool) -> Stretch:
        rules, session = self._rules, self._session
        keep_bars = dict(zip(rules.timeframes, rules.keep_bars, strict=True))
        lengths_ns = [timeframe_ns(timeframe) for timeframe in self._timeframes]
        rungs = []
        for number, timeframe in enumerate(self._timeframes):
            per_parent = lengths_ns[number + 1] // lengths_ns[number] if number + 1 < len(lengths_ns) else 0
            identity = self.symbol, self.venue, timeframe
            series = None
            if rules.indicators and timeframe in rules.indicator_timeframes:
                series = Series(*identity, FOREVER_NS, session, suite_of(rules.indicators))
            bars = self._bars[timeframe] if number else None
            keep = max(keep_bars.get(timeframe, 1), 2 * per_parent)
            features = self._features[timeframe]
            rungs.append(Rung(identity, keep, session, series, bars, features, is_whole_only=is_past))
        return Stretch(self.symbol, self.venue, rungs, session, rules.max_quiet_bars, self._counters)


def _longer(rules: Rules) -> list[str]:
    """Timeframes longer than a minute that are made of minutes."""
    return [
        timeframe
        for timeframe in rules.timeframes
        if timeframe_ns(timeframe) > MINUTE_NS and timeframe_ns(timeframe) % MINUTE_NS == 0
    ]


def _look(bar: Bar) -> tuple[Any, ...]:
    """What a running minute shows; when it was fetched is not part of it."""
    return bar.open, bar.high, bar.low, bar.close, bar.volume, bar.count, bar.status, bar.coverage, bar.source


@functools.cache
def longest_break_ns(session: Session) -> int:
    """Longest stretch of a week in which the market does not trade, an hour more where the clocks change."""
    at_ns, end_ns, longest_ns = 0, 14 * DAY_NS, 0
    while session.hours and at_ns < end_ns:
        span = session.span(at_ns)
        if not span.is_open:
            longest_ns = max(longest_ns, span.end_ns - span.start_ns)
        at_ns = span.end_ns
    return longest_ns + _CLOCK_CHANGE_NS if longest_ns else 0
