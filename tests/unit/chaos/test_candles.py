"""Candles from trades, and the comparison that must see each wrong column."""

from __future__ import annotations

import pytest

from tests.chaos.candles import BAR, bars_from, compare_bars, compare_copies, size_ns
from tests.chaos.checks import SLACK_NS, bars_check
from tests.chaos.trades import trades_of

MINUTE = size_ns("1m")
SECOND = size_ns("1s")
TRADES = trades_of(
    [
        (1, 10 * SECOND, 100.0, 1.0, 1, 2),
        (2, 20 * SECOND, 103.0, 2.0, -1, 1),
        (4, 30 * SECOND, 99.0, 4.0, 1, 1),
        (3, 30 * SECOND, 101.0, 8.0, -1, 1),
        (5, MINUTE, 50.0, 1.0, 1, 1),
        (6, 2 * MINUTE + SECOND, 60.0, 1.0, 1, 1),
    ]
)
TRUTH = bars_from(TRADES, MINUTE, 2 * MINUTE)


def test_a_candle_of_hand() -> None:
    assert TRUTH.dtype == BAR
    assert TRUTH.tolist() == [
        (0, 100.0, 103.0, 99.0, 99.0, 15.0, 5.0, 5, 0),
        (MINUTE, 50.0, 50.0, 50.0, 50.0, 1.0, 1.0, 1, 0),
    ]


def test_timeframes() -> None:
    assert [size_ns(one) // SECOND for one in ("1s", "5m", "4h", "1d")] == [1, 300, 14_400, 86_400]


def test_a_candle_that_was_not_over_is_not_expected() -> None:
    assert len(bars_from(TRADES, MINUTE, 2 * MINUTE - 1)) == 1
    assert len(bars_from(TRADES[:0], MINUTE, 2 * MINUTE)) == 0


def test_the_same_is_clean_and_sums_may_differ_by_rounding() -> None:
    found = TRUTH[::-1].copy()
    found["volume"] *= 1 + 1e-12
    found["revision"] = 3
    assert compare_bars(TRUTH, found, "x").is_clean


@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume", "buy_volume", "count"])
def test_each_column_counts(column) -> None:
    found = TRUTH.copy()
    found[column][1] += 1
    verdict = compare_bars(TRUTH, found, "x")
    assert (verdict.wrong, verdict.missing, verdict.bad_ts_ns) == (1, 0, [MINUTE])


def test_missing_and_doubled() -> None:
    verdict = compare_bars(TRUTH, TRUTH[[1, 1]], "x")
    assert (verdict.missing, verdict.doubled, verdict.wrong, verdict.bad) == (1, 1, 0, 2)
    assert verdict.bad_ts_ns == [0, MINUTE]


def test_nobody_has_any() -> None:
    assert compare_bars(TRUTH, TRUTH[:0], "x").missing == 2


def test_quiet_and_later_candles_are_none_of_it() -> None:
    found = bars_from(TRADES, MINUTE, 9 * MINUTE)
    assert len(found) == 3
    assert compare_bars(TRUTH, found, "x").is_clean


def test_two_keepers_agree_to_the_revision() -> None:
    other = TRUTH.copy()
    other["revision"][0] = 2
    assert compare_copies(TRUTH, TRUTH, "x").is_clean
    assert compare_copies(TRUTH, other, "x").wrong == 1
    assert compare_copies(TRUTH, TRUTH[[0, 0, 1]], "x").doubled == 1


def test_checks_of_a_timeframe_leave_out_what_may_still_change() -> None:
    windows = {("A", "1m"): TRUTH}
    early = bars_check("hub candles", {"A": TRADES}, 2 * MINUTE, "1m", windows)
    assert (early.expected, early.is_clean) == (1, True)
    late = bars_check("hub candles", {"A": TRADES}, 2 * MINUTE + SLACK_NS, "1m", windows)
    assert (late.expected, late.is_clean) == (2, True)
    nobody = bars_check("hub candles", {"A": TRADES}, 2 * MINUTE + SLACK_NS, "1m", {})
    assert (nobody.lost, nobody.is_clean) == (2, False)
