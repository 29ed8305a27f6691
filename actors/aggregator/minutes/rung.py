"""One timeframe of a stretch of minutes: its closed candles that are kept, the running one, and their indicators. Pure."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from actors.aggregator.indicators.series import Series, SeriesState
from actors.aggregator.minutes.rolled import MINUTE_NS, Rolled
from protocol.messages import Bar, Feature
from protocol.sessions import Session

Outbox = dict[str, list[Any]]
"""Timeframe to the messages that are to be published, in their order."""


class RungState(msgspec.Struct, array_like=True):
    """What one timeframe remembers; the running candle follows from the closed ones below."""

    closed: list[Rolled] = []
    series: SeriesState | None = None


class Rung:
    """Candles of one timeframe.

    Args:
        identity: Symbol, venue, timeframe.
        keep: Closed candles kept, at least.
        session: Calendar of the symbol.
        series: Its indicators; None: none in this timeframe.
        bars: Where candles go; None: they are not published, they came from elsewhere.
        features: Where their indicators go.
        is_whole_only: Publish no candle of which a minute never came.
    """

    def __init__(
        self,
        identity: tuple[str, str, str],
        keep: int,
        session: Session,
        series: Series | None,
        bars: list[Bar] | None,
        features: list[Feature],
        *,
        is_whole_only: bool,
    ) -> None:
        self.timeframe = identity[2]
        self.keep = keep
        self.closed: dict[int, Rolled] = {}
        """By opening time, in order of time."""
        self.running: Rolled | None = None
        """Sum of the closed candles below in the interval that has not ended."""
        self._identity = identity
        self._session = session
        self._series = series
        self._bars = bars
        self._features = features
        self._is_whole_only = is_whole_only

    @property
    def oldest_ns(self) -> int:
        """Start of the oldest candle kept, 0 if there is none."""
        return next(iter(self.closed), 0)

    def candle_at(self, ts_ns: int) -> Rolled:
        """An empty candle of the interval that holds a moment."""
        open_ns = self._session.bar_open_ns(ts_ns, self.timeframe)
        close_ns = self._session.bar_close_ns(open_ns, self.timeframe)
        return Rolled(open_ns, close_ns, self._minutes(open_ns, close_ns))

    def roll_up(self, part: Rolled) -> None:
        """Take a closed candle of the timeframe below."""
        running = self.running
        if running is None:
            running = self.running = self.candle_at(part.open_ns)
        running.take(part)

    def close(self) -> Rolled:
        """Finish the running candle and publish it."""
        candle, self.running = self.running, None
        assert candle is not None
        self.finish(candle)
        return candle

    def finish(self, candle: Rolled) -> None:
        """Take a candle with all its minutes, in the place of the one that was kept of its interval; publish it."""
        candle.until_ns = candle.close_ns
        candle.measure(candle.minutes)
        if candle.is_whole or not self._is_whole_only:
            candle.revision += 1
            if self._bars is not None:
                self._bars.append(
                    candle.bar(*self._identity, candle.closed_status(), candle.minutes),
                )
        self.enter(candle)

    def enter(self, candle: Rolled) -> None:
        """Keep a closed candle, a new one or a new revision; the indicators of one that was not published are not either."""
        self.closed[candle.open_ns] = candle
        series = self._series
        if series is not None:
            self._publish(series.follow((candle,)))

    def settle(self) -> None:
        """Publish the indicators that are no longer what they were, after a candle has changed."""
        series = self._series
        if series is not None and series.is_revised:
            self._publish(series.revised())

    def _publish(self, features: list[Feature]) -> None:
        self._features += [one for one in features if one.revision]

    def forget(self, count: int) -> None:
        """Let the oldest candles go."""
        for open_ns in list(self.closed)[:count]:
            del self.closed[open_ns]
        if self._series is not None:
            self._series.forget(count)

    def count_before(self, ts_ns: int) -> int:
        """Kept candles that open before a moment."""
        count = 0
        for open_ns in self.closed:
            if open_ns >= ts_ns:
                break
            count += 1
        return count

    def views(self, below: Iterable[Rolled]) -> list[Rolled]:
        """The candles that are not closed, as they stand with those below that are not closed either."""
        found = [] if self.running is None else [copy.copy(self.running)]
        for part in below:
            if not found or found[-1].close_ns <= part.open_ns:
                found.append(self.candle_at(part.open_ns))
            found[-1].take(part)
        for view in found:
            view.measure(self._minutes(view.open_ns, view.until_ns))
        return found

    def show(self, views: Sequence[Rolled], at_ns: int, status: str) -> None:
        """Publish the running candle that holds a moment, and its indicators."""
        for number, view in enumerate(views):
            if not view.open_ns <= at_ns < view.close_ns:
                continue
            if self._bars is not None:
                self._bars.append(self.open_bar(view, status))
            if self._series is not None:
                self.settle()
                self._features.append(self._series.running(views[: number + 1])[-1])
            return

    def open_bar(self, view: Rolled, status: str = "open") -> Bar:
        """Message of a candle that is not closed."""
        return view.bar(*self._identity, status, self._minutes(view.open_ns, view.until_ns))

    def closed_bars(self) -> list[Bar]:
        """Messages of the kept candles that were published, oldest first."""
        return [
            candle.bar(*self._identity, candle.closed_status(), candle.minutes)
            for candle in self.closed.values()
            if candle.revision
        ]

    def state(self) -> RungState:
        """What to keep; it shares the candles, so encode it before the next input."""
        series = None if self._series is None else self._series.state()
        return RungState(list(self.closed.values()), series)

    def restore(self, closed: list[Rolled], series: SeriesState | None) -> None:
        """Go on from decoded candles and the state of their indicators."""
        self.closed = {candle.open_ns: candle for candle in closed}
        if self._series is not None:
            self._series.restore(series, closed)

    def _minutes(self, from_ns: int, to_ns: int) -> int:
        return self._session.open_time_ns(from_ns, to_ns) // MINUTE_NS
