"""Steps of venue time of one symbol: events go into the open ones, closed ones become flows and footprints. Pure.

A step is closed once the watermark has passed its end by the allowed lateness. Then the windows that end there are
summed and published, and the trades go into footprints and profile: so everything that carries a time holds exactly
what came before it. What comes later goes to its own step too, and shows in what is published next.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from actors.orderflow.bucket import COLUMN, SUMS, Bucket, Cell
from actors.orderflow.completeness import WARM_UP, Holes
from actors.orderflow.flows import flow_values
from actors.orderflow.footprints import Footprints
from actors.orderflow.price_ladder import price_step
from actors.orderflow.rules import Rules
from actors.orderflow.series_state import SeriesState
from actors.orderflow.windows import Windows
from protocol.messages import SESSION, Flow, Footprint
from protocol.sessions import FOREVER_NS, NS_PER_S, Session
from protocol.topics import market_topic

Output = list[tuple[str, list[Any]]]

MAX_OPEN: Final = 64
"""Open steps beyond which events close the older ones themselves: no watermark has come for long."""
MAX_SHOWN: Final = 120
"""Steps that one jump of venue time publishes; the ones before them are only counted."""


class Steps:
    """Open and closed steps of one symbol at one venue.

    Args:
        venue: Where.
        symbol: Canonical symbol.
        rules: What is measured.
        session: Calendar of the symbol.
        tick_size: Quote currency, 0 if unknown.
        counters: Where late and refused events are counted.
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
        self.flow_topic = market_topic(Flow.KIND, venue, symbol)
        self._rules, self._session = rules, session
        self._tick_size = tick_size
        self._counters = counters
        self._columns = len(SUMS) + rules.ofi_levels
        self.output: Output = []
        """What is to be published."""
        self.begin()

    def begin(self) -> None:
        """Forget everything: there was no event yet."""
        rules = self._rules
        self.state = SeriesState(totals=[0.0] * self._columns)
        self.windows = Windows(rules.window_steps[-1], self._columns, rules.interval_ns)
        self.holes = Holes(self._session)
        self.footprints = [
            Footprints(
                self.symbol, self.venue, name, self._session, most_levels=rules.max_levels,
                keep=0 if name == SESSION else rules.keep_footprints,
            )
            for name in (*rules.footprint_timeframes, SESSION)
        ]  # fmt: skip

    def _start(self, ts_ns: int) -> None:
        """The first event."""
        state = self.state
        state.event_ns = state.since_ns = ts_ns
        state.closed_ns = self.windows.end_ns = ts_ns - ts_ns % self._rules.interval_ns
        state.session_ns = self._session.day_ns(ts_ns)
        self.holes.add("start", -FOREVER_NS, ts_ns, WARM_UP)

    # events

    def bucket(self, ts_ns: int) -> Bucket | None:
        """The open step that holds a moment, None if it is closed."""
        state = self.state
        if not state.event_ns:
            self._start(ts_ns)
        if ts_ns < state.closed_ns:
            return None
        start_ns = ts_ns - ts_ns % self._rules.interval_ns
        found = state.open.get(start_ns)
        if found is None:
            found = state.open[start_ns] = Bucket(start_ns)
            if len(state.open) > MAX_OPEN:
                self.advance(start_ns)
        return found

    def count(self, ts_ns: int, side: int) -> None:
        """Count a sweep at its step."""
        bucket = self.bucket(ts_ns)
        if bucket is not None:
            bucket.sweeps[side] += 1
        else:
            self.add_late(ts_ns, {"sweeps_buy" if side > 0 else "sweeps_sell": 1})

    def add_late(self, ts_ns: int, sums: dict[str, float]) -> bool:
        """Add sums to a step that is closed, and to the session; False if it is too old for both."""
        state, is_kept = self.state, False
        is_of_session = state.session_ns[0] <= ts_ns < state.session_ns[1]
        for name, value in sums.items():
            if value:
                is_kept |= self.windows.add(ts_ns, COLUMN[name], value)
                if is_of_session:
                    state.totals[COLUMN[name]] += value
        return is_kept or is_of_session

    def add_late_trade(self, ts_ns: int, price: float, size: float, side: int, count: int) -> bool:
        """Add a trade to the footprints of a step that is closed; False if none of them is kept."""
        cell: Cell = [0.0, 0.0, 0.0]
        cell[side] = size
        takers = [one.add_late(ts_ns, price, cell, count) for one in self.footprints]
        return any(takers)

    # time

    def advance(self, ts_ns: int) -> None:
        """Close and publish every step that ends at this moment or before it."""
        state, interval_ns = self.state, self._rules.interval_ns
        end_ns = ts_ns - ts_ns % interval_ns
        if end_ns <= state.closed_ns:
            return
        shown_ns = end_ns - MAX_SHOWN * interval_ns
        if state.closed_ns < shown_ns:
            for start_ns in sorted(one for one in state.open if one < shown_ns):
                self._skip_to(start_ns)
                self._close(is_shown=False)
            self._skip_to(shown_ns)
        while state.closed_ns < end_ns:
            self._close(is_shown=True)
        oldest = [one.start_ns for one in self.footprints if one.start_ns is not None]
        self.holes.forget_before(min(self.windows.start_ns, state.session_ns[0], *oldest))

    def revise(self) -> None:
        """Publish closed footprints that have changed."""
        for one in self.footprints:
            self._put(one.topic, one.revise(self.holes))

    def _skip_to(self, ts_ns: int) -> None:
        """Nothing happened up to here."""
        if ts_ns > self.state.closed_ns:
            self.windows.skip_to(ts_ns)
            self.state.closed_ns = ts_ns
            for one in self.footprints:
                self._put(one.topic, one.close(ts_ns, self.holes, self.state.price_step))

    def _close(self, *, is_shown: bool) -> None:
        """Close the next step and publish what ends with it."""
        state, rules = self.state, self._rules
        start_ns = state.closed_ns
        if start_ns >= state.session_ns[1]:
            state.session_ns = self._session.day_ns(start_ns)
            state.totals = [0.0] * self._columns
        bucket = state.open.pop(start_ns, None)
        if bucket is None:
            self.windows.append(None)
        else:
            self._take(bucket)
        end_ns = state.closed_ns = start_ns + rules.interval_ns
        if is_shown and (bucket is not None or self._session.is_open(start_ns)):
            self.output.append((self.flow_topic, self._flows(end_ns)))
        for one in self.footprints:
            every_ns = (
                rules.profile_interval_ns if one is self.footprints[-1] else rules.footprint_interval_ns
            )
            found = one.close(end_ns, self.holes, state.price_step)
            if not found and is_shown and end_ns % every_ns == 0:
                found = one.show(end_ns, self.holes)
            self._put(one.topic, found)

    def _take(self, bucket: Bucket) -> None:
        state, standing = self.state, self.state.standing
        row = bucket.row(self._rules.ofi_levels)
        self.windows.append(row)
        state.totals = [total + value for total, value in zip(state.totals, row, strict=True)]
        if bucket.quote is not None or bucket.has_lost_quote:
            standing.quote = bucket.quote
        if bucket.depth_imbalance is not None or bucket.has_lost_book:
            standing.depth_imbalance = bucket.depth_imbalance
        standing.has_quotes |= bucket.quotes > 0
        standing.has_books |= bucket.books > 0
        if bucket.cells:
            standing.has_trades = True
            if state.step_session_ns != state.session_ns[0]:  # the first trade of a session decides
                state.step_session_ns = state.session_ns[0]
                found = self._rules.price_steps.get(self.symbol, 0.0)
                state.price_step = found or price_step(next(iter(bucket.cells)), self._tick_size)
            for one in self.footprints:
                one.take(bucket, state.price_step)

    def _flows(self, end_ns: int) -> list[Flow]:
        state, rules = self.state, self._rules
        session_ns = state.session_ns[0]
        windows = [
            (window_s, end_ns - steps * rules.interval_ns, self.windows.sums(steps))
            for window_s, steps in zip(rules.windows_s, rules.window_steps, strict=True)
        ]
        return [
            self._flow(window_s, start_ns, end_ns, sums)
            for window_s, start_ns, sums in [*windows, (0.0, session_ns, state.totals)]
        ]

    def _flow(self, window_s: float, start_ns: int, end_ns: int, sums: list[float]) -> Flow:
        state = self.state
        seconds = window_s or (end_ns - max(start_ns, state.since_ns)) / NS_PER_S
        values, inferred_share = flow_values(
            sums, seconds, state.totals, state.standing, self._rules.ofi_levels
        )
        if not window_s:
            area = self.footprints[-1].area()
            if area.poc:
                values["poc"], values["value_area_low"], values["value_area_high"] = area
        coverage, reason = self.holes.share(start_ns, end_ns)
        return Flow(
            symbol=self.symbol,
            venue=self.venue,
            window_s=window_s,
            ts_event_ns=end_ns,
            is_complete=not reason,
            values=values,
            coverage=coverage,
            reason=reason,
            inferred_share=inferred_share,
        )

    def _put(self, topic: str, found: list[Footprint]) -> None:
        if found:
            self.output.append((topic, found))
            self._counters["footprint_revisions"] += sum(one.revision > 1 for one in found)

    # restart

    def keep(self) -> SeriesState:
        """What to keep; it is shared, so encode it before the next input."""
        state = self.state
        state.holes = self.holes.state()
        state.windows = self.windows.state() if state.event_ns else None
        state.footprints = [one.state() for one in self.footprints]
        return state

    def restore(self, state: SeriesState) -> None:
        """Go on from a decoded state of the same rules.

        Raises:
            ValueError: it is of other rules.
        """
        self.begin()
        if state.windows is not None:
            if len(state.totals) != self._columns or len(state.footprints) != len(self.footprints):
                raise ValueError("it was made with other settings")
            self.windows.restore(state.windows)
            for one, kept in zip(self.footprints, state.footprints, strict=True):
                one.restore(kept)
        self.holes = Holes(self._session, state.holes)
        self.state = state
        state.windows = None
