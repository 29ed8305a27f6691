"""A bid above the ask, or equal to it, that lasts. Pure."""

from __future__ import annotations

import msgspec

from actors.detector.rule import Finding, NotNegative, Rule, Thresholds
from protocol.messages import Quote


class CrossedThresholds(Thresholds, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Absolute: it needs no warm-up."""

    crossed_for_s: NotNegative = 1.0
    """How long the bid must be above the ask, seconds of venue time; 0: with the next watermark."""
    locked_for_s: NotNegative = 10.0
    """How long the bid must be equal to the ask."""


class CrossedState(msgspec.Struct, array_like=True):
    """What the book is, and since when."""

    is_crossed: bool = False
    is_locked: bool = False
    since_ns: int = 0
    """First watermark at which it was so."""
    is_told: bool = False
    """It was found already: the next finding needs a sound quote in between."""


class Crossed(Rule):
    """Crossed and locked are told apart: the first is a fault of the feed, the second now and then a market."""

    name = "crossed"
    Thresholds = CrossedThresholds
    State = CrossedState
    thresholds: CrossedThresholds
    state: CrossedState

    def on_quote(self, quote: Quote) -> Finding | None:
        """Note what it is."""
        state = self.state
        if quote.bid < quote.ask:
            if state.is_crossed or state.is_locked:
                self.on_break()
        elif (quote.bid > quote.ask) != state.is_crossed or not (state.is_crossed or state.is_locked):
            self.on_break()
            state.is_crossed = quote.bid > quote.ask
            state.is_locked = not state.is_crossed
        return None

    def on_mark(self, now_ns: int) -> Finding | None:
        """See how long it lasts."""
        state = self.state
        if state.is_told or not (state.is_crossed or state.is_locked):
            return None
        state.since_ns = state.since_ns or now_ns
        lasted_s = (now_ns - state.since_ns) / 1e9
        for_s = self.thresholds.crossed_for_s if state.is_crossed else self.thresholds.locked_for_s
        if lasted_s < for_s:
            return None
        state.is_told = True
        bid, ask = self.market.bid, self.market.ask
        word = "crossed" if state.is_crossed else "locked"
        text = f"the book is {word} since {lasted_s:.1f} s: bid {bid:g}, ask {ask:g}"
        values = {"bid": bid, "ask": ask, "lasted_s": lasted_s, "for_s": for_s}
        return Finding(now_ns, text, {**values, "is_locked": float(state.is_locked)})

    def on_break(self) -> None:
        """What stands is not known any more."""
        state = self.state
        state.is_crossed = state.is_locked = state.is_told = False
        state.since_ns = 0
