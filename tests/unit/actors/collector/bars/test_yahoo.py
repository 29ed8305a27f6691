import json

import pytest
from hypothesis import given
from msgspec.structs import asdict

from actors.collector.bars.providers.provider import MINUTE_NS, Answer, Page, Query, Refusal
from actors.collector.bars.providers.yahoo import Yahoo
from tests.support import data
from tests.unit.actors.collector.bars.mutated import answers, check

S = 1_000_000_000
T0_S = 1_795_168_680
"""A full minute."""
NOW_NS = (T0_S + 100) * S
YAHOO = Yahoo()


def body(starts_s, closes, raw="EURUSD=X", kind="CURRENCY", volumes=None, **meta):
    meta = {"symbol": raw, "instrumentType": kind, "dataGranularity": "1m", "currency": "USD"} | meta
    volumes = [0 if close else None for close in closes] if volumes is None else volumes
    quote = dict.fromkeys(("open", "high", "low", "close"), closes) | {"volume": volumes}
    result = {"meta": meta, "timestamp": starts_s, "indicators": {"quote": [quote]}}
    return {"chart": {"result": [result], "error": None}}


def query(raw="EURUSD=X", from_s=T0_S - 3600, to_s=T0_S + 3600):
    return Query(raw, from_s * S, to_s * S)


def read(document, status=200, headers=None, asked=None, at_ns=NOW_NS):
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return YAHOO.read(asked or query(), Answer(status, headers or {}, content, at_ns))


def refusal(document, status=200, **more):
    found = read(document, status, **more)
    assert isinstance(found, Refusal), found
    return found


def error(code, description):
    return {"chart": {"result": None, "error": {"code": code, "description": description}}}


def test_asks_with_an_encoded_name_and_like_a_browser():
    call = YAHOO.call(query("^NDX"), "http://127.0.0.1:1/", "", NOW_NS)
    assert call.url == "http://127.0.0.1:1/v8/finance/chart/%5ENDX"
    assert call.params["period1"] == str(T0_S - 3600)
    assert call.params["period2"] == str(T0_S + 3600)
    assert call.params["interval"] == "1m"
    assert call.params["includePrePost"] == "false"
    assert call.headers["User-Agent"].startswith("Mozilla/5.0")
    assert (
        YAHOO.call(query("GC=F"), "", "", NOW_NS).url
        == "https://query1.finance.yahoo.com/v8/finance/chart/GC%3DF"
    )


def test_a_range_that_ends_within_a_second_is_asked_for_whole():
    asked = Query("AAPL", T0_S * S + 1, (T0_S + 60) * S + 1)
    assert YAHOO.call(asked, "", "", NOW_NS).params["period2"] == str(T0_S + 61)


@pytest.mark.parametrize("raw", ["", "A B", "x" * 40, "A\nB", "€", "a/../b?x", "A&B"])
def test_what_is_no_name_is_not_asked_for(raw):
    with pytest.raises(ValueError, match="no name of Yahoo"):
        YAHOO.call(query(raw), "", "", NOW_NS)


def test_a_timeframe_that_it_has_not_is_not_asked_for():
    with pytest.raises(ValueError, match="no bars of 4h"):
        YAHOO.call(query()._replace(timeframe="4h"), "", "", NOW_NS)


def test_nulls_and_the_live_quote_are_left_out_and_the_running_minute_stays():
    found = read(body([T0_S, T0_S + 60, T0_S + 91], [1.1514, None, 1.1515]))
    assert [bar.ts_open_ns for bar in found.bars] == [T0_S * S]
    assert found.dropped == {"null": 1, "off_grid": 1}

    found = read(body([T0_S, T0_S + 60, T0_S + 91], [1.1514, 1.2, 1.1515]))
    assert [(bar.ts_open_ns, bar.is_running) for bar in found.bars] == [
        (T0_S * S, False),
        ((T0_S + 60) * S, True),
    ]
    assert found.dropped == {"off_grid": 1}


