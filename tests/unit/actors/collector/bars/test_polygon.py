import json

import pytest
from hypothesis import given

from actors.collector.bars.providers.polygon import Polygon
from actors.collector.bars.providers.provider import MINUTE_NS, Answer, Page, Query, Refusal
from actors.collector.bars.providers.times import MAX_NS
from tests.unit.actors.collector.bars.mutated import answers, check

S = 1_000_000_000
T0_NS = 1_795_168_740 * S
NOW_NS = T0_NS + 90 * S
POLYGON = Polygon()
FX = Query("C:EURUSD", 0, MAX_NS)
SHARE = Query("QQQ", 0, MAX_NS)
NEXT = "https://api.massive.com/v2/aggs/ticker/C:EURUSD/range/1/minute/1795168800000/1795219200000?cursor=bGltaXQ9NQ"


def row(minute=0, **more):
    start_ms = T0_NS // 1_000_000 + 60_000 * minute
    return {
        "v": 125,
        "vw": 1.15152,
        "o": 1.1515,
        "c": 1.15155,
        "h": 1.1516,
        "l": 1.1514,
        "t": start_ms,
        "n": 125,
    } | more


def body(rows, ticker="C:EURUSD", **more):
    document = {
        "ticker": ticker,
        "resultsCount": len(rows),
        "adjusted": True,
        "results": rows,
        "status": "OK",
    } | more
    if not rows:
        del document["results"]
    return document


def read(document, asked=FX, status=200, headers=None):
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return POLYGON.read(asked, Answer(status, headers or {}, content, NOW_NS))


def refusal(document, **more):
    found = read(document, **more)
    assert isinstance(found, Refusal), found
    return found


@pytest.mark.parametrize("base", ["", "https://api.polygon.io", "http://127.0.0.1:1/polygon/"])
def test_asks_with_the_key_in_a_header_alone(base):
    call = POLYGON.call(Query("C:EURUSD", T0_NS, T0_NS + 600 * S), base, "SECRET", NOW_NS)
    where = (base or "https://api.massive.com").rstrip("/")
    assert call.url == f"{where}/v2/aggs/ticker/C:EURUSD/range/1/minute/1795168740000/1795169339999"
    assert call.headers["Authorization"] == "Bearer SECRET"
    assert call.params == {"adjusted": "true", "sort": "asc", "limit": "50000"}


def test_each_asset_class_has_its_own_plan():
    endpoints = [POLYGON.endpoint(raw) for raw in ("C:EURUSD", "X:BTCUSD", "I:NDX", "QQQ")]
    assert len(set(endpoints)) == 4


@pytest.mark.parametrize("raw", ["", "C:EUR USD", "A?apiKey=x", "x" * 40])
def test_what_is_no_name_is_not_asked_for(raw):
    with pytest.raises(ValueError, match="no name of Massive"):
        POLYGON.call(Query(raw, 0, 1), "", "", NOW_NS)


def test_updates_of_a_currency_are_counted_and_are_no_volume():
    bar = read(body([row()])).bars[0]
    assert (bar.ts_open_ns, bar.volume, bar.count, bar.vwap) == (T0_NS, None, 125, 0.0)
    assert not read(body([row()])).is_adjusted


def test_shares_have_volume_count_and_average_price():
    found = read(body([row(v=2628.5, n=89)], "QQQ"), SHARE)
    assert [(bar.volume, bar.count, bar.vwap) for bar in found.bars] == [(2628.5, 89, 1.15152)]
    assert found.is_adjusted
    assert not read(body([row()], "QQQ", adjusted=False), SHARE).is_adjusted


def test_newest_first_comes_oldest_first_and_the_last_minute_runs():
    found = read(body([row(1), row(0)]))
    assert [(bar.ts_open_ns, bar.is_running) for bar in found.bars] == [
        (T0_NS, False),
        (T0_NS + MINUTE_NS, True),
    ]


def test_delayed_is_said():
    assert read(body([row()], status="DELAYED")).is_delayed
    assert not read(body([row()])).is_delayed


def test_without_results_it_is_empty():
    assert refusal(body([])).kind == "empty"
    assert refusal(body([], status="DELAYED")).kind == "empty"


@pytest.mark.parametrize(
    "host", ["https://api.massive.com", "https://api.polygon.io", "https://evil.example"]
)
def test_the_next_page_is_asked_of_the_base_address_with_the_key_in_a_header(host):
    next_url = NEXT.replace("https://api.massive.com", host) + "&apiKey=LEAKED&sort=asc"
    page = read(body([row()], next_url=next_url))
    assert page.cursor
    assert "LEAKED" not in page.cursor
    call = POLYGON.call(FX._replace(cursor=page.cursor), "http://127.0.0.1:1", "SECRET", NOW_NS)
    assert call.url == "http://127.0.0.1:1/v2/aggs/ticker/C:EURUSD/range/1/minute/1795168800000/1795219200000"
    assert call.params == {"cursor": "bGltaXQ9NQ", "sort": "asc"}
    assert call.headers["Authorization"] == "Bearer SECRET"


