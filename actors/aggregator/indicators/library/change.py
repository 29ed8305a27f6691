"""The close against an earlier close, or against the range of its own candle. Pure."""

from __future__ import annotations

from actors.aggregator.indicators.definition import EPSILON, NAN, Indicator, Past, Sample, State
from actors.aggregator.indicators.registry import indicator


@indicator
def mom(period: int = 10) -> Indicator:
    """Momentum: the close minus the one `period` candles ago."""

    def step(state: State, past: Past, bar: Sample) -> State:
        left = state[1]
        if left > 1:
            return NAN, left - 1
        return bar.close - past.close[-period], 0

    return Indicator((NAN, period + 1), step, {"close": period}, is_elementwise=True)


@indicator
def roc(period: int = 10) -> Indicator:
    """Rate of change against `period` candles ago, in percent."""

    def step(state: State, past: Past, bar: Sample) -> State:
        if state[1] > 1:
            return NAN, state[1] - 1
        old = past.close[-period]
        return (bar.close / old - 1.0) * 100.0 if old else 0.0, 0

    return Indicator((NAN, period + 1), step, {"close": period})


@indicator
def rocp(period: int = 10) -> Indicator:
    """Rate of change against `period` candles ago, as a share."""

    def step(state: State, past: Past, bar: Sample) -> State:
        if state[1] > 1:
            return NAN, state[1] - 1
        old = past.close[-period]
        return (bar.close - old) / old if old else 0.0, 0

    return Indicator((NAN, period + 1), step, {"close": period})


@indicator
def rocr(period: int = 10) -> Indicator:
    """The close divided by the one `period` candles ago."""

    def step(state: State, past: Past, bar: Sample) -> State:
        if state[1] > 1:
            return NAN, state[1] - 1
        old = past.close[-period]
        return bar.close / old if old else 0.0, 0

    return Indicator((NAN, period + 1), step, {"close": period})


@indicator
def bop() -> Indicator:
    """Balance of power: close minus open, as a share of high minus low."""

    def step(state: State, past: Past, bar: Sample) -> State:
        reach = bar.high - bar.low
        return (bar.close - bar.open) / reach if reach >= EPSILON else 0.0, 0

    return Indicator((NAN, 1), step)
