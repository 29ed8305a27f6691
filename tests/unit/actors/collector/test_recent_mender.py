"""Trades missed while a feed was away, fetched among the venue's newest ones: each once, and every gap ends."""

import json

import pytest

from actors.collector.rest import RestError
from protocol.messages import Bar, Gap
from tests.unit.actors.collector.recent_world import SYMBOL, T_MS, World


@pytest.fixture
def world():
    found = World()
    found.live((1, 0), (2, 1000))
    found.gap(1500, 3000)
    assert found.asked == []
    found.live((5, 3500))
    found.at(0)
    return found


def test_the_first_trade_after_a_gap_has_the_newest_ones_fetched_once(world):
    assert [url for url, _ in world.asked] == [
        "http://venue/v5/market/recent-trade?category=linear&symbol=BTCUSDT&limit=1000"
    ]
    assert world.ends[-1][0] == "filling"
    world.page((1, 0), (2, 1000), (3, 1600), (4, 2000), (5, 3500))
    assert world.repaired == ["id-3", "id-4"]
    assert world.ends[-1] == ("filled", "rest", 2, "")
    assert isinstance(world.published[-1][0], Gap)
    world.at(60)
    assert world.asked == []
    assert len(world.mender) == 0


def test_what_was_lost_before_anybody_noticed_is_found_too(world):
    world.page((2, 1000), (3, 1200), (4, 1499), (5, 3500))
    assert world.repaired == ["id-3", "id-4"]
    assert world.ends[-1] == ("filled", "rest", 2, "")


def test_a_gap_in_which_nothing_happened_is_filled_with_nothing(world):
    world.page((2, 1000), (5, 3500))
    assert (world.repaired, world.ends[-1]) == ([], ("filled", "rest", 0, ""))


def test_what_is_newer_than_the_gap_is_left_to_the_stream(world):
    world.page((2, 1000), (5, 3500), (6, 3600))
    world.live((6, 3600), (7, 3700))
    assert world.repaired == []
    assert world.ends[-1] == ("filled", "rest", 0, "")
    assert world.trades == ["id-1", "id-2", "id-5", "id-6", "id-7"]
    assert not world.drops


def test_a_live_trade_of_the_very_moment_that_comes_behind_the_page_is_a_duplicate(world):
    world.page((2, 1000), (5, 3500), (6, 3500))
    world.live((6, 3500), (7, 3700))
    assert world.repaired == ["id-6"]
    assert world.trades == ["id-1", "id-2", "id-5", "id-6", "id-7"]
    assert [reason for reason, _ in world.drops] == ["duplicate_trade"]


def test_what_the_page_does_not_reach_is_gone_and_candles_are_asked_for(world):
    world.page((4, 2000), (5, 3500))
    assert world.repaired == ["id-4"]
    assert world.ends[-1][0] == "filling"
    world.at(1)
    (asked,) = world.asked
    assert "/v5/market/kline?" in asked[0]
    minute = T_MS - T_MS % 60_000
    rows = [[str(minute), "100", "100", "100", "100", "5", "500"]]
    world.answer(json.dumps({"retCode": 0, "result": {"symbol": "BTCUSDT", "list": rows}}).encode())
    assert world.ends[-1] == ("filled", "klines", 1, "")
    assert [one.volume for one, _ in world.published if isinstance(one, Bar)] == [5.0]


def test_without_candles_it_says_how_little_the_venue_gives():
    world = World(klines=False)
    world.live((1, 0))
    world.gap(500, 3000)
    world.live((5, 3500))
    world.at(0)
    world.page((4, 2000), (5, 3500))
    assert world.repaired == ["id-4"]
    assert world.ends[-1] == ("unfillable", "", 0, "the venue gives only its newest 2 trades")
    world.at(60)
    assert world.asked == []


def test_without_an_address_it_says_so_at_once():
    world = World(rest=False)
    world.live((1, 0))
    world.gap(500, 3000)
    world.live((5, 3500))
    assert world.ends[-1][0] == "unfillable"
    assert "no rest_url.linear is set" in world.ends[-1][3]
    assert len(world.mender) == 0


