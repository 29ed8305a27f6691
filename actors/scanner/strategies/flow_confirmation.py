"""Example: a move that aggressors confirm. Pure. An example of how a strategy is written, no advice.

In a minute the price left the range of the candles before it, and order flow agrees: the delta of the last minute is a
large share of the volume and the order-flow imbalance has the same sign. Stop at the other end of the newest candle.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from protocol.messages import BUY, SELL
from protocol.strategy import Idea, Needs, Snapshot


class FlowConfirmationParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be set."""

    timeframe: str = "1m"
    look_back: int = 20
    """Candles whose range is left."""
    window_s: float = 60.0
    """Window of the order flow, seconds; one that is measured."""
    min_delta_share: float = 0.2
    """Least delta as a share of the volume of the window."""
    reward: float = 1.5
    """Target as a multiple of the risk."""


class FlowConfirmation:
    """See above."""

    name: ClassVar[str] = "flow_confirmation"
    Params: ClassVar[type[FlowConfirmationParams]] = FlowConfirmationParams

    def __init__(self, params: FlowConfirmationParams) -> None:
        self._params = params
        self.needs = Needs(
            timeframe=params.timeframe,
            bars={params.timeframe: params.look_back + 1},
            features={params.timeframe: ("atr_14",)},
            flows={params.window_s: ("delta", "buy_volume", "sell_volume", "ofi")},
        )

    def evaluate(self, snapshot: Snapshot) -> Idea | str:
        """An idea, or why there is none."""
        params = self._params
        *before, newest = snapshot.bars[params.timeframe][-params.look_back - 1 :]
        high, low = max(bar.high for bar in before), min(bar.low for bar in before)
        if newest.close > high:
            side = BUY
        elif newest.close < low:
            side = SELL
        else:
            return "within the range"
        flow = snapshot.flows[params.window_s]
        volume = flow["buy_volume"] + flow["sell_volume"]
        share = flow["delta"] / volume if volume > 0 else 0.0
        if side * share < params.min_delta_share:
            return "aggressors do not confirm"
        if side * flow["ofi"] <= 0:
            return "the book does not confirm"
        entry = snapshot.ask if side == BUY else snapshot.bid
        atr = snapshot.features[params.timeframe]["atr_14"]
        stop = newest.low - 0.1 * atr if side == BUY else newest.high + 0.1 * atr
        risk = side * (entry - stop)
        if risk <= 0:
            return "price has gone through the stop"
        return Idea(
            side=side,
            stop=stop,
            target=entry + side * params.reward * risk,
            confidence=min(1.0, 0.4 + abs(share)),
            inputs={"high": high, "low": low, "close": newest.close, "delta_share": share, "ofi": flow["ofi"], "atr_14": atr},
            text=f"left {params.look_back} candles, delta {share:+.0%} of the volume",
        )  # fmt: skip
