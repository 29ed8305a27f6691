"""Steps of many symbols at once, for indicators whose step decides by values: each entry of an array is a symbol. Pure.

The state is that of the step with one symbol, an array in the place of each float; the same operations in the same
order, so that the values are equal to the bit. No actor loads this file: it needs numpy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from actors.aggregator.indicators.definition import NAN, Past, Sample, State, Step
from actors.aggregator.indicators.library.bands import MUCH_LESS, MUCH_MORE


def rsi(period: int) -> Step:
    """See `library/strength.py`."""
    span, rest = float(period), period - 1.0

    def step(state: State, past: Past, bar: Sample) -> State:  # noqa: ARG001 - a step has three arguments
        _, left, gain, loss, last = state
        close = bar.close
        if left > period:
            return NAN, period, gain, loss, close
        change = close - last
        rise, fall = np.maximum(change, 0.0), np.maximum(-change, 0.0)
        if left > 1:
            return NAN, left - 1, gain + rise, loss + fall, close
        if left:
            gain, loss = (gain + rise) / span, (loss + fall) / span
        else:
            gain, loss = (gain * rest + rise) / span, (loss * rest + fall) / span
        both = gain + loss
        moves = both > 0.0
        return np.where(moves, 100.0 * (gain / np.where(moves, both, 1.0)), 0.0), 0, gain, loss, close

    return step


def atr(period: int) -> Step:
    """See `library/ranges.py`."""
    span, rest = float(period), period - 1.0

    def step(state: State, past: Past, bar: Sample) -> State:  # noqa: ARG001 - a step has three arguments
        value, left, last, total = state
        if left > period:
            return NAN, left - 1, bar.close, total
        reach = np.maximum(bar.high, last) - np.minimum(bar.low, last)
        if not left:
            return (value * rest + reach) / span, 0, bar.close, total
        total = total + reach
        return (NAN, left - 1, bar.close, total) if left > 1 else (total / span, 0, bar.close, 0.0)

    return step


def vwap() -> Step:
    """See `library/volume.py`."""

    def step(state: State, past: Past, bar: Sample) -> State:  # noqa: ARG001 - a step has three arguments
        _, _, day_ns, notional, volume = state
        is_same = day_ns == bar.day_ns
        notional = np.where(is_same, notional + bar.notional, bar.notional)
        volume = np.where(is_same, volume + bar.volume, bar.volume)
        has_volume = volume > 0.0
        value = np.where(has_volume, notional / np.where(has_volume, volume, 1.0), NAN)
        return value, 0, bar.day_ns, notional, volume

    return step


def bbands(period: int, width: float) -> Step:
    """See `library/bands.py`."""
    share, oldest, rounds = 1.0 / period, 1 - period, 32 * period

    def step(state: State, past: Past, bar: Sample) -> State:
        _, _, _, left, shift, plain, squares, due = state
        close = bar.close
        if left == period:
            shift = close
        off = close - shift
        plain = plain + off
        squares = squares + off * off
        if left > 1:
            return NAN, NAN, NAN, left - 1, shift, plain, squares, rounds
        mean = plain * share
        middle = shift + mean
        variance = squares * share - mean * mean
        off = past.close[oldest] - shift
        square = off * off
        squares = squares - square
        is_lost = (variance < MUCH_LESS * (squares * share)) | (square > MUCH_MORE * squares) | (due <= 1)
        plain = plain - off
        due = np.where(is_lost, rounds, due - 1)
        if is_lost.any():
            window = np.array([*past.close[oldest:], close])[:, is_lost]
            shift = shift.copy()
            variance[is_lost], shift[is_lost], plain[is_lost], squares[is_lost] = _centred(window, share)
        half = np.sqrt(variance) * width
        return middle + half, middle, middle - half, 0, shift, plain, squares, due

    return step


def _centred(window: Any, share: float) -> tuple[Any, Any, Any, Any]:
    """As `centred` in `library/bands.py`, for windows shaped (candles, symbols)."""
    shift = _sum_in_order(window) * share
    offs = window - shift
    plain, squares = _sum_in_order(offs), _sum_in_order(offs * offs)
    mean = plain * share
    variance = squares * share - mean * mean
    variance = np.where(variance < 1e-12 * (squares * share), 0.0, variance)
    return variance, shift, plain - offs[0], squares - offs[0] * offs[0]


def _sum_in_order(rows: Any) -> Any:
    """The rows from the oldest to the newest: numpy's own sum takes them in pairs."""
    total = np.zeros(rows.shape[1])
    for row in rows:
        total = total + row
    return total


STEPS: Final[dict[str, Callable[..., Step]]] = {"rsi": rsi, "atr": atr, "vwap": vwap, "bbands": bbands}
"""By the name of the indicator."""
