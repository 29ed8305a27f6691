"""The picture of a backtest: entries over the price, the sum of what came of them, and its drawdown. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from protocol.messages import BUY
from tapehub.backtesting.ledger import Ledger, Trade
from tapehub.backtesting.report import Report
from tapehub.backtesting.svg import Drawing, Point

WIDTH: Final = 1000
HEIGHT: Final = 640
_LEFT: Final = 76
_RIGHT: Final = 976
_COLUMNS: Final = _RIGHT - _LEFT
_TIMES: Final = 5
MOST_ENTRIES: Final = 1000
"""Marks over the price; of more trades the largest ones."""


class Panel(NamedTuple):
    """One graph: where it is, and what its edges mean."""

    top: int
    bottom: int
    low: float
    high: float
    from_ns: int
    to_ns: int

    def at(self, ts_ns: int, value: float) -> Point:
        """Where a value is drawn."""
        span_ns = max(1, self.to_ns - self.from_ns)
        x = _LEFT + (ts_ns - self.from_ns) / span_ns * _COLUMNS
        share = (value - self.low) / (self.high - self.low)
        return min(max(x, _LEFT), _RIGHT), self.bottom - share * (self.bottom - self.top)


def plot(report: Report, ledger: Ledger) -> str:
    """An SVG document; of several symbols the price of the one with most trades is drawn."""
    trades = ledger.trades
    symbol = max(ledger.prices, key=lambda name: sum(one.symbol == name for one in trades), default="")
    figures = report.figures
    title = f"{report.strategy} on {report.venue} {symbol}: {figures.trades} trades, {figures.total_pips:+.1f} pips"
    told = (
        f"{_utc(report.from_ns)} to {_utc(report.to_ns)} UTC, drawdown {figures.drawdown_pips.size:.1f} pips, "
        f"costs {report.cost_pips:g} pips a trade, {report.data}"
    )
    drawing = Drawing(WIDTH, HEIGHT, title, told)
    drawing.text((_LEFT, 26), title, kind="title")
    drawing.text((_LEFT, 46), told, kind="quiet")
    times = report.from_ns, report.to_ns
    _price(drawing, times, ledger, symbol)
    steps = _steps(trades, report.from_ns, report.to_ns)
    equity = Panel(378, 488, *_edges([total for _, total in steps]), *times)
    _frame(drawing, equity, "Sum of closed trades, pips")
    drawing.line((equity.at(*step) for step in steps), "line blue")
    falls = _falls(steps)
    below = Panel(528, 598, *_edges([fall for _, fall in falls]), *times)
    _frame(drawing, below, "Drawdown, pips")
    _axis(drawing, below)
    drawing.area(
        [below.at(times[0], 0.0), *(below.at(*fall) for fall in falls), below.at(times[1], 0.0)], "area"
    )
    return drawing.document()


def _price(drawing: Drawing, times: tuple[int, int], ledger: Ledger, symbol: str) -> None:
    found = ledger.prices.get(symbol)
    line = thinned(found.line, times) if found else []
    mine = [trade for trade in ledger.trades if trade.symbol == symbol]
    marks = sorted(mine, key=lambda trade: -abs(trade.pips))[:MOST_ENTRIES]
    panel = Panel(
        90,
        338,
        *_edges([price for _, price in line] + [one.entry for one in marks], is_of_zero=False),
        *times,
    )
    _frame(drawing, panel, f"{symbol}, middle of bid and ask; entries: blue up buys, orange down sells")
    drawing.line((panel.at(*point) for point in line), "line ink")
    for trade in marks:
        is_buy = trade.side == BUY
        words = (
            f"{'buy' if is_buy else 'sell'} {_utc(trade.ts_entry_ns)} at {trade.entry:g}, "
            f"{trade.reason} at {trade.exit:g}: {trade.pips:+.1f} pips"
        )
        at = panel.at(trade.ts_entry_ns, trade.entry)
        drawing.triangle(at, "buy" if is_buy else "sell", is_up=is_buy, words=words)


def _frame(drawing: Drawing, panel: Panel, words: str) -> None:
    drawing.text((_LEFT, panel.top - 8), words)
    for value in _ticks(panel.low, panel.high):
        y = panel.at(panel.from_ns, value)[1]
        drawing.line([(_LEFT, y), (_RIGHT, y)], "grid")
        drawing.text((_LEFT - 8, y + 4), f"{value:.10g}", kind="quiet", anchor="end")


def _axis(drawing: Drawing, panel: Panel) -> None:
    for number in range(_TIMES):
        ts_ns = panel.from_ns + (panel.to_ns - panel.from_ns) * number // (_TIMES - 1)
        anchor = {0: "start", _TIMES - 1: "end"}.get(number, "middle")
        x = panel.at(ts_ns, panel.low)[0]
        drawing.line([(x, panel.bottom), (x, panel.bottom + 5)], "grid")
        drawing.text((x, panel.bottom + 20), f"{_utc(ts_ns)} UTC", kind="quiet", anchor=anchor)


def thinned(line: Sequence[tuple[int, float]], times: tuple[int, int]) -> list[tuple[int, float]]:
    """Of each column of pixels the first, lowest, highest and last point, in order of time."""
    span_ns = max(1, times[1] - times[0])
    found: list[tuple[int, float]] = []
    for _, group in itertools.groupby(line, key=lambda point: (point[0] - times[0]) * _COLUMNS // span_ns):
        some = list(group)
        low, high = min(some, key=lambda one: one[1]), max(some, key=lambda one: one[1])
        found += sorted({some[0], low, high, some[-1]})
    return found


def _steps(trades: Sequence[Trade], from_ns: int, to_ns: int) -> list[tuple[int, float]]:
    """The sum as a staircase: it changes when a trade ends."""
    steps, total = [(from_ns, 0.0)], 0.0
    for trade in trades:
        steps.append((trade.ts_exit_ns, total))
        total += trade.pips
        steps.append((trade.ts_exit_ns, total))
    return [*steps, (to_ns, total)]


def _falls(steps: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    heights = itertools.accumulate((total for _, total in steps), max)
    return [(ts_ns, total - height) for (ts_ns, total), height in zip(steps, heights, strict=True)]


def _edges(values: Sequence[float], *, is_of_zero: bool = True) -> tuple[float, float]:
    """Lowest and highest of a panel, never the same."""
    known = [*values, 0.0] if is_of_zero or not values else values
    low, high = min(known), max(known)
    room = (high - low) * 0.05 or max(abs(high), 1.0) * 0.001
    return low - room, high + room


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers between the edges."""
    power = 10.0 ** math.floor(math.log10((high - low) / 3))
    step = next((one * power for one in (5, 2, 1) if (high - low) / (one * power) >= 3), power)
    first = math.ceil(low / step)
    return [number * step for number in range(first, math.floor(high / step) + 1)]


def _utc(ts_ns: int) -> str:
    return f"{datetime.fromtimestamp(ts_ns // 1_000_000_000, UTC):%Y-%m-%d %H:%M}"
