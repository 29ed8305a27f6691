"""Example: with the trend, after it has come back to its mean. Pure. An example of how a strategy is written, no advice.

Up: EMA 20 above EMA 50 and rising price. The candle before dipped to EMA 20 and the newest one closed above it again:
buy, stop below the dip by half an average true range, target at a multiple of the risk. Down the other way round.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from protocol.messages import BUY, SELL, Bar
from protocol.strategy import Idea, Needs, Snapshot


class TrendPullbackParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be set."""

    timeframe: str = "5m"
    reward: float = 2.0
    """Target as a multiple of the risk."""
    stop_atr: float = 0.5
    """Stop behind the dip, average true ranges."""
    min_trend_atr: float = 0.5
    """Least distance of the two averages, average true ranges."""


class TrendPullback:
    """See above."""

    name: ClassVar[str] = "trend_pullback"
    Params: ClassVar[type[TrendPullbackParams]] = TrendPullbackParams

    def __init__(self, params: TrendPullbackParams) -> None:
        self._params = params
        self.needs = Needs(
            timeframe=params.timeframe,
            bars={params.timeframe: 3},
            features={params.timeframe: ("ema_20", "ema_50", "atr_14", "rsi_14")},
        )

    def evaluate(self, snapshot: Snapshot) -> Idea | str:
        """An idea, or why there is none."""
        params = self._params
        values = snapshot.features[params.timeframe]
        ema_fast, ema_slow, atr = values["ema_20"], values["ema_50"], values["atr_14"]
        if atr <= 0:
            return "no movement"
        trend = (ema_fast - ema_slow) / atr
        if abs(trend) < params.min_trend_atr:
            return "no trend"
        side = BUY if trend > 0 else SELL
        before, newest = snapshot.bars[params.timeframe][-2:]
        if side * (_far(before, side) - ema_fast) > 0:
            return "no pullback"
        if side * (newest.close - ema_fast) <= 0 or side * (newest.close - newest.open) <= 0:
            return "not turned yet"
        entry = snapshot.ask if side == BUY else snapshot.bid
        dip = min(side * _far(before, side), side * _far(newest, side)) * side
        stop = dip - side * params.stop_atr * atr
        risk = side * (entry - stop)
        if risk <= 0:
            return "price has gone through the stop"
        return Idea(
            side=side,
            stop=stop,
            target=entry + side * params.reward * risk,
            confidence=min(1.0, 0.4 + 0.1 * abs(trend)),
            inputs={"ema_20": ema_fast, "ema_50": ema_slow, "atr_14": atr, "rsi_14": values["rsi_14"], "trend_atr": trend, "dip": dip},
            text=f"{'up' if side == BUY else 'down'} trend of {abs(trend):.1f} ATR, back to its mean and turned",
        )  # fmt: skip


def _far(bar: Bar, side: int) -> float:
    """The low of a dip, the high of a rise."""
    return bar.low if side == BUY else bar.high
