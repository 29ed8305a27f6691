"""What an indicator is: a step over a small state. Pure.

`step(state, past, bar)` returns the state after one more candle and changes nothing, so that the candle that still
runs is a step whose result is not kept, and going back is taking an older state. A state is a flat tuple of floats and
ints, and begins the same way everywhere: the values, NaN until there are any, then how many candles are still missing
until the first value. What follows is the indicator's own. msgpack keeps it to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final, NamedTuple

import msgspec

NAN: Final = math.nan
EPSILON: Final = 1e-14
"""What is smaller counts as zero. Source: TA-Lib, `ta_utility.h`."""

_ROOM: Final = 64
"""Candles that are added before what is too old is dropped."""

State = tuple[Any, ...]


class Sample(msgspec.Struct, gc=False):
    """One candle, as an indicator sees it. Over many symbols at once each field is an array, one entry per symbol."""

    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any
    """In base units."""
    notional: Any
    """Sum of price times size."""
    day_ns: Any
    """Start of the session's day that holds it."""
    coverage: Any = 1.0
    """Share of the interval that was seen."""


class Past:
    """Columns of the closed candles before this one, the newest last; those that some indicator reads.

    Args:
        reads: Column to how many of its newest entries are needed.
        columns: Entries to begin with.
    """

    __slots__ = ("_adders", "_columns", "_room", "close", "coverage", "high", "low", "open", "volume")
    open: list[Any]
    high: list[Any]
    low: list[Any]
    close: list[Any]
    volume: list[Any]
    coverage: list[Any]

    def __init__(self, reads: Mapping[str, int], columns: Mapping[str, list[Any]] | None = None) -> None:
        self._columns: list[tuple[str, list[Any], int]] = []
        for name, depth in reads.items():
            if depth > 0:
                column = list((columns or {}).get(name, ()))
                setattr(self, name, column)
                self._columns.append((name, column, depth))
        self._adders = [(column.append, attrgetter(name)) for name, column, _ in self._columns]
        self._room = _ROOM

    def append(self, bar: Sample) -> None:
        """Add the candle that has closed."""
        for add, entry_of in self._adders:
            add(entry_of(bar))
        self._room -= 1
        if not self._room:
            self._room = _ROOM
            for _, column, depth in self._columns:
                del column[:-depth]

    def columns(self) -> dict[str, list[Any]]:
        """What is needed of it, to be kept."""
        return {name: column[-depth:] for name, column, depth in self._columns}

    def copy(self) -> Past:
        """One that can go on by itself."""
        return Past({name: depth for name, _, depth in self._columns}, self.columns())


Step = Callable[[State, Past, Sample], State]


class Indicator(NamedTuple):
    """What the function that defines an indicator returns."""

    start: State
    """Before the first candle: as many NaN as there are values, the number of candles until the first value, the rest."""
    step: Step
    reads: Mapping[str, int] = {}
    """Which columns of `past` the step reads, and how many entries of each."""
    outputs: tuple[str, ...] = ()
    """Names of the values, parameters are appended; none: one value of the indicator's own name."""
    is_elementwise: bool = False
    """The step decides nothing by a value: it works with arrays of many symbols as it stands."""