def test_a_page_older_than_the_first_trade_after_the_gap_is_taken_and_asked_for_again(world):
    world.page((2, 1000), (3, 1600))
    assert world.repaired == ["id-3"]
    assert world.ends[-1][0] == "filling"
    assert world.asked == []
    world.at(40)
    world.page((3, 1600), (4, 2000), (5, 3500))
    assert world.repaired == ["id-3", "id-4"]
    assert world.ends[-1] == ("filled", "rest", 2, "")


def test_the_second_page_must_reach_back_to_the_first(world):
    world.page((2, 1000), (3, 1600))
    world.at(40)
    world.page((4, 2000), (5, 3500))
    assert world.repaired == ["id-3", "id-4"]
    assert world.ends[-1][0] == "filling"
    world.at(41)
    assert "/v5/market/kline?" in world.asked[0][0]


@pytest.mark.parametrize(
    "bad",
    [
        RestError("connection refused"),
        RestError("HTTP 403: access too frequent", 403),
        b"<html>",
        b'{"retCode":10006,"retMsg":"Too many visits!","result":{}}',
        b'{"retCode":0,"result":{"list":[]}}',
    ],
)
def test_what_fails_is_asked_for_again(world, bad):
    world.answer(bad)
    assert world.drops[-1][0] == "repair_failed"
    assert world.ends[-1][0] == "filling"
    world.at(1000)
    world.page((2, 1000), (3, 1600), (5, 3500))
    assert world.ends[-1] == ("filled", "rest", 1, "")


def test_a_venue_that_forbids_us_is_left_alone_for_ten_minutes(world):
    world.answer(RestError("HTTP 403: access too frequent", 403))
    world.at(599)
    assert world.asked == []
    assert world.mender.closed_until_ns >= 600_000_000_000


def test_after_failures_in_a_row_the_gap_ends(world):
    for second in range(100, 2000, 100):
        if not world.asked or "recent-trade" not in world.asked[0][0]:
            break
        world.answer(b'{"retCode":10001,"retMsg":"params error","result":{}}')
        world.at(second)
    assert "/v5/market/kline?" in world.asked[0][0]


def test_an_answer_for_a_symbol_that_nobody_wants_any_more_is_not_taken(world):
    world.mender.give_up("unsubscribed", SYMBOL)
    world.normaliser.forget(SYMBOL)
    assert world.ends[-1][::3] == ("unfillable", "unsubscribed")
    world.page((2, 1000), (3, 1600), (5, 3500))
    assert world.repaired == []
    assert len(world.mender) == 0


def test_a_trade_from_the_future_is_not_believed(world):
    world.page((2, 1000), (3, 1600), (5, 3500), (9, 400_000))
    assert world.repaired == ["id-3"]
    assert world.drops[-1][0] == "clock_ahead"
    assert world.ends[-1][0] == "filled"


def test_another_gap_while_the_page_is_under_way_ends_by_itself(world):
    world.gap(4000, 6000)
    world.page((2, 1000), (3, 1600), (5, 3500))
    assert world.ends[-1] == ("filled", "rest", 1, "")
    world.live((8, 6500))
    world.at(1)
    world.page((5, 3500), (6, 4500), (7, 5000), (8, 6500))
    assert world.repaired == ["id-3", "id-6", "id-7"]
    assert world.ends[-1] == ("filled", "rest", 2, "")
    assert sorted(world.trades) == [f"id-{number}" for number in (1, 2, 3, 5, 6, 7, 8)]


def test_a_gap_is_taken_once(world):
    (gap,) = [one for one, _ in world.published if isinstance(one, Gap) and one.state == "filling"]
    assert world.mender.claim(gap) == ""
    assert len(world.mender) == 1


def test_a_gap_asked_for_again_is_looked_for_again():
    world = World(klines=False)
    world.live((1, 0))
    world.gap(0, 3000)
    world.live((5, 3500))
    world.at(0)
    world.page((5, 3500))
    assert world.ends[-1][0] == "unfillable"
    (gap_id,) = {one.gap_id for one, _ in world.published if isinstance(one, Gap)}
    assert world.normaliser.retry(gap_id) == ""
    world.at(1)
    world.page((1, 0), (4, 2000), (5, 3500))
    assert world.repaired == ["id-4"]
    assert world.ends[-1] == ("filled", "rest", 1, "")
