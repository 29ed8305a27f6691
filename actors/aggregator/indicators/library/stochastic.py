"""Where the close lies in the range of the last candles, and how long ago their extremes were. Pure."""

from __future__ import annotations

from actors.aggregator.indicators.definition import NAN, Indicator, Past, Sample, State
from actors.aggregator.indicators.registry import indicator


def _share(past: Past, bar: Sample, period: int) -> float:
    """Percent of the way from the lowest low to the highest high at which the candle closed."""
    highest = max(bar.high, *past.high[1 - period :]) if period > 1 else bar.high
    lowest = min(bar.low, *past.low[1 - period :]) if period > 1 else bar.low
    reach = (highest - lowest) / 100.0
    share: float = (bar.close - lowest) / reach if reach else 0.0
    return share


@indicator
def stochf(fast_k: int = 5, fast_d: int = 3) -> Indicator:
    """Fast stochastic: where the close lies in the range of `fast_k` candles, and the simple average of that."""

    def step(state: State, past: Past, bar: Sample) -> State:
        _, _, left, total, *window = state
        if left > fast_d:
            return (NAN, NAN, left - 1, total, *window)
        share = _share(past, bar, fast_k)
        total += share
        window.append(share)
        if left > 1:
            return (NAN, NAN, left - 1, total, *window[1:])
        return (share, total / fast_d, 0, total - window[0], *window[1:])

    start = (NAN, NAN, fast_k + fast_d - 1, 0.0, *(0.0,) * (fast_d - 1))
    return Indicator(start, step, {"high": fast_k - 1, "low": fast_k - 1}, ("stochf_k", "stochf_d"))


@indicator
def stoch(fast_k: int = 5, slow_k: int = 3, slow_d: int = 3) -> Indicator:
    """Slow stochastic: the share of `stochf` averaged over `slow_k` candles, and that over `slow_d`."""

    def step(state: State, past: Past, bar: Sample) -> State:
        _, _, left, total, slow_total, *windows = state
        if left > slow_k + slow_d - 1:
            return (NAN, NAN, left - 1, total, slow_total, *windows)
        shares, slows = windows[: slow_k - 1], windows[slow_k - 1 :]
        share = _share(past, bar, fast_k)
        total += share
        shares.append(share)
        if left > slow_d:
            return (NAN, NAN, left - 1, total, slow_total, *shares[1:], *slows)
        slow = total / slow_k
        total -= shares[0]
        slow_total += slow
        slows.append(slow)
        if left > 1:
            return (NAN, NAN, left - 1, total, slow_total, *shares[1:], *slows[1:])
        value = slow_total / slow_d
        return (slow, value, 0, total, slow_total - slows[0], *shares[1:], *slows[1:])

    start = (NAN, NAN, fast_k + slow_k + slow_d - 2, 0.0, 0.0, *(0.0,) * (slow_k + slow_d - 2))
    return Indicator(start, step, {"high": fast_k - 1, "low": fast_k - 1}, ("stoch_k", "stoch_d"))


@indicator
def willr(period: int = 14) -> Indicator:
    """Percent range of Williams, -100 to 0: how far below the highest high the candle closed."""
    if period < 2:
        raise ValueError("the period is at least 2")

    def step(state: State, past: Past, bar: Sample) -> State:
        if state[1] > 1:
            return NAN, state[1] - 1
        highest = max(bar.high, *past.high[1 - period :])
        reach = (highest - min(bar.low, *past.low[1 - period :])) / -100.0
        return (highest - bar.close) / reach if reach else 0.0, 0

    return Indicator((NAN, period), step, {"high": period - 1, "low": period - 1})


@indicator
def cci(period: int = 14) -> Indicator:
    """Commodity channel index: how many mean deviations the typical price is from its average, divided by 0.015."""
    if period < 2:
        raise ValueError("the period is at least 2")

    def step(state: State, past: Past, bar: Sample) -> State:
        _, left, *window = state
        typical = (bar.high + bar.low + bar.close) / 3.0
        window = [*window[1:], typical]
        if left > 1:
            return (NAN, left - 1, *window)
        average = sum(window) / period
        spread = sum(abs(one - average) for one in window)
        offset = typical - average
        is_flat = spread <= 1e-12 * abs(average)  # then it is rounding
        value = 0.0 if is_flat else offset / (0.015 * (spread / period))
        return (value, 0, *window)

    return Indicator((NAN, period, *(0.0,) * period), step)


def _ages(past: Past, bar: Sample, period: int) -> tuple[int, int]:
    """How many candles ago the lowest low and the highest high of the last `period` + 1 were, the newest of equals."""
    lows = [bar.low, *reversed(past.low[-period:])]
    highs = [bar.high, *reversed(past.high[-period:])]
    return lows.index(min(lows)), highs.index(max(highs))


@indicator
def aroon(period: int = 14) -> Indicator:
    """Aroon down and up: 100 where the extreme is in this candle, 0 where it was `period` candles ago."""
    if period < 2:
        raise ValueError("the period is at least 2")
    factor = 100.0 / period

    def step(state: State, past: Past, bar: Sample) -> State:
        if state[2] > 1:
            return NAN, NAN, state[2] - 1
        low_age, high_age = _ages(past, bar, period)
        return factor * (period - low_age), factor * (period - high_age), 0

    reads = {"high": period, "low": period}
    return Indicator((NAN, NAN, period + 1), step, reads, ("aroon_down", "aroon_up"))


@indicator
def aroonosc(period: int = 14) -> Indicator:
    """Aroon up minus Aroon down."""
    if period < 2:
        raise ValueError("the period is at least 2")
    factor = 100.0 / period

    def step(state: State, past: Past, bar: Sample) -> State:
        if state[1] > 1:
            return NAN, state[1] - 1
        low_age, high_age = _ages(past, bar, period)
        return factor * (low_age - high_age), 0

    return Indicator((NAN, period + 1), step, {"high": period, "low": period})
