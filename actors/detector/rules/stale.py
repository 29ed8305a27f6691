"""A symbol that is silent far longer than it ever is, while its venue is connected and its market open. Pure."""

from __future__ import annotations

import math

import msgspec

from actors.detector.rule import Count, Finding, NotNegative, Positive, Rule, Thresholds
from protocol.sessions import session_named

MEMORY_S = 600.0
"""Time over which the rhythm is averaged, seconds."""


class StaleThresholds(Thresholds, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Silence that is too long, by the symbol's own rhythm and by absolute bounds."""

    factor: Positive = 50.0
    """Silence, in mean times between two events (trades and quotes) of this symbol."""
    floor_s: Positive = 30.0
    """No shorter silence is found, seconds of open market."""
    cap_s: Positive = 900.0
    """Any longer one is, seconds of open market."""
    warm_up: Count = 100
    """Events that must have been seen before anything is found."""
    warm_up_s: NotNegative = 60.0
    """Time that must have been seen before anything is found, seconds of open market."""


class StaleState(msgspec.Struct, array_like=True):
    """A symbol's rhythm."""

    last_ns: int = 0
    """Watermark after its newest event, 0 after a break."""
    events: int = 0
    observed_s: float = 0.0
    rate_per_s: float = 0.0
    is_told: bool = False
    """It was found already: the next finding needs an event in between."""


class Stale(Rule):
    """Silence against the exponentially weighted rate of events, all in the time of the venue's watermarks."""

    name = "stale"
    Thresholds = StaleThresholds
    State = StaleState
    thresholds: StaleThresholds
    state: StaleState

    def on_mark(self, now_ns: int) -> Finding | None:
        """Count what came since the watermark before, or judge that nothing did."""
        state, events = self.state, self.market.events
        if not events:
            return None if state.is_told else self._judge(now_ns)
        state.events += events
        state.is_told = False
        if state.last_ns:
            passed_s = session_named(self.market.session).open_time_ns(state.last_ns, now_ns) / 1e9
            if passed_s > 0.0:
                state.observed_s += passed_s
                share = max(1.0 - math.exp(-passed_s / MEMORY_S), passed_s / state.observed_s)
                state.rate_per_s += share * (events / passed_s - state.rate_per_s)
        state.last_ns = now_ns
        return None

    def on_break(self) -> None:
        """Silence counts anew; the rhythm stays."""
        self.state.last_ns, self.state.is_told = 0, False

    def _judge(self, now_ns: int) -> Finding | None:
        state, thresholds = self.state, self.thresholds
        if (
            state.events < thresholds.warm_up
            or state.observed_s < thresholds.warm_up_s
            or state.rate_per_s <= 0.0
        ):
            return None
        since_ns = max(state.last_ns, self.market.connected_ns)
        if now_ns - since_ns < thresholds.floor_s * 1e9:
            return None
        session = session_named(self.market.session)
        silent_s = session.open_time_ns(since_ns, now_ns) / 1e9
        limit_s = min(max(thresholds.floor_s, thresholds.factor / state.rate_per_s), thresholds.cap_s)
        if silent_s < limit_s or not session.is_open(now_ns):
            return None
        state.is_told = True
        text = (
            f"no trade and no quote for {silent_s:.0f} s of open market while the venue is connected;"
            f" usual are {state.rate_per_s:.3g} a second"
        )
        values = {
            "silent_s": silent_s,
            "limit_s": limit_s,
            "rate_per_s": state.rate_per_s,
            "factor": thresholds.factor,
            "floor_s": thresholds.floor_s,
            "cap_s": thresholds.cap_s,
            "n": float(state.events),
        }
        return Finding(now_ns, text, values)
