"""A price that moves much farther within seconds than it does. Pure."""

from __future__ import annotations

import math

import msgspec

from actors.detector.rule import Count, Finding, Positive, Rule, Thresholds
from actors.detector.statistics import SURE, Window
from protocol.messages import Trade

SECOND_NS = 1_000_000_000


class PriceJumpThresholds(Thresholds, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Both must hold, between two prices `horizon_s` apart, each the median of the last three trades then."""

    horizon_s: Count = 10
    """Time between the two prices, seconds."""
    z: Positive = 8.0
    """Least robust z-score of the log return against the symbol's own ones of that length."""
    least_move: Positive = 0.003
    """Least move, as a share of the price."""
    least_trades: Count = 5
    """Least number of trades in that time: between two trades of a sleepy market there is no jump."""
    window: Count = 300
    """Returns remembered, one per second with trades."""
    warm_up: Count = 60
    """Returns that must be remembered before anything is found."""


class PriceJumpState(msgspec.Struct, array_like=True):
    """The running second, the seconds before, and how far prices usually move."""

    second: int = 0
    """Venue time of the running second, 0 before the first trade."""
    last_ns: int = 0
    """Time of the newest trade."""
    newest: float = 0.0
    """Price of the newest trade."""
    second_newest: float = 0.0
    third_newest: float = 0.0
    trades: int = 0
    """Trades in the running second."""
    seconds: list[tuple[float, int]] = []
    """Price at the end of, and trades in, each of the last `horizon_s` seconds, oldest first."""
    returns: Window = msgspec.field(default_factory=Window)


class PriceJump(Rule):
    """Robust z-score of log returns over a short horizon.

    A single tick that reverts is never the median of three, so it is no price here (the bad-tick rule of
    Brownlees and Gallo, 2006, in its simplest form).
    """

    name = "price_jump"
    Thresholds = PriceJumpThresholds
    State = PriceJumpState
    thresholds: PriceJumpThresholds
    state: PriceJumpState

    def on_trade(self, trade: Trade) -> Finding | None:
        """Close the second before when a new one begins, and judge its price."""
        state, ts_ns = self.state, trade.ts_event_ns
        found = None
        second = ts_ns // SECOND_NS
        if second > state.second:
            if state.second:
                found = self._close(second - state.second)
            else:
                state.second_newest = state.newest = trade.price
            state.second, state.trades = second, 0
        state.third_newest, state.second_newest, state.newest = state.second_newest, state.newest, trade.price
        state.trades += 1
        state.last_ns = ts_ns
        return found

    def on_break(self) -> None:
        """Across a hole there is no return; what is usual stays."""
        self.state.second, self.state.seconds = 0, []

    def _close(self, elapsed_s: int) -> Finding | None:
        state, horizon_s = self.state, self.thresholds.horizon_s
        price = sorted((state.newest, state.second_newest, state.third_newest))[1]
        seconds, found = state.seconds[-horizon_s:], None
        if len(seconds) == horizon_s:
            move = math.log(price / seconds[0][0])
            if abs(move) >= self.thresholds.least_move:
                found = self._judge(move, seconds[0][0], price)
            state.returns.add(move, self.thresholds.window)
        seconds.append((price, state.trades))
        seconds += [(price, 0)] * min(elapsed_s - 1, horizon_s)
        state.seconds = seconds[-horizon_s:]
        return found

    def _judge(self, move: float, before: float, price: float) -> Finding | None:
        state, thresholds = self.state, self.thresholds
        trades = state.trades + sum(second[1] for second in state.seconds[1:])
        usual = state.returns.summary(thresholds.warm_up)
        if usual is None or trades < thresholds.least_trades:
            return None
        z = usual.z(move)
        if abs(z) < thresholds.z:
            return None
        text = (
            f"the price went {'up' if move > 0 else 'down'} {abs(math.expm1(move)):.2%} within {thresholds.horizon_s} s,"
            f" {before:g} to {price:g}, {abs(z):.0f} deviations"
        )
        values = {
            "move": math.expm1(move),
            "least_move": thresholds.least_move,
            "z": max(-SURE, min(z, SURE)),
            "z_threshold": thresholds.z,
            "from_price": before,
            "price": price,
            "horizon_s": float(thresholds.horizon_s),
            "trades": float(trades),
            "median": usual.median,
            "mad": usual.mad,
            "n": float(usual.n),
        }
        return Finding(state.last_ns, text, values)
