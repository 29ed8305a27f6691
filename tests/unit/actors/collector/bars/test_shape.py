"""A bar by itself, and its place in the page."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.collector.bars.judging.judge import judge
from actors.collector.bars.judging.shape import longest_increasing
from actors.collector.bars.providers.provider import MINUTE_NS, ProviderBar
from tests.unit.actors.collector.bars.judging_world import (
    COIN,
    FX,
    MONDAY_NS,
    SHARE,
    at,
    moved,
    scaled,
    verdicts,
    walk,
)

BAR = ProviderBar(MONDAY_NS, 1.1500, 1.1520, 1.1490, 1.1512)


def one(market=FX, bar=BAR, **fields):
    (judged,) = judge([replace(bar, **fields)], market)
    return judged


def test_a_sound_bar_is_accepted_as_it_is():
    assert one() == (BAR, BAR, "accept", ())


@pytest.mark.parametrize(
    ("fields", "reason", "mended"),
    [
        ({"high": 1.1510}, "ohlc: high 1.151 below close 1.1512: widened", {"high": 1.1512}),
        ({"low": 1.1505}, "ohlc: low 1.1505 above open 1.15: widened", {"low": 1.15}),
        (
            {"high": 1.1505, "low": 1.1508},
            "ohlc: high 1.1505 below close 1.1512, low 1.1508 above open 1.15: widened",
            {"high": 1.1512, "low": 1.15},
        ),
    ],
)
def test_a_high_or_low_that_misses_by_little_is_widened(fields, reason, mended):
    sent = replace(BAR, **fields)
    assert one(**fields) == (sent, replace(sent, **mended), "repair", (reason,))


def test_few_ticks_are_little_where_a_tick_is_coarse():
    coarse = FX._replace(tick_size=0.01)
    assert one(coarse, high=1.13).verdict == "repair"
    assert one(FX, high=1.13).verdict == "quarantine"
    assert one(FX, high=1.13).reasons == ("ohlc: high 1.13 below close 1.1512",)


@pytest.mark.parametrize("name", ["open", "high", "low", "close"])
@pytest.mark.parametrize("price", [0.0, -1.15, math.nan, math.inf, -math.inf])
def test_what_is_no_price_is_in_quarantine(name, price):
    judged = one(**{name: price})
    assert (judged.bar, judged.verdict) == (None, "quarantine")
    assert judged.reasons[0].startswith(f"no price: {name} ")


@pytest.mark.parametrize("volume", [-5.0, math.nan, math.inf])
def test_what_is_no_volume_is_left_out_and_the_prices_stand(volume):
    judged = one(COIN, volume=volume)
    assert (judged.bar, judged.verdict) == (BAR, "repair")
    assert judged.reasons == (f"no volume: {volume:.8g}",)


def test_a_move_without_volume_is_told_of_an_equity_alone():
    told = ("unmoved volume: 0 from 1.149 to 1.152",)
    assert one(SHARE, volume=0.0)[2:] == ("accept", told)
    assert one(FX, volume=0.0)[2:] == ("accept", ())
    assert one(SHARE, volume=0.0, open=1.15, high=1.15, low=1.15, close=1.15)[2:] == ("accept", ())


@pytest.mark.parametrize("start_ns", [0, -MINUTE_NS, -(2**63), 2**63 - 1, at("2101-01-03T10:00")])
def test_what_is_no_time_is_in_quarantine(start_ns):
    assert one(COIN, ts_open_ns=start_ns).reasons == (f"no time: {start_ns} ns",)


def test_a_start_between_two_minutes_is_in_quarantine():
    judged = one(ts_open_ns=MONDAY_NS + 23 * 10**9)
    assert judged.reasons == ("off grid: starts at Mon 2024-01-08 15:00:23, not on the minute",)
    assert judged.verdict == "quarantine"


@pytest.mark.parametrize(
    ("market", "when", "is_open"),
    [
        (FX, "2024-01-05T21:59", True),
        (FX, "2024-01-05T22:00", False),
        (FX, "2024-01-06T12:00", False),
        (FX, "2024-01-07T22:00", True),
        (FX, "2024-07-07T21:00", True),
        (SHARE, "2024-01-08T14:29", False),
        (SHARE, "2024-01-08T14:30", True),
        (SHARE, "2024-01-08T20:59", True),
        (SHARE, "2024-01-08T21:00", False),
        (COIN, "2024-01-06T12:00", True),
    ],
)
def test_nothing_is_taken_while_the_market_is_closed(market, when, is_open):
    judged = one(market, ts_open_ns=at(when), volume=2.0)
    assert (judged.verdict == "accept") is is_open
    assert is_open or judged.reasons[0].startswith(f"outside session: {market.session.name} is closed on ")


def test_a_weekend_bar_of_polygon_and_the_last_print_of_yahoo_say_when_they_are():
    weekend = ProviderBar(at("2023-01-07T15:00"), 1.06, 1.06, 1.06, 1.06, None, 2)
    assert one(FX, weekend).reasons == ("outside session: fx is closed on Sat 2023-01-07 15:00",)
    close = ProviderBar(at("2025-01-31T21:00"), 236.0, 236.0, 236.0, 236.0, 0.0)
    assert one(SHARE, close).reasons == ("outside session: us_equity is closed on Fri 2025-01-31 21:00",)


def test_a_minute_that_is_there_twice_is_taken_once():
    bars = walk(5)
    found = verdicts([*bars[:3], bars[2], *bars[3:]])
    assert list(found) == [3]
    assert found[3].verdict == "quarantine"
    assert found[3].reasons == ("repeated: Mon 2024-01-08 15:02 is there already",)


def test_of_two_bars_of_one_minute_neither_can_be_told_to_be_right():
    bars = walk(5)
    found = verdicts([*bars[:3], scaled(bars[2], 1.002), *bars[3:]])
    assert {place: one.verdict for place, one in found.items()} == {2: "suspect", 3: "quarantine"}
    assert found[2].reasons[0].startswith("two bars: close ")


def test_time_going_back_costs_the_bar_that_does_not_fit():
    bars = walk(6)
    late = [*bars[:3], moved(bars[3], 40), *bars[4:]]
    found = verdicts(late)
    assert list(found) == [3]
    assert found[3].reasons == ("out of order: Mon 2024-01-08 15:43 among bars of Mon 2024-01-08 15:04",)
    early = [*bars[:4], moved(bars[4], -30), bars[5]]
    assert list(verdicts(early)) == [4]


@given(st.lists(st.integers(0, 9), max_size=9))
def test_what_stays_in_order_is_as_long_as_can_be(numbers):
    places = longest_increasing(numbers)
    kept = [numbers[place] for place in places]
    assert places == sorted(set(places))
    assert kept == sorted(set(kept))
    longest = [0]
    for place, number in enumerate(numbers):
        longest.append(
            1 + max((longest[one + 1] for one in range(place) if numbers[one] < number), default=0)
        )
    assert len(kept) == max(longest)
