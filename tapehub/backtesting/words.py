"""A report as lines of a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from protocol.messages import BUY
from tapehub.backtesting.figures import Drawdown, Figures
from tapehub.backtesting.ledger import Trade
from tapehub.backtesting.report import Report

TITLES: Final = ("", "trades", "hit", "pips/trade", "R/trade", "factor", "pips", "R", "held", "best", "worst")
TRADE_TITLES: Final = (
    "entered", "symbol", "side", "entry", "stop", "target", "left", "exit", "reason", "pips", "R",
)  # fmt: skip


def head_lines(report: Report) -> list[str]:
    """What was played, and what the strategy said."""
    figures = report.figures
    data = {"minutes": "candles of one minute", "ticks": "quotes and trades"}[report.data]
    spread = f", spread {report.spread_pips:g} pips" if report.spread_pips else ""
    mean = f"{_number(figures.expectancy_pips)} +- {_number(figures.expectancy_pips_error, sign=False)} pips"
    mean_r = f"{_number(figures.expectancy_r, 3)} +- {_number(figures.expectancy_r_error, 3, sign=False)} R"
    total = f"{_number(figures.total_pips)} pips, {_number(figures.total_r)} R"
    when = f"{_moment(report.from_ns)} to {_moment(report.to_ns)}"
    lines = [
        f"strategy    {report.strategy}",
        f"data        {report.venue}, {data}: {report.messages:,} messages, {when}",
        f"coverage    {_percent(report.coverage)} of the minutes in which it trades",
        f"costs       {report.cost_pips:g} pips a trade{spread}",
        f"signals     {report.signals:,}, of them vetoed {report.vetoed:,}{_counted(report.vetoes)}",
        f"trades      {figures.trades:,}, hit rate {_percent(figures.hit_rate)}",
        f"expectancy  {mean}, {mean_r} a trade (+- standard error)",
        f"total       {total}, profit factor {_number(figures.profit_factor, sign=False)}",
        f"drawdown    {_drawdown(figures.drawdown_pips, 'pips')}",
        f"            {_drawdown(figures.drawdown_r, 'R')}",
        f"exposure    {_percent(report.exposure)} of the time in which it trades",
    ]
    if report.why:
        lines.append(f"silent      {', '.join(f'{why} ({count:,})' for why, count in report.why.items())}")
    if report.unused:
        lines.append(f"not used    {', '.join(f'{why} ({count:,})' for why, count in report.unused.items())}")
    return lines


def rows(report: Report) -> list[list[str]]:
    """One row for everything, one per symbol and one per way to end; see `TITLES`."""
    found = [_row("all", report.figures)]
    if len(report.by_symbol) > 1:
        found += [_row(one.symbol, one.figures) for one in report.by_symbol]
    return found + [_row(reason, figures) for reason, figures in report.by_reason.items()]


def trade_rows(trades: Iterable[Trade]) -> list[list[str]]:
    """One row per trade; see `TRADE_TITLES`."""
    return [
        [
            _moment(one.ts_entry_ns), one.symbol, "buy" if one.side == BUY else "sell", f"{one.entry:.10g}",
            f"{one.stop:.10g}", f"{one.target:.10g}", _moment(one.ts_exit_ns), f"{one.exit:.10g}", one.reason,
            _number(one.pips), _number(one.r),
        ]
        for one in trades
    ]  # fmt: skip


def _row(name: str, figures: Figures) -> list[str]:
    return [
        name, f"{figures.trades:,}", _percent(figures.hit_rate), _number(figures.expectancy_pips),
        _number(figures.expectancy_r, 3), _number(figures.profit_factor, sign=False), _number(figures.total_pips),
        _number(figures.total_r), _length(figures.mean_held_s), _number(figures.best_pips), _number(figures.worst_pips),
    ]  # fmt: skip


def _number(value: float | None, digits: int = 2, *, sign: bool = True) -> str:
    if value is None:
        return "-"
    return f"{value:+,.{digits}f}" if sign else f"{value:,.{digits}f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _length(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes = seconds / 60
    return f"{minutes:.1f}m" if minutes < 120 else f"{minutes / 60:.1f}h"


def _drawdown(one: Drawdown, unit: str) -> str:
    dates = f", {_moment(one.from_ns)} to {_moment(one.to_ns)}" if one.size else ""
    return f"{one.size:,.2f} {unit}{dates}"


def _counted(counts: dict[str, int]) -> str:
    return f" ({', '.join(f'{name} {count:,}' for name, count in counts.items())})" if counts else ""


def _moment(ts_ns: int) -> str:
    return f"{datetime.fromtimestamp(ts_ns // 1_000_000_000, UTC):%Y-%m-%dT%H:%M:%SZ}"
