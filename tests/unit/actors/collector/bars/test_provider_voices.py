"""Local providers tell what the market did, keep their ranges, and refuse as the real ones do."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import pytest

from actors.collector.bars.providers.provider import Answer, Page, Query
from actors.collector.bars.providers.registry import provider as provider_named
from tests.support.providers.market import Market
from tests.support.providers.tape import Row, Traits, traded
from tests.support.providers.voice import TEST_KEY
from tests.support.providers.world import World
from tests.unit.actors.collector.bars.provider_calls import (
    HEADERS,
    MINUTES,
    NOW_NS,
    NOW_S,
    PROVIDERS,
    answer,
    bars,
    call,
    finished,
    words,
)

ASKED: Final = [
    (name, symbol)
    for name in PROVIDERS
    for symbol in ("EUR_USD", "AAPL", "XAU_USD", "BTC_USD", "NAS100")
    if name in Market().listings[symbol].raws
]


def world(**options: Any) -> World:
    return World(Market(), NOW_NS, limits={}, **options)


@pytest.mark.parametrize(("name", "symbol"), ASKED)
def test_the_collector_reads_what_the_market_did(name, symbol):
    """Through the collector's own call and reading: nothing is lost between them, nothing is invented."""
    one = world()
    listing, ours = one.market.listings[symbol], provider_named(name)
    from_ns = NOW_NS - NOW_NS % 60_000_000_000 - MINUTES * 60_000_000_000
    query = Query(listing.raws[name], from_ns, NOW_NS)
    asked = ours.call(query, "", TEST_KEY, NOW_NS)
    delivery = one.ask(asked.url, asked.params, asked.headers, NOW_NS)
    page = ours.read(query, Answer(delivery.status, delivery.headers, delivery.body, NOW_NS))

    assert isinstance(page, Page), page
    tape = one.voices[name].tape
    truth = traded(tape.rows(listing, from_ns // 10**9, NOW_S, tape.visible_ns(NOW_NS)))
    told = [bar for bar in page.bars if not bar.is_running]
    assert len(truth) >= MINUTES - 5
    assert [bar.ts_open_ns // 10**9 for bar in told] == [row.ts_s for row in truth]
    for bar, row in zip(told, truth, strict=True):
        assert (bar.open, bar.high, bar.low, bar.close) == pytest.approx(row[1:5], rel=1e-7)
        assert bar.volume in (None, row.volume)
    market = {bar.ts_open_ns: bar for bar in (one.market.minute(symbol, row.ts_s * 10**9) for row in truth)}
    worst = max(abs(bar.close / market[bar.ts_open_ns].close - 1) for bar in told)
    assert worst <= one.voices[name].traits.offset_bp * 1.01e-4 + listing.tick_size / listing.price


def test_yahoo_has_nulls_and_the_live_quote_in_the_last_row():
    one = world()
    quiet_s = next(
        row.ts_s
        for row in one.voices["yahoo"].tape.rows(
            one.market.listings["EUR_USD"], NOW_S - 86_400, NOW_S, NOW_NS
        )
        if not row.trades
    )
    asked = call("yahoo", "EURUSD%3DX", 1440)
    (result,) = json.loads(one.answer("yahoo", *asked, HEADERS, NOW_NS).body)["chart"]["result"]
    where, quote = result["timestamp"].index(quiet_s), result["indicators"]["quote"][0]

    assert [column[where] for column in quote.values()] == [None] * 5
    *_, running_s, live_s = result["timestamp"]
    assert (
        (running_s, live_s)
        == (NOW_S - 35, NOW_S - 1)
        == (NOW_S - NOW_S % 60, result["meta"]["regularMarketTime"])
    )
    assert quote["open"][-1] == quote["close"][-1] == quote["close"][-2]


@pytest.mark.parametrize(
    ("days_ago", "days", "status", "told"),
    [
        (8, 8, 200, '"result":[{'),
        (9, 8.01, 422, "only 8 days worth of 1m granularity data are allowed to be fetched per request."),
        (30.1, 1, 422, "the requested range must be within the last 30 days."),
    ],
)
def test_yahoo_keeps_its_ranges(days_ago, days, status, told):
    from_s = round(NOW_S - days_ago * 86_400)
    params = {"interval": "1m", "period1": str(from_s), "period2": str(round(from_s + days * 86_400))}
    delivery = world().answer("yahoo", "/v8/finance/chart/AAPL", params, HEADERS, NOW_NS)
    assert delivery.status == status
    assert told in words(delivery.body)


def test_yahoo_wants_a_browser():
    delivery = world().answer("yahoo", *call("yahoo", "AAPL"), {"user-agent": "python-httpx/2.16"}, NOW_NS)
    assert (delivery.status, delivery.body) == (429, b"Too Many Requests")


@pytest.mark.parametrize(
    ("provider", "status", "told"),
    [
        ("yahoo", 404, "no data found, symbol may be delisted"),
        ("alphavantage", 200, "invalid api call"),
        ("twelvedata", 200, "**symbol** not found"),
        ("polygon", 200, '"resultscount":0'),
    ],
)
def test_unknown_symbols(provider, status, told):
    delivery = world().answer(provider, *call(provider, "NOSUCH"), HEADERS, NOW_NS)
    assert delivery.status == status
    assert told in words(delivery.body)


@pytest.mark.parametrize(
    ("provider", "status", "told"),
    [
        ("alphavantage", 200, "the parameter apikey is invalid or missing"),
        ("twelvedata", 200, "invalid api key"),
        ("polygon", 401, "unknown api key"),
    ],
)
@pytest.mark.parametrize("key", ["", "another"])
def test_keys_must_be_right(provider, status, told, key):
    delivery = world().answer(provider, *call(provider, "AAPL", key=key), HEADERS, NOW_NS)
    assert delivery.status == status
    assert told in words(delivery.body)


def test_twelve_data_may_say_it_with_the_status_too():
    one = world(traits={"twelvedata": Traits(has_http_codes=True)})
    assert one.answer("twelvedata", *call("twelvedata", "NOSUCH"), HEADERS, NOW_NS).status == 404


def test_twelve_data_answers_newest_first_in_the_time_of_the_exchange_unless_told():
    params = {"symbol": "AAPL,EUR/USD,NOSUCH", "interval": "1min", "outputsize": "2", "apikey": TEST_KEY}
    told = json.loads(world().answer("twelvedata", "/time_series", params, {}, NOW_NS).body)

    assert [row["datetime"] for row in told["AAPL"]["values"]] == [
        "2026-11-20 10:30:00",
        "2026-11-20 10:29:00",
    ]
    assert [row["datetime"] for row in told["EUR/USD"]["values"]] == [
        "2026-11-20 15:30:00",
        "2026-11-20 15:29:00",
    ]
    assert told["NOSUCH"]["status"] == "error"


def test_alpha_vantage_has_whole_months_of_shares():
    params = {"function": "TIME_SERIES_INTRADAY", "symbol": "AAPL", "interval": "1min", "outputsize": "full"}
    asked = params | {"month": "2026-10", "apikey": TEST_KEY}
    body = world().answer("alphavantage", "/query", asked, {}, NOW_NS).body
    rows = bars("alphavantage", body)

    assert 22 * 390 - 40 < len(rows) <= 22 * 390
    assert json.loads(body)["Meta Data"]["3. Last Refreshed"] == "2026-10-30 15:59:00"


@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_polygon_pages_lead_to_every_bar_once(sort):
    one = world()
    path, params = call("polygon", "X:BTCUSD", 1000)
    whole = bars("polygon", one.answer("polygon", path, params, {}, NOW_NS).body)
    params |= {"limit": "300", "sort": sort}
    found, pages = [], 0
    while path:
        body = one.answer("polygon", path, params, {"authorization": f"Bearer {TEST_KEY}"}, NOW_NS).body
        found += bars("polygon", body)
        pages += 1
        following = urlsplit(json.loads(body).get("next_url", ""))
        assert TEST_KEY not in following.query
        path, params = following.path, dict(parse_qsl(following.query))

    assert pages == 4
    assert found == (whole if sort == "asc" else whole[::-1])


def test_polygon_knows_dates_and_its_plan():
    one = world(traits={"polygon": Traits(is_delayed=True, delay_s=900.0, reach_days=730.0)})
    day = "/v2/aggs/ticker/AAPL/range/1/minute/2026-11-19/2026-11-19"
    found = one.answer("polygon", day, {"apiKey": TEST_KEY}, {}, NOW_NS)
    old = one.answer("polygon", day.replace("2026", "2024"), {"apiKey": TEST_KEY}, {}, NOW_NS)

    assert json.loads(found.body)["status"] == "DELAYED"
    first, *_, last = bars("polygon", found.body)
    assert (first.ts_s % 86_400, last.ts_s % 86_400) == (52_200, 75_540)
    assert (old.status, json.loads(old.body)["status"]) == (403, "NOT_AUTHORIZED")
    newest = bars("polygon", answer(one, "polygon", "AAPL").body)[-1]
    assert newest.ts_s == NOW_S - 35 - 16 * 60


@pytest.mark.parametrize("provider", PROVIDERS)
def test_minutes_appear_after_their_end_and_prices_differ_a_little(provider):
    early, late = (Traits(delay_s=delay_s, offset_bp=0.4) for delay_s in (34.0, 36.0))
    found = [
        finished(provider, answer(world(traits={provider: traits}), provider, "AAPL").body)
        for traits in (early, late)
    ]

    assert [rows[-1].ts_s for rows in found] == [
        NOW_S - 95,
        NOW_S - 95 if provider in ("yahoo", "twelvedata") else NOW_S - 155,
    ]
    market = Market()
    told = {bar.ts_s: float(bar.open) for bar in found[0]}
    truth = {ts_s: market.minute("AAPL", ts_s * 10**9).open for ts_s in told}
    off_bp = [abs(told[ts_s] / truth[ts_s] - 1) * 1e4 for ts_s in told]
    assert 0 < max(off_bp) < 0.5


def test_a_closed_market_has_no_running_bar():
    saturday_ns = NOW_NS + 86_400 * 10**9
    one = world()
    tape = one.voices["twelvedata"].tape
    listing = one.market.listings["AAPL"]

    assert tape.running(listing, saturday_ns) is None
    assert tape.last_trade_s(listing, saturday_ns) == NOW_S - 35 + 5 * 3600 + 1800 + 1
    assert isinstance(tape.last(listing, 1, 0, saturday_ns // 10**9, saturday_ns)[0], Row)
