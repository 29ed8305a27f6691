"""The numbers of a list of trades. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from protocol.sessions import Session
from tapehub.backtesting.ledger import REASONS, Trade

NS_PER_S: Final = 1e9


class Drawdown(msgspec.Struct, frozen=True, kw_only=True):
    """The deepest fall of the sum of closed trades from a height that it had reached before; 0 is a height."""

    size: float
    """In pips or R, not negative."""
    from_ns: int
    """When the height was reached; 0 without a drawdown."""
    to_ns: int
    """When the bottom was."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What came of some trades; None where it cannot be said."""

    trades: int
    hit_rate: float | None
    """Share of trades that ended with a gain, costs included."""
    expectancy_pips: float | None
    """Mean of a trade."""
    expectancy_pips_error: float | None
    """Its standard error: the deviation of the sample over the root of its number."""
    expectancy_r: float | None
    expectancy_r_error: float | None
    profit_factor: float | None
    """Gains over losses, pips; None without a loss."""
    total_pips: float
    total_r: float
    drawdown_pips: Drawdown
    drawdown_r: Drawdown
    mean_held_s: float | None
    best_pips: float | None
    worst_pips: float | None


def figures_of(trades: Sequence[Trade]) -> Figures:
    """Numbers of trades in the order in which they ended."""
    pips = [trade.pips for trade in trades]
    multiples = [trade.r for trade in trades]
    lost = -math.fsum(one for one in pips if one < 0)
    return Figures(
        trades=len(trades),
        hit_rate=sum(one > 0 for one in pips) / len(pips) if pips else None,
        expectancy_pips=_mean(pips),
        expectancy_pips_error=_error(pips),
        expectancy_r=_mean(multiples),
        expectancy_r_error=_error(multiples),
        profit_factor=math.fsum(one for one in pips if one > 0) / lost if lost else None,
        total_pips=math.fsum(pips),
        total_r=math.fsum(multiples),
        drawdown_pips=drawdown_of(trades, lambda trade: trade.pips),
        drawdown_r=drawdown_of(trades, lambda trade: trade.r),
        mean_held_s=_mean([trade.held_s for trade in trades]),
        best_pips=max(pips, default=None),
        worst_pips=min(pips, default=None),
    )


def drawdown_of(trades: Iterable[Trade], worth: Callable[[Trade], float]) -> Drawdown:
    """The deepest drawdown of the sum, trade after trade."""
    total = height = 0.0
    height_ns = 0
    deepest = Drawdown(size=0.0, from_ns=0, to_ns=0)
    for trade in trades:
        height_ns = height_ns or trade.ts_entry_ns
        total += worth(trade)
        if total > height:
            height, height_ns = total, trade.ts_exit_ns
        elif height - total > deepest.size:
            deepest = Drawdown(size=height - total, from_ns=height_ns, to_ns=trade.ts_exit_ns)
    return deepest


def by_reason(trades: Sequence[Trade]) -> dict[str, Figures]:
    """Figures of the trades that ended the same way; without ways that none did."""
    found = {reason: [trade for trade in trades if trade.reason == reason] for reason in REASONS}
    return {reason: figures_of(some) for reason, some in found.items() if some}


def in_position_ns(trades: Iterable[Trade], session: Session) -> int:
    """How long at least one of them was open while the market traded."""
    total_ns = until_ns = 0
    for trade in sorted(trades, key=lambda one: one.ts_entry_ns):
        start_ns = max(trade.ts_entry_ns, until_ns)
        if trade.ts_exit_ns > start_ns:
            total_ns += session.open_time_ns(start_ns, trade.ts_exit_ns)
        until_ns = max(until_ns, trade.ts_exit_ns)
    return total_ns


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _error(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None
