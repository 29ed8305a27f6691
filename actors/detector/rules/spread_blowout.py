"""A spread that stays far wider than this symbol's is. Pure."""

from __future__ import annotations

import msgspec

from actors.detector.rule import Count, Finding, NotNegative, Positive, Rule, Thresholds
from actors.detector.statistics import SURE, Window


class SpreadBlowoutThresholds(Thresholds, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All must hold, and go on holding for `for_s`."""

    ratio: Positive = 8.0
    """Least spread, in medians of the time before."""
    z: Positive = 6.0
    """Least robust z-score of the spread."""
    least_spread: Positive = 0.0005
    """Least spread, as a share of the mid price."""
    for_s: NotNegative = 2.0
    """How long it must last, seconds of venue time."""
    sample_s: NotNegative = 1.0
    """Venue time between two spreads that are remembered, seconds."""
    window: Count = 600
    """Spreads remembered."""
    warm_up: Count = 120
    """Spreads that must be remembered before anything is found."""


class SpreadBlowoutState(msgspec.Struct, array_like=True):
    """How wide spreads usually are, and since when this one is wider."""

    spreads: Window = msgspec.field(default_factory=Window)
    sampled_ns: int = 0
    wide_ns: int = 0
    """Since when the spread is too wide, 0 while it is not."""
    is_told: bool = False
    """It was found already: the next finding needs a usual spread in between."""


class SpreadBlowout(Rule):
    """Ratio to the median and robust z-score of the relative spread, looked at with each watermark."""

    name = "spread_blowout"
    Thresholds = SpreadBlowoutThresholds
    State = SpreadBlowoutState
    thresholds: SpreadBlowoutThresholds
    state: SpreadBlowoutState

    def on_mark(self, now_ns: int) -> Finding | None:
        """Judge the spread that stands, then remember it if it is its turn."""
        market, state, thresholds = self.market, self.state, self.thresholds
        if market.quoted_ns < market.connected_ns or market.ask <= market.bid:
            return None  # what stands is from before the connection, or crossed
        spread = (market.ask - market.bid) / market.mid
        found = self._judge(now_ns, spread)
        if not 0 <= now_ns - state.sampled_ns < thresholds.sample_s * 1e9:
            state.sampled_ns = now_ns
            state.spreads.add(spread, thresholds.window)
        return found

    def on_break(self) -> None:
        """What was wide may have been usual in between."""
        self.state.wide_ns, self.state.is_told = 0, False

    def _judge(self, now_ns: int, spread: float) -> Finding | None:
        state, thresholds = self.state, self.thresholds
        usual = state.spreads.summary(thresholds.warm_up) if spread >= thresholds.least_spread else None
        if usual is None or spread < thresholds.ratio * usual.median or usual.z(spread) < thresholds.z:
            self.on_break()
            return None
        state.wide_ns = state.wide_ns or now_ns
        lasted_s = (now_ns - state.wide_ns) / 1e9
        if state.is_told or lasted_s < thresholds.for_s:
            return None
        state.is_told = True
        ratio = spread / usual.median
        text = (
            f"the spread is {spread:.3%} since {lasted_s:.1f} s ({self.market.bid:g} / {self.market.ask:g}),"
            f" {ratio:.0f} times the usual {usual.median:.4%}"
        )
        values = {
            "spread": spread,
            "least_spread": thresholds.least_spread,
            "ratio": ratio,
            "ratio_threshold": thresholds.ratio,
            "z": min(usual.z(spread), SURE),
            "z_threshold": thresholds.z,
            "median": usual.median,
            "mad": usual.mad,
            "lasted_s": lasted_s,
            "bid": self.market.bid,
            "ask": self.market.ask,
            "n": float(usual.n),
        }
        return Finding(now_ns, text, values)
