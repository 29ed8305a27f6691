"""Wilder's directional movement: which way the range of a candle has moved, and how surely. Pure."""

from __future__ import annotations

from collections.abc import Callable

from actors.aggregator.indicators.definition import EPSILON, NAN, Indicator, Past, Sample, State
from actors.aggregator.indicators.registry import indicator

_START = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
"""High, low and close before; sums of upward movement, downward movement and true range."""


def _moved(movement: State, bar: Sample, left: int, period: int) -> State:
    """The movement with one more candle; `left` of them are missing until the first index, this one included."""
    last_high, last_low, last, up, down, reach = movement
    high, low, close = bar.high, bar.low, bar.close
    if left == period + 1:
        return high, low, close, up, down, reach
    rise, fall = high - last_high, last_low - low
    if left <= 1:
        up -= up / period
        down -= down / period
        reach -= reach / period
    if fall > 0.0 and rise < fall:
        down += fall
    elif rise > 0.0 and rise > fall:
        up += rise
    return high, low, close, up, down, reach + (max(high, last) - min(low, last))


def _index(movement: State, before: float) -> float:
    """Directional index, 0 to 100; the one before where nothing moves."""
    _, _, _, up, down, reach = movement
    if abs(reach) < EPSILON:
        return before
    minus, plus = 100.0 * (down / reach), 100.0 * (up / reach)
    both = minus + plus
    return 100.0 * (abs(minus - plus) / both) if abs(both) >= EPSILON else before


def _of_movement(period: int, value: Callable[[State, float], float]) -> Indicator:
    """An indicator that has a value as soon as the movement has been smoothed once."""
    if period < 2:
        raise ValueError("the period is at least 2")

    def step(state: State, past: Past, bar: Sample) -> State:
        left = state[1]
        movement = _moved(state[3:], bar, left, period)
        if left > 1:
            return (NAN, left - 1, 0.0, *movement)
        found = value(movement, state[2])
        return (found, 0, found, *movement)

    return Indicator((NAN, period + 1, 0.0, *_START), step)


@indicator
def plus_di(period: int = 14) -> Indicator:
    """Upward movement in percent of the true range."""
    return _of_movement(period, lambda move, _: 100.0 * (move[3] / move[5]) if move[5] >= EPSILON else 0.0)


@indicator
def minus_di(period: int = 14) -> Indicator:
    """Downward movement in percent of the true range."""
    return _of_movement(period, lambda move, _: 100.0 * (move[4] / move[5]) if move[5] >= EPSILON else 0.0)


@indicator
def dx(period: int = 14) -> Indicator:
    """Directional index: difference of the two movements in percent of their sum."""
    return _of_movement(period, _index)


@indicator
def adx(period: int = 14) -> Indicator:
    """Average directional index: `dx`, smoothed as Wilder does."""
    if period < 2:
        raise ValueError("the period is at least 2")

    def step(state: State, past: Past, bar: Sample) -> State:
        _, left, average, total, before = state[:5]
        movement = _moved(state[5:], bar, left - period + 1, period)
        if left > period:
            return (NAN, left - 1, average, total, before, *movement)
        found = _smoothed(movement)
        if left:
            total += before if found is None else found
            average = total / period
        elif found is not None:
            average = (average * (period - 1) + found) / period
        left = max(0, left - 1)
        return (NAN if left else average, left, average, total, 0.0, *movement)

    return Indicator((NAN, 2 * period, 0.0, 0.0, 0.0, *_START), step)


def _smoothed(movement: State) -> float | None:
    """Directional index; None where nothing moves, which the average then leaves out."""
    found = _index(movement, -1.0)
    return None if found < 0.0 else found


@indicator
def adxr(period: int = 14) -> Indicator:
    """Mean of `adx` now and `period` - 1 candles ago."""
    inner = adx(period)
    size = len(inner.start)

    def step(state: State, past: Past, bar: Sample) -> State:
        average = inner.step(state[2 : 2 + size], past, bar)
        left, window = max(0, state[1] - 1), [*state[2 + size :], average[0]]
        value = NAN if left else (average[0] + window[0]) / 2.0
        return (value, left, *average, *window[1:])

    return Indicator((NAN, 3 * period - 1, *inner.start, *(NAN,) * (period - 1)), step)
