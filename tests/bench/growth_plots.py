"""Pictures of growth: some lines over one quantity, and where they bend. Pure.

A plot is plain JSON: {"name", "title", "x_label", "y_label", "series": [{"name", "x": [...], "y": [...]}], "told",
"knee": {"x", "why"} or null}. Both axes are logarithmic where their values differ by more than `LOG_FROM`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from tapehub.backtesting.svg import Drawing, Point

WIDTH: Final = 900
HEIGHT: Final = 460
LEFT: Final = 80
RIGHT: Final = 700
TOP: Final = 76
BOTTOM: Final = 400
LOG_FROM: Final = 20.0
KINDS: Final = ("blue", "orange", "ink", "blue dashed", "orange dashed", "ink dashed")
DASHES: Final = 40
"""Pieces of a dashed line."""

Plot = Mapping[str, Any]


class Axis(NamedTuple):
    """One axis: what its ends mean."""

    low: float
    high: float
    is_log: bool

    def share(self, value: float) -> float:
        """Place of a value, 0 to 1."""
        if self.is_log:
            value = max(value, self.low)
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Round numbers between the ends."""
        if self.is_log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            wanted = [10.0**power * digit for power in powers for digit in (1, 2, 5)]
            found = [value for value in wanted if self.low <= value * 1.0001 and value <= self.high * 1.0001]
            return found if len(found) <= 10 else [value for value in found if f"{value:e}"[0] == "1"]
        power = 10.0 ** math.floor(math.log10((self.high - self.low) / 3))
        step = next((one * power for one in (5, 2, 1) if (self.high - self.low) / (one * power) >= 3), power)
        return [
            number * step for number in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)
        ]


def axis_of(values: Sequence[float], *, from_zero: bool) -> Axis:
    """An axis that has room for all values."""
    known = [value for value in values if value > 0] or [1.0]
    low, high = min(known), max(known)
    if high / low > LOG_FROM:
        return Axis(low / 1.1, high * 1.1, is_log=True)
    return Axis(0.0 if from_zero else low, high * 1.05 if high > low or from_zero else high + 1, is_log=False)


def svg_of(plot: Plot) -> str:
    """An SVG document."""
    series = [one for one in plot["series"] if one["x"]]
    across = axis_of([x for one in series for x in one["x"]], from_zero=False)
    up = axis_of([y for one in series for y in one["y"]], from_zero=True)

    def at(x: float, y: float) -> Point:
        return LEFT + across.share(x) * (RIGHT - LEFT), BOTTOM - up.share(y) * (BOTTOM - TOP)

    told = str(plot.get("told", ""))
    drawing = Drawing(WIDTH, HEIGHT, str(plot["title"]), told or str(plot["y_label"]))
    drawing.text((24, 28), str(plot["title"]), kind="title")
    drawing.text((24, 48), told, kind="quiet")
    _grid(drawing, plot, across, up)
    knee = plot.get("knee")
    if knee:
        x = at(knee["x"], up.high)[0]
        drawing.line([(x, TOP), (x, BOTTOM)], "line ink")
        drawing.text((x + 5, TOP + 12), f"knee at {knee['x']:,g}", kind="quiet")
    for place, one in enumerate(series):
        kind = KINDS[place % len(KINDS)]
        points = [at(x, y) for x, y in zip(one["x"], one["y"], strict=True)]
        _curve(drawing, points, kind)
        label_y = TOP + 10 + place * 20
        _curve(drawing, [(RIGHT + 14, label_y - 4), (RIGHT + 40, label_y - 4)], kind)
        drawing.text((RIGHT + 46, label_y), str(one["name"]))
    return drawing.document()


def _curve(drawing: Drawing, points: Sequence[Point], kind: str) -> None:
    colour, _, is_dashed = kind.partition(" ")
    if not is_dashed:
        drawing.line(points, f"line {colour}")
        return
    for (from_x, from_y), (to_x, to_y) in itertools.pairwise(points):
        pieces = max(1, round(DASHES * (to_x - from_x) / (RIGHT - LEFT)))
        for piece in range(pieces):
            parts = [(piece + part) / pieces for part in (0.0, 0.55)]
            ends = [(from_x + (to_x - from_x) * part, from_y + (to_y - from_y) * part) for part in parts]
            drawing.line(ends, f"line {colour}")


def _grid(drawing: Drawing, plot: Plot, across: Axis, up: Axis) -> None:
    drawing.text((LEFT, TOP - 10), str(plot["y_label"]))
    for value in up.ticks():
        y = BOTTOM - up.share(value) * (BOTTOM - TOP)
        drawing.line([(LEFT, y), (RIGHT, y)], "grid")
        drawing.text((LEFT - 8, y + 4), f"{value:,.4g}", kind="quiet", anchor="end")
    for value in across.ticks():
        x = LEFT + across.share(value) * (RIGHT - LEFT)
        drawing.line([(x, BOTTOM), (x, BOTTOM + 5)], "grid")
        drawing.text((x, BOTTOM + 20), f"{value:,.6g}", kind="quiet", anchor="middle")
    drawing.text(((LEFT + RIGHT) / 2, BOTTOM + 44), str(plot["x_label"]), anchor="middle")
