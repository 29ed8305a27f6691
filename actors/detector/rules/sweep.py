"""An order that went through many price levels, or through few with very much. Pure."""

from __future__ import annotations

import math

import msgspec

from actors.detector.rule import Count, Finding, NotNegative, Positive, Rule, Thresholds
from actors.detector.statistics import SURE, Window
from protocol.messages import SIDE_NAMES, Sweep


class SweepThresholds(Thresholds, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Enough levels with a least value, or value enough; and unusual, where the symbol has a history of sweeps."""

    levels: Count = 5
    """Least number of price levels that it took."""
    least_notional_usd: NotNegative = 10_000.0
    """Least value of a sweep of so many levels, US dollars."""
    large_notional_usd: Positive = 1_000_000.0
    """A sweep of this value counts whatever its levels, US dollars."""
    z: Positive = 3.0
    """Least robust z-score of its levels, or of the logarithm of its value, against the symbol's own sweeps, once
    `warm_up` are known; before that the numbers above decide alone."""
    window: Count = 200
    """Sweeps remembered."""
    warm_up: Count = 30
    """Sweeps that must be remembered before `z` is asked for."""


class SweepState(msgspec.Struct, array_like=True):
    """The sweeps before."""

    notionals: Window = msgspec.field(default_factory=Window)
    """Logarithms of what they were worth, in quote currency."""
    levels: Window = msgspec.field(default_factory=Window)


class SweepFound(Rule):
    """Absolute thresholds, narrowed by the symbol's own sweeps.

    Where every order goes through five levels, five are nothing.
    """

    name = "sweep"
    Thresholds = SweepThresholds
    State = SweepState
    learns_late = True
    thresholds: SweepThresholds
    state: SweepState

    def on_sweep(self, sweep: Sweep) -> Finding | None:
        """Judge it, then remember it."""
        if not 0.0 < sweep.notional < math.inf:
            return None
        found = self._judge(sweep)
        self.state.notionals.add(math.log(sweep.notional), self.thresholds.window)
        self.state.levels.add(float(sweep.levels), self.thresholds.window)
        return found

    def _judge(self, sweep: Sweep) -> Finding | None:
        thresholds, usd_rate = self.thresholds, self.market.usd_rate
        if usd_rate == 0.0:
            self.world.counters["unjudged"] += 1
            return None
        notional_usd = sweep.notional * usd_rate
        has_levels = sweep.levels >= thresholds.levels and notional_usd >= thresholds.least_notional_usd
        if not has_levels and notional_usd < thresholds.large_notional_usd:
            return None
        values = {
            "levels": float(sweep.levels),
            "levels_threshold": float(thresholds.levels),
            "notional_usd": notional_usd,
            "least_notional_usd": thresholds.least_notional_usd,
            "large_notional_usd": thresholds.large_notional_usd,
            "size": sweep.size,
            "vwap": sweep.vwap,
            "first_price": sweep.first_price,
            "last_price": sweep.last_price,
            "side": float(sweep.side),
            "count": float(sweep.count),
            "usd_rate": usd_rate,
        }
        usual, usual_levels = self.state.notionals.exact(thresholds.warm_up), self.state.levels.exact()
        if usual is not None and usual_levels is not None:
            z, levels_z = usual.upper_z(math.log(sweep.notional)), usual_levels.upper_z(sweep.levels)
            if max(z, levels_z) < thresholds.z:
                return None
            values |= {"z": min(z, SURE), "levels_z": min(levels_z, SURE), "z_threshold": thresholds.z}
            values["median_usd"] = math.exp(usual.median) * usd_rate
            values |= {"median_levels": usual_levels.median, "n": float(usual.n)}
        inferred = ", side inferred" if sweep.is_inferred else ""
        text = (
            f"a {SIDE_NAMES.get(sweep.side, 'unknown')} order took {sweep.levels} levels for {notional_usd:,.0f} USD,"
            f" {sweep.first_price:g} to {sweep.last_price:g}{inferred}"
        )
        return Finding(sweep.ts_event_ns, text, values)
