"""One market and its rules: hands events on, turns findings into alerts, holds them to their cool-down. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.detector.market import Market
from actors.detector.rule import ON_MARK, ON_REFERENCE, Finding, Handler, Rule, World, handlers_of
from actors.detector.thresholds import ThresholdBook
from protocol.feeders import Feeder, Feeders
from protocol.messages import Alert, Bar, Gap
from protocol.sessions import FOREVER_NS

MAX_MISSED = 16
"""Newest gaps that are remembered of each of several publishers."""
SET_BACK_NS = 5_000_000_000
"""Venue time that goes back by more has been set back: what runs begins anew."""


Missed = tuple[int, int, str]
"""From, to (venue time) and kind of messages."""


class WatchState(msgspec.Struct, array_like=True):
    """What a watch remembers."""

    market: Market
    told_ns: dict[str, int]
    """Rule to the time of its newest alert."""
    rules: dict[str, msgspec.Raw]
    """Rule to its state."""
    feeders: dict[str, Feeder] = {}
    """The publishers, where there are several."""
    leader: str = ""
    """Whose watermarks are heard."""
    missed: dict[str, dict[str, Missed]] = {}
    """Publisher to its newest gaps, by id."""


class Watch:
    """The rules of one market.

    Args:
        market: It.
        book: Thresholds.
        world: What rules may look at.
        kept: State of an earlier watch of this market.
    """

    def __init__(
        self, market: Market, book: ThresholdBook, world: World, kept: WatchState | None = None
    ) -> None:
        self.market = market
        self._world = world
        self._told_ns = kept.told_ns if kept else {}
        self._rules = [
            kind(
                market,
                book.of(kind.name, market.symbol),
                _state_of(kind, kept.rules.get(kind.name) if kept else None),
                world,
            )
            for kind in book.rules
        ]
        self.peers: list[Watch] = [self]
        """The watches of its symbol at all venues, this one among them."""
        self.feeders = Feeders(kept.feeders) if kept and kept.feeders else None
        """The publishers, from the second one on."""
        self._leader = kept.leader if kept else ""
        self._missed: dict[str, dict[str, Missed]] = kept.missed if kept else {}
        self._on_mark: list[tuple[Rule, Handler]] = []
        self._on_reference: list[tuple[Rule, Handler]] = []
        self._enabled: list[Rule] = []
        self.use(book)

    def use(self, book: ThresholdBook) -> None:
        """Other thresholds from now on; what is remembered stays."""
        for rule in self._rules:
            rule.thresholds = book.of(rule.name, self.market.symbol)
        self._enabled = [rule for rule in self._rules if rule.thresholds.enabled]
        self._on_mark = handlers_of(self._enabled, ON_MARK)
        self._on_reference = handlers_of(self._enabled, ON_REFERENCE)

    def handlers(self, method: str, *, only_late: bool = False) -> list[tuple[Rule, Handler]]:
        """Enabled rules that hear a kind of event."""
        return handlers_of(self._enabled, method, only_late=only_late)

    def share(self, first: str, publisher: str) -> None:
        """A further publisher feeds this market."""
        if self.feeders is None:
            self.feeders, self._leader = Feeders(), first
            self.feeders.add(first)
        self.feeders.add(publisher)

    def counts(self, publisher: str, mark_ns: int, *, is_connected: bool) -> bool:
        """Whether a watermark is to be heard: of several publishers that of the one that is followed."""
        feeders = self.feeders
        if feeders is None:
            return True
        feeders.mark(publisher, mark_ns, is_connected=is_connected)
        feeders.lapses.clear()
        self._leader = feeders.follow(self._leader, "")
        return publisher == self._leader

    def breaks(self, publisher: str, gap: Gap) -> bool:
        """Whether a gap of this publisher leaves something that nobody has seen."""
        is_missing = gap.state in ("open", "unfillable")
        feeders = self.feeders
        if feeders is None:
            return is_missing
        feeders.gap(publisher, gap)
        mine = self._missed.setdefault(publisher, {})
        mine.pop(gap.gap_id, None)
        if not is_missing:
            return False
        span = (gap.from_ts_ns, max(gap.to_ts_ns or FOREVER_NS, gap.from_ts_ns + 1), gap.kind)
        mine[gap.gap_id] = span
        while len(mine) > MAX_MISSED:
            del mine[next(iter(mine))]
        return not self.goes_on_without(publisher, gap.kind) or all(
            any(start < span[1] and end > span[0] for start, end, kind in theirs.values() if kind == gap.kind)
            for theirs in (self._missed.get(name, {}) for name in feeders.state if name != publisher)
        )

    def goes_on_without(self, publisher: str, kind: str) -> bool:
        """Whether another publisher sends what this one has missed."""
        return self.feeders is not None and self.feeders.goes_on_without(publisher, kind)

    def mark(self, now_ns: int, *, is_connected: bool) -> list[Alert]:
        """The venue's time has reached `now_ns`."""
        market = self.market
        if not is_connected:
            if market.connected_ns:
                self.interrupt()
            market.connected_ns = 0
            market.now_ns = now_ns
            return []
        if now_ns < market.now_ns - SET_BACK_NS:
            self.interrupt()
            market.connected_ns = 0
        market.now_ns = now_ns
        market.connected_ns = market.connected_ns or now_ns
        if market.events:
            market.active_ns = now_ns
        if market.quotes:
            market.quoted_ns = now_ns
        market.usd_rate = self._world.rates.rate(market.quote_currency)
        alerts: list[Alert] = []
        for rule, handler in self._on_mark:
            finding = handler(now_ns)
            if finding is not None:
                alerts += self.judge(rule, finding)
        market.events = market.quotes = 0
        return alerts

    def compare(self, bars: Sequence[Bar]) -> list[Alert]:
        """Candles of somebody else, of this symbol."""
        alerts: list[Alert] = []
        for rule, handler in self._on_reference:
            for bar in bars:
                finding = handler(bar)
                if finding is not None:
                    alerts += self.judge(rule, finding)
        return alerts

    def interrupt(self) -> None:
        """Something was not seen."""
        for rule in self._rules:
            rule.on_break()

    def judge(self, rule: Rule, finding: Finding) -> list[Alert]:
        """The alert of a finding: none within the cool-down of the one before."""
        thresholds, market = rule.thresholds, self.market
        told_ns = self._told_ns.get(rule.name)
        # also backwards: a venue clock that was set back must not silence a rule for hours
        if told_ns is not None and abs(finding.ts_event_ns - told_ns) < thresholds.cool_down_s * 1e9:
            self._world.counters["alerts_cooled_down"] += 1
            return []
        self._told_ns[rule.name] = finding.ts_event_ns
        self._world.counters["alerts"] += 1
        text = f"{market.symbol} at {market.venue}: {finding.text}"
        severity: str = thresholds.severity
        return [
            Alert(market.symbol, market.venue, rule.name, severity, finding.ts_event_ns, text, finding.values)
        ]

    @property
    def enabled(self) -> list[Rule]:
        """The rules that run."""
        return self._enabled

    def snapshot(self) -> WatchState:
        """Everything it remembers."""
        encode = msgspec.msgpack.encode
        states = {rule.name: msgspec.Raw(encode(rule.state)) for rule in self._rules}
        feeders = self.feeders.state if self.feeders is not None else {}
        return WatchState(self.market, self._told_ns, states, feeders, self._leader, self._missed)


def _state_of(kind: type[Rule], kept: msgspec.Raw | None) -> msgspec.Struct:
    if kept is not None:
        try:
            return msgspec.msgpack.decode(kept, type=kind.State)
        except msgspec.DecodeError:  # the rule was changed since: it begins anew, the others go on
            pass
    return kind.State()
