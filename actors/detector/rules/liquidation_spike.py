"""More forced orders than this symbol has in so short a time. Pure."""

from __future__ import annotations

import math

import msgspec

from actors.detector.rule import Count, Finding, NotNegative, Positive, Rule, Thresholds
from actors.detector.statistics import SURE, Window
from protocol.messages import Liquidation

MAX_ORDERS = 2000
"""Forced orders held for the running window; venues send at most one per second and symbol."""


class LiquidationSpikeThresholds(Thresholds, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All must hold, for the forced orders of the last `window_s` seconds."""

    window_s: Positive = 30.0
    """Length of the window, seconds."""
    z: Positive = 3.0
    """Least robust z-score (sigma) of the number of orders, and of log(1 + value), against windows before."""
    least_count: Count = 5
    """Least number of forced orders."""
    least_notional_usd: NotNegative = 100_000.0
    """Least value of all of them, US dollars."""
    windows: Count = 240
    """Windows remembered, quiet ones included."""
    warm_up: Count = 10
    """Windows that must be remembered before anything is found."""


class LiquidationSpikeState(msgspec.Struct, array_like=True):
    """The running window, the one before, and how windows usually are."""

    orders: list[tuple[int, float, int]] = []
    """Time, value in dollars and side of the forced orders of the last `window_s`, oldest first."""
    end_ns: int = 0
    """End of the window whose sums are gathered for the history, 0: none is."""
    sums: tuple[int, float] = (0, 0.0)
    """Number and value of the orders in it."""
    closed: tuple[int, float] | None = None
    """The window before: not yet history, since the orders that are judged may reach into it."""
    counts: Window = msgspec.field(default_factory=Window)
    notionals: Window = msgspec.field(default_factory=Window)


class LiquidationSpike(Rule):
    """Rolling count and value, each against the symbol's own windows of that length.

    Venues send a sample of their forced orders, so both are lower bounds.
    """

    name = "liquidation_spike"
    Thresholds = LiquidationSpikeThresholds
    State = LiquidationSpikeState
    thresholds: LiquidationSpikeThresholds
    state: LiquidationSpikeState

    def on_mark(self, now_ns: int) -> Finding | None:
        """Close windows, with and without forced orders."""
        state = self.state
        window_ns = round(self.thresholds.window_s * 1e9)
        if state.end_ns == 0 or now_ns >= state.end_ns + 2 * window_ns:
            self.on_break()
            state.end_ns = now_ns + window_ns
        elif now_ns >= state.end_ns:
            if state.closed is not None:
                count, notional = state.closed
                state.counts.add(float(count), self.thresholds.windows)
                state.notionals.add(math.log1p(notional), self.thresholds.windows)
            state.closed, state.sums = state.sums, (0, 0.0)
            state.end_ns += window_ns
        return None

    def on_liquidation(self, liquidation: Liquidation) -> Finding | None:
        """Judge the window that ends with it."""
        state, thresholds = self.state, self.thresholds
        usd_rate = self.market.usd_rate
        notional_usd = liquidation.price * liquidation.size * usd_rate
        if usd_rate == 0.0:
            self.world.counters["unjudged"] += 1
            return None
        if not 0.0 < notional_usd < math.inf:
            return None
        ts_ns = liquidation.ts_event_ns
        state.sums = state.sums[0] + 1, state.sums[1] + notional_usd
        since_ns = ts_ns - round(thresholds.window_s * 1e9)
        state.orders = [order for order in state.orders[-MAX_ORDERS:] if order[0] > since_ns]
        state.orders.append((ts_ns, notional_usd, liquidation.side))
        return self._judge(ts_ns)

    def on_break(self) -> None:
        """The window that runs is not whole; the history stays."""
        state = self.state
        state.end_ns, state.sums, state.closed = 0, (0, 0.0), None

    def _judge(self, ts_ns: int) -> Finding | None:
        state, thresholds = self.state, self.thresholds
        count = len(state.orders)
        if count < thresholds.least_count:
            return None
        notional_usd = math.fsum(order[1] for order in state.orders)
        counts, notionals = state.counts.exact(thresholds.warm_up), state.notionals.exact()
        if counts is None or notionals is None:
            return None
        count_z, notional_z = counts.z(float(count)), notionals.z(math.log1p(notional_usd))
        if notional_usd < thresholds.least_notional_usd or min(count_z, notional_z) < thresholds.z:
            return None
        long_usd = math.fsum(order[1] for order in state.orders if order[2] < 0)
        what = "longs" if long_usd * 2 >= notional_usd else "shorts"
        text = (
            f"{count} forced orders for {notional_usd:,.0f} USD within {thresholds.window_s:g} s, mostly {what};"
            f" usual are {counts.median:g} for {math.expm1(notionals.median):,.0f} USD"
        )
        values = {
            "count": float(count),
            "least_count": float(thresholds.least_count),
            "count_z": min(count_z, SURE),
            "count_median": counts.median,
            "notional_usd": notional_usd,
            "least_notional_usd": thresholds.least_notional_usd,
            "notional_z": min(notional_z, SURE),
            "notional_median_usd": math.expm1(notionals.median),
            "long_usd": long_usd,
            "z_threshold": thresholds.z,
            "window_s": thresholds.window_s,
            "n": float(counts.n),
        }
        return Finding(ts_ns, text, values)
