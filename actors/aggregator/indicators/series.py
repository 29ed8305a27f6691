"""Indicators of one symbol, venue and timeframe: candles in, features out. Pure.

A closed candle moves every indicator by one step, and its feature goes out behind it. The running candle is a step
whose result is not kept. A closed candle that changes takes the indicators back to before the oldest candle that can
still change, and they run again from there; the features from the changed candle on go out again, each with the revision
of its candle. That waits for the next watermark (or the next close), so that a hundred late trades are one run.

What is remembered is the state before the oldest kept candle; everything after it follows from the kept candles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec

from actors.aggregator.indicators.definition import Past, Sample, State
from actors.aggregator.indicators.suite import Suite
from protocol.messages import Feature
from protocol.sessions import FOREVER_NS, Session
from protocol.topics import market_topic


class Candle(Protocol):
    """What the indicators want of a candle."""

    open_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    notional: float
    coverage: float
    revision: int

    @property
    def event_ns(self) -> int:
        """Newest event."""


class SeriesState(msgspec.Struct, array_like=True):
    """What the indicators of one series remember."""

    base: dict[str, tuple[Any, ...]] = {}
    """State of each indicator before the oldest candle that is kept, by its full name."""
    past: dict[str, list[float]] = {}
    """What they read of the candles before that."""
    revised_ns: int = 0
    """Opening time of the oldest candle that has changed since its feature went out; 0: none has."""


class Series:
    """Features of one symbol at one venue in one timeframe.

    Args:
        symbol: Canonical symbol.
        venue: Where.
        timeframe: Of the candles.
        keep_bars: Closed candles that can still change.
        session: Calendar of the symbol.
        suite: What is calculated.
    """

    def __init__(
        self, symbol: str, venue: str, timeframe: str, keep_bars: int, session: Session, suite: Suite
    ) -> None:
        self.topic = market_topic(Feature.KIND, venue, symbol, timeframe)
        self._identity = symbol, venue, timeframe
        self._keep_bars = keep_bars
        self._session = session
        self._suite = suite
        self._kept: dict[int, Candle] = {}
        """Closed candles that can still change, by opening time."""
        self._base, self._base_past = list(suite.start), Past(suite.reads)
        self._states, self._past = self._base, Past(suite.reads)
        """After the newest closed candle."""
        self._newest_ns = self._revised_ns = 0
        self._lowest = 1.0
        """Coverage of the closed candles that a feature of the next one is made of."""

    @property
    def is_revised(self) -> bool:
        """Whether features that went out are no longer true."""
        return self._revised_ns > 0

    def follow(self, changed: Iterable[Candle]) -> list[Feature]:
        """Take candles that have closed or changed, oldest first, with their new revisions; features of the closed ones.

        Those of the changed ones wait for `revised`.
        """
        found: list[Feature] = []
        for candle in changed:
            open_ns = candle.open_ns
            if open_ns <= self._newest_ns:
                if open_ns in self._kept:
                    self._kept[open_ns] = candle
                    self._revised_ns = min(self._revised_ns or open_ns, open_ns)
                continue
            found += self.revised()
            self._newest_ns = open_ns
            self._kept[open_ns] = candle
            found.append(self._close(candle))
            if len(self._kept) > self._keep_bars:
                self.forget(1)
        return found

    def forget(self, count: int) -> None:
        """Let the oldest candles go: they change no more."""
        for _ in range(count):
            oldest = self._sample(self._kept.pop(next(iter(self._kept))))
            self._base = self._suite.step(self._base, self._base_past, oldest)
            self._base_past.append(oldest)

    def revised(self) -> list[Feature]:
        """Run again from the oldest kept candle, if one has changed; features from the changed one on."""
        if not self._revised_ns:
            return []
        from_ns, self._revised_ns = self._revised_ns, 0
        return self._run(from_ns)

    def running(self, candles: Sequence[Candle]) -> list[Feature]:
        """Features of candles that are not closed, oldest first: they come after the closed ones, and after each other."""
        states, past, lowest = self._states, self._past, self._lowest
        found: list[Feature] = []
        for number, candle in enumerate(candles):
            bar = self._sample(candle)
            states = self._suite.step(states, past, bar)
            lowest = min(lowest, candle.coverage)
            found.append(self._feature(candle, states, 0, lowest))
            if number + 1 < len(candles):
                past = past.copy()
                past.append(bar)
        return found

    def state(self) -> SeriesState:
        """What to keep."""
        base = {one.name: state for one, state in zip(self._suite.indicators, self._base, strict=True)}
        return SeriesState(base, self._base_past.columns(), self._revised_ns)

    def restore(self, state: SeriesState | None, closed: Iterable[Candle]) -> None:
        """Go on from a decoded state and the closed candles that were kept with it.

        An indicator that is not in the state begins with the first of these candles.
        """
        self._kept = {candle.open_ns: candle for candle in closed}
        kept = state or SeriesState()
        self._base = [_fitting(kept.base.get(one.name, ()), one.start) for one in self._suite.indicators]
        self._base_past = Past(self._suite.reads, kept.past)
        self._newest_ns = max(self._kept, default=0)
        self._revised_ns = kept.revised_ns
        self._run(FOREVER_NS)

    def _run(self, from_ns: int) -> list[Feature]:
        """Run again from the oldest kept candle; features from one on."""
        self._states, self._past = self._base, self._base_past.copy()
        found: list[Feature] = []
        for open_ns, candle in self._kept.items():
            if open_ns < from_ns:
                self._advance(candle)
                continue
            if not found:
                self._lowest = self._lowest_coverage()
            found.append(self._close(candle))
        self._lowest = self._lowest_coverage()
        return found

    def _close(self, candle: Candle) -> Feature:
        lowest = min(self._lowest, candle.coverage)
        self._advance(candle)
        if lowest < 1.0:  # else nothing but whole candles came before it, and it is one
            self._lowest = self._lowest_coverage()
        return self._feature(candle, self._states, candle.revision, lowest)

    def _advance(self, candle: Candle) -> None:
        bar = self._sample(candle)
        self._states = self._suite.step(self._states, self._past, bar)
        self._past.append(bar)

    def _lowest_coverage(self) -> float:
        """Of the closed candles that a feature of the next one is made of."""
        longest = self._suite.longest
        return min(self._past.coverage[-longest:], default=1.0) if longest else 1.0

    def _feature(self, candle: Candle, states: list[State], revision: int, coverage: float) -> Feature:
        symbol, venue, timeframe = self._identity
        return Feature(
            symbol,
            venue,
            timeframe,
            candle.open_ns,
            candle.event_ns,
            self._suite.is_ready(states),
            self._suite.values(states),
            revision,
            coverage,
        )

    def _sample(self, candle: Candle) -> Sample:
        return Sample(
            candle.open,
            candle.high,
            candle.low,
            candle.close,
            candle.volume,
            candle.notional,
            self._session.day_ns(candle.open_ns)[0],
            candle.coverage,
        )


def _fitting(state: State, start: State) -> State:
    """The state that was kept, if it has the form of this indicator's; one that was written anew begins anew."""
    return state if len(state) == len(start) else start
