"""What a backtest says in the end. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from protocol.instruments import Catalog
from protocol.sessions import session_named
from tapehub.backtesting.figures import Figures, by_reason, figures_of, in_position_ns
from tapehub.backtesting.ledger import Ledger, Trade
from tapehub.backtesting.prices import MINUTE_NS, Prices
from tapehub.stretches import Stretch

MOST_REASONS: Final = 8


class SymbolReport(msgspec.Struct, frozen=True, kw_only=True):
    """Of one symbol."""

    symbol: str
    pip_size: float
    """What a pip is here, quote currency."""
    signals: int
    vetoed: int
    figures: Figures
    exposure: float | None
    """Share of the time in which it trades that a position was open."""
    minutes: int
    """Minutes with at least one price."""
    expected_minutes: int
    """Minutes of the range in which it trades, by its calendar."""
    coverage: float | None
    """The first as a share of the second."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    strategy: str
    venue: str
    data: str
    """ticks, or minutes: what was played."""
    from_ns: int
    to_ns: int
    messages: int
    cost_pips: float
    spread_pips: float
    """Of minutes whose spread nobody noted."""
    signals: int
    vetoed: int
    vetoes: dict[str, int]
    """Rule of the shield to the signals that it kept back, most first."""
    figures: Figures
    exposure: float | None
    """Share of the time in which the symbols trade that they were held, on their average."""
    coverage: float | None
    by_reason: dict[str, Figures]
    by_symbol: list[SymbolReport]
    why: dict[str, int]
    """Why the strategy said nothing, most frequent first."""
    unused: dict[str, int]
    """What of the data could not be used, and how much."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is made from besides the ledger."""

    strategy: str
    venue: str
    data: str
    stretch: Stretch
    messages: int
    cost_pips: float
    spread_pips: float
    why: Mapping[str, int]
    unused: Mapping[str, int]
    pips: Mapping[str, float]
    """Symbol to the size of its pip."""


def report_of(ledger: Ledger, catalog: Catalog, told: Told) -> Report:
    """The report of a backtest that is over."""
    known = list(ledger.prices.values())
    asked = told.stretch
    from_ns = asked.from_ns or min((one.first_ns for one in known), default=0)
    to_ns = asked.to_ns or max((one.last_ns for one in known), default=0)
    rows, held_ns, open_ns = [], 0, 0
    for symbol, prices in sorted(ledger.prices.items()):
        trades = [trade for trade in ledger.trades if trade.symbol == symbol]
        session = session_named(catalog.get(symbol).session)
        held, whole = in_position_ns(trades, session), session.open_time_ns(from_ns, to_ns)
        held_ns, open_ns = held_ns + held, open_ns + whole
        rows.append(_symbol(symbol, told.pips[symbol], ledger, trades, prices, _share(held, whole), whole))
    expected = sum(row.expected_minutes for row in rows)
    return Report(
        strategy=told.strategy, venue=told.venue, data=told.data, from_ns=from_ns, to_ns=to_ns, messages=told.messages,
        cost_pips=told.cost_pips, spread_pips=told.spread_pips,
        signals=ledger.signals.total(), vetoed=ledger.vetoed.total(), vetoes=dict(ledger.vetoes.most_common()),
        figures=figures_of(ledger.trades), exposure=_share(held_ns, open_ns),
        coverage=_share(sum(row.minutes for row in rows), expected),
        by_reason=by_reason(ledger.trades), by_symbol=rows,
        why=dict(sorted(told.why.items(), key=lambda item: -item[1])[:MOST_REASONS]),
        unused={name: count for name, count in sorted(told.unused.items()) if count},
    )  # fmt: skip


def _symbol(
    symbol: str,
    pip: float,
    ledger: Ledger,
    trades: Sequence[Trade],
    prices: Prices,
    exposure: float | None,
    open_ns: int,
) -> SymbolReport:
    expected = -(-open_ns // MINUTE_NS)
    return SymbolReport(
        symbol=symbol, pip_size=pip, signals=ledger.signals[symbol], vetoed=ledger.vetoed[symbol],
        figures=figures_of(trades), exposure=exposure, minutes=prices.minutes, expected_minutes=expected,
        coverage=_share(prices.minutes, expected),
    )  # fmt: skip


def _share(part: float, whole: float) -> float | None:
    return min(1.0, part / whole) if whole else None


def document_of(report: Report) -> dict[str, Any]:
    """As one JSON document."""
    found: dict[str, Any] = msgspec.to_builtins(report)
    return found
