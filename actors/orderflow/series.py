"""From events to steps, for one symbol at one venue: a function of events, watermarks and gaps alone. Pure.

Trades are looked at in trades.py, the first levels of the book in depth.py; quotes, and what was not seen, here. What
becomes of it is decided in steps.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from actors.orderflow.completeness import DISCONNECTED, GAP
from actors.orderflow.depth import Depth
from actors.orderflow.inference import FEW_QUOTES, KEPT_QUOTES
from actors.orderflow.rules import Rules
from actors.orderflow.series_state import NO_QUOTE, SeriesState
from actors.orderflow.steps import Output, Steps
from actors.orderflow.trades import INF, LEAST, MOST, TradeTape
from protocol.messages import Book, Gap, Quote, Trade
from protocol.sessions import FOREVER_NS, Session
from protocol.trade_ids import TradeIds
from protocol.trust import TRUST_NS

_AWAY: Final = "away-"
_RESTART: Final = "restart-"


class SymbolFlow:
    """Order flow of one symbol at one venue; after each input, `take` what is to be published.

    Args:
        venue: Where.
        symbol: Canonical symbol.
        rules: What is measured.
        session: Calendar of the symbol.
        tick_size: Quote currency, 0 if unknown.
        counters: Where refused and late events are counted.
    """

    def __init__(
        self,
        venue: str,
        symbol: str,
        rules: Rules,
        session: Session,
        tick_size: float,
        counters: Counter[str],
    ) -> None:
        self.venue, self.symbol = venue, symbol
        self._rules = rules
        self._counters = counters
        self._steps = Steps(venue, symbol, rules, session, tick_size, counters)
        self._trades = TradeTape(self._steps, rules, counters)
        self._ids = TradeIds()
        self._depth = Depth(rules.ofi_levels)

    @property
    def is_started(self) -> bool:
        """Whether there was an event."""
        return self._steps.state.event_ns > 0

    @property
    def event_ns(self) -> int:
        """Newest event, 0 before the first."""
        return self._steps.state.event_ns

    # inputs

    def add_trades(self, trades: Sequence[Trade], *, is_repaired: bool = False) -> None:
        """Add trades in the order in which they arrived; one that has come before is left out.

        Args:
            trades: As the venue sent them.
            is_repaired: They were fetched later: they count, but are no part of a sweep.
        """
        fresh = self._ids.fresh(trades)
        if fresh is not trades:
            self._counters["repeated_trades"] += len(trades) - len(fresh)
        if fresh:
            _, trusted_ns = self._begin(fresh[0].ts_event_ns, is_repaired=is_repaired)
            self._trades.add(fresh, trusted_ns, is_repaired=is_repaired)

    def add_quotes(self, quotes: Sequence[Quote]) -> None:
        """Add quotes in the order in which they arrived."""
        if not quotes:
            return
        state, trusted_ns = self._begin(quotes[0].ts_event_ns)
        max_ahead_ns, note_mid = self._rules.max_ahead_ns, state.mids.add
        kept = KEPT_QUOTES if state.is_inferring else FEW_QUOTES
        old_bid, old_ask, old_bid_size, old_ask_size = state.quote
        start_ns = end_ns = newest_ns = 0
        bucket = None
        for quote in quotes:
            ts_ns, bid, ask = quote.ts_event_ns, quote.bid, quote.ask
            bid_size, ask_size = quote.bid_size, quote.ask_size
            if not (
                LEAST < bid < MOST and LEAST < ask < MOST and 0.0 <= bid_size < INF and 0.0 <= ask_size < INF
                and ts_ns > 0
            ):  # fmt: skip
                self._counters["rejected_value"] += 1
                continue
            if ts_ns - quote.ts_recv_ns > max_ahead_ns and ts_ns > trusted_ns:
                self._counters["rejected_ahead"] += 1
                continue
            # Cont, Kukanov, Stoikov, see ofi.py; nothing compares with what stands after a reset
            step = bid_size if bid >= old_bid else 0.0
            if bid <= old_bid:
                step -= old_bid_size
            if ask <= old_ask:
                step -= ask_size
            if ask >= old_ask:
                step += old_ask_size
            old_bid, old_ask, old_bid_size, old_ask_size = bid, ask, bid_size, ask_size
            if not start_ns <= ts_ns < end_ns:
                bucket = self._steps.bucket(ts_ns)
                if bucket is not None:
                    start_ns = bucket.start_ns
                    end_ns = start_ns + self._rules.interval_ns
            if bucket is None:
                start_ns = end_ns = 0
                self._counters["late_quotes"] += 1
                self._steps.add_late(ts_ns, {"ofi": step, "quotes": 1})
            else:
                bucket.ofi += step
                bucket.quotes += 1
                bucket.quote = (ts_ns, bid, ask, bid_size, ask_size)
            note_mid(ts_ns, (bid + ask) / 2.0, kept)
            newest_ns = max(newest_ns, ts_ns)
        state.quote = (old_bid, old_ask, old_bid_size, old_ask_size)
        self._reached(newest_ns)

    def add_books(self, books: Sequence[Book]) -> None:
        """Add snapshots and deltas of the book."""
        for message in books:
            ts_ns = message.ts_event_ns
            state, trusted_ns = self._begin(ts_ns)
            if ts_ns <= 0 or (ts_ns - message.ts_recv_ns > self._rules.max_ahead_ns and ts_ns > trusted_ns):
                self._counters["rejected_ahead"] += 1
                self._depth.lose()
                continue
            steps = self._depth.apply(message)
            bucket = self._steps.bucket(
                max(ts_ns, state.closed_ns)
            )  # a late one is the newest state all the same
            if bucket is None or not self._depth.is_followed:
                self._counters["books_not_followed"] += 1
                continue
            self._reached(ts_ns)
            bucket.books += 1
            if steps:
                by_level = bucket.ofi_by_level
                by_level.extend([0.0] * (len(steps) - len(by_level)))
                for level, step in enumerate(steps):
                    by_level[level] += step
            bucket.depth_imbalance = self._depth.imbalance()

    def advance(self, mark_ns: int, *, is_connected: bool) -> None:
        """Take a watermark of the feed: close and publish the steps that it has passed."""
        state = self._steps.state
        if not self.is_started:
            return
        if not is_connected:
            self._note_away()
        else:
            if state.pending:
                self._settle(mark_ns)
            state.reached_ns = max(state.reached_ns, mark_ns)
        self._trades.pass_by(mark_ns)
        self._steps.advance(mark_ns - self._rules.lateness_ns)
        self._steps.revise()

    # what was not seen

    def note_gap(self, gap: Gap) -> None:
        """Take an entry of the gap ledger: windows in it are not complete, and are again once it is filled."""
        if not self.is_started:
            return  # coverage begins with the first event anyway
        holes, state = self._steps.holes, self._steps.state
        if gap.cause in ("restart", "disconnect"):  # the collector accounts for it: our guess is not needed
            self._forget_pending(_RESTART if gap.cause == "restart" else _AWAY)
        if gap.state == "filled" and gap.filled_by != "klines":
            holes.remove(gap.gap_id)
        else:
            if gap.gap_id not in holes:
                self._interrupt(gap.kind)
            reason = DISCONNECTED if gap.cause == "disconnect" else GAP
            holes.add(gap.gap_id, gap.from_ts_ns or state.event_ns, gap.to_ts_ns or FOREVER_NS, reason)
        for one in self._steps.footprints:
            one.cover(holes)

    def note_lost(self, hole_id: str) -> None:
        """Events between the last one and the next one were lost on their way to us."""
        if self.is_started:
            self._suspect(hole_id, self.event_ns, GAP)

    def note_restart(self, epoch: int) -> None:
        """The publisher started anew: what happened since its last watermark was not seen."""
        if self.is_started:
            state = self._steps.state
            state.is_fresh = True
            state.pending.clear()
            since_ns = self._steps.holes.remove_open()
            horizon_ns = max(state.reached_ns, state.event_ns)
            self._suspect(
                f"{_RESTART}{epoch}", horizon_ns if since_ns is None else min(since_ns, horizon_ns), GAP
            )

    def _note_away(self) -> None:
        state, holes = self._steps.state, self._steps.holes
        if not holes.has_open(DISCONNECTED):
            from_ns = max(state.reached_ns, state.event_ns)
            self._suspect(f"{_AWAY}{from_ns}", from_ns, DISCONNECTED)

    def _suspect(self, hole_id: str, from_ns: int, reason: str) -> None:
        for kind in (Quote.KIND, Trade.KIND, Book.KIND):
            self._interrupt(kind)
        self._steps.state.pending.append(hole_id)
        self._steps.holes.add(hole_id, from_ns, FOREVER_NS, reason)

    def _settle(self, ts_ns: int) -> None:
        """Data flows again: the holes that waited for it end here."""
        for hole_id in self._steps.state.pending:
            self._steps.holes.end(hole_id, ts_ns)
        self._steps.state.pending.clear()

    def _forget_pending(self, prefix: str) -> None:
        state = self._steps.state
        for hole_id in [one for one in state.pending if one.startswith(prefix)]:
            state.pending.remove(hole_id)
            self._steps.holes.remove(hole_id)

    def _interrupt(self, kind: str) -> None:
        """What comes next of a kind does not follow what came last."""
        state = self._steps.state
        bucket = self._steps.bucket(max(state.event_ns, state.closed_ns))
        if kind == Trade.KIND:
            self._trades.interrupt()
        elif kind == Quote.KIND:
            state.quote = NO_QUOTE
            state.mids.clear()
            if bucket is not None:
                bucket.quote, bucket.has_lost_quote = None, True
        elif kind == Book.KIND:
            self._depth.lose()
            if bucket is not None:
                bucket.depth_imbalance, bucket.has_lost_book = None, True

    # parts of an input

    def _begin(self, ts_ns: int, *, is_repaired: bool = False) -> tuple[SeriesState, int]:
        """Before the first event of a frame; returns the state, and up to where venue times are believed."""
        steps = self._steps
        state = steps.state
        if not state.event_ns:
            return state, 0
        if is_repaired or not (state.pending or state.is_fresh):
            return state, state.closed_ns + TRUST_NS
        if state.is_fresh:
            state.is_fresh = False
            if ts_ns < state.closed_ns - self._rules.window_steps[-1] * self._rules.interval_ns:
                self._counters["series_restarted"] += 1
                steps.begin()
                self._depth.lose()
                return steps.state, 0
        if state.pending:
            self._settle(ts_ns)
        return state, state.closed_ns + TRUST_NS

    def _reached(self, newest_ns: int) -> None:
        """Remember the newest event of a frame, 0 if there was none."""
        state = self._steps.state
        state.event_ns = max(state.event_ns, newest_ns)

    # outputs

    def take(self) -> Output:
        """What is to be published now."""
        steps = self._steps
        if not steps.output:
            return []
        found, steps.output = steps.output, []
        return found

    def state(self) -> SeriesState:
        """What to keep; it is shared, so encode it before the next input and after `take`."""
        state = self._steps.keep()
        state.ids = self._ids.state
        state.depth = self._depth.state()
        return state

    def restore(self, state: SeriesState) -> None:
        """Go on from a decoded state: the same inputs give the same outputs."""
        self._steps.restore(state)
        self._ids = TradeIds(state.ids)
        self._depth.restore(state.depth)
