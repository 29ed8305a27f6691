"""Everything that is known of one market, as it was at a moment of venue time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from actors.scanner.series import Series, ends_of
from actors.scanner.touches import Touch, Touches, Waiting
from actors.scanner.venue import ROUND_NS
from protocol.instruments import Instrument
from protocol.messages import Bar, Feature, Flow, Gap, Quote
from protocol.sessions import session_named
from protocol.strategy import Needs, Snapshot

__all__ = ["Limits", "Market", "MarketState", "Touch", "timeframes_of"]

OPEN_STATES: Final = ("open", "filling")
GAP_KINDS: Final = ("trade", "quote", "bar")
MOST_FLOWS: Final = 3600
"""Steps of order flow that wait for their rounds."""
STEP_NS: Final = 1_000_000_000
"""Order flow is said at the ends of whole seconds."""
Turn = tuple[int, str, bool]
"""From which round on, which gap, whether it is open."""


class Limits(NamedTuple):
    """When an input is too old, too late or has holes; ns of venue time."""

    quote_ttl_ns: int
    candle_wait_ns: int
    flow_wait_ns: int
    min_coverage: float
    keep_bars: int


class MarketState(msgspec.Struct, array_like=True):
    """What is remembered of a market."""

    venue: str
    symbol: str
    quote: Touch | None
    touches: dict[str, list[Waiting]]
    gaps: list[str]
    turns: list[Turn]
    bars: dict[str, tuple[list[Bar], list[Bar]]]
    features: dict[str, tuple[list[Feature], list[Feature]]]
    flows: dict[float, list[Flow]]
    heard_flow_ns: dict[float, int]
    asked: dict[str, int]
    lapsed: list[str]
    since_ns: int


class Market:
    """One instrument at one venue.

    Args:
        venue: Where.
        instrument: What.
        needs: Inputs of all strategies that look at it.
        limits: When an input is too old.
    """

    def __init__(self, venue: str, instrument: Instrument, needs: Iterable[Needs], limits: Limits) -> None:
        self.venue = venue
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.session = session_named(instrument.session)
        self.quote: Touch | None = None
        """The newest one at the last round."""
        self.passed: list[Touch] = []
        """Those between the last two rounds, oldest first."""
        self.asked: dict[str, int] = {}
        """Strategy to the end of the candle that it was asked about last."""
        self.since_ns = 0
        """Its first quote: candles and order flow that end later are expected, and no others count; 0: there was none."""
        self._lapsed: set[str] = set()
        """Inputs that others do not wait for."""
        self._limits = limits
        self._gaps: set[str] = set()
        self._turns: list[Turn] = []
        self._touches = Touches()
        self._bars: dict[str, Series[Bar]] = {}
        self._features: dict[str, Series[Feature]] = {}
        self._flows: dict[float, dict[int, Flow]] = {}
        self._heard_flow_ns: dict[float, int] = {}
        needs = list(needs)
        kept = {timeframe: 1 for need in needs for timeframe in timeframes_of(need)}
        for need in needs:
            for timeframe, count in need.bars.items():
                kept[timeframe] = max(kept[timeframe], count)
        for timeframe, count in kept.items():
            ends = ends_of(venue, instrument.session, timeframe, limits.candle_wait_ns)
            self._bars[timeframe] = Series(min(count, limits.keep_bars), ends)
            if any(timeframe in need.features for need in needs):
                self._features[timeframe] = Series(1, ends)
        for need in needs:
            for window_s in need.flows:
                self._flows[window_s] = {}
                self._heard_flow_ns[window_s] = 0

    def wants(self, kind: str, timeframe: str) -> bool:
        """Whether any strategy needs a topic."""
        if kind == Bar.KIND:
            return timeframe in self._bars
        if kind == Feature.KIND:
            return timeframe in self._features
        return kind != Flow.KIND or bool(self._flows)

    # what comes

    def take_quotes(self, quotes: Iterable[Quote], publisher: str, due_ns: int, most_ns: int) -> int:
        """Quotes, in the order of their publisher; see `Touches.add`."""
        return self._touches.add(quotes, publisher, due_ns, most_ns)

    def take_bars(self, bars: Iterable[Bar]) -> None:
        """Candles of one timeframe."""
        for bar in bars:
            series = self._bars.get(bar.timeframe)
            if series is not None:
                series.add(bar)

    def take_features(self, features: Iterable[Feature]) -> None:
        """Indicator values of candles of one timeframe."""
        for feature in features:
            series = self._features.get(feature.timeframe)
            if series is not None:
                series.add(feature)

    def take_flows(self, flows: Iterable[Flow]) -> int:
        """Order flow of all windows; returns how many that waited were dropped: there were too many."""
        dropped = 0
        for flow in flows:
            kept = self._flows.get(flow.window_s)
            if kept is not None:
                kept[flow.ts_event_ns] = flow
                self._heard_flow_ns[flow.window_s] = max(flow.ts_event_ns, self._heard_flow_ns[flow.window_s])
                if len(kept) > MOST_FLOWS:
                    del kept[next(iter(kept))]
                    dropped += 1
        return dropped

    def take_gaps(self, gaps: Iterable[Gap], due_ns: int) -> None:
        """Entries of the gap ledger, from a round on."""
        for gap in gaps:
            if gap.kind in GAP_KINDS:
                self._turns.append((due_ns, gap.gap_id, gap.state in OPEN_STATES))

    # a round

    def flow_ns(self, ts_ns: int) -> int:
        """End of the newest step of order flow that is expected at a time."""
        settled_ns = ts_ns - self._limits.flow_wait_ns
        return settled_ns - settled_ns % STEP_NS

    def candle_end_ns(self, timeframe: str, ts_ns: int) -> int:
        """End of the newest candle that is expected to be closed at a time."""
        return self._bars[timeframe].ends.newest_ns(ts_ns)

    def late(self, ts_ns: int) -> Iterator[str]:
        """Inputs that are expected by a time and have not come."""
        since_ns = self.since_ns
        if not since_ns:
            return
        for timeframe, bars in self._bars.items():
            end_ns = bars.ends.newest_ns(ts_ns)
            if bars.heard_end_ns < end_ns and end_ns > since_ns and bars.ends.is_traded(ts_ns):
                yield f"{timeframe} candles"
            features = self._features.get(timeframe)
            if features is not None and features.heard_end_ns < min(end_ns, bars.heard_end_ns):
                yield f"{timeframe} indicators"
        if self._flows:
            flow_ns = self.flow_ns(ts_ns)
            if flow_ns > since_ns and self.session.is_open(flow_ns - STEP_NS):
                for window_s, heard_ns in self._heard_flow_ns.items():
                    if heard_ns < flow_ns:
                        yield f"order flow of {window_s:g} s"

    def is_waiting(self, ts_ns: int) -> bool:
        """Whether others wait for it at a time."""
        return any(name not in self._lapsed for name in self.late(ts_ns))

    def give_up(self, ts_ns: int) -> None:
        """Nobody waits for what is late, until it has come."""
        self._lapsed.update(self.late(ts_ns))

    def advance(self, ts_ns: int) -> None:
        """Be what it was at a time."""
        self.passed = passed = self._touches.take(ts_ns)
        if passed:
            newest = passed[-1]
            if self.quote is None or newest[0] >= self.quote[0]:
                self.quote = newest
            if not self.since_ns:
                self.since_ns = max(passed[0][0], ts_ns - ROUND_NS)
        if self._turns:
            self._turn(ts_ns)
        for timeframe, bars in self._bars.items():
            end_ns = bars.ends.newest_ns(ts_ns)
            bars.advance(end_ns)
            if timeframe in self._features:
                self._features[timeframe].advance(end_ns)
        if self._flows:
            flow_ns = self.flow_ns(ts_ns)
            for flows in self._flows.values():
                while flows and (oldest_ns := next(iter(flows))) < flow_ns:
                    del flows[oldest_ns]
        if self._lapsed:
            self._lapsed.intersection_update(self.late(ts_ns))

    def _turn(self, ts_ns: int) -> None:
        for due_ns, gap_id, is_open in self._turns:
            if due_ns <= ts_ns:
                (self._gaps.add if is_open else self._gaps.discard)(gap_id)
        self._turns = [one for one in self._turns if one[0] > ts_ns]

    def fault(self, ts_ns: int) -> str:
        """Why nothing can be said of this market now, whoever asks; empty: something can."""
        if not self.session.is_open(ts_ns):
            return "market closed"
        if self.quote is None:
            return "no quote"
        quoted_ns, bid, ask = self.quote
        if ts_ns - quoted_ns > self._limits.quote_ttl_ns:
            return "stale quote"
        if bid > ask:
            return "crossed quote"
        return "gap open" if self._gaps else ""

    def lacking(self, needs: Needs, ts_ns: int) -> str:
        """Which input of a strategy is not there, is late or has holes; empty: none."""
        for timeframe in timeframes_of(needs):
            fault = self._bars_fault(timeframe, needs.bars.get(timeframe, 1), ts_ns)
            if fault:
                return fault
        for timeframe, names in needs.features.items():
            fault = self._feature_fault(timeframe, names)
            if fault:
                return fault
        for window_s, names in needs.flows.items():
            fault = self._flow_fault(window_s, names, ts_ns)
            if fault:
                return fault
        return ""

    def _bars_fault(self, timeframe: str, count: int, ts_ns: int) -> str:
        bars, least = self._bars[timeframe], self._limits.min_coverage
        end_ns = bars.ends.newest_ns(ts_ns)
        if bars.end_ns < end_ns and end_ns > self.since_ns and bars.ends.is_traded(ts_ns):
            return f"late: {timeframe} candles"
        if len(bars.taken) < count or bars.end_ns <= self.since_ns:
            return f"warming up: {timeframe} candles"
        if any(bar.status == "gap" or bar.coverage < least for bar in bars.taken[-count:]):
            return f"gapped: {timeframe} candles"
        return ""

    def _feature_fault(self, timeframe: str, names: Iterable[str]) -> str:
        features, bars = self._features[timeframe], self._bars[timeframe]
        if features.end_ns != bars.end_ns:
            return f"late: {timeframe} indicators"
        newest = features.taken[-1]
        missing = [name for name in names if name not in newest.values]
        if missing:
            return f"warming up: {timeframe} {missing[0]}"
        return f"gapped: {timeframe} indicators" if newest.coverage < self._limits.min_coverage else ""

    def _flow_fault(self, window_s: float, names: Iterable[str], ts_ns: int) -> str:
        flow_ns = self.flow_ns(ts_ns)
        if flow_ns <= self.since_ns:
            return f"warming up: order flow of {window_s:g} s"
        flow = self._flows[window_s].get(flow_ns)
        if flow is None:
            return f"late: order flow of {window_s:g} s"
        if not flow.is_complete or flow.coverage < self._limits.min_coverage:
            return f"gapped: order flow of {window_s:g} s ({flow.reason or 'coverage'})"
        missing = [name for name in names if name not in flow.values]
        return f"warming up: {missing[0]} of {window_s:g} s" if missing else ""

    def coverage(self, needs: Needs) -> float:
        """Lowest coverage of the candles and indicators that a strategy looks at."""
        found = [
            bar.coverage
            for timeframe, count in needs.bars.items()
            for bar in self._bars[timeframe].taken[-count:]
        ]
        found += [
            self._features[timeframe].taken[-1].coverage
            for timeframe in needs.features
            if self._features[timeframe].taken
        ]
        return min(found, default=1.0)

    def features(self) -> dict[str, Mapping[str, float]]:
        """Timeframe to the values of its newest candle, of all that any strategy needs."""
        return {
            timeframe: MappingProxyType(series.taken[-1].values)
            for timeframe, series in self._features.items()
            if series.taken
        }

    def snapshot(self, needs: Needs, ts_ns: int) -> Snapshot:
        """What a strategy is given, only where nothing is lacking: what it needs, and nothing in it can be changed."""
        assert self.quote is not None
        quoted_ns, bid, ask = self.quote
        flow_ns = self.flow_ns(ts_ns)
        bars: dict[str, Sequence[Bar]] = {
            timeframe: tuple(self._bars[timeframe].taken[-needs.bars.get(timeframe, 1) :])
            for timeframe in timeframes_of(needs)
        }
        features: dict[str, Mapping[str, Any]] = {
            timeframe: MappingProxyType(self._features[timeframe].taken[-1].values)
            for timeframe in needs.features
        }
        flows: dict[float, Mapping[str, Any]] = {
            window_s: MappingProxyType(self._flows[window_s][flow_ns].values) for window_s in needs.flows
        }
        return Snapshot(
            self.symbol, self.venue, ts_ns, bid, ask, quoted_ns, bars, features, flows,
            self.instrument.tick_size, self.instrument.pip_size,
        )  # fmt: skip

    # memory

    def state(self) -> MarketState:
        """What is remembered."""
        return MarketState(
            self.venue, self.symbol, self.quote, self._touches.waiting, sorted(self._gaps), self._turns,
            {timeframe: series.state() for timeframe, series in self._bars.items()},
            {timeframe: series.state() for timeframe, series in self._features.items()},
            {window_s: list(flows.values()) for window_s, flows in self._flows.items()},
            self._heard_flow_ns, self.asked, sorted(self._lapsed), self.since_ns,
        )  # fmt: skip

    def restore(self, state: MarketState) -> None:
        """Go on from it; what no strategy needs any more is left out."""
        self.quote, self._touches, self._gaps = state.quote, Touches(state.touches), set(state.gaps)
        self._turns, self._lapsed, self.since_ns = state.turns, set(state.lapsed), state.since_ns
        self.asked = state.asked
        for timeframe, bars in self._bars.items():
            bars.restore(*state.bars.get(timeframe, ((), ())))
        for timeframe, features in self._features.items():
            features.restore(*state.features.get(timeframe, ((), ())))
        for window_s, flows in self._flows.items():
            flows.update({one.ts_event_ns: one for one in state.flows.get(window_s, ())})
            self._heard_flow_ns[window_s] = state.heard_flow_ns.get(window_s, 0)


def timeframes_of(needs: Needs) -> list[str]:
    """All timeframes of a strategy, its own first."""
    return list(dict.fromkeys((needs.timeframe, *needs.bars, *needs.features)))
