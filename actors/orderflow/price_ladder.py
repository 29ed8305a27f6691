"""Volume by price: buckets of one height, where most was traded, and where most of it all was. Pure.

Point of control: the bucket with the most volume; of several the one nearest to the middle of the range, then the lower.
Value area: grown from the point of control until it holds 70 % of the volume. Each time the two buckets above together
are compared with the two below together (one, where there is only one; only buckets in which there was a trade count),
and the side with more is taken whole; equal: the upper. This is the market profile rule of the Chicago Board of Trade.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import msgspec

from actors.orderflow.bucket import Cell

VALUE_AREA: Final = 0.7
"""Share of the volume in the value area."""
BASIS_POINT: Final = 1e-4
MAX_NUMBER: Final = 1e15
"""Beyond it a price is not told from its neighbours."""


class Area(NamedTuple):
    """Where the volume lies, prices in quote currency; all 0 without volume."""

    poc: float = 0.0
    """Lower edge of the point of control."""
    low: float = 0.0
    """Lower edge of the value area."""
    high: float = 0.0
    """Upper edge of the value area."""


class PriceLadder(msgspec.Struct, array_like=True):
    """Volume by bucket of price; a bucket holds prices from its lower edge up to the next one's."""

    step: float
    """Height of a bucket, quote currency."""
    cells: dict[int, Cell] = {}
    """By number: the lower edge is the number times the height."""

    def add(self, price: float, of_nobody: float, of_buyers: float, of_sellers: float, most: int) -> None:
        """Add volume at a price; with more than `most` buckets their height doubles."""
        while price / self.step > MAX_NUMBER:
            self._coarsen()
        number = number_of(price, self.step)
        cell = self.cells.get(number)
        if cell is None:
            self.cells[number] = [of_nobody, of_buyers, of_sellers]
            while len(self.cells) > most:
                self._coarsen()
            return
        cell[0] += of_nobody
        cell[1] += of_buyers
        cell[2] += of_sellers

    def _coarsen(self) -> None:
        self.step *= 2
        merged: dict[int, Cell] = {}
        for number, cell in self.cells.items():
            found = merged.get(number // 2)
            if found is None:
                merged[number // 2] = cell
            else:
                for at, volume in enumerate(cell):
                    found[at] += volume
        self.cells = merged

    def edge(self, number: int) -> float:
        """Lower edge of a bucket; decimal digits beyond the height's are rounding errors."""
        return float(f"{number * self.step:.12g}")

    def area(self) -> Area:
        """Point of control and value area."""
        rows = sorted((number, sum(cell)) for number, cell in self.cells.items())
        total = sum(volume for _, volume in rows)
        if total <= 0:
            return Area()
        middle = (rows[0][0] + rows[-1][0]) / 2
        top = max(range(len(rows)), key=lambda at: (rows[at][1], -abs(rows[at][0] - middle), -at))
        first, last = grow([volume for _, volume in rows], top, VALUE_AREA * total)
        return Area(self.edge(rows[top][0]), self.edge(rows[first][0]), self.edge(rows[last][0] + 1))


def grow(volumes: list[float], start: int, wanted: float) -> tuple[int, int]:
    """First and last place of the value area around `start`, see the head of this file."""
    first = last = start
    held = volumes[start]
    while held < wanted and (first > 0 or last < len(volumes) - 1):
        above, below = volumes[last + 1 : last + 3], volumes[max(0, first - 2) : first]
        if above and (not below or sum(above) >= sum(below)):
            last += len(above)
            held += sum(above)
        else:
            first -= len(below)
            held += sum(below)
    return first, last


def number_of(price: float, step: float) -> int:
    """Number of the bucket of a price; a price on an edge belongs to the bucket above it, whatever its last bit says."""
    number = price / step
    nearest = round(number)
    return nearest if abs(number - nearest) < 1e-6 else math.floor(number)


def price_step(price: float, tick_size: float) -> float:
    """Height of the buckets for an instrument whose height nobody has set, quote currency.

    1, 2 or 5 times a power of ten, times the tick size where that is known (then never below it): whichever is next to
    a basis point of the price.
    """
    unit = tick_size if tick_size > 0 else 1.0
    wanted = max(price * BASIS_POINT / unit, 1.0 if tick_size > 0 else 0.0)
    power = 10.0 ** math.floor(math.log10(wanted))
    factor = min((1, 2, 5, 10), key=lambda one: abs(math.log(one * power / wanted)))
    return float(f"{factor * power * unit:.10g}")
