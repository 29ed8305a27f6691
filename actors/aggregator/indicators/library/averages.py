"""Moving averages: simple, exponential, weighted, and those made of them. Pure.

All as TA-Lib computes them, in its order of operations: a running sum keeps the rounding of what has left it.
"""

from __future__ import annotations

from typing import Any

from actors.aggregator.indicators.definition import NAN, Indicator, Past, Sample, State
from actors.aggregator.indicators.registry import indicator


@indicator
def sma(period: int = 20) -> Indicator:
    """Simple moving average of the close."""
    span, oldest = float(period), 1 - period

    def step(state: State, past: Past, bar: Sample) -> State:
        _, left, total = state
        total = total + bar.close
        if left > 1:
            return NAN, left - 1, total
        return total / span, 0, total - (past.close[oldest] if oldest else bar.close)

    return Indicator((NAN, period, 0.0), step, {"close": period - 1}, is_elementwise=True)


@indicator
def volume_ma(period: int = 20) -> Indicator:
    """Simple moving average of the volume."""
    span, oldest = float(period), 1 - period

    def step(state: State, past: Past, bar: Sample) -> State:
        _, left, total = state
        total = total + bar.volume
        if left > 1:
            return NAN, left - 1, total
        return total / span, 0, total - (past.volume[oldest] if oldest else bar.volume)

    return Indicator((NAN, period, 0.0), step, {"volume": period - 1}, is_elementwise=True)


@indicator
def ema(period: int = 20) -> Indicator:
    """Exponential moving average, begun with the simple average of the first `period` closes."""
    factor = 2.0 / (period + 1.0)

    def step(state: State, past: Past, bar: Sample) -> State:
        value, left, total = state
        if not left:
            return (bar.close - value) * factor + value, 0, total
        total = total + bar.close
        return (NAN, left - 1, total) if left > 1 else (total / period, 0, 0.0)

    return Indicator((NAN, period, 0.0), step, is_elementwise=True)


def smooth(chain: State, x: Any, period: int, factor: float) -> State:
    """One more input for averages of averages: each takes the value of the one before, once that has one.

    Args:
        chain: For each average its value, how many inputs it still needs, and the sum of those it has.
        x: Input of the first.
        period: Of all.
        factor: Of all, 2 / (period + 1) unless it is another kind of smoothing.

    Returns:
        The chain after it; the last average has its first value after n * (period - 1) + 1 inputs.
    """
    made: list[Any] = []
    for at in range(0, len(chain), 3):
        value, left, total = chain[at : at + 3]
        if not left:
            value = (x - value) * factor + value
        else:
            total = total + x
            left -= 1
            if left:
                return (*made, value, left, total, *chain[at + 3 :])
            value, total = total / period, 0.0
        made += (value, left, total)
        x = value
    return tuple(made)


def unsmoothed(count: int, period: int) -> State:
    """So many averages before their first input."""
    return (NAN, period, 0.0) * count


@indicator
def dema(period: int = 20) -> Indicator:
    """Double exponential moving average: 2 ema - ema of ema."""
    factor = 2.0 / (period + 1.0)

    def step(state: State, past: Past, bar: Sample) -> State:
        chain = smooth(state[2:], bar.close, period, factor)
        left = max(0, state[1] - 1)
        return (NAN if left else 2.0 * chain[0] - chain[3], left, *chain)

    return Indicator((NAN, 2 * period - 1, *unsmoothed(2, period)), step, is_elementwise=True)


@indicator
def tema(period: int = 20) -> Indicator:
    """Triple exponential moving average: 3 ema - 3 ema of ema + ema of ema of ema."""
    factor = 2.0 / (period + 1.0)

    def step(state: State, past: Past, bar: Sample) -> State:
        chain = smooth(state[2:], bar.close, period, factor)
        left = max(0, state[1] - 1)
        return (NAN if left else chain[6] + (3.0 * chain[0] - 3.0 * chain[3]), left, *chain)

    return Indicator((NAN, 3 * period - 2, *unsmoothed(3, period)), step, is_elementwise=True)


@indicator
def t3(period: int = 5, volume_factor: float = 0.7) -> Indicator:
    """Tillson's T3: six exponential averages in a row, the last four weighted by `volume_factor`."""
    factor, square = 2.0 / (period + 1.0), volume_factor * volume_factor
    c1 = -(square * volume_factor)
    c2 = 3.0 * (square - c1)
    c3 = -6.0 * square - 3.0 * (volume_factor - c1)
    c4 = 1.0 + 3.0 * volume_factor - c1 + 3.0 * square

    def step(state: State, past: Past, bar: Sample) -> State:
        chain = smooth(state[2:], bar.close, period, factor)
        left = max(0, state[1] - 1)
        if left:
            return (NAN, left, *chain)
        return (c1 * chain[15] + c2 * chain[12] + c3 * chain[9] + c4 * chain[6], 0, *chain)

    return Indicator((NAN, 6 * period - 5, *unsmoothed(6, period)), step, is_elementwise=True)


@indicator
def wma(period: int = 20) -> Indicator:
    """Weighted moving average: the newest close counts `period` times, the oldest once."""
    divider = period * (period + 1) / 2.0

    def step(state: State, past: Past, bar: Sample) -> State:
        _, left, weighted, plain = state
        close = bar.close
        plain = plain + close
        if left > 1:
            return NAN, left - 1, weighted + close * (period - left + 1), plain
        if not left:
            plain = plain - past.close[-period]
        weighted = weighted + close * period
        return weighted / divider, 0, weighted - plain, plain

    return Indicator((NAN, period, 0.0, 0.0), step, {"close": period}, is_elementwise=True)


@indicator
def trima(period: int = 20) -> Indicator:
    """Triangular moving average: weights that rise to the middle of the window and fall again."""
    weights = [min(at, period - at + 1) for at in range(1, period + 1)]
    divider, first = float(sum(weights)), 1 - period

    def step(state: State, past: Past, bar: Sample) -> State:
        left = state[1]
        if left > 1:
            return NAN, left - 1
        total = bar.close
        if first:
            for weight, close in zip(weights, past.close[first:], strict=False):
                total = total + weight * close
        return total / divider, 0

    return Indicator((NAN, period), step, {"close": period - 1}, is_elementwise=True)


@indicator
def kama(period: int = 10) -> Indicator:
    """Kaufman's adaptive moving average: fast where the close goes one way, slow where it goes to and fro."""
    slowest, spread = 2.0 / 31.0, 2.0 / 3.0 - 2.0 / 31.0

    def step(state: State, past: Past, bar: Sample) -> State:
        _, left, last, way = state
        close = bar.close
        if left == period + 1:
            return NAN, left - 1, close, way
        if not left:
            way -= abs(past.close[-period - 1] - past.close[-period])
        way += abs(close - past.close[-1])
        if left > 1:
            return NAN, left - 1, close, way
        change = close - past.close[-period]
        ratio = 1.0 if way <= change or abs(way) < 1e-14 else abs(change / way)
        speed = (ratio * spread + slowest) ** 2
        last = (close - last) * speed + last
        return last, 0, last, way

    return Indicator((NAN, period + 1, 0.0, 0.0), step, {"close": period + 1})
