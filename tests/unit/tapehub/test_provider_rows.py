"""Providers as people see them: breakers, budgets, and the worst thing first."""

from typing import Any

import pytest

from tapehub.provider_rows import (
    budgets_text,
    cells,
    clock_text,
    counted,
    market_lines,
    market_states,
    provider_rows,
    trouble,
    verdicts,
)


def breaker(
    state: str = "closed", failures: int = 0, reason: str = "", until_s: float = 0.0
) -> dict[str, Any]:
    return {"state": state, "failures": failures, "reason": reason, "until_s": until_s}


def provider(state: str = "closed", why: str = "", rests_s: float = 0.0, **breakers: Any) -> dict[str, Any]:
    limits = [
        {"calls": 30, "per_s": 60.0, "used": 14, "left": 16, "history_used": 3},
        {"calls": 800, "per_s": 86_400.0, "used": 388, "left": 412, "history_used": 3},
    ]
    return {"state": state, "breakers": breakers, "limits": limits, "rests_s": rests_s, "why": why}


OPEN = provider(
    "open",
    "breaker chart open: 429 Too Many Requests",
    chart=breaker("open", 3, "429 Too Many Requests", 51.2),
)
RESTING = provider(
    "resting", "rests until next day: 25 requests per day", 7200.0, fx=breaker("open", 1, "x", 60.0)
)
TRIAL = provider("half_open", "", chart=breaker("half_open", 4, "503"), other=breaker())


def status(connected: bool = True, history: dict[str, Any] | None = None, **providers: Any) -> dict[str, Any]:
    told = {"waiting": 0, "loading": 0, "share": 1.0, "minutes": 5, "calls": 1, "why": []} | (history or {})
    market = {
        "connected": connected, "providers": providers, "instruments": 20, "stale": 1, "minutes_missing": 3,
        "history": told, "backfills": 2, "switches": [],
    }  # fmt: skip
    return {"state": "RUNNING", "connected": connected, "markets": {"bars": market}}


def test_a_row_for_each_provider() -> None:
    (row,) = provider_rows(
        {"collector.rest.1": status(yahoo=OPEN), "hub.1": {"state": "RUNNING"}, "x.1": None}
    )
    assert (row.collector, row.provider, row.state, row.failures) == ("collector.rest.1", "yahoo", "open", 3)
    assert (row.next_s, row.endpoints) == (51.2, {"chart": "open"})
    assert cells(row) == [
        "yahoo", "open", "14/30 per min, 388/800 per day", "in 00:52", "3", "breaker chart open: 429 Too Many Requests",
    ]  # fmt: skip


def test_one_that_is_well() -> None:
    (row,) = provider_rows({"c": status(polygon=provider())})
    assert cells(row) == ["polygon", "closed", "14/30 per min, 388/800 per day", "-", "0", "-"]


def test_a_trial_is_two_words() -> None:
    (row,) = provider_rows({"c": status(yahoo=TRIAL)})
    assert cells(row)[1] == "half open"
    assert row.state == "half_open", "one word for programs"
    assert cells(row)[5] == "503"


def test_a_detector_counts_its_markets_under_the_same_name() -> None:
    status = {"state": "RUNNING", "markets": 3}
    assert provider_rows({"detector.1": status, "hub.1": None}) == []
    assert trouble(status) == ""


def test_collectors_of_other_venues_have_none() -> None:
    exchange = {"state": "RUNNING", "markets": {"spot": {"connected": True}}}
    assert provider_rows({"collector.binance.1": exchange}) == []
    assert (
        market_lines({"collector.binance.1": exchange})
        == market_states({"collector.binance.1": exchange})
        == {}
    )
    assert trouble(exchange) == ""


@pytest.mark.parametrize(
    ("providers", "text"),
    [
        ({"yahoo": provider()}, ""),
        ({"yahoo": OPEN, "polygon": provider()}, "yahoo breaker open: 429 Too Many Requests, retry in 00:52"),
        ({"yahoo": TRIAL}, "yahoo breaker half open: 503"),
        ({"av": RESTING}, "av rests until next day: 25 requests per day, retry in 2:00:00"),
        (
            {"yahoo": OPEN, "av": RESTING, "polygon": TRIAL},
            "av rests until next day: 25 requests per day, retry in 2:00:00 (and 2 more)",
        ),
    ],
)
def test_the_worst_thing(providers: dict[str, Any], text: str) -> None:
    assert trouble(status(**providers)) == text


def test_the_line_of_a_collector() -> None:
    lines = market_lines({"c": status(yahoo=provider())})
    assert lines == {"c": "20 instruments: 2 backfills, 3 minutes missing, 1 stale"}
    loading = status(history={"waiting": 2, "loading": 5, "share": 0.4399}, yahoo=provider())
    assert market_lines({"c": loading})["c"].startswith(
        "20 instruments: history 43% (7 still loading), 2 backfills"
    )


def test_the_same_for_programs() -> None:
    found = market_states({"c": status(yahoo=provider())})["c"]
    assert (found["minutes_missing"], found["connected"], found["history"]["share"]) == (3, True, 1.0)
    assert "providers" not in found


def test_a_failure_is_one_only_where_nobody_delivers() -> None:
    words = {name: verdicts(status(name == "up", yahoo=OPEN, polygon=provider())) for name in ("up", "down")}
    assert [word for word, _, _ in words["up"]] == ["WARN", "OK"]
    assert [word for word, _, _ in words["down"]] == ["FAIL", "OK"]
    assert words["down"][0][1] == "yahoo breaker open: 429 Too Many Requests, retry in 00:52"
    assert words["down"][0][2], "nothing says what to do"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "00:00"),
        (0.2, "00:01"),
        (51.2, "00:52"),
        (3600, "1:00:00"),
        (3725, "1:02:05"),
        (187_800, "2d 04:10:00"),
    ],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text


def test_words() -> None:
    assert budgets_text([]) == "-"
    assert budgets_text([{"used": 1, "calls": 5, "per_s": 10.0}]) == "1/5 per 10 s"
    assert (counted(1, "call"), counted(2000, "call")) == ("1 call", "2,000 calls")
