"""Bars among the opinions of others, and two providers over the same minutes."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.collector.bars.judging.agreement import apart, compare, difference_bp, weigh
from actors.collector.bars.judging.judged import Opinion
from actors.collector.bars.providers.provider import ProviderBar
from tests.unit.actors.collector.bars.judging_world import FX, MONDAY_NS, moved, scaled, walk

BAR = ProviderBar(MONDAY_NS, 1.15, 1.151, 1.149, 1.15)
FAR, FARTHER = 1.01, 1.05
PROVIDERS = ("yahoo", "twelvedata", "polygon", "alphavantage", "other")


def said(*ratios):
    return [Opinion(name, scaled(BAR, ratio)) for name, ratio in zip(PROVIDERS, ratios, strict=False)]


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [
        ((), "alone"),
        ((1.0005,), "confirmed"),
        ((FAR,), "suspect"),
        ((FAR, FAR), "quarantine"),
        ((FAR, FARTHER), "suspect"),
        ((FAR, 1.0), "confirmed"),
        ((FAR, FAR, 1.0), "suspect"),
        ((FAR, FAR, 1.0, 1.0), "confirmed"),
        ((FAR, FARTHER, 1.0), "confirmed"),
        ((FAR, FAR, FAR, 1.0), "quarantine"),
    ],
)
def test_each_provider_has_one_vote(ratios, verdict):
    weighing = weigh(BAR, said(*ratios), FX.tolerance)
    assert weighing.verdict == verdict
    assert len(weighing.agreeing) == sum(ratio < FAR for ratio in ratios)


def test_who_says_it_twice_is_heard_once():
    twice = [Opinion("yahoo", scaled(BAR, FAR))] * 2
    assert weigh(BAR, twice, FX.tolerance).verdict == "suspect"


@pytest.mark.parametrize("close", [math.nan, math.inf, 0.0, -1.15])
def test_what_is_no_price_is_no_opinion(close):
    assert weigh(BAR, [Opinion("yahoo", replace(BAR, close=close))], FX.tolerance).verdict == "alone"


def test_a_running_minute_neither_confirms_a_closed_one_nor_is_it_wrong():
    running = replace(BAR, is_running=True)
    assert weigh(BAR, [Opinion("yahoo", running)], FX.tolerance).verdict == "alone"
    assert weigh(running, said(FAR, FAR), FX.tolerance).verdict == "alone"
    assert weigh(running, said(1.0), FX.tolerance).verdict == "confirmed"


def test_the_disagreement_is_told_with_its_numbers():
    weighing = weigh(BAR, said(1.02, 1.02), FX.tolerance)
    assert weighing.told(BAR) == (
        "disagrees: close 1.15 against yahoo 1.173, twelvedata 1.173, 196.1 bp apart"
    )


@given(st.floats(), st.floats())
def test_a_difference_is_a_share_whichever_comes_first(one, other):
    assert apart(one, other) == apart(other, one)
    assert 0.0 <= apart(one, other) <= 1.0


def test_a_difference_is_in_basis_points():
    assert difference_bp(BAR, replace(BAR, close=1.1501)) == pytest.approx(0.8695, abs=1e-4)
    assert difference_bp(BAR, BAR) == 0.0


def noisy(bars, share, seed=5):
    dice = random.Random(seed)
    return [scaled(bar, 1.0 + dice.gauss(0.0, share)) for bar in bars]


def test_two_that_say_the_same_are_compared_over_the_minutes_of_both():
    bars = walk(100)
    found = compare("yahoo", bars, "polygon", [scaled(bar, 1.0002) for bar in bars[40:]])
    assert found.minutes == 60
    assert found.median_bp == pytest.approx(2.0, abs=1e-3)
    assert found.max_bp == pytest.approx(2.0, abs=1e-3)
    assert (found.late, found.finding) == (0, "")


@pytest.mark.parametrize("minutes", [1, -1])
@pytest.mark.parametrize("offset", [1.0, 0.9997])
def test_who_names_a_minute_by_its_end_is_found(minutes, offset):
    bars = walk(120)
    others = [moved(scaled(bar, offset), minutes) for bar in noisy(bars, 0.00002)]
    found = compare("yahoo", bars, "polygon", others)
    assert found.late == minutes
    late, other = ("polygon", "yahoo") if minutes > 0 else ("yahoo", "polygon")
    assert found.finding.startswith(f"{late} fits {other} far better one minute earlier: ")
    assert compare("polygon", others, "yahoo", bars).late == -minutes


@pytest.mark.parametrize("n", [0, 1, 30])
def test_few_minutes_tell_nothing(n):
    bars = walk(n)
    assert compare("yahoo", bars, "polygon", [moved(bar, 1) for bar in bars]).late == 0


def test_a_market_that_does_not_move_tells_nothing():
    flat = walk(100, step=0.0)
    assert compare("yahoo", flat, "polygon", [moved(bar, 1) for bar in flat]).late == 0


def test_noise_is_not_taken_for_a_late_one():
    bars = walk(200)
    for seed in range(20):
        assert compare("yahoo", bars, "polygon", noisy(bars, 0.0003, seed)).late == 0


def test_what_is_no_price_is_left_out_of_a_comparison():
    bars = walk(50)
    broken = [replace(bar, close=close) for bar, close in zip(bars, [math.nan, 0.0, math.inf], strict=False)]
    assert compare("yahoo", bars, "polygon", [*broken, *bars[3:]]).minutes == 47
