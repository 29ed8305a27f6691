import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from actors.collector.bars.providers.alphavantage import AlphaVantage
from actors.collector.bars.providers.alphavantage_csv import read_csv
from actors.collector.bars.providers.provider import MINUTE_NS, Answer, Query, Refusal, Told
from actors.collector.bars.providers.times import MAX_NS
from tests.unit.actors.collector.bars.mutated import answers, check

S = 1_000_000_000
NEW_YORK = ZoneInfo("America/New_York")
ALPHA = AlphaVantage()
KEY = "ABCDEFGH12345678"
BURST = (
    "Thank you for using Alpha Vantage! Please consider spreading out your free API requests more sparingly (1 request per "
    "second). You may subscribe to any of the premium plans at https://www.alphavantage.co/premium/ to lift the free key rate "
    "limit (25 requests per day), raise the per-second burst limit, and instantly unlock all premium endpoints"
)
DAY = (
    f"We have detected your API key as {KEY} and our standard API rate limit is 25 requests per day. Please subscribe to any "
    "of the premium plans at https://www.alphavantage.co/premium/ to instantly remove all daily rate limits."
)
PREMIUM = (
    "Thank you for using Alpha Vantage! This is a premium endpoint. You may subscribe to any of the premium plans at "
    "https://www.alphavantage.co/premium/ to instantly unlock all premium endpoints"
)
NOTE = (
    "Thank you for using Alpha Vantage! Our standard API call frequency is 5 calls per minute and 500 calls per day. Please "
    "visit https://www.alphavantage.co/premium/ if you would like to target a higher API call frequency."
)
INVALID = "Invalid API call. Please retry or visit the documentation (https://www.alphavantage.co/documentation/) for FX_INTRADAY."
NO_KEY = "the parameter apikey is invalid or missing. Please claim your free API key on (https://www.alphavantage.co/support/)."


def ns(text, zone=NEW_YORK, fold=0):
    return int(datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()) * S


NOW_NS = ns("2026-11-20 10:00:30")
EVER = Query("QQQ", 0, MAX_NS)
FX = Query("EUR/USD", 0, MAX_NS)


def shares(rows, zone="US/Eastern", raw="QQQ", interval="1min"):
    meta = {"1. Information": "Intraday", "2. Symbol": raw, "4. Interval": interval, "6. Time Zone": zone}
    prices = {"1. open": "9.0", "2. high": "9.5", "3. low": "8.5"}
    series = {time: prices | {"4. close": close, "5. volume": "70"} for time, close in rows.items()}
    return {"Meta Data": meta, "Time Series (1min)": series}


def pair(rows, to="USD"):
    meta = {"2. From Symbol": "EUR", "3. To Symbol": to, "5. Interval": "1min", "7. Time Zone": "UTC"}
    series = {
        time: {"1. open": "1.1", "2. high": "1.2", "3. low": "1.0", "4. close": close}
        for time, close in rows.items()
    }
    return {"Meta Data": meta, "Time Series FX (1min)": series}


def read(document, asked=EVER, status=200, at_ns=NOW_NS):
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return ALPHA.read(asked, Answer(status, {}, content, at_ns))


def refusal(document, **more):
    found = read(document, **more)
    assert isinstance(found, Refusal), found
    return found


def test_asks_for_currencies_and_for_shares():
    fx = ALPHA.call(Query("EUR/USD", NOW_NS - 60 * S, NOW_NS), "", KEY, NOW_NS)
    assert fx.url == "https://www.alphavantage.co/query"
    assert {
        "function": "FX_INTRADAY",
        "from_symbol": "EUR",
        "to_symbol": "USD",
        "interval": "1min",
    }.items() <= fx.params.items()
    share = ALPHA.call(Query("QQQ", NOW_NS - 60 * S, NOW_NS), "http://127.0.0.1:1", KEY, NOW_NS)
    assert share.url == "http://127.0.0.1:1/query"
    assert share.params["function"] == "TIME_SERIES_INTRADAY"
    assert (share.params["symbol"], share.params["adjusted"], share.params["extended_hours"]) == (
        "QQQ",
        "true",
        "false",
    )
    assert share.params["apikey"] == KEY
    assert KEY not in share.url
    assert (ALPHA.endpoint("EUR/USD"), ALPHA.endpoint("QQQ")) == ("fx_intraday", "time_series_intraday")


