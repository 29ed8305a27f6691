"""Parabolic stop and reverse, and the ultimate oscillator. Pure."""

from __future__ import annotations

from actors.aggregator.indicators.definition import EPSILON, NAN, Indicator, Past, Sample, State
from actors.aggregator.indicators.registry import indicator


@indicator
def sar(acceleration: float = 0.02, maximum: float = 0.2) -> Indicator:
    """Parabolic stop and reverse of Wilder.

    The first direction is down where the second candle's low fell further than its high rose. Source: TA-Lib.
    """
    if not 0.0 <= acceleration <= maximum:
        raise ValueError("acceleration lies between 0 and the maximum")

    def step(state: State, past: Past, bar: Sample) -> State:
        _, left, is_long, stop, extreme, factor, last_high, last_low = state
        high, low = bar.high, bar.low
        if left == 2:
            return NAN, 1, 1, 0.0, 0.0, acceleration, high, low
        if left == 1:
            fall, rise = last_low - low, high - last_high
            is_long = 0 if fall > 0.0 and rise < fall else 1
            extreme, stop = (high, last_low) if is_long else (low, last_high)
            last_high, last_low = high, low
        if is_long:
            value, is_long, stop, extreme, factor = _long(
                stop, extreme, factor, (high, low, last_high, last_low)
            )
        else:
            # the short side is the long side of the mirrored price
            mirrored = (-low, -high, -last_low, -last_high)
            value, is_short, stop, extreme, factor = _long(-stop, -extreme, factor, mirrored)
            value, is_long, stop, extreme = -value, 1 - is_short, -stop, -extreme
        return value, 0, is_long, stop, extreme, factor, high, low

    def _long(
        stop: float, extreme: float, factor: float, range_: tuple[float, float, float, float]
    ) -> tuple[float, int, float, float, float]:
        high, low, last_high, last_low = range_
        if low <= stop:  # reversed
            value = max(extreme, last_high, high)
            factor, extreme = acceleration, low
            stop = value + factor * (extreme - value)
            return value, 0, max(stop, last_high, high), extreme, factor
        value = stop
        if high > extreme:
            extreme = high
            factor = min(factor + acceleration, maximum)
        stop += factor * (extreme - stop)
        return value, 1, min(stop, last_low, low), extreme, factor

    return Indicator((NAN, 2, 1, 0.0, 0.0, acceleration, 0.0, 0.0), step)


@indicator
def ultosc(short: int = 7, middle: int = 14, long: int = 28) -> Indicator:
    """Ultimate oscillator of Williams: buying pressure as a share of the true range, over three windows."""
    periods = sorted((short, middle, long))
    longest = periods[2]

    def step(state: State, past: Past, bar: Sample) -> State:
        left, last = state[1], state[2]
        sums, window = list(state[3:9]), state[9:]
        if left == longest + 1:
            return (NAN, longest, bar.close, *state[3:])
        lowest = min(bar.low, last)
        pressure, reach = bar.close - lowest, max(bar.high, last) - lowest
        made, weight, value = (*window[2:], pressure, reach), 4.0, 0.0
        for at, period in enumerate(periods):
            if left <= period:
                sums[2 * at] += pressure
                sums[2 * at + 1] += reach
            if left <= 1:
                if abs(sums[2 * at + 1]) >= EPSILON:
                    value += weight * (sums[2 * at] / sums[2 * at + 1])
                sums[2 * at] -= made[-2 * period]
                sums[2 * at + 1] -= made[1 - 2 * period]
            weight /= 2.0
        left = max(0, left - 1)
        return (NAN if left else 100.0 * (value / 7.0), left, bar.close, *sums, *made)

    return Indicator((NAN, longest + 1, 0.0, *(0.0,) * 6, *(0.0,) * (2 * longest)), step)
