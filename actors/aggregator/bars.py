"""From events to candles, for one symbol at one venue: a function of events, watermarks and gaps alone. Pure.

Which event opens or closes a candle is told in candle.py, when candles close in ladder.py. Here: what counts
as an event, and what was not seen. Coverage begins with the first event; a hole is an entry of the gap ledger,
frames lost between two events, or a publisher that started anew.

Trades that nobody can fetch any more are made up for by the venue's own candles of their minutes, see `absorb`. A
minute that was absorbed takes no more late trades, they are in it: they are counted as `late_absorbed` and go into
the candles below a minute only.

Two collectors may send the same series (`share`): each event counts once, the newest connected watermark counts, and
only what none of them has seen is a hole.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from actors.aggregator.builder_state import BuilderState
from actors.aggregator.candle import Candle
from actors.aggregator.coverage import MINUTE_NS, Coverage
from actors.aggregator.indicators.series import Series
from actors.aggregator.indicators.suite import suite_of
from actors.aggregator.ladder import Ladder
from actors.aggregator.level import Level
from actors.aggregator.rows import Row, rows_of_quotes, rows_of_trades
from actors.aggregator.rules import Rules
from protocol.feeders import Feeder, Feeders
from protocol.first_copy import Copies
from protocol.messages import Bar, Gap, Quote, Trade
from protocol.sessions import FOREVER_NS, Session
from protocol.trade_ids import SPANNED, TradeIds
from protocol.trust import TRUST_NS

MAX_EARLY: Final = 64
"""Candles of the venue that may wait for ours to close."""
NOT_CLOSED: Final = "klines_not_closed"
_RESTART: Final = "restart-"
_KLINES: Final = "klines"
"""What a gap is filled by whose trades could not be had."""
Output = list[tuple[str, list[Any]]]
"""(topic, candles or features) to publish, one frame each."""
_COLD: Final = (Candle(0, 0), 0, 0)
"""No candle that the next event could go into without further questions."""


class BarBuilder:
    """Candles of one symbol at one venue, in every timeframe; after each input, `take` what is to be published.

    Args:
        venue: Where.
        symbol: Canonical symbol.
        source: `trade` or `quote`: what it is fed with, and which gaps concern it.
        rules: How candles are built.
        session: Calendar of the symbol.
        counters: Where refused, late and dropped events are counted.
    """

    def __init__(
        self, venue: str, symbol: str, source: str, rules: Rules, session: Session, counters: Counter[str]
    ) -> None:
        self.venue, self.symbol, self.source = venue, symbol, source
        self._rules = rules
        self._session = session
        self._counters = counters
        self._state = BuilderState()
        self._ids = TradeIds(is_spanned=venue in SPANNED)
        self.feeders: Feeders | None = None
        """The publishers, from the second one on."""
        self._copies: Copies | None = None
        self._clear()

    def _clear(self) -> None:
        rules, session = self._rules, self._session
        levels = [
            Level(
                self.symbol,
                self.venue,
                self.source,
                timeframe,
                keep_bars,
                session,
                self._series(timeframe, keep_bars),
            )
            for timeframe, keep_bars in zip(rules.timeframes, rules.keep_bars, strict=True)
        ]
        self._coverage = Coverage(session)
        self._ladder = Ladder(levels, rules, session, self._coverage, self._counters)
        self._hot = _COLD
        if self.feeders is not None:
            self.feeders = Feeders({name: Feeder() for name in self.feeders.state})
            self._coverage.share_between("", list(self.feeders.state))

    def _series(self, timeframe: str, keep_bars: int) -> Series | None:
        rules = self._rules
        if not rules.indicators or timeframe not in rules.indicator_timeframes:
            return None
        suite = suite_of(rules.indicators)
        return Series(self.symbol, self.venue, timeframe, keep_bars, self._session, suite)

    @property
    def is_started(self) -> bool:
        """Whether there was an event."""
        return self._state.event_ns > 0

    @property
    def _trusted_ns(self) -> int:
        """Venue times up to here are believed, whatever our clock says."""
        return self._ladder.horizon_ns + TRUST_NS if self.is_started else 0

    @property
    def event_ns(self) -> int:
        """Newest event, 0 before the first."""
        return self._state.event_ns

    # inputs

    def share(self, first: str, publisher: str) -> None:
        """A further publisher sends this series: what it has not seen begins to end with its first event."""
        if self.feeders is None:
            self.feeders = Feeders()
            self.feeders.add(first).event_ns = self._state.event_ns
            self._copies = Copies(self.venue, first, self._ids.state)
        self.feeders.add(publisher)
        self._coverage.share_between(first, list(self.feeders.state))
        if self.is_started:
            self._suspect(f"start-{publisher}", -FOREVER_NS, publisher)

    def add_trades(self, trades: Sequence[Trade], publisher: str = "") -> None:
        """Fold trades, in the order in which they arrived; one that has come before is left out."""
        if self.feeders is not None:
            fresh = self._first_copies(trades, publisher)
        else:
            fresh = self._ids.fresh(trades)
            self._counters["repeated_trades"] += len(trades) - len(fresh)
        self._fold(rows_of_trades(fresh, self._rules.max_ahead_ns, self._trusted_ns, self._counters))

    def add_quotes(self, quotes: Sequence[Quote], publisher: str = "") -> None:
        """Fold quotes, each as its mid price without volume."""
        fresh = quotes if self.feeders is None else self._first_copies(quotes, publisher)
        self._fold(rows_of_quotes(fresh, self._rules.max_ahead_ns, self._trusted_ns, self._counters))

    def _first_copies(self, events: Sequence[Any], publisher: str) -> Sequence[Any]:
        """What of the events of one of several publishers is news."""
        feeders, copies = self.feeders, self._copies
        if not events or feeders is None or copies is None:
            return events
        self._settle(events[0].ts_event_ns, publisher)
        fresh = copies.fresh(publisher, events, feeders.follow(copies.leader, self.source))
        self._counters["second_copies"] += len(events) - len(fresh)
        feeders.heard(publisher, max(event.ts_event_ns for event in events))
        return fresh

    def advance(self, watermark_ns: int, *, is_connected: bool, publisher: str = "") -> None:
        """Take a watermark of the feed: close what is due and show the running candles that have changed."""
        state, ladder = self._state, self._ladder
        if not self.is_started:
            return
        self._hot = _COLD
        if is_connected and state.suspicions:
            self._settle(watermark_ns, publisher)
        if self.feeders is not None and not self._counts(self.feeders, watermark_ns, is_connected, publisher):
            return
        ladder.reach(watermark_ns)
        if state.early:
            waiting, state.early = state.early, []
            for bar in waiting:
                self._absorb(bar, "klines_waiting")
        if state.is_touched and ladder.horizon_ns >= state.next_show_ns:
            state.is_touched = False
            state.next_show_ns = ladder.horizon_ns + self._rules.open_interval_ns
            ladder.show()

    def _counts(self, feeders: Feeders, mark_ns: int, is_connected: bool, publisher: str) -> bool:
        """Whether the watermark of one of several publishers moves the candles; what stood still is a hole of its."""
        does = feeders.mark(publisher, mark_ns, is_connected=is_connected)
        while feeders.lapses:
            self._ladder.cover(self._coverage.note_lapse(feeders.lapses.pop(0), mark_ns))
            self._state.is_touched = True
        return does

    def note_gap(self, gap: Gap, publisher: str = "") -> None:
        """Take an entry of the gap ledger: candles in it are `gap`, and whole again once it is filled.

        One that is filled by candles of the venue stays a hole: those of a minute and longer are whole again by the
        minutes that were absorbed, in the shorter ones the trades are missing for good.
        """
        if not self.is_started:
            return  # coverage begins with the first event anyway
        if gap.cause == "restart":  # the collector accounts for its restart itself: our guess is not needed
            self._forget_suspicions(_RESTART, publisher)
        if self.feeders is not None:
            self.feeders.gap(publisher, gap)
        from_ns = gap.from_ts_ns or self._state.event_ns
        if gap.state == "filled" and gap.filled_by != _KLINES:
            before = self._coverage.remove(gap.gap_id)
        else:
            before = self._coverage.add(gap.gap_id, from_ns, gap.to_ts_ns or FOREVER_NS, publisher)
        self._ladder.cover(min(from_ns, before[0]) if before else from_ns)
        self._state.is_touched = True

    def absorb(self, bar: Bar) -> None:
        """Take the venue's candle of a minute of which trades are missing.

        Our closed candle of that minute becomes the venue's, where that does not hold less than ours, and every
        longer one gets the difference. Its coverage is then whole, and late trades of it no longer count there.
        Whatever does not fit is left out and counted: `klines_unwanted` (no 1m candles of trades are built here),
        `klines_rejected` (impossible values), `klines_not_kept`, `klines_smaller` (holds less than ours),
        `klines_repeated` (taken before). One whose minute is still open here waits for its close
        (`klines_not_closed`).
        """
        self._absorb(bar, NOT_CLOSED)

    def _absorb(self, bar: Bar, count_early_as: str) -> None:
        outcome = self._absorbed(bar)
        if outcome == NOT_CLOSED:
            outcome = count_early_as
            if len(self._state.early) < MAX_EARLY:
                self._state.early.append(bar)
        self._counters[outcome] += 1
        if outcome == "klines_absorbed":
            self._state.is_touched = True

    def _absorbed(self, bar: Bar) -> str:
        if self.source != Trade.KIND or bar.timeframe != "1m" or not self.is_started:
            return "klines_unwanted"
        if bar.validate() or bar.ts_open_ns % MINUTE_NS or bar.count < bool(bar.volume):
            return "klines_rejected"
        if not all(0.0 <= one < math.inf for one in (bar.buy_volume, bar.sell_volume, bar.vwap)):
            return "klines_rejected"
        if (
            self.feeders is not None
            and self._coverage.share(bar.ts_open_ns, bar.ts_open_ns + MINUTE_NS) == 1.0
        ):
            return "klines_unwanted"  # one of them missed the minute, another one has seen it
        return self._ladder.absorb(bar)

    def note_lost(self, hole_id: str, publisher: str = "") -> None:
        """Events between the last one and the next one were lost on their way to us."""
        if self.is_started:
            feeders = self.feeders
            from_ns = feeders.add(publisher).event_ns if feeders is not None else self._state.event_ns
            self._suspect(hole_id, from_ns, publisher)

    def note_restart(self, epoch: int, publisher: str = "") -> None:
        """The publisher started anew: what happened since its last watermark was not seen.

        Its first event may also take the series back in time: another recording is being played.
        """
        if not self.is_started:
            return
        state = self._state
        state.is_fresh = True
        horizon_ns, hole_id = self._ladder.horizon_ns, f"{_RESTART}{epoch}"
        if self.feeders is not None:
            horizon_ns, hole_id = self.feeders.restart(publisher), f"{_RESTART}{publisher}-{epoch}"
        for known in self._suspicions_of(publisher):
            del state.suspicions[known]
        since_ns = self._coverage.end_open(publisher)
        self._suspect(hole_id, horizon_ns if since_ns is None else min(since_ns, horizon_ns), publisher)

    # outputs

    def take(self) -> Output:
        """What is to be published now: lower timeframes first, closed before running candles, then their indicators."""
        found: Output = []
        for level in self._ladder.levels:
            if level.is_due:
                bars, features = level.take()
                self._counters["bars_published"] += len(bars)
                self._counters["revisions"] += sum(bar.revision > 1 for bar in bars)
                if bars:
                    found.append((level.topic, bars))
                if features and level.series is not None:
                    self._counters["features_published"] += len(features)
                    found.append((level.series.topic, features))
        return found

    def bars(self, timeframe: str, count: int = 0) -> list[Bar]:
        """The newest candles that are kept (all: 0), oldest first, running ones included.

        Raises:
            ValueError: the timeframe is not built.
        """
        return self._ladder.bars(timeframe)[-count:]

    def state(self) -> BuilderState:
        """What to keep; it shares the candles, so encode it before the next input and after `take`."""
        self._state.holes = self._coverage.holes()
        self._state.mended = self._coverage.mended()
        self._state.ladder = self._ladder.state()
        self._state.ids = self._ids.state
        if self.feeders is not None and self._copies is not None:
            self._state.feeders, self._state.owners = self.feeders.state, self._coverage.owners
            self._state.copies = self._copies.state()
        return self._state

    def restore(self, state: BuilderState) -> None:
        """Go on from a decoded state: the same inputs give the same outputs."""
        self._state = state
        self._ids = TradeIds(state.ids, is_spanned=self.venue in SPANNED)
        self._hot = _COLD
        if state.copies is not None:
            self.feeders = Feeders(state.feeders)
            self._copies = Copies(self.venue, state.copies.leader)
            self._copies.restore(state.copies)
        if state.ladder is not None:
            self._coverage.restore(state.holes, state.mended, state.owners, list(state.feeders))
            self._ladder.restore(state.ladder)

    # the fold

    def _fold(self, rows: list[Row]) -> None:
        candle, start_ns, end_ns = self._hot
        newest_ns = 0
        for row in rows:
            ts_ns = row[0]
            if not start_ns <= ts_ns < end_ns:
                self._reached(newest_ns)
                found = self._place(row)
                if found is None:
                    start_ns = end_ns = 0
                    continue
                candle, start_ns, end_ns = found, found.open_ns, found.close_ns
            candle.add(*row)
            if ts_ns > newest_ns:  # noqa: PLR1730 - max() costs 50 ns here, for each event
                newest_ns = ts_ns
        self._reached(newest_ns)
        self._hot = candle, start_ns, end_ns

    def _reached(self, event_ns: int) -> None:
        """Remember the newest event of a run that went into one candle, 0 if there was none."""
        if event_ns:
            self._state.is_touched = True
            self._state.event_ns = max(self._state.event_ns, event_ns)
            self._ladder.reach(event_ns)

    def _place(self, row: Row) -> Candle | None:
        """The open candle for an event; None if it came too late for one, and has been dealt with."""
        ts_ns, state, ladder = row[0], self._state, self._ladder
        is_behind = ts_ns < ladder.horizon_ns - self._rules.max_behind_ns
        if is_behind and not state.is_fresh:
            self._counters["rejected_behind"] += 1
            return None
        if is_behind:
            self._clear()
            self._state = state = BuilderState()
            ladder = self._ladder
            self._counters["series_restarted"] += 1
        if not self.is_started:
            self._coverage.add("start", -FOREVER_NS, ts_ns)
            ladder.start(ts_ns)
        state.event_ns = max(state.event_ns, ts_ns)
        state.is_fresh = False
        state.is_touched = True
        if state.suspicions and self.feeders is None:
            self._settle(ts_ns)
        ladder.reach(ts_ns)
        candle = ladder.bucket(ts_ns)
        if candle is None:
            self._counters[ladder.add_late(row)] += 1
        return candle

    # holes

    def _suspect(self, hole_id: str, from_ns: int, publisher: str = "") -> None:
        self._hot = _COLD
        self._state.suspicions[hole_id] = from_ns
        self._coverage.add(hole_id, from_ns, owner=publisher)
        self._ladder.cover(from_ns)
        self._state.is_touched = True

    def _suspicions_of(self, publisher: str) -> list[str]:
        """Holes that end with the next event of this one; of one of several publishers its own."""
        known = self._state.suspicions
        if self.feeders is None:
            return list(known)
        return [hole_id for hole_id in known if self._coverage.owners.get(hole_id, "") in ("", publisher)]

    def _settle(self, ts_ns: int, publisher: str = "") -> None:
        """Data flows again: the holes that waited for it end here."""
        suspicions = self._state.suspicions
        gone = {hole_id: suspicions.pop(hole_id) for hole_id in self._suspicions_of(publisher)}
        if not gone:
            return
        for hole_id, from_ns in gone.items():
            self._coverage.add(hole_id, from_ns, ts_ns)
        self._ladder.cover(min(gone.values()))
        self._state.is_touched = True

    def _forget_suspicions(self, prefix: str, publisher: str) -> None:
        for hole_id in self._suspicions_of(publisher):
            if hole_id.startswith(prefix):
                from_ns = self._state.suspicions.pop(hole_id)
                self._coverage.remove(hole_id)
                self._ladder.cover(from_ns)
