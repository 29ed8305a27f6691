"""One round over the markets of a venue: what ended, who is asked, what the shield says. Pure."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec

from actors.scanner.ideas import checked, words
from actors.scanner.life import cancelled, ended
from actors.scanner.market import Market
from actors.scanner.needs import needs_of
from actors.scanner.settings import StrategySettings
from actors.scanner.shield import Candidate, Exposure, Headline, Shield, Surroundings
from protocol.instruments import Catalog, Instrument
from protocol.messages import BUY, SELL, Signal
from protocol.strategy import Idea, Needs, Snapshot, Strategy

SECOND_NS: Final = 1_000_000_000
MOST_REASONS: Final = 50
"""Different reasons that are counted per strategy."""
OTHER: Final = "other"
MOST_HEADLINES: Final = 2000
SLOW_NS: Final = 100_000_000
"""An answer that took longer is counted as slow."""
Tell = Callable[[str, object], None]
"""Counts and logs something bad of a plugin: reason, what; `Actor.drop`."""
Key = tuple[str, str, str]
"""Strategy, venue, symbol."""


class DeskState(msgspec.Struct, array_like=True):
    """What is remembered besides the markets."""

    open: list[Signal]
    ended_ns: list[tuple[Key, int]]
    """When the last signal of each ended."""
    headlines: list[tuple[int, tuple[str, ...], str, str]]


class Chair(NamedTuple):
    """A strategy and how it is asked."""

    name: str
    strategy: Strategy
    settings: StrategySettings
    needs: Needs
    """As they were at the start."""

    def looks_at(self, venue: str, symbol: str) -> bool:
        """Whether it is asked about a market."""
        return any(fnmatch.fnmatchcase(symbol, one) for one in self.settings.symbols) and any(
            fnmatch.fnmatchcase(venue, one) for one in self.settings.venues
        )


class Desk:
    """All strategies, and the signals that are open.

    Args:
        catalog: Instruments.
        chairs: Strategies with their settings.
        shield: What scores and vetoes.
        counters: Where rounds, ideas and signals are counted.
        mono_ns: Clock by which slow strategies are counted; nothing else depends on it.
        tell: Is told of a plugin that raises, or whose idea makes no sense.
    """

    def __init__(
        self,
        catalog: Catalog,
        chairs: list[Chair],
        shield: Shield,
        counters: Counter[str],
        mono_ns: Callable[[], int] | None = None,
        tell: Tell = lambda _reason, _what: None,
    ) -> None:
        self.chairs = chairs
        self.shield = shield
        self.open: dict[Key, Signal] = {}
        """The open signals: a strategy has one at most of a symbol at a venue. Venues do not know of each other: each has
        its own time, and whose second comes first is chance."""
        self.why: dict[Key, str] = {}
        """Why a strategy said nothing when it was asked last."""
        self.reasons: dict[str, Counter[str]] = {chair.name: Counter() for chair in chairs}
        self.headlines: list[Headline] = []
        self._catalog = catalog
        self._counters = counters
        self.slowest_ns = {chair.name: 0 for chair in chairs}
        """Strategy to its slowest answer."""
        self._mono_ns = mono_ns
        self._tell = tell
        self._ended_ns: dict[Key, int] = {}
        self._has_orphans = False
        self._seats: dict[tuple[str, str], list[Chair]] = {}

    def chairs_of(self, venue: str, symbol: str) -> list[Chair]:
        """Who is asked about a market."""
        seats = self._seats.get((venue, symbol))
        if seats is None:
            seats = [one for one in self.chairs if one.looks_at(venue, symbol)]
            self._seats[venue, symbol] = seats
        return seats

    def round(self, market: Market, ts_ns: int, *, is_connected: bool) -> list[Signal]:
        """What is said of one market at a moment; it has been advanced to that."""
        said: list[Signal] = []
        chairs = self.chairs_of(market.venue, market.symbol)
        if self.open:
            said = self._endings(chairs, market, ts_ns)
        fault: str | None = None
        for chair in chairs:
            end_ns = market.candle_end_ns(chair.needs.timeframe, ts_ns)
            if not chair.needs.each_second and market.asked.get(chair.name) == end_ns:
                continue
            if fault is None:
                fault = market.fault(ts_ns) if is_connected else "venue down"
            signal = self._ask(chair, market, ts_ns, fault, end_ns)
            if signal is not None:
                said.append(signal)
        return said

    def _endings(self, chairs: list[Chair], market: Market, ts_ns: int) -> list[Signal]:
        said = []
        for chair in chairs:
            key = (chair.name, market.venue, market.symbol)
            signal = self.open.get(key)
            last = ended(signal, market.passed, ts_ns) if signal is not None else None
            if last is not None:
                self._end(key, last)
                said.append(last)
        return said

    def _end(self, key: Key, last: Signal) -> None:
        del self.open[key]
        self._ended_ns[key] = last.ts_event_ns
        self._counters[f"signals_{last.state}"] += 1

    def orphans(self, venue: str, ts_ns: int) -> list[Signal]:
        """Ends open signals, of before a restart, of strategies that are asked about their market no longer."""
        if not self._has_orphans:
            return []
        said, others = [], 0
        for key, signal in sorted(self.open.items()):
            if self._is_asked(key) and key[2] in self._catalog:
                continue
            if signal.venue != venue:
                others += 1
                continue
            last = cancelled(signal, ts_ns)
            self._end(key, last)
            said.append(last)
        self._has_orphans = others > 0
        return said

    def _ask(self, chair: Chair, market: Market, ts_ns: int, fault: str, end_ns: int) -> Signal | None:
        if market.quote is None:
            self._say_why(chair, market, fault)
            return None  # it has not begun: of nothing can be told whether it has been asked
        why = fault or self._busy(chair, market, ts_ns) or market.lacking(chair.needs, ts_ns)
        if why.startswith("late: "):
            self._say_why(chair, market, why)
            return None  # asked again a second later: the candle may come yet
        market.asked[chair.name] = end_ns
        _, bid, ask = market.quote
        said = why or self._asked(chair, market.snapshot(chair.needs, ts_ns))
        if isinstance(said, str):
            self._say_why(chair, market, words(said))
            return None
        idea = checked(said, {BUY: ask, SELL: bid})
        if isinstance(idea, str):
            self._counters["bad_ideas"] += 1
            self._tell("bad_idea", f"{chair.name} of {market.symbol} at {market.venue}: {idea}")
            self._say_why(chair, market, f"bad idea: {idea}")
            return None
        return self._judge(chair, market, ts_ns, idea)

    def _asked(self, chair: Chair, snapshot: Snapshot) -> object:
        self._counters["questions"] += 1
        began_ns = self._mono_ns() if self._mono_ns else 0
        try:
            said: object = chair.strategy.evaluate(snapshot)
        except (Exception, SystemExit) as fault:  # noqa: BLE001 - somebody else's: it neither ends us nor the others
            self._counters["plugin_errors"] += 1
            self._tell(
                "plugin_error", f"{chair.name} of {snapshot.symbol} at {snapshot.venue}: {_told(fault)}"
            )
            said = f"error: {_told(fault)}"
        if self._mono_ns:
            took_ns = self._mono_ns() - began_ns
            self.slowest_ns[chair.name] = max(took_ns, self.slowest_ns[chair.name])
            self._counters["slow_questions"] += took_ns > SLOW_NS
        return said

    def _busy(self, chair: Chair, market: Market, ts_ns: int) -> str:
        key = (chair.name, market.venue, market.symbol)
        if key in self.open:
            return "a signal is open"
        ended_ns = self._ended_ns.get(key)
        if ended_ns is None:
            return ""
        if ts_ns < ended_ns + _ns(chair.settings.cooldown_s):
            return "cooling down"
        del self._ended_ns[key]
        return ""

    def _judge(self, chair: Chair, market: Market, ts_ns: int, idea: Idea) -> Signal:
        assert market.quote is not None
        quoted_ns, bid, ask = market.quote
        entry = ask if idea.side == BUY else bid
        needs, instrument = chair.needs, market.instrument
        key = (chair.name, market.venue, market.symbol)
        candidate = Candidate(
            symbol=market.symbol, venue=market.venue, strategy=chair.name, side=idea.side, entry=entry, stop=idea.stop,
            target=idea.target, confidence=idea.confidence, ts_ns=ts_ns, spread=ask - bid, tick_size=instrument.tick_size,
            pip_size=instrument.pip_size, features=market.features(), coverage=market.coverage(needs),
            quote_age_s=(ts_ns - quoted_ns) / 1e9,
        )  # fmt: skip
        decision = self.shield.judge(candidate, self._surroundings(market.venue, instrument, ts_ns))
        signal = Signal(
            symbol=market.symbol, strategy=chair.name, ts_event_ns=ts_ns, side=idea.side, entry=entry, stop=idea.stop,
            target=idea.target, confidence=idea.confidence, inputs=dict(idea.inputs), venue=market.venue,
            timeframe=needs.timeframe, signal_id=f"{chair.name}-{market.venue}-{market.symbol}-{ts_ns // SECOND_NS}",
            state="vetoed" if decision.is_vetoed else "open", ts_opened_ns=ts_ns,
            ts_expires_ns=ts_ns + _ns(chair.settings.expires_s), score=decision.score, reasons=decision.reasons,
            text=idea.text,
        )  # fmt: skip
        self._counters[f"signals_{signal.state}"] += 1
        if decision.is_vetoed:
            self._say_why(chair, market, "vetoed")
            self._ended_ns[key] = ts_ns  # not the same again a minute later
        else:
            self.open[key] = signal
            self.why.pop(key, None)
        return signal

    def _surroundings(self, venue: str, instrument: Instrument, ts_ns: int) -> Surroundings:
        exposures = []
        for _, signal in sorted(self.open.items()):
            if signal.venue == venue and signal.ts_opened_ns < ts_ns and signal.symbol in self._catalog:
                # of this very second nobody knows yet
                other = self._catalog.get(signal.symbol)
                exposures.append(
                    Exposure(signal.symbol, other.base, other.quote, signal.side, signal.strategy)
                )
        headlines = [one for one in self.headlines if one.ts_ns <= ts_ns]
        return Surroundings(exposures, headlines, instrument.base, instrument.quote, instrument.session)

    def hear_news(self, news: list[Headline], keep_ns: int) -> None:
        """Remember headlines, the newest ones; older than that from the newest on they are forgotten."""
        kept = self.headlines
        kept += news
        kept.sort(key=lambda one: one.ts_ns)
        old = sum(one.ts_ns < kept[-1].ts_ns - keep_ns for one in kept) if kept else 0
        del kept[: max(old, len(kept) - MOST_HEADLINES)]

    def _say_why(self, chair: Chair, market: Market, why: str) -> None:
        self.why[chair.name, market.venue, market.symbol] = why
        counted = self.reasons[chair.name]
        counted[why if why in counted or len(counted) < MOST_REASONS else OTHER] += 1

    def _is_asked(self, key: Key) -> bool:
        return any(chair.name == key[0] for chair in self.chairs_of(*key[1:]))

    def state(self) -> DeskState:
        """What is remembered."""
        ended = sorted(self._ended_ns.items())
        headlines = [tuple(one) for one in self.headlines]
        return DeskState([signal for _, signal in sorted(self.open.items())], ended, headlines)  # type: ignore[arg-type]

    def restore(self, state: DeskState) -> None:
        """Go on from it."""
        self.open = {(one.strategy, one.venue, one.symbol): one for one in state.open}
        self._has_orphans = bool(self.open)
        self._ended_ns = {key: at_ns for key, at_ns in state.ended_ns if self._is_asked(key)}
        self.headlines = [Headline(*one) for one in state.headlines]


def chairs_of(strategies: Mapping[str, Strategy], settings: Mapping[str, StrategySettings]) -> list[Chair]:
    """Strategies with their settings, in the order of their names."""
    return [
        Chair(name, strategies[name], settings[name], needs_of(strategies[name]))
        for name in sorted(strategies)
    ]


def _ns(seconds: float) -> int:
    return round(seconds * SECOND_NS)


def _told(fault: BaseException) -> str:
    try:
        return repr(fault)
    except Exception:  # noqa: BLE001 - even that is somebody's code
        return type(fault).__name__
