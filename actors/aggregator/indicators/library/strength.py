"""Gains against losses, smoothed as Wilder does. Pure."""

from __future__ import annotations

from math import isnan

from actors.aggregator.indicators.definition import NAN, Indicator, Past, Sample, State
from actors.aggregator.indicators.registry import indicator


@indicator
def rsi(period: int = 14) -> Indicator:
    """Relative strength index of Wilder, 0 to 100; 0 of a series that does not move, as TA-Lib has it."""
    if period < 2:
        raise ValueError("the period is at least 2")
    span, rest = float(period), period - 1.0

    def step(state: State, past: Past, bar: Sample) -> State:
        _, left, gain, loss, last = state
        close = bar.close
        if left:
            return _begin(state, close, span, is_balance=False)
        if close < last:
            gain = gain * rest / span
            loss = (loss * rest + (last - close)) / span
        else:
            gain = (gain * rest + (close - last)) / span
            loss = loss * rest / span
        both = gain + loss
        return 100.0 * (gain / both) if both > 0.0 else 0.0, 0, gain, loss, close

    return Indicator((NAN, period + 1, 0.0, 0.0, 0.0), step)


@indicator
def cmo(period: int = 14) -> Indicator:
    """Chande momentum oscillator, -100 to 100, with Wilder's smoothing as TA-Lib has it."""
    if period < 2:
        raise ValueError("the period is at least 2")
    span, rest = float(period), period - 1.0

    def step(state: State, past: Past, bar: Sample) -> State:
        _, left, gain, loss, last = state
        close = bar.close
        if left:
            return _begin(state, close, span, is_balance=True)
        gain = (gain * rest + max(0.0, close - last)) / span
        loss = (loss * rest + max(0.0, last - close)) / span
        both = gain + loss
        return 100.0 * ((gain - loss) / both) if both > 0.0 else 0.0, 0, gain, loss, close

    return Indicator((NAN, period + 1, 0.0, 0.0, 0.0), step)


def _begin(state: State, close: float, span: float, *, is_balance: bool) -> State:
    """One of the first candles: gains and losses are added up, and become averages with the last of them."""
    _, left, gain, loss, last = state
    if left <= span:
        gain += max(0.0, close - last)
        loss += max(0.0, last - close)
    if left > 1:
        return NAN, left - 1, gain, loss, close
    gain, loss = gain / span, loss / span
    both = gain + loss
    share = (gain - loss if is_balance else gain) / both if both > 0.0 else 0.0
    return 100.0 * share, 0, gain, loss, close


@indicator
def stochrsi(period: int = 14, fast_k: int = 5, fast_d: int = 3) -> Indicator:
    """Where the relative strength index lies in the range of its last `fast_k` values, and the average of that."""
    inner = rsi(period)

    def step(state: State, past: Past, bar: Sample) -> State:
        left, total = max(0, state[2] - 1), state[3]
        strength = inner.step(state[4:9], past, bar)
        values, shares = list(state[9 : 8 + fast_k]), list(state[8 + fast_k :])
        if strength[1]:
            return (NAN, NAN, left, total, *strength, *values, *shares)
        window = [*values, strength[0]]
        if not any(map(isnan, values)):
            lowest = min(window)
            reach = (max(window) - lowest) / 100.0
            share = (strength[0] - lowest) / reach if reach > 1e-11 else 0.0  # else it is rounding
            total += share
            result = (share, total / fast_d, 0) if not left else (NAN, NAN, left)
            shares.append(share)
            if not left:
                total -= shares[0]
            shares = shares[1:]
        else:
            result = (NAN, NAN, left)
        return (*result, total, *strength, *window[1:], *shares)

    missing = period + 1 + fast_k - 1 + fast_d - 1
    start = (NAN, NAN, missing, 0.0, *inner.start, *(NAN,) * (fast_k - 1), *(NAN,) * (fast_d - 1))
    return Indicator(start, step, outputs=("stochrsi_k", "stochrsi_d"))
