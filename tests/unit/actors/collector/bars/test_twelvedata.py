import json
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from actors.collector.bars.providers.provider import MINUTE_NS, Answer, Query, Refusal, Told
from actors.collector.bars.providers.times import MAX_NS
from actors.collector.bars.providers.twelvedata import TwelveData
from tests.support import data
from tests.unit.actors.collector.bars.mutated import answers, check

S = 1_000_000_000
T0_NS = 1_795_168_740 * S
"""2026-11-20 09:59 UTC."""
NOW_NS = T0_NS + 90 * S
TWELVE = TwelveData()
EVER = Query("EUR/USD", 0, MAX_NS)
MINUTE = (
    "You have run out of API credits for the current minute. 12 API credits were used, with the current limit being 8. Wait "
    "for the next minute or consider switching to a higher tier plan at https://twelvedata.com/pricing"
)
DAY = (
    "You have run out of API credits for the day. 1316 API credits were used, with the current limit being 800. Wait for the "
    "next day or consider switching to a paid plan."
)


def body(rows, raw="EUR/USD", interval="1min", kind="Physical Currency", **meta):
    values = [
        {"datetime": time, "open": "1.15150", "high": "1.15160", "low": "1.15140", "close": close}
        for time, close in rows
    ]
    return {
        "meta": {"symbol": raw, "interval": interval, "type": kind} | meta,
        "values": values,
        "status": "ok",
    }


def read(document, asked=EVER, status=200, headers=None, at_ns=NOW_NS):
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return TWELVE.read(asked, Answer(status, headers or {}, content, at_ns))


def refusal(document, **more):
    found = read(document, **more)
    assert isinstance(found, Refusal), found
    return found


def error(code, message):
    return {"code": code, "message": message, "status": "error"}


def test_asks_for_utc_and_oldest_first_with_the_key_in_a_header():
    call = TWELVE.call(Query("EUR/USD", T0_NS, T0_NS + 600 * S), "", "SECRET", NOW_NS)
    assert call.url == "https://api.twelvedata.com/time_series"
    assert call.headers["Authorization"] == "apikey SECRET"
    assert call.params == {
        "symbol": "EUR/USD", "interval": "1min", "outputsize": "5000", "timezone": "UTC", "order": "asc",
        "start_date": "2026-11-20 09:59:00", "end_date": "2026-11-20 10:09:00",
    }  # fmt: skip


@pytest.mark.parametrize("raw", ["", "EUR/USD,XAU/USD", "EUR USD"])
def test_what_would_cost_more_than_it_says_is_not_asked_for(raw):
    with pytest.raises(ValueError, match="no name of Twelve Data"):
        TWELVE.call(Query(raw, 0, 1), "", "", NOW_NS)


def test_the_longest_range_fits_with_both_of_its_ends():
    assert TWELVE.longest_ns // MINUTE_NS + 1 == TWELVE.bars_per_call == 5000
    assert TWELVE.cost(EVER) == 1


@pytest.mark.parametrize("is_newest_first", [False, True])
def test_either_order_comes_oldest_first_without_a_volume(is_newest_first):
    rows = [("2026-11-20 09:59:00", "1.1"), ("2026-11-20 10:00:00", "1.2")]
    found = read(body(rows[::-1] if is_newest_first else rows))
    assert [(bar.ts_open_ns, bar.close, bar.volume, bar.is_running) for bar in found.bars] == [
        (T0_NS, 1.1, None, False),
        (T0_NS + MINUTE_NS, 1.2, None, True),
    ]
    assert not found.is_adjusted


def test_a_live_answer_is_in_utc_whatever_the_exchange():
    rows = [("2026-11-20 09:59:00", "1.1")]
    asked = Query("QQQ", 0, MAX_NS)
    document = body(rows, "QQQ", kind="ETF", exchange_timezone="America/New_York")
    found = read(document, asked)
    assert found.bars[0].ts_open_ns == T0_NS
    assert found.is_adjusted

    answer = Answer(200, {}, json.dumps(document).encode(), NOW_NS)
    recorded = TWELVE.read_in(asked, answer, ZoneInfo("America/New_York"))
    assert recorded.bars[0].ts_open_ns == T0_NS + 5 * 3600 * S