def test_a_page_without_bars_may_have_a_next_one():
    found = read(body([], next_url=NEXT))
    assert isinstance(found, Page)
    assert found.bars == []
    assert found.cursor


@pytest.mark.parametrize(
    "next_url",
    [
        "https://api.massive.com/v3/quotes?x=1",
        "https://[bad/v2/aggs/ticker/",
        "x",
        NEXT + "a" * 3000,
        NEXT.replace("1795", "../"),
    ],
)
def test_a_next_page_that_is_none_breaks_the_answer(next_url):
    assert refusal(body([row()], next_url=next_url)).kind == "broken"


def test_pages_that_go_in_circles_are_broken():
    cursor = read(body([row()], next_url=NEXT)).cursor
    assert refusal(body([row()], next_url=NEXT), asked=FX._replace(cursor=cursor)).kind == "broken"


@pytest.mark.parametrize("cursor", ["https://evil.example/", "/v3/keys", "/v2/aggs/ticker/../../keys"])
def test_a_cursor_of_somebody_else_is_not_followed(cursor):
    with pytest.raises(ValueError, match="no cursor"):
        POLYGON.call(FX._replace(cursor=cursor), "", "SECRET", NOW_NS)


@pytest.mark.parametrize(
    ("status", "document", "kind", "wait_s"),
    [
        (401, {"status": "ERROR", "request_id": "1", "error": "Unknown API Key"}, "auth", None),
        (403, {"status": "NOT_AUTHORIZED", "message": "You are not entitled to this data."}, "plan", None),
        (200, {"status": "NOT_AUTHORIZED", "message": "You are not entitled to this data."}, "plan", None),
        (
            429,
            {"status": "ERROR", "error": "You've exceeded the maximum requests per minute, please wait"},
            "throttled",
            60.0,
        ),
        (429, b"", "throttled", None),
        (404, {"status": "NOT_FOUND", "message": "Ticker not found"}, "bad_symbol", None),
        (400, {"status": "ERROR", "error": "'from' must be before 'to'"}, "bad_request", None),
        (500, {"status": "ERROR", "error": "oh"}, "unavailable", None),
        (502, b"<html>Bad Gateway</html>", "unavailable", None),
        (200, {"status": "ERROR", "error": "something"}, "bad_request", None),
        (200, {"status": "ODD"}, "broken", None),
        (200, {"hello": 1}, "broken", None),
        (200, b"{", "broken", None),
        (301, b"", "unavailable", None),
    ],
)
def test_refusals(status, document, kind, wait_s):
    found = refusal(document, status=status)
    assert (found.kind, found.retry_after_s, found.status) == (kind, wait_s, status)
    assert found.text


def test_a_later_date_to_come_again_counts():
    text = "Fri, 20 Nov 2026 10:05:30 GMT"
    assert refusal(b"", status=429, headers={"retry-after": text}).retry_after_s == 300.0


def test_another_ticker_is_refused():
    assert refusal(body([row()], "C:GBPUSD")).kind == "wrong_symbol"


@pytest.mark.parametrize("name", ["o", "h", "l", "c"])
@pytest.mark.parametrize("price", [0, -1, 1e-13, 1e16])
def test_each_price_must_be_possible(name, price):
    found = read(body([row(), row(1, **{name: price})]))
    assert [bar.ts_open_ns for bar in found.bars] == [T0_NS]
    assert found.dropped == {"impossible": 1}


@pytest.mark.parametrize("volume", [-1, 1e19])
def test_a_volume_must_be_possible(volume):
    assert read(body([row(), row(1, v=volume)], "QQQ"), SHARE).dropped == {"impossible": 1}


def test_what_it_says_about_when_to_come_again_counts():
    document = {"status": "ERROR", "error": "You've exceeded the maximum requests per minute"}
    assert refusal(document, status=429, headers={"retry-after": "7"}).retry_after_s == 7.0


def test_longer_bars_than_asked_for_are_noticed_though_nobody_says_so():
    assert refusal(body([row(5 * n) for n in range(12)])).kind == "wrong_symbol"
    assert isinstance(read(body([row(5 * n) for n in range(11)])), Page)
    assert isinstance(read(body([row(5 * n) for n in range(12)] + [row(7)])), Page)
    assert isinstance(read(body([row(5 * n) for n in range(12)]), FX._replace(timeframe="5m")), Page)


def test_numbers_that_no_bar_has_are_left_out():
    rows = [
        row(),
        row(1, n=10**15, v=None),
        row(2, o=None),
        row(3, t=None),
        row(4, h=1e300),
        row(0),
        row(5, n=-1),
    ]
    found = read(body(rows, "QQQ"), SHARE)
    assert [(bar.volume, bar.count) for bar in found.bars] == [(125.0, 125), (None, 10**15), (125.0, 0)]
    assert found.dropped == {"null": 1, "impossible": 2, "repeated": 1}


@given(answers([json.dumps(one).encode() for one in (
    body([row(), row(1)], next_url=NEXT), {"status": "ERROR", "error": "Unknown API Key"},
)], NOW_NS))  # fmt: skip
def test_reading_never_fails(answer):
    check(FX, answer, POLYGON.read(FX, answer))
