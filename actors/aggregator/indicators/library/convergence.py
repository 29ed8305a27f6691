"""Two averages of the close against each other. Pure."""

from __future__ import annotations

from actors.aggregator.indicators.definition import EPSILON, NAN, Indicator, Past, Sample, State
from actors.aggregator.indicators.library.averages import smooth, unsmoothed
from actors.aggregator.indicators.registry import indicator


@indicator
def macd(fast: int = 12, slow: int = 26, signal: int = 9) -> Indicator:
    """Fast minus slow exponential average, an exponential average of that, and their difference.

    Both averages begin with the same candle, each with the simple average of its last closes until there; all three
    values begin together. Source: TA-Lib.
    """
    if fast >= slow:
        raise ValueError("fast is shorter than slow")
    k_fast, k_slow, k_signal = 2.0 / (fast + 1.0), 2.0 / (slow + 1.0), 2.0 / (signal + 1.0)
    missing = slow + signal - 1

    def step(state: State, past: Past, bar: Sample) -> State:
        _, average, _, left, quick, late, total = state
        close = bar.close
        if left < signal:
            quick = (close - quick) * k_fast + quick
            late = (close - late) * k_slow + late
            line = quick - late
            if not left:
                average = (line - average) * k_signal + average
                return line, average, line - average, 0, quick, late, total
        else:
            late = late + close
            if left < signal + fast:
                quick = quick + close
            if left > signal:
                return NAN, NAN, NAN, left - 1, quick, late, total
            quick, late = quick / fast, late / slow
            line = quick - late
        total = total + line
        if left > 1:
            return NAN, NAN, NAN, left - 1, quick, late, total
        average = total / signal
        return line, average, line - average, 0, quick, late, 0.0

    start = (NAN, NAN, NAN, missing, 0.0, 0.0, 0.0)
    outputs = ("macd", "macd_signal", "macd_hist")
    return Indicator(start, step, outputs=outputs, is_elementwise=True)


@indicator
def apo(fast: int = 12, slow: int = 26) -> Indicator:
    """Absolute price oscillator: fast minus slow simple average."""
    return _oscillator(fast, slow, is_percent=False)


@indicator
def ppo(fast: int = 12, slow: int = 26) -> Indicator:
    """Percentage price oscillator: fast minus slow simple average, in percent of the slow one."""
    return _oscillator(fast, slow, is_percent=True)


def _oscillator(fast: int, slow: int, *, is_percent: bool) -> Indicator:
    if not 2 <= fast < slow:
        raise ValueError("fast is at least 2, and shorter than slow")

    def step(state: State, past: Past, bar: Sample) -> State:
        _, left, quick, late = state
        if left <= fast:
            quick += bar.close
        late += bar.close
        if left > 1:
            return NAN, left - 1, quick, late
        average = late / slow
        value = quick / fast - average
        if is_percent:
            value = value / average * 100.0 if abs(average) >= EPSILON else 0.0
        return value, 0, quick - past.close[1 - fast], late - past.close[1 - slow]

    return Indicator((NAN, slow, 0.0, 0.0), step, {"close": slow - 1})


@indicator
def trix(period: int = 30) -> Indicator:
    """Change in percent, from one candle to the next, of an exponential average smoothed three times."""
    factor = 2.0 / (period + 1.0)

    def step(state: State, past: Past, bar: Sample) -> State:
        left, last = max(0, state[1] - 1), state[8]
        chain = smooth(state[2:], bar.close, period, factor)
        if left:
            return (NAN, left, *chain)
        return ((chain[6] / last - 1.0) * 100.0 if last else 0.0, 0, *chain)

    return Indicator((NAN, 3 * period - 1, *unsmoothed(3, period)), step)
