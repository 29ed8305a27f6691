"""A trade that is far larger than this symbol's trades are. Pure."""

from __future__ import annotations

import math

import msgspec

from actors.detector.rule import Count, Finding, NotNegative, Positive, Rule, Thresholds
from actors.detector.statistics import Window
from protocol.messages import SIDE_NAMES, Trade


class BigTradeThresholds(Thresholds, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Both must hold: the value in dollars, and how unusual it is."""

    least_notional_usd: NotNegative = 250_000.0
    """Least value of the trade, US dollars; through quotes where the pair's quote currency is another one."""
    z: Positive = 3.0
    """Least robust z-score of the logarithm of its value against the symbol's own trades."""
    sample_s: NotNegative = 0.5
    """Least venue time between two trades that are remembered, seconds: a burst must not become what is usual."""
    window: Count = 600
    """Trades remembered."""
    warm_up: Count = 100
    """Trades that must be remembered before anything is found."""


class BigTradeState(msgspec.Struct, array_like=True):
    """Logarithms of what trades were worth, in quote currency."""

    notionals: Window = msgspec.field(default_factory=Window)
    sampled_ns: int = 0


class BigTrade(Rule):
    """Robust z-score on log notional, and a minimum notional.

    Sizes are skewed and their lower side is dust, so the scale is that of the upper side alone.
    """

    name = "big_trade"
    Thresholds = BigTradeThresholds
    State = BigTradeState
    learns_late = True
    thresholds: BigTradeThresholds
    state: BigTradeState

    def on_trade(self, trade: Trade) -> Finding | None:
        """Judge it, then remember it if it is its turn."""
        state, thresholds = self.state, self.thresholds
        notional = trade.price * trade.size
        usd_rate = self.market.usd_rate
        found = None
        if notional * usd_rate >= thresholds.least_notional_usd:
            found = self._judge(trade, notional)
        elif usd_rate == 0.0:
            self.world.counters["unjudged"] += 1
        ts_ns = trade.ts_event_ns
        if not 0 <= ts_ns - state.sampled_ns < thresholds.sample_s * 1e9:
            state.sampled_ns = ts_ns
            state.notionals.add(math.log(notional), thresholds.window)
        return found

    def _judge(self, trade: Trade, notional: float) -> Finding | None:
        thresholds, usd_rate = self.thresholds, self.market.usd_rate
        usual = self.state.notionals.summary(thresholds.warm_up)
        if usual is None:
            return None
        z = usual.upper_z(math.log(notional))
        if z < thresholds.z:
            return None
        notional_usd, median_usd = notional * usd_rate, math.exp(usual.median) * usd_rate
        side = SIDE_NAMES[trade.side]
        text = (
            f"a trade of {notional_usd:,.0f} USD ({side}, {trade.size:g} at {trade.price:g}),"
            f" {z:.1f} deviations above the usual {median_usd:,.0f} USD"
        )
        values = {
            "notional_usd": notional_usd,
            "least_notional_usd": thresholds.least_notional_usd,
            "z": z,
            "z_threshold": thresholds.z,
            "median_usd": median_usd,
            "n": float(usual.n),
            "price": trade.price,
            "size": trade.size,
            "side": float(trade.side),
            "usd_rate": usd_rate,
        }
        return Finding(trade.ts_event_ns, text, values)