def test_a_bar_that_ends_when_the_answer_comes_is_closed():
    document = body([T0_S], [1.1])
    assert not read(document, at_ns=(T0_S + 60) * S).bars[0].is_running
    assert read(document, at_ns=(T0_S + 60) * S - 1).bars[0].is_running


def test_the_closing_print_of_a_share_is_no_bar():
    asked = query("AAPL")
    document = body([T0_S, T0_S + 60], [1.0, 1.0], "AAPL", "EQUITY", [5, 0], regularMarketTime=T0_S + 60)
    found = read(document, asked=asked)
    assert [bar.ts_open_ns for bar in found.bars] == [T0_S * S]
    assert found.dropped == {"off_grid": 1}

    currency = body([T0_S], [1.1], regularMarketTime=T0_S)
    assert len(read(currency).bars) == 1

    still_trading = body(
        [T0_S, T0_S + 60], [1.0, 1.0], "AAPL", "EQUITY", [5, 0], regularMarketTime=T0_S + 119
    )
    assert len(read(still_trading, asked=asked).bars) == 2


def test_currencies_and_crypto_have_no_volume_and_shares_have_theirs():
    assert read(body([T0_S], [1.1])).bars[0].volume is None
    btc = body([T0_S], [9e4], "BTC-USD", "CRYPTOCURRENCY", [27_909_466_112])
    assert read(btc, asked=query("BTC-USD")).bars[0].volume is None
    assert read(body([T0_S], [9.0], "QQQ", "ETF", [7]), asked=query("QQQ")).bars[0].volume == 7.0
    assert read(body([T0_S], [9.0], "QQQ", "ETF", [0]), asked=query("QQQ")).bars[0].volume == 0.0


def test_shares_are_adjusted_for_splits_and_currencies_have_none():
    assert read(body([T0_S], [9.0], "QQQ", "ETF", [7]), asked=query("QQQ")).is_adjusted
    assert not read(body([T0_S], [1.1])).is_adjusted
    split = body([T0_S], [9.0], "X", None, [7])
    split["chart"]["result"][0]["events"] = {"splits": {"1": {"numerator": 4, "denominator": 1}}}
    assert read(split, asked=query("X")).is_adjusted


def test_repeated_and_impossible_rows_and_those_out_of_range_are_counted():
    starts = [T0_S, T0_S, -60, 9 * 10**9, T0_S - 7200, T0_S + 60, T0_S + 120]
    found = read(body(starts, [1.0, 2.0, 1.0, 1.0, 1.0, -1.0, 1e16]))
    assert [bar.close for bar in found.bars] == [1.0]
    assert found.dropped == {"repeated": 1, "impossible": 4, "out_of_range": 1}


def test_bars_come_oldest_first():
    found = read(body([T0_S + 60, T0_S], [2.0, 1.0]))
    assert [bar.close for bar in found.bars] == [1.0, 2.0]


def test_inconsistent_bars_pass():
    document = body([T0_S], [1.0])
    document["chart"]["result"][0]["indicators"]["quote"][0]["high"] = [0.5]
    assert read(document).bars[0].high == 0.5


def test_no_timestamps_no_quotes_no_result_are_empty():
    document = body([], [])
    del document["chart"]["result"][0]["timestamp"]
    document["chart"]["result"][0]["indicators"]["quote"] = [{}]
    assert refusal(document).kind == "empty"
    assert refusal({"chart": {"result": [], "error": None}}).kind == "empty"
    assert refusal(body([T0_S], [None])).kind == "empty"
    assert (
        refusal(error("Bad Request", "Data doesn't exist for startDate = 1, endDate = 2"), 400).kind
        == "empty"
    )


def test_only_impossible_rows_are_broken_and_not_a_quiet_time():
    assert refusal(body([T0_S], [-1.0])).kind == "broken"


def test_columns_of_different_lengths_are_broken():
    document = body([T0_S, T0_S + 60], [1.0, 1.0])
    document["chart"]["result"][0]["indicators"]["quote"][0]["low"] = [1.0]
    assert refusal(document).kind == "broken"