def test_credits_are_told_by_headers():
    rows = [("2026-11-20 09:59:00", "1.1")]
    headers = {"api-credits-used": "3", "api-credits-left": "5"}
    assert read(body(rows), headers=headers).told == Told(3, 5, 8, 60.0)
    assert read(body(rows), headers={"api-credits-used": "three", "api-credits-left": "5"}).told is None
    assert read(body(rows)).told is None
    assert refusal(body([]), headers=headers).told == Told(3, 5, 8, 60.0)


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (error(401, "**apikey** parameter is incorrect or not specified."), "auth"),
        (error(400, "**interval** is invalid"), "bad_request"),
        (error(400, "**symbol** not found: NOPE. Please specify it correctly"), "bad_symbol"),
        (error(404, "**symbol** or **figi** parameter is missing or invalid."), "bad_symbol"),
        (error("404", "**symbol** not found"), "bad_symbol"),
        (error(404, "**symbol** not available with your plan. Consider upgrading."), "plan"),
        (error(403, "You do not have access"), "plan"),
        (
            error(400, "No data is available on the specified dates. Try setting different start/end dates."),
            "empty",
        ),
        (error(404, "No data is available on the specified dates."), "empty"),
        (error(414, "too many parameters"), "bad_request"),
        (error(500, "Internal Server Error"), "unavailable"),
        (error(429, "You have run out of API credits"), "throttled"),
        (error(None, "You have run out of API credits"), "throttled"),
        (body([]), "empty"),
        (body([("2026-11-20 09:59:00", None)]), "empty"),
        ({"meta": None, "values": None, "status": "ok"}, "broken"),
        ({"hello": 1}, "broken"),
        (b"<html>", "broken"),
        (b"", "broken"),
    ],
)
@pytest.mark.parametrize("has_status", [False, True])
def test_errors_come_with_http_200_or_with_their_own_status(document, kind, has_status):
    code = document.get("code") if isinstance(document, dict) else None
    found = refusal(document, status=int(code or 200) if has_status else 200)
    assert found.kind == kind
    assert found.text


def test_a_page_for_people_is_read_by_its_status():
    assert refusal(b"<html>no</html>", status=503).kind == "unavailable"
    assert refusal(b"", status=429).kind == "throttled"
    assert refusal(body([]), status=500).kind == "unavailable"


def test_minutes_and_days_end_at_their_own_time():
    found = refusal(error(429, MINUTE))
    assert (found.retry_after_s, found.told) == (30.0, Told(12, 0, 8, 60.0))
    found = refusal(error(429, DAY))
    assert (found.retry_after_s, found.told) == (50_370.0, Told(1316, 0, 800, 86_400.0))
    assert refusal(error(429, "You have run out of API credits")).told == Told(left=0, per_s=60.0)
    assert refusal(error(429, MINUTE), status=429, headers={"retry-after": "44"}).retry_after_s == 44.0


def test_another_instrument_or_interval_is_refused():
    rows = [("2026-11-20 09:59:00", "1.1")]
    assert refusal(body(rows, "GBP/USD")).kind == "wrong_symbol"
    assert refusal(body(rows, interval="5min")).kind == "wrong_symbol"
    assert refusal(body(rows), asked=EVER._replace(timeframe="1d")).kind == "wrong_symbol"


@given(answers([json.dumps(one).encode() for one in (
    body([("2026-11-20 09:59:00", "1.1"), ("2026-11-20 10:00:00", "1.2")]), error(429, MINUTE),
)], NOW_NS))  # fmt: skip
def test_reading_never_fails(answer):
    check(EVER, answer, TWELVE.read(EVER, answer))


@pytest.mark.recording
def test_the_recorded_errors_are_of_their_kinds():
    lines = data.recording("twelvedata/errors.jsonl").read_bytes().splitlines()
    assert [refusal(line).kind for line in lines] == ["auth", "throttled", "bad_symbol", "plan"]
