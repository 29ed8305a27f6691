"""How far the price ranges within a candle and from one to the next. Pure."""

from __future__ import annotations

from actors.aggregator.indicators.definition import EPSILON, NAN, Indicator, Past, Sample, State
from actors.aggregator.indicators.registry import indicator


@indicator
def trange() -> Indicator:
    """True range: from the higher of high and close before to the lower of low and close before."""

    def step(state: State, past: Past, bar: Sample) -> State:
        _, left, last = state
        value = NAN if left == 2 else max(bar.high, last) - min(bar.low, last)
        return value, max(0, left - 1), bar.close

    return Indicator((NAN, 2, 0.0), step)


@indicator
def atr(period: int = 14) -> Indicator:
    """Average true range of Wilder, begun with the simple average of the first `period` true ranges."""
    span, rest = float(period), period - 1.0

    def step(state: State, past: Past, bar: Sample) -> State:
        value, left, last, total = state
        high, low, close = bar.high, bar.low, bar.close
        if last > high:
            high = last
        elif last < low:
            low = last
        if not left:
            return (value * rest + (high - low)) / span, 0, close, total
        if left > period:
            return NAN, left - 1, close, total
        total += high - low
        return (NAN, left - 1, close, total) if left > 1 else (total / span, 0, close, 0.0)

    return Indicator((NAN, period + 1, 0.0, 0.0), step)


@indicator
def natr(period: int = 14) -> Indicator:
    """Average true range in percent of the close."""
    inner = atr(period)

    def step(state: State, past: Past, bar: Sample) -> State:
        average = inner.step(state[2:], past, bar)
        left, close = average[1], bar.close
        if left:
            return (NAN, left, *average)
        return (average[0] / close * 100.0 if abs(close) >= EPSILON else 0.0, 0, *average)

    return Indicator((NAN, period + 1, *inner.start), step)