def test_the_short_answer_is_for_what_it_surely_holds():
    def size(minutes_ago):
        return ALPHA.call(Query("QQQ", NOW_NS - minutes_ago * MINUTE_NS, NOW_NS), "", KEY, NOW_NS).params[
            "outputsize"
        ]

    assert [size(5), size(99), size(100), size(40_000)] == ["compact", "compact", "full", "full"]


@pytest.mark.parametrize("raw", ["", "EUR/", "eur/usd", "EUR/USD/JPY", "A B", "EUR/USD&apikey=x"])
def test_what_is_no_name_is_not_asked_for(raw):
    with pytest.raises(ValueError, match="is no"):
        ALPHA.call(Query(raw, 0, 1), "", KEY, NOW_NS)


def test_times_are_those_of_the_zone_it_names_oldest_first():
    found = read(shares({"2026-11-20 09:59:00": "3", "2026-11-20 09:58:00": "2", "2026-07-20 09:58:00": "1"}))
    assert [(bar.ts_open_ns, bar.close) for bar in found.bars] == [
        (ns("2026-07-20 09:58:00"), 1.0),
        (ns("2026-11-20 09:58:00"), 2.0),
        (ns("2026-11-20 09:59:00"), 3.0),
    ]
    assert ns("2026-07-20 09:58:00") == 1_784_555_880 * S  # 13:58 UTC: summer time
    assert found.bars[0].volume == 70.0
    assert found.is_adjusted


def test_currencies_are_in_utc_without_volume():
    found = read(pair({"2026-11-20 09:55:00": "1.15"}), FX)
    assert [(bar.ts_open_ns, bar.volume) for bar in found.bars] == [(1_795_168_500 * S, None)]
    assert not found.is_adjusted


def test_the_minute_that_is_not_over_is_running():
    found = read(shares({"2026-11-20 09:59:00": "1", "2026-11-20 10:00:00": "1"}))
    assert [bar.is_running for bar in found.bars] == [False, True]


def test_an_hour_that_never_was_and_one_that_was_twice_are_left_out():
    found = read(shares({"2026-03-08 01:30:00": "1", "2026-03-08 02:30:00": "1", "2026-03-08 03:30:00": "1"}))
    assert len(found.bars) == 2
    assert found.dropped == {"impossible": 1}
    found = read(shares({"2026-11-01 00:30:00": "1", "2026-11-01 01:30:00": "1", "2026-11-01 02:30:00": "1"}))
    assert [bar.ts_open_ns for bar in found.bars] == [ns("2026-11-01 00:30:00"), ns("2026-11-01 02:30:00")]
    assert found.dropped == {"impossible": 1}


def test_a_zone_that_nobody_knows_is_broken():
    assert refusal(shares({"2026-11-20 09:59:00": "1"}, "Mars/Olympus")).kind == "broken"
    assert refusal(shares({"2026-11-20 09:59:00": "1"}, "../../etc/passwd")).kind == "broken"
    assert refusal(shares({"2026-11-20 09:59:00": "1"}, "")).kind == "broken"


@pytest.mark.parametrize(
    ("document", "kind", "wait_s"),
    [
        ({"Information": BURST}, "throttled", 1.0),
        (
            {"Information": "Burst pattern detected. Please consider spreading out your API requests"},
            "throttled",
            1.0,
        ),
        ({"Information": DAY}, "throttled", 32_370.0),  # 15:00:30 UTC to midnight
        ({"Note": NOTE}, "throttled", 60.0),
        ({"Information": PREMIUM}, "plan", None),
        ({"Error Message": INVALID}, "bad_symbol", None),
        ({"Error Message": NO_KEY}, "auth", None),
        ({"Information": "The **demo** API key is for demo purposes only."}, "auth", None),
        ({"Error Message": "This API function (FX_INTRADY) does not exist."}, "bad_request", None),
        ({}, "empty", None),
        ({"Meta Data": shares({})["Meta Data"]}, "empty", None),
        (shares({}), "empty", None),
        ({"hello": 1}, "broken", None),
        (b"<html>", "broken", None),
        (b"Access denied", "broken", None),
    ],
)
def test_refusals_come_with_http_200(document, kind, wait_s):
    found = refusal(document)
    assert (found.kind, found.retry_after_s) == (kind, wait_s)
    assert found.text


