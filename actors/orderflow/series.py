"""From events to steps, for one symbol at one venue: a function of events, watermarks and gaps alone. Pure.

Trades are looked at in trades.py, the first levels of the book in depth.py; quotes, and what was not seen, here. What
becomes of it is decided in steps.py.

Two collectors may send the same (`share`): each event counts once, the newest connected watermark counts, and only what
none of them has seen is a hole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from actors.orderflow.completeness import DISCONNECTED, GAP, WARM_UP
from actors.orderflow.depth import Depth
from actors.orderflow.inference import FEW_QUOTES, KEPT_QUOTES
from actors.orderflow.rules import Rules
from actors.orderflow.series_state import NO_QUOTE, SeriesState
from actors.orderflow.steps import Output, Steps
from actors.orderflow.trades import INF, LEAST, MOST, TradeTape
from protocol.feeders import Feeder, Feeders
from protocol.first_copy import Copies, copies_after
from protocol.messages import Book, Gap, Quote, Trade
from protocol.sessions import FOREVER_NS, Session
from protocol.trade_ids import SPANNED, TradeIds
from protocol.trust import TRUST_NS

_AWAY: Final = "away-"
_RESTART: Final = "restart-"
_LAPSE: Final = "lapse-"
_KINDS: Final = (Quote.KIND, Trade.KIND, Book.KIND)


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
        self._ids = TradeIds(is_spanned=venue in SPANNED)
        self.feeders: Feeders | None = None
        """The publishers, from the second one on."""
        self._copies: dict[str, Copies] = {}
        """By kind, where several send it."""
        self._depth = Depth(rules.ofi_levels)
        self._newest_quotes: Sequence[Quote] = ()
        """The last ones that came together."""

    @property
    def is_started(self) -> bool:
        """Whether there was an event."""
        return self._steps.state.event_ns > 0

    @property
    def event_ns(self) -> int:
        """Newest event, 0 before the first."""
        return self._steps.state.event_ns

    # several publishers

    def share(self, kind: str, first: str, publisher: str) -> None:
        """A further publisher sends a kind: what it has not seen begins to end with its first event."""
        if self.feeders is None:
            self.feeders = Feeders()
            self.feeders.add(first).event_ns = self.event_ns
        is_new = publisher not in self.feeders.state
        self.feeders.add(publisher)
        if kind not in self._copies:
            if kind == Trade.KIND:
                self._copies[kind] = Copies(self.venue, first, self._ids.state)
            else:
                known = self._newest_quotes if kind == Quote.KIND else ()
                self._copies[kind] = copies_after(self.venue, first, known)
        self._steps.holes.share_between(list(self.feeders.state))
        if is_new and self.is_started:
            hole_id = f"start-{publisher}"
            self._steps.state.pending.append(hole_id)
            self._steps.holes.add(hole_id, -FOREVER_NS, FOREVER_NS, WARM_UP, publisher)

    def first_copies(self, kind: str, events: Sequence[Any], publisher: str) -> Sequence[Any]:
        """What of the events of one of several publishers is news."""
        feeders, copies = self.feeders, self._copies.get(kind)
        if feeders is None or not events:
            return events
        if self._steps.state.pending:
            self._settle(events[0].ts_event_ns, publisher)
        feeders.heard(publisher, max(event.ts_event_ns for event in events))
        if copies is None:
            return events  # nobody else sends this kind
        second = copies.second
        fresh = copies.fresh(publisher, events, feeders.follow(copies.leader, kind))
        self._counters["second_copies"] += copies.second - second
        return fresh

    def _counts(self, feeders: Feeders, mark_ns: int, is_connected: bool, publisher: str) -> bool:
        """Whether the watermark of one of several publishers moves the steps; what stood still is a hole of its."""
        does, holes = feeders.mark(publisher, mark_ns, is_connected=is_connected), self._steps.holes
        while feeders.lapses:
            name, from_ns, to_ns = feeders.lapses.pop(0)
            if from_ns:
                holes.add(_LAPSE + name, from_ns, FOREVER_NS, GAP, name)
            elif to_ns:
                holes.end(_LAPSE + name, to_ns)
            else:
                holes.remove(_LAPSE + name)
            for one in self._steps.footprints:
                one.cover(holes)
        for kind, copies in self._copies.items():
            news = copies.turn(feeders.follow(copies.leader, kind))
            if news and kind == Book.KIND:
                self.add_books(news)
            elif news:
                self.add_quotes(news)
        return does

    # inputs

    def add_trades(self, trades: Sequence[Trade], *, is_repaired: bool = False) -> None:
        """Add trades in the order in which they arrived; one that has come before is left out.

        Args:
            trades: As the venue sent them.
            is_repaired: They were fetched later: they count, but are no part of a sweep.
        """
        fresh = trades
        if Trade.KIND not in self._copies:
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
        self._newest_quotes = quotes
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

    def advance(self, mark_ns: int, *, is_connected: bool, publisher: str = "") -> None:
        """Take a watermark of the feed: close and publish the steps that it has passed."""
        state = self._steps.state
        if not self.is_started:
            return
        if self.feeders is not None and not self._counts(self.feeders, mark_ns, is_connected, publisher):
            return
        if not is_connected:
            self._note_away()
        else:
            if state.pending:
                self._settle(mark_ns, publisher)
            state.reached_ns = max(state.reached_ns, mark_ns)
        self._trades.pass_by(mark_ns)
        self._steps.advance(mark_ns - self._rules.lateness_ns)
        self._steps.revise()

    # what was not seen

    def note_gap(self, gap: Gap, publisher: str = "") -> None:
        """Take an entry of the gap ledger: windows in it are not complete, and are again once it is filled."""
        if not self.is_started:
            return  # coverage begins with the first event anyway
        holes, state = self._steps.holes, self._steps.state
        if self.feeders is not None:
            self.feeders.gap(publisher, gap)
        if gap.cause in ("restart", "disconnect"):  # the collector accounts for it: our guess is not needed
            self._forget_pending(_RESTART if gap.cause == "restart" else _AWAY, publisher)
        if gap.state == "filled" and gap.filled_by != "klines":
            holes.remove(gap.gap_id)
        else:
            if gap.gap_id not in holes:
                self._interrupt(gap.kind, publisher)
            reason = DISCONNECTED if gap.cause == "disconnect" else GAP
            owner = publisher if gap.kind in self._copies else ""
            holes.add(gap.gap_id, gap.from_ts_ns or state.event_ns, gap.to_ts_ns or FOREVER_NS, reason, owner)
        for one in self._steps.footprints:
            one.cover(holes)

    def note_lost(self, hole_id: str, publisher: str = "") -> None:
        """Events between the last one and the next one were lost on their way to us."""
        if self.is_started:
            feeders = self.feeders
            from_ns = feeders.add(publisher).event_ns if feeders is not None else self.event_ns
            self._suspect(hole_id, from_ns, GAP, publisher)

    def note_restart(self, epoch: int, publisher: str = "") -> None:
        """The publisher started anew: what happened since its last watermark was not seen."""
        if self.is_started:
            state = self._steps.state
            state.is_fresh = True
            horizon_ns, hole_id = max(state.reached_ns, state.event_ns), f"{_RESTART}{epoch}"
            if self.feeders is not None:
                horizon_ns, hole_id = self.feeders.restart(publisher), f"{_RESTART}{publisher}-{epoch}"
            for known in self._pending_of(publisher):
                state.pending.remove(known)
            since_ns = self._steps.holes.remove_open(publisher)
            from_ns = horizon_ns if since_ns is None else min(since_ns, horizon_ns)
            self._suspect(hole_id, from_ns, GAP, publisher)

    def _note_away(self) -> None:
        state, holes = self._steps.state, self._steps.holes
        if not holes.has_open(DISCONNECTED):
            from_ns = max(state.reached_ns, state.event_ns)
            self._suspect(f"{_AWAY}{from_ns}", from_ns, DISCONNECTED)

    def _suspect(self, hole_id: str, from_ns: int, reason: str, publisher: str = "") -> None:
        for kind in _KINDS:
            self._interrupt(kind, publisher)
        self._steps.state.pending.append(hole_id)
        self._steps.holes.add(hole_id, from_ns, FOREVER_NS, reason, publisher)

    def _pending_of(self, publisher: str) -> list[str]:
        """Holes that end with the next event of this one; of one of several publishers its own."""
        pending, owners = self._steps.state.pending, self._steps.holes.owners
        if self.feeders is None:
            return list(pending)
        return [one for one in pending if owners.get(one, "") in ("", publisher)]

    def _settle(self, ts_ns: int, publisher: str = "") -> None:
        """Data flows again: the holes that waited for it end here."""
        for hole_id in self._pending_of(publisher):
            self._steps.holes.end(hole_id, ts_ns)
            self._steps.state.pending.remove(hole_id)

    def _forget_pending(self, prefix: str, publisher: str) -> None:
        state = self._steps.state
        for hole_id in [one for one in self._pending_of(publisher) if one.startswith(prefix)]:
            state.pending.remove(hole_id)
            self._steps.holes.remove(hole_id)

    def _interrupt(self, kind: str, publisher: str = "") -> None:
        """What comes next of a kind does not follow what came last."""
        feeders = self.feeders
        if feeders is not None and kind in self._copies and feeders.goes_on_without(publisher, kind):
            return
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
                if self.feeders is not None:
                    self.feeders = Feeders({name: Feeder() for name in self.feeders.state})
                    steps.holes.share_between(list(self.feeders.state))
                return steps.state, 0
        if state.pending and self.feeders is None:
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
        if self.feeders is not None:
            state.feeders, state.owners = self.feeders.state, self._steps.holes.owners
            state.copies = {kind: copies.state() for kind, copies in self._copies.items()}
        return state

    def restore(self, state: SeriesState) -> None:
        """Go on from a decoded state: the same inputs give the same outputs."""
        self._steps.restore(state)
        self._ids = TradeIds(state.ids, is_spanned=self.venue in SPANNED)
        if state.feeders:
            self.feeders = Feeders(state.feeders)
            self._steps.holes.share_between(list(state.feeders), state.owners)
            for kind, kept in state.copies.items():
                copies = self._copies[kind] = Copies(self.venue, kept.leader)
                copies.restore(kept)
        self._depth.restore(state.depth)
