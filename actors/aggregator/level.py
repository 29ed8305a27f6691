"""The candles of one symbol and timeframe: those closed but kept, and the one that is being rolled up. Pure."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import msgspec

from actors.aggregator.candle import Candle
from actors.aggregator.coverage import Coverage
from actors.aggregator.indicators.series import Series, SeriesState
from protocol.messages import Bar, Feature
from protocol.sessions import FOREVER_NS, Session
from protocol.topics import market_topic


class LevelState(msgspec.Struct, array_like=True):
    """What one timeframe remembers."""

    running: Candle | None
    closed: list[Candle]
    shown: dict[int, int]
    series: SeriesState | None = None
    """Of the indicators, where there are any."""


class Level:
    """One timeframe. The first one of a symbol is fed with events, each other one with closed candles."""

    def __init__(
        self,
        symbol: str,
        venue: str,
        source: str,
        timeframe: str,
        keep_bars: int,
        session: Session,
        series: Series | None = None,
    ) -> None:
        self.timeframe = timeframe
        self.topic = market_topic("bar", venue, symbol, timeframe)
        self.running: Candle | None = None
        """Sum of the candles below that have closed in the interval that has not."""
        self.closed: dict[int, Candle] = {}
        """By opening time, in order of time."""
        self.changed: dict[int, Candle] = {}
        """Closed or revised since the last publication."""
        self.shown: dict[int, int] = {}
        """What was published of each candle that is not closed: its count, doubled, plus one if stale."""
        self.showing: list[Bar] = []
        """Running candles that are to be published."""
        self.series = series
        """Its indicators; None: there are none in this timeframe."""
        self._views: list[Candle] = []
        """The running candles when they were last shown."""
        self._is_shown = False
        self._identity = symbol, venue, timeframe, source
        self._keep_bars = keep_bars
        self._session = session

    def candle_from(self, open_ns: int) -> Candle:
        """An empty candle of this timeframe."""
        return Candle(open_ns, self._session.bar_close_ns(open_ns, self.timeframe))

    def roll_up(self, below: Candle) -> None:
        """Take a closed candle of the timeframe below."""
        if self.running is None:
            self.running = self.candle_from(self._session.bar_open_ns(below.open_ns, self.timeframe))
        self.running.merge(below)

    def close(self, candle: Candle, carried: float | None, coverage: Coverage) -> None:
        """Finish a candle; `carried` is the close before it, its prices if nothing happened in it."""
        if not candle.count and carried is not None:
            candle.flatten(carried)
        candle.coverage = coverage.share(candle.open_ns, candle.close_ns)
        self.closed[candle.open_ns] = self.changed[candle.open_ns] = candle
        self.shown.pop(candle.open_ns, None)
        if len(self.closed) > self._keep_bars:
            del self.closed[next(iter(self.closed))]

    def kept(self, ts_ns: int) -> Candle | None:
        """The closed candle that holds a moment, if it is still kept."""
        return self.closed.get(self._session.bar_open_ns(ts_ns, self.timeframe))

    def revise(self, candle: Candle, until_ns: int = FOREVER_NS) -> None:
        """A closed candle has changed: publish it again, and the empty ones after it that repeat its close."""
        self.changed[candle.open_ns] = candle
        following = self.closed.get(candle.close_ns)
        if following is None or not following.count:
            self.carry(candle.open_ns, candle.close, until_ns)

    def carry(self, after_ns: int, price: float, until_ns: int = FOREVER_NS) -> None:
        """Set the price of the empty candles after a moment, up to the first that has events or begins at `until_ns`."""
        for candle in self.closed.values():
            if candle.open_ns <= after_ns:
                continue
            if candle.count or candle.open_ns >= until_ns:
                break
            if candle.close != price:
                candle.flatten(price)
                self.changed[candle.open_ns] = candle

    def cover(self, from_ns: int, coverage: Coverage) -> None:
        """Measure the closed candles that reach beyond a moment again, after a hole there has changed."""
        for candle in self.closed.values():
            if candle.close_ns > from_ns:
                share = coverage.share(candle.open_ns, candle.close_ns)
                if share != candle.coverage:
                    candle.coverage = share
                    self.changed[candle.open_ns] = candle

    def views(self, below: Iterable[Candle]) -> list[Candle]:
        """The candles that are not closed, as they stand with those below that are not closed either."""
        found = [] if self.running is None else [copy.copy(self.running)]
        for candle in below:
            open_ns = self._session.bar_open_ns(candle.open_ns, self.timeframe)
            if not found or found[-1].open_ns != open_ns:
                found.append(self.candle_from(open_ns))
            found[-1].merge(candle)
        return found

    def closed_bar(self, candle: Candle) -> Bar:
        """Message of a closed candle at its revision; the source of one that is the venue's is its name."""
        symbol, venue, timeframe, source = self._identity
        return candle.bar(
            symbol, venue, timeframe, venue if candle.is_absorbed else source, candle.closed_status()
        )

    def open_bar(self, candle: Candle, now_ns: int, coverage: Coverage) -> Bar:
        """Message of a candle that is not closed; its coverage is that of the part until now."""
        candle.coverage = coverage.share(candle.open_ns, min(candle.close_ns, now_ns))
        return candle.bar(*self._identity, "stale" if coverage.is_interrupted else "open")

    @property
    def is_due(self) -> bool:
        """Whether there is anything to publish."""
        if self.changed or self.showing:
            return True
        return self._is_shown and self.series is not None and self.series.is_revised

    def show(self, views: list[Candle], now_ns: int, coverage: Coverage) -> None:
        """Publish those of the running candles that differ from what was published of them."""
        self._views, self._is_shown = views, True
        for candle in views:
            look = candle.count * 2 + coverage.is_interrupted
            if candle.count and self.shown.get(candle.open_ns) != look:
                self.shown[candle.open_ns] = look
                self.showing.append(self.open_bar(candle, now_ns, coverage))
        self._is_shown = self.is_due  # else nobody takes it, and what changes later waits for the next time

    def take(self) -> tuple[list[Bar], list[Feature]]:
        """What is to be published: closed and revised candles, each at its next revision, then running ones.

        With them the indicators of the closed ones, and, when running candles are shown, of the revised and running
        ones.
        """
        bars = []
        changed = sorted(self.changed.values(), key=_opening)
        for candle in changed:
            candle.revision += 1
            bars.append(self.closed_bar(candle))
        bars += self.showing
        features = self._features(changed)
        self.changed.clear()
        self.showing.clear()
        self._views, self._is_shown = [], False
        return bars, features

    def _features(self, changed: list[Candle]) -> list[Feature]:
        series = self.series
        if series is None:
            return []
        found = series.follow(changed)
        if self._is_shown:
            found += series.revised()
        if self.showing:
            shown = {bar.ts_open_ns for bar in self.showing}
            running = series.running([candle for candle in self._views if candle.count])
            found += [feature for feature in running if feature.ts_open_ns in shown]
        return found

    def state(self) -> LevelState:
        """What to keep; it shares the candles, so encode it before the next input."""
        series = None if self.series is None else self.series.state()
        return LevelState(self.running, list(self.closed.values()), self.shown, series)

    def restore(self, state: LevelState) -> None:
        """Go on from a decoded state."""
        self.running, self.shown = state.running, state.shown
        self.closed = {candle.open_ns: candle for candle in state.closed}
        if self.series is not None:
            self.series.restore(state.series, state.closed)


def _opening(candle: Candle) -> int:
    return candle.open_ns
