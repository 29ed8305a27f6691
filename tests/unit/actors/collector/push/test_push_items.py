"""Single items: ticks, bars, and what is neither."""

from __future__ import annotations

import pytest

from actors.collector.push.items import ItemFault, PushedBar, Tick, item_of, number_of, timeframe_of
from protocol.pushing import BAD_ITEM, BAD_PRICE, BAD_TIME, BAD_TIMEFRAME

TICK = {"symbol": "EURUSD", "bid": 1.1, "ask": 1.2, "time": 1_795_176_000}
BAR = {
    "symbol": "EURUSD",
    "timeframe": "M1",
    "time": 1_795_176_000,
    "open": 2,
    "high": 4,
    "low": 1,
    "close": 3,
}
AT = 1_795_176_000 * 10**9


def test_a_tick():
    assert item_of({**TICK, "last": 0, "volume": 0, "flags": 6}) == Tick(
        "EURUSD", AT, False, None, 1.1, 1.2, 0.0, 0.0, 0
    )
    full = item_of({**TICK, "bid_size": 3, "ask_size": "4", "gmt_offset": 7200, "id": 9})
    assert isinstance(full, Tick)
    assert (full.bid_size, full.ask_size, full.offset_s, full.item_id) == (3.0, 4.0, 7200, 9)


def test_prices_may_be_whole_numbers_and_text():
    found = item_of({**TICK, "bid": 1, "ask": "1.5"})
    assert isinstance(found, Tick)
    assert (found.bid, found.ask) == (1.0, 1.5)


def test_a_bar():
    assert item_of({**BAR, "tick_volume": 42}) == PushedBar(
        "EURUSD", AT, False, None, "1m", 2.0, 4.0, 1.0, 3.0, 0.0, 42
    )
    assert item_of({**BAR, "volume": 7})[-2:] == (7.0, 0)
    assert item_of({**BAR, "volume": 7, "real_volume": 9})[-2:] == (9.0, 0)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"symbol": ""}, BAD_ITEM), ({"symbol": 5}, BAD_ITEM), ({"symbol": "X" * 65}, BAD_ITEM), ({"time": 0}, BAD_TIME),
        ({"time": None}, BAD_TIME), ({"bid": 0}, BAD_PRICE), ({"bid": -1.0}, BAD_PRICE), ({"bid": "x"}, BAD_PRICE),
        ({"bid": None}, BAD_PRICE), ({"ask": float("nan")}, BAD_PRICE), ({"ask": float("inf")}, BAD_PRICE),
        ({"ask": True}, BAD_PRICE), ({"ask": 10**400}, BAD_PRICE), ({"bid": 1.3}, BAD_PRICE), ({"bid_size": -1}, BAD_PRICE),
        ({"id": 0}, BAD_ITEM), ({"id": ""}, BAD_ITEM), ({"id": 1.5}, BAD_ITEM), ({"id": [1]}, BAD_ITEM), ({"id": 2**63}, BAD_ITEM),
        ({"ts_event_ns": "9" * 5000}, BAD_TIME), ({"ts_event_ns": [[[]]]}, BAD_TIME), ({"symbol": [["x"] * 500]}, BAD_ITEM),
        ({"bid": "9" * 5000}, BAD_PRICE), ({"bid": 10**5000}, BAD_PRICE), ({"values": 1, "id": {"a": "b" * 500}}, BAD_ITEM),
    ],
)  # fmt: skip
def test_a_tick_that_is_none_says_why(change, code):
    with pytest.raises(ItemFault) as fault:
        item_of({**TICK, **change})
    assert fault.value.code == code
    assert 0 < len(fault.value.detail) < 200


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"timeframe": "7m"}, BAD_TIMEFRAME), ({"timeframe": "MN1"}, BAD_TIMEFRAME), ({"timeframe": None}, BAD_TIMEFRAME),
        ({"high": 2.5}, BAD_PRICE), ({"low": 2.5}, BAD_PRICE), ({"open": 0}, BAD_PRICE), ({"volume": -1}, BAD_PRICE),
        ({"timeframe": "M" + "9" * 5000}, BAD_TIMEFRAME), ({"timeframe": "0" * 50 + "1m"}, BAD_TIMEFRAME),
        ({"timeframe": 10**5000}, BAD_TIMEFRAME), ({"timeframe": 0}, BAD_TIMEFRAME), ({"timeframe": -5}, BAD_TIMEFRAME),
        ({"tick_volume": 1e30}, BAD_PRICE), ({"tick_volume": 2**63}, BAD_PRICE), ({"tick_volume": "inf"}, BAD_PRICE),
    ],
)  # fmt: skip
def test_a_bar_that_is_none_says_why(change, code):
    with pytest.raises(ItemFault) as fault:
        item_of({**BAR, **change})
    assert fault.value.code == code


@pytest.mark.parametrize("item", [None, 1, "x", [], [TICK]])
def test_what_is_no_map_is_no_item(item):
    with pytest.raises(ItemFault, match="map"):
        item_of(item)


@pytest.mark.parametrize(
    ("said", "meant"),
    [("1m", "1m"), ("M1", "1m"), ("PERIOD_M15", "15m"), ("H4", "4h"), ("D1", "1d"), (5, "5m"), (60, "1h"), (1440, "1d"), ("60m", "1h"), ("15s", "15s")],
)  # fmt: skip
def test_timeframes_as_terminals_write_them(said, meant):
    assert timeframe_of(said) == meant


def test_an_id_of_text_is_always_the_same_number():
    assert number_of("a-1") == number_of("a-1") != number_of("a-2")
    assert 0 < number_of("a-1") < 2**63
