"""The backtest gives the trades that arrays give, trade by trade, over markets with holes, spreads and costs."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from protocol.messages import Bar
from tapehub.backtesting.runs import Costs, Result
from tests.unit.tapehub.backtesting.rig import PIP, Cross, CrossParams, minute, run, walk
from tests.unit.tapehub.backtesting.vectorised import Plan, Row, trades


def plan(params: CrossParams, expires_s: float, cooldown_s: float, cost_pips: float) -> Plan:
    return Plan(
        params.fast, params.slow, params.stop_pips, params.target_pips, params.pip, round(expires_s * 1e9),
        round(cooldown_s * 1e9), cost_pips, "crypto",
    )  # fmt: skip


def frame(bars: list[Bar], shift: float = 0.0) -> pd.DataFrame:
    rows = [(b.ts_open_ns, b.open + shift, b.high + shift, b.low + shift, b.close + shift) for b in bars]
    return pd.DataFrame(rows, columns=["ts_ns", "open", "high", "low", "close"])


def compare(result: Result, expected: list[Row], cost_pips: float) -> None:
    found = result.ledger.trades
    assert len(found) == len(expected)
    for one, row in zip(found, expected, strict=True):
        assert (one.side, one.ts_entry_ns, one.ts_exit_ns, one.reason) == (
            row.side, row.ts_entry_ns, row.ts_exit_ns, row.reason,
        )  # fmt: skip
        for here, there in (
            (one.entry, row.entry),
            (one.exit, row.exit),
            (one.pips, row.pips),
            (one.r, row.r),
        ):
            assert math.isclose(here, there, rel_tol=0, abs_tol=1e-9)
    pips = pd.Series([row.pips for row in expected])
    figures = result.report.figures
    assert figures.total_pips == pytest.approx(pips.sum(), abs=1e-9)
    assert figures.expectancy_pips == pytest.approx(pips.mean(), abs=1e-9)
    assert figures.expectancy_pips_error == pytest.approx(pips.sem(), abs=1e-9)
    assert figures.hit_rate == pytest.approx((pips > 0).mean(), abs=1e-12)
    sums = pd.concat([pd.Series([0.0]), pips.cumsum()])
    assert figures.drawdown_pips.size == pytest.approx((sums.cummax() - sums).max(), abs=1e-9)
    assert figures.total_r == pytest.approx(sum(row.r for row in expected), abs=1e-9)


@pytest.mark.parametrize("hole_share", [0.0, 0.05, 0.4])
@pytest.mark.parametrize("seed", range(3))
def test_trades_are_those_of_arrays(seed: int, hole_share: float) -> None:
    bars = walk(seed, 1500, hole_share=hole_share)
    params = CrossParams()
    result = run(Cross(params), bars, Costs(0.7, 1.2), expires_s=900.0, cooldown_s=120.0)
    half = 1.2 * PIP / 2
    expected = trades(frame(bars, -half), frame(bars, half), plan(params, 900, 120, 0.7))
    assert len(expected) > 10
    assert {"target", "stopped"} <= {row.reason for row in expected}
    compare(result, expected, 0.7)


def test_bid_and_ask_of_two_files() -> None:
    bids, asks = walk(7, 1200, source="bid"), []
    for number, bar in enumerate(bids):
        spread = (5 + number % 7) * 1e-5
        asks.append(
            minute(number, [one + spread for one in (bar.open, bar.high, bar.low, bar.close)], source="ask")
        )
    params = CrossParams(fast=2, slow=5, stop_pips=8.0)
    both = [bar for pair in zip(bids, asks, strict=True) for bar in pair]
    result = run(Cross(params), both, Costs(0.2), expires_s=600.0, cooldown_s=0.0)
    compare(result, trades(frame(bids), frame(asks), plan(params, 600, 0, 0.2)), 0.2)


def test_two_symbols_do_not_disturb_each_other() -> None:
    first, second = walk(1, 600), walk(2, 600, "GBP_USD")
    merged = sorted([*first, *second], key=lambda bar: bar.ts_open_ns)
    both = run(Cross(CrossParams()), merged, Costs(0.1, 1.0))
    for symbol, bars in (("EUR_USD", first), ("GBP_USD", second)):
        alone = run(Cross(CrossParams()), bars, Costs(0.1, 1.0))
        assert [one for one in both.ledger.trades if one.symbol == symbol] == alone.ledger.trades
    assert [row.symbol for row in both.report.by_symbol] == ["EUR_USD", "GBP_USD"]
