"""Trades of one symbol into its steps: who was the aggressor, what is a large one, what is a sweep. Pure.

The loop is what a trade costs: it keeps in local names what the state holds between two frames, and touches one bucket.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from actors.orderflow.inference import infer_side
from actors.orderflow.rules import Rules
from actors.orderflow.steps import Steps
from actors.orderflow.sweeps import sweep_of
from protocol.messages import Sweep, Trade
from protocol.topics import market_topic

LEAST: Final = 1e-15
MOST: Final = 1e15
"""A price outside of them is a fault."""
INF: Final = float("inf")


class TradeTape:
    """All trades of one symbol at one venue.

    Args:
        steps: Where they are added; what is remembered is in its state.
        rules: What is measured.
        counters: Where refused and late trades are counted.
    """

    def __init__(self, steps: Steps, rules: Rules, counters: Counter[str]) -> None:
        self._steps, self._rules, self._counters = steps, rules, counters
        self._large = rules.large_trade_notionals.get(steps.symbol, rules.large_trade_notional)
        self._sweep_topic = market_topic(Sweep.KIND, steps.venue, steps.symbol)

    def add(self, trades: Sequence[Trade], trusted_ns: int, *, is_repaired: bool) -> None:  # noqa: C901, PLR0912, PLR0915 - the hot loop
        """Add trades in the order in which they arrived.

        Args:
            trades: New ones.
            trusted_ns: Venue times up to here are believed, whatever our clock says.
            is_repaired: They were fetched later: they are no part of a sweep.
        """
        state = self._steps.state
        max_ahead_ns, large = self._rules.max_ahead_ns, self._large
        last_price, direction = (0.0, 0) if is_repaired else (state.last_price, state.direction)
        burst, burst_side = state.burst, state.burst_side
        burst_end_ns, burst_price = (burst[0][0] + self._rules.sweep_ns, burst[-1][1]) if burst else (0, 0.0)
        start_ns = end_ns = newest_ns = 0
        bucket = None
        for trade in trades:
            ts_ns, price, size, side = trade.ts_event_ns, trade.price, trade.size, trade.side
            notional = price * size
            if not (LEAST < price < MOST and 0.0 <= notional < INF and ts_ns > 0):
                self._counters["rejected_value"] += 1
                continue
            if ts_ns - trade.ts_recv_ns > max_ahead_ns and ts_ns > trusted_ns:
                self._counters["rejected_ahead"] += 1
                continue
            if price != last_price:
                if last_price:
                    direction = 1 if price > last_price else -1
                last_price = price
            is_inferred = False
            if side != 1 and side != -1:  # noqa: PLR1714 - a tuple costs 20 ns, for each event
                side = self._infer(ts_ns, price, direction)
                is_inferred = side != 0
            number = trade.count if trade.count > 0 else 1
            if not start_ns <= ts_ns < end_ns:
                bucket = self._steps.bucket(ts_ns)
                if bucket is not None:
                    start_ns = bucket.start_ns
                    end_ns = start_ns + self._rules.interval_ns
                    cells, counts = bucket.cells, bucket.counts
            if bucket is None:
                start_ns = end_ns = 0
                self._add_late(ts_ns, price, size, side, number, is_inferred=is_inferred)
            else:
                cell = cells.get(price)
                if cell is None:
                    cell = cells[price] = [0.0, 0.0, 0.0]
                cell[side] += size
                counts[side] += number
                bucket.trade_ns = max(bucket.trade_ns, ts_ns)
                if is_inferred:
                    bucket.inferred_volume += size
                if notional >= large:
                    bucket.large_notional += notional
                    bucket.large_count += 1
            newest_ns = max(newest_ns, ts_ns)
            if is_repaired:
                continue
            row = (ts_ns, price, size, number, is_inferred)
            if (
                side == burst_side
                and burst
                and burst[-1][0] <= ts_ns <= burst_end_ns
                and (price - burst_price) * side >= 0
            ):
                burst.append(row)
            else:
                if len(burst) > 1:
                    self._end_burst()
                burst = state.burst = [row] if side else []
                burst_side = state.burst_side = side
                burst_end_ns = ts_ns + self._rules.sweep_ns
            burst_price = price
        if not is_repaired:
            state.last_price, state.direction = last_price, direction
        state.event_ns = max(state.event_ns, newest_ns)

    def pass_by(self, ts_ns: int) -> None:
        """Venue time has come so far: a sweep before it is over."""
        state = self._steps.state
        if state.burst and ts_ns > state.burst[0][0] + self._rules.sweep_ns:
            self._end_burst()
            state.burst, state.burst_side = [], 0

    def interrupt(self) -> None:
        """What comes next does not follow what came last."""
        state = self._steps.state
        self._end_burst()
        state.burst, state.burst_side = [], 0
        state.last_price, state.direction = 0.0, 0

    def _infer(self, ts_ns: int, price: float, direction: int) -> int:
        state = self._steps.state
        state.is_inferring = True
        return infer_side(price, state.mids.before(ts_ns), direction)

    def _add_late(
        self, ts_ns: int, price: float, size: float, side: int, count: int, *, is_inferred: bool
    ) -> None:
        """Add a trade of a step that is closed."""
        notional = price * size
        is_large = notional >= self._large
        names = ("unknown_volume", "buy_volume", "sell_volume")[side], ("", "buy_count", "sell_count")[side]
        sums = {
            names[0]: size,
            "count": count,
            "notional": notional,
            "inferred_volume": size if is_inferred else 0.0,
            "large_notional": notional if is_large else 0.0,
            "large_count": is_large,
        }
        if side:
            sums[names[1]] = count
        is_kept = self._steps.add_late(ts_ns, sums)
        is_kept |= self._steps.add_late_trade(ts_ns, price, size, side, count)
        self._counters["late_trades" if is_kept else "rejected_behind"] += 1

    def _end_burst(self) -> None:
        state, rules = self._steps.state, self._rules
        if len(state.burst) < rules.sweep_levels:
            return
        found = sweep_of(
            self._steps.symbol,
            self._steps.venue,
            state.burst_side,
            state.burst,
            rules.sweep_levels,
            rules.sweep_notional,
        )
        if found is not None:
            self._counters["sweeps"] += 1
            self._steps.count(found.ts_event_ns, found.side)
            self._steps.output.append((self._sweep_topic, [found]))
