"""From signals to trades to numbers, by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
from msgspec.structs import replace

from protocol.messages import Signal
from protocol.sessions import session_named
from tapehub.backtesting.figures import drawdown_of, figures_of, in_position_ns
from tapehub.backtesting.ledger import Ledger, Trade
from tapehub.backtesting.prices import Prices

S = 1_000_000_000
T = 1_763_715_600 * S


def signal(state: str = "open", side: int = 1, **fields: Any) -> Signal:
    given = {
        "symbol": "EUR_USD", "strategy": "s", "ts_event_ns": T, "side": side, "entry": 1.1, "stop": 1.1 - side * 0.001,
        "target": 1.1 + side * 0.002, "confidence": 1.0, "inputs": {}, "signal_id": "one", "state": state, "ts_opened_ns": T,
        "ts_expires_ns": T + 60 * S,
    }  # fmt: skip
    return Signal(**{**given, **fields})


def ledger(cost_pips: float = 0.5, *, is_of_minutes: bool = False) -> Ledger:
    made = Ledger(lambda _: 0.0001, cost_pips, is_of_minutes=is_of_minutes)
    made.touch("EUR_USD", (T, 1.0999, 1.1))
    return made


@pytest.mark.parametrize(
    ("side", "state", "exit_price", "pips"),
    [
        (1, "target", 1.102, 20),
        (1, "stopped", 1.0985, -15),
        (-1, "target", 1.098, 20),
        (-1, "stopped", 1.1011, -11),
    ],
)
def test_pips_and_multiples(side: int, state: str, exit_price: float, pips: float) -> None:
    made = ledger()
    made.note(signal(side=side))
    made.note(signal(state, side, ts_event_ns=T + 5 * S, exit_price=exit_price, revision=2))
    (trade,) = made.trades
    assert (trade.reason, trade.held_s, trade.exit) == (state, 5.0, exit_price)
    assert math.isclose(trade.pips, pips - 0.5)
    assert math.isclose(trade.risk_pips, 10)
    assert math.isclose(trade.r, (pips - 0.5) / 10)


@pytest.mark.parametrize(("side", "left"), [(1, 1.1005), (-1, 1.1006)])
def test_an_expired_one_is_left_at_what_is_touched_then(side: int, left: float) -> None:
    made = ledger()
    made.note(signal(side=side))
    made.touch("EUR_USD", (T + 59 * S, 1.1005, 1.1006))
    made.touch("EUR_USD", (T + 61 * S, 1.2, 1.3))
    made.note(signal("expired", side, ts_event_ns=T + 60 * S, revision=2))
    assert made.trades[0].exit == left


def test_one_that_expires_in_a_hole_is_left_at_the_next_price() -> None:
    made = ledger()
    made.note(signal(ts_expires_ns=T + 3600 * S))
    made.touch("EUR_USD", (T + 7200 * S, 1.2, 1.3))
    made.note(signal("expired", ts_event_ns=T + 3600 * S, revision=2))
    assert made.trades[0].exit == 1.2


def test_what_is_open_in_the_end_is_worth_what_it_could_be_left_at() -> None:
    made = ledger()
    made.note(signal())
    made.touch("EUR_USD", (T + 7 * S, 1.1003, 1.1004))
    made.end()
    (trade,) = made.trades
    assert (trade.reason, trade.exit, trade.ts_exit_ns) == ("open", 1.1003, T + 7 * S)


@pytest.mark.parametrize(("at_ns", "left"), [(59_250_000_000, 1.099), (60 * S, 1.095)])
def test_a_stop_inside_of_a_minute_is_left_at_the_stop_and_one_behind_its_open_there(
    at_ns: int, left: float
) -> None:
    made = ledger(is_of_minutes=True)
    made.note(signal())
    made.note(signal("stopped", ts_event_ns=T + at_ns, exit_price=1.095, revision=2))
    assert made.trades[0].exit == pytest.approx(left)


def test_vetoes_are_counted_by_their_rules() -> None:
    made = ledger()
    made.note(signal("vetoed", signal_id="a", reasons=["spread: 5 is above 4 (veto)", "quality: low (-0.3)"]))
    made.note(signal("vetoed", signal_id="b", reasons=["quality: low (-0.3)"]))
    made.note(signal(signal_id="c"))
    assert (made.signals["EUR_USD"], made.vetoed["EUR_USD"]) == (3, 2)
    assert made.vetoes == {"spread": 1, "score": 1}


def trades(*pips: float) -> list[Trade]:
    return [
        Trade(
            signal_id=str(n), strategy="s", venue="v", symbol="EUR_USD", side=1, ts_entry_ns=T + n * 100 * S, entry=1.1,
            stop=1.0, target=1.2, ts_exit_ns=T + (n * 100 + 50) * S, exit=1.1, reason="target", pips=one, risk_pips=10.0,
            r=one / 10, cost_pips=0.0,
        )
        for n, one in enumerate(pips)
    ]  # fmt: skip


def test_figures_by_hand() -> None:
    figures = figures_of(trades(10, -5, -10, 20, -5))
    assert (figures.trades, figures.hit_rate, figures.total_pips, figures.total_r) == (5, 0.4, 10, 1.0)
    assert figures.profit_factor == pytest.approx(1.5)
    assert figures.expectancy_pips == pytest.approx(2)
    assert figures.expectancy_pips_error == pytest.approx(math.sqrt(630 / 4 / 5))
    assert (figures.best_pips, figures.worst_pips, figures.mean_held_s) == (20, -10, 50)
    fall = figures.drawdown_pips
    assert (fall.size, fall.from_ns, fall.to_ns) == (15, T + 50 * S, T + 250 * S)


def test_a_drawdown_from_the_very_beginning() -> None:
    fall = drawdown_of(trades(-3, -4, 20), lambda trade: trade.pips)
    assert (fall.size, fall.from_ns, fall.to_ns) == (7, T, T + 150 * S)


def test_nothing_is_said_of_nothing() -> None:
    figures = figures_of([])
    assert (figures.hit_rate, figures.expectancy_pips, figures.profit_factor, figures.total_pips) == (
        None,
        None,
        None,
        0,
    )
    assert figures_of(trades(4)).expectancy_pips_error is None


def test_time_in_a_position_is_counted_once_and_while_the_market_trades() -> None:
    first, second = trades(1, 1)
    second = replace(second, ts_entry_ns=T + 20 * S, ts_exit_ns=T + 80 * S)
    assert in_position_ns([second, first], session_named("crypto")) == 80 * S
    weekend = replace(first, ts_exit_ns=T + 3 * 86_400 * S)
    assert in_position_ns([weekend], session_named("fx")) == (13 + 11) * 3600 * S


def test_prices_remember_a_minute_at_a_time() -> None:
    prices = Prices()
    for second in range(0, 7200, 10):
        prices.add((T + second * S, 1.0 + second, 1.2 + second))
    assert prices.minutes == len(prices.line) == 120
    assert prices.line[0] == (T + 50 * S, pytest.approx(51.1))
    assert prices.at(T + 7195 * S)[0] == T + 7190 * S
