"""All timeframes of one symbol on one time line: what is open, what closes when, what a late event changes. Pure.

The horizon is the newest moment of venue time that is known. What ended `lateness` before it closes: in order
of time, in the first timeframe; every other timeframe is rolled up from the one below. No clock closes
anything, so a replay gives the same candles.

A later event is added to every kept candle that holds it, which is then published again as a revision; an
interval that is not kept any more stays as it was published. A candle without events repeats the close
before it, and follows it when a late event changes that.

A minute can be absorbed: the venue's candle takes the place of ours, and every longer candle that holds it takes the
difference. From then on late trades of that minute count in candles shorter than a minute only: in the others they
are counted already.
"""

from __future__ import annotations

import bisect
import itertools
from collections import Counter

import msgspec

from actors.aggregator.candle import Candle
from actors.aggregator.coverage import MINUTE_NS, Coverage
from actors.aggregator.level import Level, LevelState
from actors.aggregator.rows import Row
from actors.aggregator.rules import Rules
from protocol.messages import Bar
from protocol.sessions import Session, timeframe_ns


class LadderState(msgspec.Struct, array_like=True):
    """What a ladder remembers."""

    horizon_ns: int
    closed_until_ns: int
    carried: float | None
    newest_key: tuple[int, int]
    buckets: list[Candle]
    levels: list[LevelState]


