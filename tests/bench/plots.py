"""The pictures of a run: bars beside each other, on a logarithmic axis where they differ by more than a hand can show. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from tapehub.backtesting.svg import Drawing
from tests.bench.report import Row, number

WIDTH: Final = 1000
_LEFT: Final = 350
_RIGHT: Final = 880
_TOP: Final = 76
_STEP: Final = 26
_THICK: Final = 16
LOG_FROM: Final = 20.0
"""Largest over smallest from which on the axis is logarithmic."""
OURS: Final = "tapehub"


class Bar(NamedTuple):
    """One bar."""

    label: str
    value: float
    is_ours: bool = False


class Axis(NamedTuple):
    """From where to where bars reach, and where a line is drawn."""

    low: float
    high: float
    is_log: bool
    mark: float = 0.0
    """0: none."""


MARGINS: Final = Axis(0.1, 10.0, is_log=True, mark=1.0)
"""What is a hundred times better than promised is not drawn longer than what is ten times better."""


def axis_of(found: Sequence[Bar]) -> Axis:
    """One that shows them all."""
    values = [bar.value for bar in found if bar.value > 0]
    low, high = min(values, default=1.0), max(values, default=1.0)
    is_log = high / low >= LOG_FROM
    return Axis(10.0 ** (math.ceil(math.log10(low)) - 1) if is_log else 0.0, high, is_log)


def bars(title: str, told: str, found: Sequence[Bar], unit: str, axis: Axis | None = None) -> str:
    """An SVG document of horizontal bars; ours are blue."""
    axis = axis or axis_of(found)
    bottom = _TOP + _STEP * len(found)
    drawing = Drawing(WIDTH, bottom + 20, title, told)
    drawing.text((24, 28), title, kind="title")
    drawing.text((24, 48), f"{told}{'; logarithmic axis' if axis.is_log else ''}", kind="quiet")
    if axis.mark:
        x = _at(axis.mark, axis)
        drawing.line([(x, _TOP - 8), (x, bottom)], "line ink")
    for place, bar in enumerate(found):
        y = _TOP + place * _STEP
        x = _at(bar.value, axis)
        drawing.text((_LEFT - 10, y + _THICK - 4), bar.label, anchor="end")
        corners = [(_LEFT, y), (x, y), (x, y + _THICK), (_LEFT, y + _THICK)]
        drawing.area(corners, "buy" if bar.is_ours else "sell")
        drawing.text((x + 6, y + _THICK - 4), f"{number(bar.value)} {unit}".strip(), kind="quiet")
    return drawing.document()


def _at(value: float, axis: Axis) -> float:
    """Where a bar ends."""
    low, high = axis.low, axis.high
    if value <= low or high <= 0:
        return float(_LEFT)
    value = min(value, high)
    share = math.log10(value / low) / math.log10(high / low) if axis.is_log else value / high
    return _LEFT + share * (_RIGHT - _LEFT)


def beside(rows: Sequence[Row], suite: str, what: str) -> list[Bar]:
    """What was measured beside what: ours once, then every peer."""
    mine = [row for row in rows if row.suite == suite and row.what == what]
    theirs = [Bar(row.peer, row.baseline) for row in mine if row.baseline]
    return [Bar(OURS, mine[0].measured, is_ours=True), *theirs] if theirs else []


def margins(rows: Sequence[Row]) -> list[Bar]:
    """How many times better than its goal each row is: 1 just keeps it, less misses it."""
    found = []
    for row in rows:
        if not row.goal:
            continue
        value = row.measured if row.of_value else row.ratio
        if value <= 0:
            continue
        margin = row.goal / value if row.at_most else value / row.goal
        found.append(
            Bar(f"{row.what}, {row.unit if row.of_value else row.peer}", margin, is_ours=row.verdict == "ok")
        )
    return found


def pictures(rows: Sequence[Row]) -> Iterator[tuple[str, str, str]]:
    """(name, title, SVG) of everything that the rows have."""
    found = margins([row for row in rows if row.goal_id])
    if found:
        title = "How far each goal is kept"
        told = "times better than promised; the line: just kept; blue: kept, orange: missed"
        yield "bench-goals", title, bars(title, told, [_short(bar) for bar in found], "", MARGINS)
    for name, suite, what, title, unit in _CHOSEN:
        chosen = beside(rows, suite, what)
        if suite == "reads":
            board = [row for row in rows if row.suite == "board" and row.what == "tick, board"]
            chosen += [Bar(f"{OURS}, board", board[0].measured, is_ours=True)] if board else []
        if chosen:
            yield name, title, bars(title, f"{unit}, medians of interleaved rounds", chosen, unit)
    memory = [
        Bar(row.what, row.measured, is_ours=True)
        for row in rows
        if row.goal_id == "memory" and row.goal is None
    ]
    if memory:
        title = "Memory of the default system"
        yield "bench-memory", title, bars(title, "PSS of each process", memory, "MiB")


def _short(bar: Bar) -> Bar:
    return bar if len(bar.label) <= _LONGEST else bar._replace(label=bar.label[: _LONGEST - 1] + "…")


_LONGEST: Final = 50
_CHOSEN: Final = (
    ("bench-tick", "reads", "tick, back to back", "One tick, asked back to back", "us"),
    ("bench-window", "windows", "5,000 candles", "5,000 candles in the engine's hands", "us"),
    (
        "bench-bus",
        "bus",
        "single-event frames",
        "One publisher to one process, an event to a message",
        "events/s",
    ),
)
