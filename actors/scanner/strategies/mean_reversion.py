"""Example: back to the mean after a stretch, where there is no trend. Pure. An example of how a strategy is written, no advice.

A candle closes outside the Bollinger bands (20, 2) with an RSI that says the same, and the bands' middle is not far from
EMA 50 (no trend): sell above, buy below; target the middle, stop as far behind as the average true range says.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from protocol.messages import BUY, SELL
from protocol.strategy import Idea, Needs, Snapshot


class MeanReversionParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be set."""

    timeframe: str = "5m"
    rsi_low: float = 30.0
    rsi_high: float = 70.0
    stop_atr: float = 1.5
    """Stop behind the entry, average true ranges."""
    max_trend_atr: float = 1.0
    """Most distance of the middle from EMA 50, average true ranges."""
    min_reward: float = 0.8
    """Least distance of the target as a multiple of the risk."""


class MeanReversion:
    """See above."""

    name: ClassVar[str] = "mean_reversion"
    Params: ClassVar[type[MeanReversionParams]] = MeanReversionParams

    def __init__(self, params: MeanReversionParams) -> None:
        self._params = params
        names = ("bb_upper_20_2", "bb_middle_20_2", "bb_lower_20_2", "rsi_14", "atr_14", "ema_50")
        self.needs = Needs(
            timeframe=params.timeframe, bars={params.timeframe: 1}, features={params.timeframe: names}
        )

    def evaluate(self, snapshot: Snapshot) -> Idea | str:
        """An idea, or why there is none."""
        params = self._params
        values = snapshot.features[params.timeframe]
        newest = snapshot.bars[params.timeframe][-1]
        middle, rsi, atr = values["bb_middle_20_2"], values["rsi_14"], values["atr_14"]
        if newest.close < values["bb_lower_20_2"] and rsi <= params.rsi_low:
            side = BUY
        elif newest.close > values["bb_upper_20_2"] and rsi >= params.rsi_high:
            side = SELL
        else:
            return "within the bands"
        if atr <= 0 or abs(middle - values["ema_50"]) > params.max_trend_atr * atr:
            return "a trend"
        entry = snapshot.ask if side == BUY else snapshot.bid
        stop = entry - side * params.stop_atr * atr
        reward = side * (middle - entry) / (params.stop_atr * atr)
        if reward < params.min_reward:
            return "too little to win"
        return Idea(
            side=side,
            stop=stop,
            target=middle,
            confidence=min(1.0, 0.35 + 0.15 * reward),
            inputs={name: values[name] for name in self.needs.features[params.timeframe]}
            | {"reward": reward},
            text=f"close {'below' if side == BUY else 'above'} the bands at RSI {rsi:.0f}, the mean is {reward:.1f} risks away",
        )