def test_another_instrument_or_interval_is_refused():
    assert refusal(body([T0_S], [1.0], "GBPUSD=X")).kind == "wrong_symbol"
    assert refusal(body([T0_S], [1.0], dataGranularity="5m")).kind == "wrong_symbol"
    assert isinstance(read(body([T0_S], [1.0], "JPY=X"), asked=query("USDJPY=X")), Page)


@pytest.mark.parametrize(
    ("status", "document", "kind"),
    [
        (404, error("Not Found", "No data found, symbol may be delisted"), "bad_symbol"),
        (
            422,
            error("Unprocessable Entity", "1m data not available for startTime=1 and endTime=2."),
            "bad_request",
        ),
        (400, error("Bad Request", "Invalid input"), "bad_request"),
        (
            401,
            {"finance": {"result": None, "error": {"code": "Unauthorized", "description": "Invalid Crumb"}}},
            "auth",
        ),
        (500, error("Internal Server Error", "oh"), "unavailable"),
        (429, b"Too Many Requests\r\n", "throttled"),
        (429, b"Edge: Too Many Requests", "throttled"),
        (200, b"<html><title>Yahoo</title><body>Will be right back...</body></html>", "unavailable"),
        (200, b"<html><body>Hello</body></html>", "broken"),
        (200, b'{"chart":{"result":[{"meta":', "broken"),
        (200, b"", "broken"),
        (200, b"{}", "broken"),
        (502, b"<html>Bad Gateway</html>", "unavailable"),
        (302, b"", "unavailable"),
    ],
)
def test_refusals(status, document, kind):
    found = refusal(document, status)
    assert (found.kind, found.status) == (kind, status)
    assert found.text


def test_words_are_one_harmless_line():
    found = refusal(error("Bad\x00Request", "a\u202eb\r\n  c" + " d" * 300), 400)
    assert found.text.startswith("Bad Request: a b c d d")
    assert len(found.text) == 200


def test_whoever_hurries_rests_ten_minutes_or_as_long_as_yahoo_says():
    assert refusal(b"Too Many Requests", 429).retry_after_s == 600.0
    assert refusal(b"Too Many Requests", 429, headers={"retry-after": "5"}).retry_after_s == 600.0
    assert refusal(b"Too Many Requests", 429, headers={"retry-after": "900"}).retry_after_s == 900.0


@given(answers([json.dumps(one).encode() for one in (
    body([T0_S, T0_S + 60, T0_S + 91], [1.1514, None, 1.1515], regularMarketTime=T0_S + 91),
    error("Not Found", "No data found"),
)], NOW_NS))  # fmt: skip
def test_reading_never_fails(answer):
    check(query(), answer, YAHOO.read(query(), answer))


@pytest.mark.recording
def test_the_split_of_nvda_is_in_its_closes():
    """228.40 dollars were paid on 2022-01-28; ten for one were given in June 2024; it was recorded in February 2025."""
    name = "yahoo/historical-via-chart-NVDA-split-2021-02-01-to-2022-01-31.csv.json"
    document = json.loads(data.recording(name).read_bytes())["response"]["bodyJson"]
    found = read(document, asked=Query("NVDA", 0, 2 * 10**18, "1d"))
    assert found.bars[-1].close == pytest.approx(22.84)
    assert found.is_adjusted
    by_day = {bar.ts_open_ns // (86_400 * S): bar.close for bar in found.bars}
    split_day = 1_626_787_800 // 86_400  # 2021-07-20, four for one
    assert abs(by_day[split_day] / by_day[split_day - 1] - 1) < 0.1


def test_what_it_promises_fits_together():
    assert YAHOO.longest_ns == YAHOO.bars_per_call * MINUTE_NS
    assert YAHOO.reach_ns >= YAHOO.longest_ns
    assert [tuple(limit) for limit in YAHOO.limits] == [(30, 60.0)]
    assert asdict(read(body([T0_S], [1.1])))["cursor"] == ""
