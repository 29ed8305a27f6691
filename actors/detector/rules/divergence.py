"""One symbol at two venues, at prices too far apart for too long. Pure."""

from __future__ import annotations

import msgspec

from actors.detector.market import Market
from actors.detector.rule import Finding, NotNegative, Positive, Rule, Thresholds


class DivergenceThresholds(Thresholds, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Absolute: it needs no warm-up."""

    band: Positive = 0.005
    """Least difference of the mid prices, as a share: wider than fees and lag explain."""
    for_s: NotNegative = 5.0
    """How long it must last, seconds of venue time."""
    max_age_s: Positive = 5.0
    """A venue without a quote for longer is not compared, seconds."""


class DivergenceState(msgspec.Struct, array_like=True):
    """Venues that are too far away."""

    since_ns: dict[str, int] = {}
    """Since when."""
    told: list[str] = []
    """Those that were found already: the next finding needs a common price in between."""


class Divergence(Rule):
    """`|mid_a / mid_b - 1|` of each pair of venues, told by the venue whose name comes first."""

    name = "divergence"
    Thresholds = DivergenceThresholds
    State = DivergenceState
    thresholds: DivergenceThresholds
    state: DivergenceState

    def on_mark(self, now_ns: int) -> Finding | None:
        """Compare with every other venue."""
        markets = self.world.markets[self.market.symbol]
        if len(markets) < 2:
            return None
        found = None
        for other in markets:
            if other.venue > self.market.venue:
                found = self._compare(now_ns, other) or found
        return found

    def on_break(self) -> None:
        """What was far away may have been near in between."""
        self.state.since_ns, self.state.told = {}, []

    def _compare(self, now_ns: int, other: Market) -> Finding | None:
        state, thresholds, market, venue = self.state, self.thresholds, self.market, other.venue
        if not (self._is_fresh(market, now_ns) and self._is_fresh(other, now_ns)):
            state.since_ns.pop(venue, None)
            return None
        difference = market.mid / other.mid - 1.0
        if abs(difference) < thresholds.band:
            state.since_ns.pop(venue, None)
            if venue in state.told:
                state.told.remove(venue)
            return None
        lasted_s = (now_ns - state.since_ns.setdefault(venue, now_ns)) / 1e9
        if venue in state.told or lasted_s < thresholds.for_s:
            return None
        state.told.append(venue)
        text = (
            f"{abs(difference):.2%} {'above' if difference > 0 else 'below'} {venue} since {lasted_s:.1f} s:"
            f" mid {market.mid:g} against {other.mid:g}"
        )
        values = {
            "difference": difference,
            "band": thresholds.band,
            "mid": market.mid,
            "other_mid": other.mid,
            "lasted_s": lasted_s,
            "for_s": thresholds.for_s,
        }
        return Finding(now_ns, text, values)

    def _is_fresh(self, market: Market, now_ns: int) -> bool:
        age_ns = self.thresholds.max_age_s * 1e9
        return (
            market.quoted_ns >= market.connected_ns > 0
            and market.now_ns - market.quoted_ns <= age_ns
            and abs(now_ns - market.now_ns) <= age_ns
        )
