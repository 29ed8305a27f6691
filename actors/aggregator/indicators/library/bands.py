"""Bands and spreads around an average, and middles of a range. Pure.

Variances as TA-Lib 0.8 computes them: running sums of the distances from a shift near the mean and of their squares,
which are measured anew where rounding would show. So they hold at any price level and after any jump.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt

from actors.aggregator.indicators.definition import NAN, Indicator, Past, Sample, State
from actors.aggregator.indicators.registry import indicator


@indicator
def bbands(period: int = 20, width: float = 2.0) -> Indicator:
    """Bollinger bands: simple average of the close, and `width` population standard deviations above and below."""
    if period < 2:
        raise ValueError("the period is at least 2")
    share, oldest, rounds = 1.0 / period, 1 - period, 32 * period

    def step(state: State, past: Past, bar: Sample) -> State:
        _, _, _, left, shift, plain, squares, due = state
        close = bar.close
        if left == period:
            shift = close
        off = close - shift
        plain += off
        squares += off * off
        if left > 1:
            return NAN, NAN, NAN, left - 1, shift, plain, squares, rounds
        mean = plain * share
        middle = shift + mean
        variance = squares * share - mean * mean
        off = past.close[oldest] - shift
        square = off * off
        squares -= square
        if variance < MUCH_LESS * (squares * share) or square > MUCH_MORE * squares or due <= 1:
            variance, shift, plain, squares = centred((*past.close[oldest:], close), share)
            due = rounds + 1
        else:
            plain -= off
        half = sqrt(variance) * width
        return middle + half, middle, middle - half, 0, shift, plain, squares, due - 1

    start = (NAN, NAN, NAN, period, 0.0, 0.0, 0.0, 0)
    return Indicator(start, step, {"close": period - 1}, ("bb_upper", "bb_middle", "bb_lower"))


MUCH_LESS, MUCH_MORE = 1e-6, 1e6
"""Where a variance is so small against its terms, or a square that leaves so big, too few digits are right."""


def centred(window: tuple[float, ...], share: float) -> tuple[float, float, float, float]:
    """Measure a window anew around its mean.

    Returns:
        Its variance, the mean as the new shift, and the sums of distances and of their squares without the oldest.
    """
    shift = sum_in_order(window) * share
    plain = sum_in_order([one - shift for one in window])
    squares = sum_in_order([(one - shift) * (one - shift) for one in window])
    mean = plain * share
    variance = squares * share - mean * mean
    if variance < 1e-12 * (squares * share):
        variance = 0.0
    off = window[0] - shift
    return variance, shift, plain - off, squares - off * off


def sum_in_order(terms: Iterable[float]) -> float:
    """The plain sum from left to right: `sum` compensates the rounding from Python 3.12 on, and others do not."""
    total = 0.0
    for term in terms:
        total += term
    return total


@indicator
def stddev(period: int = 5, width: float = 1.0) -> Indicator:
    """Population standard deviation of the close, times `width`."""
    if period < 2:
        raise ValueError("the period is at least 2")
    share, oldest, rounds = 1.0 / period, 1 - period, 32 * period

    def step(state: State, past: Past, bar: Sample) -> State:
        _, left, shift, plain, squares, due = state
        close = bar.close
        if left == period:
            shift = close
        off = close - shift
        plain += off
        squares += off * off
        if left > 1:
            return NAN, left - 1, shift, plain, squares, rounds
        mean = plain * share
        variance = squares * share - mean * mean
        off = past.close[oldest] - shift
        plain -= off
        squares -= off * off
        if variance < MUCH_LESS * (squares * share) or off * off > MUCH_MORE * squares or due <= 1:
            variance, shift, plain, squares = centred((*past.close[oldest:], close), share)
            due = rounds + 1
        return sqrt(variance) * width, 0, shift, plain, squares, due - 1

    return Indicator((NAN, period, 0.0, 0.0, 0.0, 0), step, {"close": period - 1})


@indicator
def midpoint(period: int = 14) -> Indicator:
    """Middle between the highest and the lowest close."""
    if period < 2:
        raise ValueError("the period is at least 2")

    def step(state: State, past: Past, bar: Sample) -> State:
        if state[1] > 1:
            return NAN, state[1] - 1
        window = past.close[1 - period :]
        return (max(bar.close, *window) + min(bar.close, *window)) / 2.0, 0

    return Indicator((NAN, period), step, {"close": period - 1})


@indicator
def midprice(period: int = 14) -> Indicator:
    """Middle between the highest high and the lowest low."""
    if period < 2:
        raise ValueError("the period is at least 2")

    def step(state: State, past: Past, bar: Sample) -> State:
        if state[1] > 1:
            return NAN, state[1] - 1
        highest = max(bar.high, *past.high[1 - period :])
        return (highest + min(bar.low, *past.low[1 - period :])) / 2.0, 0

    return Indicator((NAN, period), step, {"high": period - 1, "low": period - 1})