class Ladder:
    """The candles of one symbol at one venue, in every timeframe."""

    def __init__(
        self,
        levels: list[Level],
        rules: Rules,
        session: Session,
        coverage: Coverage,
        counters: Counter[str],
    ) -> None:
        self.levels = levels
        self.horizon_ns = 0
        self._due_ns = 0
        """Horizon at which the next candle of the first timeframe closes."""
        self._base, self._uppers = levels[0], levels[1:]
        self._steps = list(itertools.zip_longest(self._uppers, self._uppers[1:]))
        """Every upper level with the one above it, None above the last."""
        lengths_ns = [timeframe_ns(level.timeframe) for level in levels]
        at = bisect.bisect_left(lengths_ns, MINUTE_NS)
        self._minutes = levels[at] if MINUTE_NS in lengths_ns else None
        self._shorter, self._longer = levels[:at], levels[at + 1 :]
        """Levels below the minutes, and above them."""
        self._rules = rules
        self._session = session
        self._coverage = coverage
        self._counters = counters
        self._longest_quiet_ns = rules.max_quiet_bars * timeframe_ns(self._base.timeframe)
        self._closed_until_ns = 0
        self._carried: float | None = None
        """Close of the newest closed candle; None before the first price."""
        self._newest_key = (0, 0)
        """Venue time and number of the newest event in a closed candle."""
        self._buckets: dict[int, Candle] = {}
        """Candles of the first timeframe that have events and are not closed."""

    def start(self, ts_ns: int) -> None:
        """Begin at the first event; those before it within the lateness are still in time."""
        self.horizon_ns = ts_ns
        self._close_until(self._ripe_ns(ts_ns))

    def reach(self, ts_ns: int) -> None:
        """Move the horizon forward and close what is due."""
        if ts_ns > self.horizon_ns:
            self.horizon_ns = ts_ns
            if ts_ns >= self._due_ns:
                self._close_until(self._ripe_ns(ts_ns))

    def bucket(self, ts_ns: int) -> Candle | None:
        """The candle of the first timeframe for an event within the horizon; None if it is closed."""
        open_ns = self._session.bar_open_ns(ts_ns, self._base.timeframe)
        if open_ns < self._closed_until_ns:
            return None
        candle = self._buckets.get(open_ns)
        if candle is None:
            candle = self._buckets[open_ns] = self._base.candle_from(open_ns)
        return candle

    def add_late(self, row: Row) -> str:
        """Add an event whose first candle is closed; returns what to count it as.

        `late_dropped` if no candle is kept that could hold it, `late_absorbed` if it is in the venue's candle.
        """
        ts_ns, order, price = row[:3]
        if self._coverage.is_mended(ts_ns):
            self._add_within_minute(row)
            return "late_absorbed"
        until_ns = self._coverage.carried_until_ns(ts_ns)
        is_taken = False
        for level in self.levels:
            running = level.running
            if running is not None and running.open_ns <= ts_ns < running.close_ns:
                running.add(*row)  # the levels above get it when this one closes
                is_taken = True
                break
            kept = level.kept(ts_ns)
            if kept is not None:
                kept.add(*row)
                level.revise(kept, until_ns)
                is_taken = True
        if is_taken and self._carried is not None and (ts_ns, order) >= self._newest_key:
            self._newest_key = (ts_ns, order)
            self._carried = price
            for level in self.levels:
                level.carry(ts_ns, price)
        return "late" if is_taken else "late_dropped"

    def _add_within_minute(self, row: Row) -> None:
        """Add a late event to the candles that are shorter than its minute."""
        minute_end_ns = row[0] - row[0] % MINUTE_NS + MINUTE_NS
        for level in self._shorter:
            kept = level.kept(row[0])
            if kept is not None:
                kept.add(*row)
                level.revise(kept, minute_end_ns)

    def absorb(self, bar: Bar) -> str:
        """Take the venue's candle of a minute in the place of ours; returns what to count it as."""
        minutes, open_ns = self._minutes, bar.ts_open_ns
        if minutes is None:
            return "klines_unwanted"
        if open_ns + MINUTE_NS > self._closed_until_ns:
            return "klines_not_closed"
        before = minutes.closed.get(open_ns)
        if before is None:
            return "klines_not_kept"
        after = before.absorbing(bar)
        if after is None:
            return "klines_smaller"
        if after == before:
            return "klines_repeated"
        minutes.closed[open_ns] = after
        minutes.revise(after)
        self._coverage.mend(open_ns, has_events=after.count > 0)
        if after.count:
            self._amend(before, after)
            self._follow(after)
        self.cover(open_ns)
        return "klines_absorbed"

    def _amend(self, before: Candle, after: Candle) -> None:
        """Give the difference to every longer candle that holds this minute."""
        for level in self._longer:
            running = level.running
            if running is not None and running.open_ns <= after.open_ns < running.close_ns:
                running.amend(before, after)  # the levels above get it when this one closes
                break
            kept = level.kept(after.open_ns)
            if kept is not None:
                kept.amend(before, after)
                level.revise(kept)

    def _follow(self, minute: Candle) -> None:
        """Let the empty candles after a minute repeat its close; those after a longer one have followed it already."""
        last_ns, end_ns = minute.last_ns, minute.close_ns
        is_newest = self._newest_key[0] < end_ns and self._carried is not None
        if is_newest:
            self._newest_key = (last_ns, minute.last_id)
            self._carried = minute.close
        until_ns = self._coverage.carried_until_ns(end_ns)
        for level in self.levels if is_newest else self._shorter:
            # where candles behind the minute are gone, there may have been a later close among them
            if is_newest or (level.closed and next(iter(level.closed)) <= end_ns):
                level.carry(last_ns, minute.close, until_ns)

    def cover(self, from_ns: int) -> None:
        """Measure the coverage of the closed candles that reach beyond a moment again."""
        for level in self.levels:
            level.cover(from_ns, self._coverage)

    def running(self) -> list[list[Candle]]:
        """The candles that are not closed, as they stand now: one list per level."""
        views = [sorted(self._buckets.values(), key=lambda candle: candle.open_ns)]
        for level in self._uppers:
            views.append(level.views(views[-1]))
        return views

    def show(self) -> None:
        """Publish the running candles that have changed."""
        for level, views in zip(self.levels, self.running(), strict=True):
            level.show(views, self.horizon_ns, self._coverage)

    def bars(self, timeframe: str) -> list[Bar]:
        """The candles of a timeframe that are kept, oldest first, running ones last.

        Raises:
            ValueError: the timeframe is not built.
        """
        for level, views in zip(self.levels, self.running(), strict=True):
            if level.timeframe == timeframe:
                closed = [level.closed_bar(candle) for candle in level.closed.values()]
                return closed + [
                    level.open_bar(view, self.horizon_ns, self._coverage) for view in views if view.count
                ]
        built = ", ".join(level.timeframe for level in self.levels)
        raise ValueError(f"timeframe {timeframe!r} is none of {built}")

    def state(self) -> LadderState:
        """What to keep; it shares the candles, so encode it before the next input."""
        return LadderState(
            self.horizon_ns,
            self._closed_until_ns,
            self._carried,
            self._newest_key,
            list(self._buckets.values()),
            [level.state() for level in self.levels],
        )

    def restore(self, state: LadderState) -> None:
        """Go on from a decoded state."""
        self.horizon_ns = state.horizon_ns
        self._carried = state.carried
        self._newest_key = state.newest_key
        self._buckets = {candle.open_ns: candle for candle in state.buckets}
        for level, kept in zip(self.levels, state.levels, strict=True):
            level.restore(kept)
        self._set_closed_until(state.closed_until_ns)

    def _ripe_ns(self, horizon_ns: int) -> int:
        """End of the last interval of the first timeframe that is due."""
        return self._session.bar_open_ns(horizon_ns - self._rules.lateness_ns, self._base.timeframe)

    def _set_closed_until(self, ts_ns: int) -> None:
        self._closed_until_ns = ts_ns
        next_ns = self._session.bar_close_ns(ts_ns, self._base.timeframe)
        self._due_ns = next_ns + self._rules.lateness_ns

    def _close_until(self, target_ns: int) -> None:
        at_ns = self._closed_until_ns
        has_price = self._carried is not None or bool(self._buckets)
        if has_price and self._session.open_time_ns(at_ns, target_ns) > self._longest_quiet_ns:
            at_ns = self._jump(at_ns, target_ns)
        self._run(at_ns, target_ns)
        self._set_closed_until(target_ns)
        if self._coverage and self.levels[-1].closed:
            self._coverage.forget_before(min(next(iter(level.closed)) for level in self.levels))

    def _jump(self, at_ns: int, target_ns: int) -> int:
        """Venue time jumped: close what has events, then begin again rather than invent what lies between."""
        ends_ns = [candle.close_ns for candle in self._buckets.values() if candle.open_ns < target_ns]
        resumed_ns = max(ends_ns, default=at_ns)
        self._run(at_ns, resumed_ns)
        self._coverage.add(f"jump-{resumed_ns}", resumed_ns, target_ns)
        self._carried = None
        self._counters["series_restarted"] += 1
        return resumed_ns

    def _run(self, at_ns: int, target_ns: int) -> None:
        """Close every candle of the first timeframe in an interval, and what they complete above."""
        base, session, buckets = self._base, self._session, self._buckets
        while at_ns < target_ns:
            candle = buckets.pop(at_ns, None)
            if candle is None:
                if self._carried is None or not session.is_open(at_ns):
                    at_ns = self._next_ns(at_ns, target_ns)
                    self._roll_up(at_ns)
                    continue
                candle = base.candle_from(at_ns)
            base.close(candle, self._carried, self._coverage)
            self._carried = candle.close
            if candle.count:
                self._newest_key = (candle.last_ns, candle.last_id)
            at_ns = candle.close_ns
            if self._uppers:
                self._uppers[0].roll_up(candle)
                self._roll_up(at_ns)

    def _next_ns(self, at_ns: int, target_ns: int) -> int:
        """Where the next candle of the first timeframe begins, when there is none at `at_ns`."""
        opens_ns = target_ns if self._carried is None else self._session.next_open_ns(at_ns)
        return min(target_ns, opens_ns, *self._buckets)

    def _roll_up(self, until_ns: int) -> None:
        """Close the candles of the upper timeframes that have ended."""
        for level, above in self._steps:
            running = level.running
            if running is None:
                continue
            if running.close_ns > until_ns:
                return  # those above hold it, so they have not ended either
            level.running = None
            level.close(running, self._carried, self._coverage)
            if above is not None:
                above.roll_up(running)