def test_the_daily_limit_is_told_and_the_key_in_it_is_not():
    found = refusal({"Information": DAY})
    assert found.told == Told(left=0, limit=25, per_s=86_400.0)
    assert KEY not in found.text
    assert "25 requests per day" in found.text


@pytest.mark.parametrize(
    "text", ["We have detected your API key as demo and", "api_key=demo&x=1", "Bearer demo, no"]
)
def test_a_short_key_is_not_told_either(text):
    found = refusal({"Information": text})
    assert "demo" not in found.text
    assert "***" in found.text


def test_statuses_of_a_wall_in_front():
    assert refusal(b"Access denied", status=403).kind == "auth"
    assert refusal(b"<html>Bad Gateway</html>", status=502).kind == "unavailable"
    assert refusal(b"{}", status=503).kind == "unavailable"


def test_another_instrument_or_interval_is_refused():
    rows = {"2026-11-20 09:59:00": "1"}
    assert refusal(shares(rows, raw="SPY")).kind == "wrong_symbol"
    assert refusal(shares(rows, interval="5min")).kind == "wrong_symbol"
    assert refusal(pair(rows, "JPY"), asked=FX).kind == "wrong_symbol"


def test_what_the_answer_does_not_reach_is_not_a_quiet_time():
    document = shares({"2026-11-20 09:59:00": "1", "2026-11-20 09:50:00": "1"})
    early = Query("QQQ", ns("2026-11-20 09:00:00"), ns("2026-11-20 09:50:00"))
    assert refusal(document, asked=early).kind == "bad_request"
    within = Query("QQQ", ns("2026-11-20 09:51:00"), ns("2026-11-20 09:55:00"))
    assert refusal(document, asked=within).kind == "empty"


def test_numbers_that_are_none_are_left_out():
    found = read(
        shares({"2026-11-20 09:59:00": "1", "2026-11-20 09:58:00": "nan", "2026-11-20 09:57:00": "1_0"})
    )
    assert len(found.bars) == 1
    assert found.dropped == {"impossible": 1, "null": 1}


@given(answers([json.dumps(one).encode() for one in (
    shares({"2026-11-20 09:59:00": "3", "2026-11-20 09:58:00": "2"}), {"Information": BURST}, {"Note": NOTE},
)], NOW_NS))  # fmt: skip
def test_reading_never_fails(answer):
    check(EVER, answer, ALPHA.read(EVER, answer))


CSV = b"time,open,high,low,close,volume\n2020-11-01 16:00:00,2,3,1,2,9\n2020-11-01 15:59:00,1,1,1,1,5\n"


def test_the_extended_history_is_stamped_with_the_end_of_a_minute():
    found = read_csv(Query("", 0, MAX_NS), Answer(200, {}, CSV, MAX_NS))
    assert [(bar.ts_open_ns, bar.volume) for bar in found.bars] == [
        (ns("2020-11-01 15:58:00"), 5.0),
        (ns("2020-11-01 15:59:00"), 9.0),
    ]


def test_rows_in_order_tell_which_of_two_equal_hours_they_are():
    times = ["02:00", "01:30", "01:01", "01:59", "01:30", "00:59"]
    lines = "".join(f"2020-11-01 {time}:00,1,1,1,1,1\n" for time in times)
    answer = Answer(200, {}, CSV[:32] + lines.encode(), MAX_NS)
    starts = [bar.ts_open_ns + MINUTE_NS for bar in read_csv(Query("", 0, MAX_NS), answer).bars]
    day = "2020-11-01"
    assert starts == [
        ns(f"{day} 00:59"), ns(f"{day} 01:30"), ns(f"{day} 01:59"),
        ns(f"{day} 01:01", fold=1), ns(f"{day} 01:30", fold=1), ns(f"{day} 02:00"),
    ]  # fmt: skip


def test_an_hour_that_never_was_is_none_in_an_order_either():
    lines = b"2020-03-08 03:30:00,1,1,1,1,1\n2020-03-08 02:30:00,1,1,1,1,1\n"
    found = read_csv(Query("", 0, MAX_NS), Answer(200, {}, CSV[:32] + lines, MAX_NS))
    assert len(found.bars) == 1
    assert found.dropped == {"impossible": 1}


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", CSV + b"1,2\n", CSV[:32]])
def test_a_file_of_something_else_is_refused(content):
    assert isinstance(read_csv(Query("", 0, MAX_NS), Answer(200, {}, content, MAX_NS)), Refusal)
