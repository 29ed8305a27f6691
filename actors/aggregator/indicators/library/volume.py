"""Volume with price: what was paid on average, and on which side it went. Pure."""

from __future__ import annotations

from actors.aggregator.indicators.definition import EPSILON, NAN, Indicator, Past, Sample, State
from actors.aggregator.indicators.registry import indicator


@indicator
def vwap() -> Indicator:
    """Volume-weighted average price since the start of the session's day; there is none before the first volume.

    It begins anew with each day of the instrument's calendar, and on the very first day with the first candle seen.
    """

    def step(state: State, past: Past, bar: Sample) -> State:
        _, _, day_ns, notional, volume = state
        if day_ns == bar.day_ns:
            notional += bar.notional
            volume += bar.volume
        else:
            notional, volume = bar.notional, bar.volume
        return notional / volume if volume > 0.0 else NAN, 0, bar.day_ns, notional, volume

    return Indicator((NAN, 1, -1, 0.0, 0.0), step)


@indicator
def obv() -> Indicator:
    """On-balance volume: volume added where the close rises, taken off where it falls."""

    def step(state: State, past: Past, bar: Sample) -> State:
        value, left, last = state
        close = bar.close
        if left:
            return bar.volume, 0, close
        if close > last:
            value += bar.volume
        elif close < last:
            value -= bar.volume
        return value, 0, close

    return Indicator((NAN, 1, 0.0), step)


@indicator
def ad() -> Indicator:
    """Accumulation and distribution of Chaikin: volume by where in its range the candle closed."""

    def step(state: State, past: Past, bar: Sample) -> State:
        total = _accumulated(state[2], bar)
        return total, 0, total

    return Indicator((NAN, 1, 0.0), step)


@indicator
def adosc(fast: int = 3, slow: int = 10) -> Indicator:
    """Chaikin oscillator: fast minus slow exponential average of accumulation and distribution."""
    if not 2 <= fast < slow:
        raise ValueError("fast is at least 2, and shorter than slow")
    k_fast, k_slow = 2.0 / (fast + 1.0), 2.0 / (slow + 1.0)

    def step(state: State, past: Past, bar: Sample) -> State:
        _, left, total, quick, late = state
        total = _accumulated(total, bar)
        if left == slow:
            quick = late = total
        else:
            quick = k_fast * total + (1.0 - k_fast) * quick
            late = k_slow * total + (1.0 - k_slow) * late
        left = max(0, left - 1)
        return NAN if left else quick - late, left, total, quick, late

    return Indicator((NAN, slow, 0.0, 0.0, 0.0), step)


def _accumulated(total: float, bar: Sample) -> float:
    high, low, close = bar.high, bar.low, bar.close
    reach = high - low
    share: float = ((close - low) - (high - close)) / reach * bar.volume if reach > 0.0 else 0.0
    return total + share


@indicator
def mfi(period: int = 14) -> Indicator:
    """Money flow index, 0 to 100: typical price times volume, of candles that rose against all that moved."""
    if period < 2:
        raise ValueError("the period is at least 2")

    def step(state: State, past: Past, bar: Sample) -> State:
        _, left, last, *window = state
        typical = (bar.high + bar.low + bar.close) / 3.0
        if left == period + 1:
            return (NAN, period, typical, *window)
        change, flow = typical - last, typical * bar.volume
        if abs(change) < EPSILON * (abs(typical) + abs(last)):
            flow = 0.0  # the same price, rounded in another way
        window = [*window[1:], flow if change > 0.0 else -flow]
        if left > 1:
            return (NAN, left - 1, typical, *window)
        rising = sum(one for one in window if one > 0.0)
        both = rising - sum(one for one in window if one < 0.0)
        return (100.0 * (rising / both) if both > 0.0 else 0.0, 0, typical, *window)

    return Indicator((NAN, period + 1, 0.0, *(0.0,) * period), step)
