"""Indicators over whole columns, and of many symbols at once. Pure.

For bootstrap, research and benchmarks: the aggregator itself goes candle by candle. No actor loads this file: it
needs numpy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from actors.aggregator.indicators.arrays import STEPS
from actors.aggregator.indicators.definition import NAN, Past, Sample, State
from actors.aggregator.indicators.registry import Named, joint_reads

FIELDS: Final = ("open", "high", "low", "close", "volume", "notional", "day_ns")


class Crowd:
    """Indicators of many symbols that go from candle to candle together; all begin with the same one.

    Args:
        indicators: What is calculated. One that has no form for arrays goes symbol by symbol.
        count: Symbols.
    """

    def __init__(self, indicators: Sequence[Named], count: int) -> None:
        self._count = count
        joint: list[tuple[Named, Any]] = []
        self._single: list[Named] = []
        for one in indicators:
            if one.is_elementwise:
                joint.append((one, one.step))
            elif one.function in STEPS:
                joint.append((one, STEPS[one.function](*one.parameters)))
            else:
                self._single.append(one)
        self._joint = joint
        self._states: list[State] = [one.start for one, _ in joint]
        self._past = Past(joint_reads(one for one, _ in joint))
        self._alone: list[list[State]] = [[one.start for one in self._single] for _ in range(count)]
        reads = joint_reads(self._single)
        self._pasts = [Past(reads) for _ in range(count)] if self._single else []

    def step(self, bar: Sample) -> dict[str, Any]:
        """Take one candle of every symbol, each field shaped (symbols,).

        Returns:
            Values by key, shaped (symbols,); NaN where there is none.
        """
        found: dict[str, Any] = {}
        for at, (one, step) in enumerate(self._joint):
            state = self._states[at] = step(self._states[at], self._past, bar)
            for key, value in zip(one.keys, state, strict=False):
                found[key] = value if isinstance(value, np.ndarray) else np.full(self._count, value)
        self._past.append(bar)
        if self._single:
            self._step_alone(bar, found)
        return found

    def _step_alone(self, bar: Sample, found: dict[str, Any]) -> None:
        for one in self._single:
            for key in one.keys:
                found[key] = np.full(self._count, NAN)
        columns = zip(*(getattr(bar, field).tolist() for field in FIELDS), strict=True)
        for number, (past, row) in enumerate(zip(self._pasts, columns, strict=True)):
            sample, states = Sample(*row), self._alone[number]
            for at, one in enumerate(self._single):
                state = states[at] = one.step(states[at], past, sample)
                for key, value in zip(one.keys, state, strict=False):
                    found[key][number] = value
            past.append(sample)


def over(indicators: Sequence[Named], columns: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a whole history.

    Args:
        indicators: What is calculated.
        columns: `open`, `high`, `low`, `close`, `volume`, each shaped (time,) or (time, symbols), oldest first, without
            NaN. Where they are missing, `notional` is close times volume, and `day_ns` is one day.

    Returns:
        Values by key, in the shape of the columns; NaN before an indicator has warmed up.

    Raises:
        ValueError: the columns have different shapes.
    """
    shape = np.shape(columns["close"])
    full = {name: np.asarray(columns[name], dtype=np.float64) for name in FIELDS[:5]}
    full["day_ns"] = np.asarray(columns.get("day_ns", np.zeros(shape, dtype=np.int64)))
    if "notional" in columns:
        full["notional"] = np.asarray(columns["notional"], dtype=np.float64)
    shapes = {name: column.shape for name, column in full.items()}
    if set(shapes.values()) != {shape}:
        raise ValueError(f"columns of different shapes: {shapes}")
    full.setdefault("notional", full["close"] * full["volume"])
    full = {name: full[name] for name in FIELDS}
    if len(shape) == 1:
        return _over_one(indicators, full)
    crowd = Crowd(indicators, shape[1])
    rows = [crowd.step(Sample(*row)) for row in zip(*full.values(), strict=True)]
    return {
        key: np.array([row[key] for row in rows]).reshape(shape) for one in indicators for key in one.keys
    }


def _over_one(indicators: Sequence[Named], full: Mapping[str, Any]) -> dict[str, Any]:
    """One symbol: plain numbers are quicker than arrays of one."""
    samples = [Sample(*row) for row in zip(*(column.tolist() for column in full.values()), strict=True)]
    found: dict[str, Any] = {}
    for one in indicators:
        state, past, step = one.start, Past(one.reads), one.step
        states = []
        for sample in samples:
            state = step(state, past, sample)
            states.append(state[: len(one.keys)])
            past.append(sample)
        values = np.array(states, dtype=np.float64).reshape(len(samples), len(one.keys))
        found.update(zip(one.keys, values.T, strict=True))
    return found
