"""The comparison of trades finds everything that can be wrong, and nothing where nothing is."""

from __future__ import annotations

import pytest

from tests.chaos.checks import trades_check, window_check
from tests.chaos.trades import TRADE, compare_trades, trades_of
from tests.chaos.truth import table_of

TRUTH = trades_of([(10 + n, 1_000 + n, 100.0 + n, 0.5, 1 if n % 2 else -1, 1 + n) for n in range(6)])


def changed(position: int, **fields):
    found = TRUTH.copy()
    for name, value in fields.items():
        found[name][position] = value
    return found


def test_the_same_is_clean_in_any_order() -> None:
    verdict = compare_trades(TRUTH, TRUTH[::-1], "x")
    assert verdict.is_clean
    assert (verdict.expected, verdict.found, verdict.examples) == (6, 6, [])


def test_lost() -> None:
    verdict = compare_trades(TRUTH, TRUTH[[0, 1, 3, 5]], "x")
    assert not verdict.is_clean
    assert (verdict.lost, verdict.lost_ts_ns) == (2, [1_002, 1_004])
    assert verdict.examples[0] == "x: lost 12"


def test_lost_at_the_end() -> None:
    assert compare_trades(TRUTH, TRUTH[:5], "x").lost == 1


def test_doubled() -> None:
    verdict = compare_trades(TRUTH, TRUTH[[0, 1, 2, 2, 2, 3, 4, 5]], "x")
    assert not verdict.is_clean
    assert (verdict.doubled, verdict.doubled_ts_ns, verdict.lost) == (2, [1_002, 1_002], 0)


@pytest.mark.parametrize(
    "fields", [{"price": 1.0}, {"size": 0.6}, {"side": 0}, {"count": 9}, {"ts_ns": 1}], ids=str
)
def test_another_value_is_wrong(fields) -> None:
    verdict = compare_trades(TRUTH, changed(3, **fields), "x")
    assert not verdict.is_clean
    assert (verdict.wrong, verdict.lost, verdict.doubled, verdict.invented) == (1, 0, 0, 0)


def test_an_id_that_never_was_is_invented() -> None:
    verdict = compare_trades(TRUTH[[0, 1, 2, 4, 5]], TRUTH, "x")
    assert not verdict.is_clean
    assert verdict.invented == 1


def test_later_trades_are_none_of_it() -> None:
    assert compare_trades(TRUTH[:4], TRUTH, "x").is_clean


def test_nothing_expected_proves_nothing() -> None:
    assert not compare_trades(TRUTH[:0], TRUTH[:0], "x").is_clean


def test_a_symbol_that_nobody_has_is_lost_whole() -> None:
    check = trades_check("storage trades", {"A": TRUTH, "B": TRUTH}, {"A": TRUTH})
    assert (check.expected, check.lost, check.is_clean) == (12, 6, False)


def test_a_window_misses_nothing_that_fell_out_of_it() -> None:
    assert window_check("hub trades", {"A": TRUTH}, {"A": TRUTH[3:]}).is_clean
    assert window_check("hub trades", {"A": TRUTH}, {"A": TRUTH[[4, 4, 5]]}).doubled == 1
    assert window_check("hub trades", {"A": TRUTH}, {"A": changed(4, price=3.0)[3:]}).wrong == 1
    assert not window_check("hub trades", {"A": TRUTH}, {"A": TRUTH[:0]}).is_clean


def test_a_page_of_the_simulator_becomes_the_venues_numbers() -> None:
    import numpy as np

    page = {
        "columns": ["price_units", "lots", "first_trade_id", "last_trade_id", "t_ms", "is_buyer_maker"],
        "price_scale": 100,
        "lot_scale": 1000,
        "first_id": 7,
        "rows": np.array([[12_345, 1_500, 70, 72, 5, 1], [12_346, 1, 73, 73, 6, 0]], "<i8").tobytes(),
    }
    found = table_of(page)
    assert found.dtype == TRADE
    assert found.tolist() == [(7, 5_000_000, 123.45, 1.5, -1, 3), (8, 6_000_000, 123.46, 0.001, 1, 1)]
