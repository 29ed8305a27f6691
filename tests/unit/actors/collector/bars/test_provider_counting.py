"""The account of a local provider catches a client that asks too often, in any stretch and by the clock."""

from __future__ import annotations

from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.providers.counting import NS_PER_S, Account
from tests.support.providers.market import Market
from tests.support.providers.voice import TEST_KEY
from tests.support.providers.world import World

DAY_S: Final = 86_400
NOON_S: Final = 1_795_176_000
"""2026-11-20 12:00 UTC."""
AGENT: Final = {"user-agent": "Mozilla/5.0"}
ASK: Final = {
    "yahoo": ("/v8/finance/chart/EURUSD=X", {"interval": "1m", "range": "1d"}),
    "alphavantage": (
        "/query",
        {
            "function": "FX_INTRADAY",
            "from_symbol": "EUR",
            "to_symbol": "USD",
            "interval": "1min",
            "apikey": TEST_KEY,
        },
    ),
    "twelvedata": ("/time_series", {"symbol": "EUR/USD", "interval": "1min", "apikey": TEST_KEY}),
    "polygon": ("/v2/aggs/ticker/C:EURUSD/range/1/minute/2026-11-20/2026-11-20", {"apiKey": TEST_KEY}),
}


def seen(account: Account, *times_s: float, key: str = "one", cost: int = 1):
    return [account.seen(key, cost, round((NOON_S + s) * NS_PER_S)) for s in times_s]


def test_a_burst_over_the_turn_of_a_minute_is_too_much():
    account = Account("polygon", [(2, 60.0)])

    *good, bad = seen(account, 58, 59, 61)

    assert good == [None, None]
    assert (bad.window, bad.used, bad.limit) == ("sliding", 3, 2)
    assert account.violations == [bad]


def test_the_calendar_is_looked_at_by_itself():
    """With a window shortened by 30 s the stretches are fine, and the minute is not."""
    account = Account("polygon", [(2, 60.0)], slack_s=30.0)

    *good, bad = seen(account, 0, 31, 59)

    assert good == [None, None]
    assert (bad.window, bad.used) == ("calendar", 3)


def test_a_day_is_a_utc_day_and_any_24_hours():
    account = Account("twelvedata", [(8, 60.0), (10, DAY_S)])
    morning = [60.0 * n for n in range(10)]

    assert seen(account, *morning) == [None] * 10
    (late,) = seen(account, DAY_S / 2 + 1)
    assert (late.window, late.per_s) == ("sliding", DAY_S)
    assert seen(account, DAY_S) == [None]


def test_exactly_a_window_later_is_in_time():
    account = Account("yahoo", [(1, 60.0)])
    assert seen(account, 0, 60, 120) == [None] * 3
    assert seen(account, 179.999)[0] is not None


def test_refused_calls_do_not_count_and_keys_do_not_share():
    account = Account("polygon", [(1, 60.0)])
    assert [found is None for found in seen(account, 0, 1, 2, 59.9, 60)] == [True, False, False, False, True]
    assert seen(account, 1, key="two") == [None]
    assert account.report()["calls"] == 6
    assert account.peaks() == [{"limit": 1, "per_s": 60.0, "peak": 1}]


def test_credits_count_not_calls():
    account = Account("twelvedata", [(8, 60.0)])
    assert seen(account, 0, cost=5) == [None]
    assert seen(account, 1, cost=4)[0].used == 9
    assert seen(account, 2, cost=3) == [None]


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=40),
    st.integers(1, 5),
    st.integers(1, 90),
)
def test_it_finds_what_looking_at_every_stretch_finds(steps, calls, per_s):
    """Of the calls that were let through none is too much, and each that was refused would have been."""
    account = Account("polygon", [(calls, per_s)])
    kept, now_s = [], 0
    for step in steps:
        now_s += step
        found = account.seen("one", 1, now_s * NS_PER_S)
        if found is None:
            kept.append(now_s)
        else:
            assert sum(now_s - per_s < at_s for at_s in kept) >= calls
    starts = range(now_s + 1)
    fullest = max(sum(start <= at_s < start + per_s for at_s in kept) for start in starts)
    assert fullest <= calls
    assert account.peaks()[0]["peak"] == fullest
    assert len(kept) + len(account.violations) == len(steps)


@pytest.mark.parametrize(
    ("provider", "limit", "status", "body"),
    [
        ("yahoo", (1, 60), 429, "Edge: Too Many Requests"),
        ("alphavantage", (1, 1), 200, {"Information": "spreading out your free API requests"}),
        ("alphavantage", (1, 60), 200, {"Note": "call frequency is 1 calls per minute"}),
        ("alphavantage", (1, DAY_S), 200, {"Information": "rate limit is 1 requests per day"}),
        ("twelvedata", (1, 60), 200, {"code": 429, "message": "current minute. 2 API credits were used"}),
        ("twelvedata", (1, DAY_S), 200, {"code": 429, "message": "for the day. 2 API credits were used"}),
        ("polygon", (1, 60), 429, {"status": "ERROR", "error": "exceeded the maximum requests per minute"}),
    ],
)
def test_a_call_too_many_is_answered_in_the_words_of_the_provider(provider, limit, status, body):
    world = World(Market(), NOON_S * NS_PER_S, limits={provider: [limit]})
    path, params = ASK[provider]

    first, second = (world.answer(provider, path, params, AGENT, (NOON_S + s) * NS_PER_S) for s in (0, 0))

    assert first.status == 200
    assert len(first.body) > 1000
    assert second.status == status
    if isinstance(body, str):
        assert second.body.decode() == body
    else:
        told = msgspec.json.decode(second.body)
        for name, value in body.items():
            assert (value in told[name]) if isinstance(value, str) else told[name] == value
    assert [(found.provider, found.used) for found in world.violations] == [(provider, 2)]


def test_twelve_data_tells_its_credits_and_each_symbol_is_one():
    world = World(Market(), NOON_S * NS_PER_S)
    path, params = ASK["twelvedata"]
    three = {**params, "symbol": "EUR/USD,AAPL,BTC/USD"}

    headers = [world.answer("twelvedata", path, three, {}, NOON_S * NS_PER_S).headers for _ in range(3)]

    assert [found["api-credits-used"] for found in headers] == ["3", "6", "6"]
    assert headers[0]["api-credits-left"] == "5"
    assert [found.used for found in world.violations] == [9]
