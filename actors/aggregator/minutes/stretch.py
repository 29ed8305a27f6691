"""Minutes that follow on one another, and the longer candles that are rolled up from them. Pure.

A longer candle closes when its last minute in the session has come, or with the first minute beyond its end. Minutes
that never came are gaps at the close before; of a long absence only the newest of them, so that every timeframe knows
of it and little is made up. A minute that changes is put in its place, and every longer candle that holds it is added
up again from what is kept below: a correction may take a high away.

What is kept lets that be done: of the candles in one longer candle all are kept or none, and a candle is kept as long as
one inside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from actors.aggregator.indicators.series import SeriesState
from actors.aggregator.minutes.rolled import MINUTE_NS, Rolled, missing_minute, rolled_minute
from actors.aggregator.minutes.rung import Rung, RungState
from protocol.messages import Bar
from protocol.sessions import Session


class StretchState(msgspec.Struct, array_like=True):
    """What a stretch remembers."""

    next_ns: int = 0
    minutes: list[Bar] = []
    """Those that are kept, oldest first."""
    series: SeriesState | None = None
    """Indicators of the minutes."""
    rungs: list[RungState] = []
    """The longer timeframes, shortest first."""


class Stretch:
    """One line of minutes with its timeframes.

    Args:
        rungs: One per timeframe, shortest first; the first is that of the minutes.
        session: Calendar of the symbol.
        most_missing: Minutes at most that are put in for those that never came, at one place.
        counters: Where missing minutes are counted.
    """

    def __init__(
        self,
        symbol: str,
        venue: str,
        rungs: list[Rung],
        session: Session,
        most_missing: int,
        counters: Counter[str],
    ) -> None:
        self.rungs = rungs
        self.next_ns = 0
        """The minute that is to come; 0: whichever comes first."""
        self.minutes: dict[int, Bar] = {}
        """Those that are kept, in order of time."""
        self._identity = symbol, venue
        self._base, self._uppers = rungs[0], rungs[1:]
        self._session = session
        self._most_missing_ns = most_missing * MINUTE_NS
        self._counters = counters

    @property
    def oldest_ns(self) -> int:
        """Start of the oldest minute kept, 0 if there is none."""
        return self._base.oldest_ns

    def close(self, bar: Bar) -> None:
        """Take a closed minute at or after the next one."""
        open_ns = bar.ts_open_ns
        if open_ns != self.next_ns and self.next_ns:
            self._bridge(open_ns)
        self._enter(bar)

    def amend(self, bar: Bar) -> str:
        """Take a minute before the next one again; returns what to count it as.

        `minutes_not_kept`, `minutes_repeated` if this revision or a newer one is here, else `minutes_revised`.
        """
        open_ns = bar.ts_open_ns
        before = self.minutes.get(open_ns)
        if before is None:
            return "minutes_not_kept"
        if bar.revision <= before.revision:
            return "minutes_repeated"
        self._put(bar)
        changed = [open_ns, *self._carry(bar)]
        below = self._base
        for rung in self._uppers:
            changed = self._add_up_again(rung, below, changed)
            below = rung
        return "minutes_revised"

    def show(self, running: Iterable[Rolled], at_ns: int, status: str, *, with_minute: bool) -> None:
        """Publish the candles that are not closed and hold a moment.

        Args:
            running: Minutes that are not closed, oldest first.
            at_ns: The moment.
            status: `open` or `stale`.
            with_minute: Publish the indicators of the minute, too.
        """
        views = list(running)
        if with_minute:
            self._base.show(views, at_ns, status)
        for rung in self._uppers:
            views = rung.views(views)
            rung.show(views, at_ns, status)

    def settle(self) -> None:
        """Publish the indicators that corrections have changed."""
        for rung in self.rungs:
            rung.settle()

    def state(self) -> StretchState:
        """What to keep; it shares the candles, so encode it before the next input."""
        base, *uppers = [rung.state() for rung in self.rungs]
        return StretchState(self.next_ns, list(self.minutes.values()), base.series, uppers)

    def restore(self, state: StretchState) -> None:
        """Go on from a decoded state: the same minutes give the same output.

        Raises:
            ValueError: it is of other timeframes.
        """
        self.next_ns = state.next_ns
        self.minutes = {bar.ts_open_ns: bar for bar in state.minutes}
        below = self._base
        below.restore([rolled_minute(bar) for bar in state.minutes], state.series)
        for rung, kept in zip(self._uppers, state.rungs, strict=True):
            rung.restore(kept.closed, kept.series)
            rolled_up_ns = kept.closed[-1].close_ns if kept.closed else 0
            for part in below.closed.values():
                if part.open_ns >= rolled_up_ns:
                    rung.roll_up(part)
            below = rung

    def _bridge(self, until_ns: int) -> None:
        """Put in the newest of the minutes before this one that never came, and close what has ended before them."""
        session = self._session
        missing_ns = session.open_time_ns(self.next_ns, until_ns)
        self._counters["minutes_missing"] += missing_ns // MINUTE_NS
        price = self.minutes[next(reversed(self.minutes))].close
        at_ns, skipped_ns = self.next_ns, missing_ns - self._most_missing_ns
        while skipped_ns > 0:
            step_ns = min(skipped_ns, session.span(at_ns).end_ns - at_ns)
            skipped_ns -= step_ns
            at_ns = session.next_open_ns(at_ns + step_ns)
        self._finish(at_ns)
        while at_ns < until_ns:
            self._enter(missing_minute(*self._identity, at_ns, price))
            at_ns = self.next_ns

    def _put(self, bar: Bar) -> Rolled:
        """Keep a minute, in its place if there is one of its time."""
        minute = rolled_minute(bar)
        self.minutes[bar.ts_open_ns] = bar
        self._base.enter(minute)
        return minute

    def _carry(self, bar: Bar) -> list[int]:
        """Let the minutes that never came after this one repeat its close; returns which have changed."""
        found: list[int] = []
        for open_ns, after in self.minutes.items():
            if open_ns <= bar.ts_open_ns:
                continue
            if after.revision:
                break
            if after.close != bar.close:
                found.append(open_ns)
        for open_ns in found:
            self._put(missing_minute(*self._identity, open_ns, bar.close))
        return found

    def _enter(self, bar: Bar) -> None:
        minute = self._put(bar)
        self.next_ns = self._session.next_open_ns(minute.close_ns)
        if self._uppers:
            self._uppers[0].roll_up(minute)
            self._finish(self.next_ns)
        else:
            self._forget_top(self._base)

    def _finish(self, until_ns: int) -> None:
        """Close the longer candles that end here or before."""
        uppers = self._uppers
        for number, rung in enumerate(uppers):
            running = rung.running
            if running is None:
                continue
            if running.close_ns > until_ns:
                return  # those above hold it, so they have not ended either
            closed = rung.close()
            self._forget(number)
            if rung is uppers[-1]:
                self._forget_top(rung)
            else:
                uppers[number + 1].roll_up(closed)

    def _add_up_again(self, rung: Rung, below: Rung, changed: list[int]) -> list[int]:
        """Add up the candles again that hold changed ones of the rung below; returns the starts of the closed ones."""
        found: list[int] = []
        for number, open_ns in enumerate(changed):
            fresh = rung.candle_at(open_ns)
            if number and changed[number - 1] >= fresh.open_ns:
                continue  # it holds the one before, too
            for part in below.closed.values():
                if fresh.open_ns <= part.open_ns < fresh.close_ns:
                    fresh.take(part)
            kept = rung.closed.get(fresh.open_ns)
            if kept is not None:
                fresh.revision = kept.revision
                rung.finish(fresh)
                found.append(fresh.open_ns)
            elif rung.running is not None and rung.running.open_ns == fresh.open_ns:
                rung.running = fresh  # those above take it when it closes
        return found

    def _forget(self, number: int) -> None:
        """Let candles go that are more than are kept, all those inside one longer candle together."""
        rung, above = self.rungs[number], self._uppers[number]
        while len(rung.closed) > rung.keep:
            end_ns = above.candle_at(rung.oldest_ns).close_ns
            if number and end_ns > self.rungs[number - 1].oldest_ns:
                return
            count = rung.count_before(end_ns)
            if len(rung.closed) - count < rung.keep:
                return
            rung.forget(count)
            if not number:
                self._forget_minutes()

    def _forget_top(self, rung: Rung) -> None:
        while len(rung.closed) > rung.keep:
            oldest = rung.closed[rung.oldest_ns]
            if rung is not self._base and oldest.close_ns > self.rungs[-2].oldest_ns:
                return
            rung.forget(1)
            self._forget_minutes()

    def _forget_minutes(self) -> None:
        oldest_ns = self._base.oldest_ns
        for open_ns in list(self.minutes):
            if open_ns >= oldest_ns:
                return
            del self.minutes[open_ns]
