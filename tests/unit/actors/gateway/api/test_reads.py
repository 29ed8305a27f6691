"""Every read: the hub's values under the names of the messages, with age and state; and how each is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actors.gateway.problems import STATUS
from protocol.errors import HubTimeout, HubUnreachable, Overloaded
from tests.unit.actors.gateway.api.desk import Desk
from tests.unit.actors.gateway.api.filling import MINUTE, features, flows
from tests.unit.actors.hub.samples import (
    BASE_NS,
    SECOND_NS,
    bar,
    book,
    footprint,
    quote,
    signal,
    sweep,
    trade,
)

API = "/api/v1"
ONE: list[tuple[str, Any]] = [
    ("quotes/BTC_USDT", quote()),
    ("quotes/BTC", quote()),
    ("book/BTC_USDT?depth=5", book(1)),
    ("orderflow/BTC_USDT", flows()[0]),
    ("orderflow/BTC_USDT?window_s=300", flows()[1]),
    ("profile/BTC_USDT", footprint(MINUTE, timeframe="session")),
]
MANY: list[tuple[str, list[Any]]] = [
    ("bars/BTC_USDT?limit=2", [bar(MINUTE - 2), bar(MINUTE - 1)]),
    ("trades/BTC_USDT?limit=1", [trade(39, recv_ns=BASE_NS + 5)]),
    ("indicators/BTC_USDT", [features(1)]),
    ("footprints/BTC_USDT", [footprint(MINUTE)]),
    ("sweeps", [sweep()]),
    ("sweeps?symbol=BTC&venue=binance", [sweep()]),
    ("sweeps?symbol=ETH_USDT", []),
    ("orderflow/BTC_USDT/history", flows()),
    ("orderflow/BTC_USDT/history?window_s=300", flows()[1:]),
    ("history/BTC_USDT?kind=sweep", [sweep()]),
    ("history/BTC_USDT?kind=feature", [features(1)]),
]


@pytest.mark.parametrize(("path", "message"), ONE, ids=[path for path, _ in ONE])
def test_one_value(full: Desk, path: str, message: Any) -> None:
    found = full.data(f"{API}/{path}")
    assert found["data"] == msgspec.json.decode(msgspec.json.encode(message.to_dict()))
    assert found["state"] in ("fresh", "gap_open")
    assert found["age_s"] == 0
    assert (found["source"], found["epoch"], found["hub_epoch"]) == ("collector.binance.1", 5, 7)
    assert found["ts_ns"] == BASE_NS


@pytest.mark.parametrize(("path", "messages"), MANY, ids=[path for path, _ in MANY])
def test_many_values(full: Desk, path: str, messages: list[Any]) -> None:
    found = full.data(f"{API}/{path}")
    assert found["data"] == [message.to_dict() for message in messages]
    assert found["has_more"] is (found["next_cursor"] is not None)


@pytest.mark.parametrize("op", ["news", "alerts", "signals", "liquidations", "verdicts", "gaps"])
def test_events_of_everybody(full: Desk, op: str) -> None:
    assert len(full.data(f"{API}/{op}?limit=10")["data"]) == 1
    assert full.reads.asked[-1].n == 10


SIGNALS: list[tuple[str, list[Any]]] = [
    ("", [signal(1, "target"), signal(2)]),
    ("limit=1", [signal(2)]),
    ("state=open", [signal(2)]),
    ("state=vetoed", [signal(3, "vetoed")]),
    ("include_vetoed=true", [signal(1, "target"), signal(2), signal(3, "vetoed")]),
    ("include_vetoed=true&strategy=sweep", []),
    ("strategy=cross&symbol=BTC&venue=binance&min_confidence=0.75", [signal(1, "target"), signal(2)]),
    ("min_confidence=0.8", []),
]


@pytest.mark.parametrize(("query", "found"), SIGNALS, ids=[query for query, _ in SIGNALS])
def test_signals_are_there_once_as_they_are_now(desk: Desk, query: str, found: list[Any]) -> None:
    desk.publish("signal.binance.BTC_USDT", signal(1), signal(2), signal(3, "vetoed"))
    desk.publish("signal.binance.BTC_USDT", signal(1, "target"))
    assert desk.data(f"{API}/signals?{query}")["data"] == [one.to_dict() for one in found]


@pytest.mark.parametrize("query", ["", "limit=1", "include_vetoed=true", "symbol=BTC", "min_confidence=0.8"])
def test_the_old_route_has_the_same_signals_newest_first(desk: Desk, query: str) -> None:
    desk.publish("signal.binance.BTC_USDT", signal(1), signal(2), signal(3, "vetoed"))
    desk.publish("signal.binance.BTC_USDT", signal(1, "target"))
    now = desk.data(f"{API}/signals?{query}")["data"]
    old = desk.data(f"/api/signals?{query}")
    assert [one["signal_id"] for one in old["signals"]] == [one["signal_id"] for one in reversed(now)]
    assert old["count"] == len(now)


def test_the_quotes_that_are_refused_are_named_beside_the_others(full: Desk) -> None:
    full.publish("quote.binance.ETH_USDT", quote(symbol="ETH_USDT", recv_ns=BASE_NS - 60 * SECOND_NS))
    found = full.data(f"{API}/quotes?symbols=BTC,ETH_USDT,EUR_USD,BTC_USTD")
    assert [row["symbol"] for row in found["data"]] == ["BTC_USDT"]
    assert found["data"][0]["state"] == "fresh"
    assert found["data"][0]["age_s"] == 0
    assert {name: (one["code"], one["status"]) for name, one in found["errors"].items()} == {
        "ETH_USDT": ("stale_data", 409),
        "EUR_USD": ("no_data", 404),
        "BTC_USTD": ("unknown_symbol", 404),
    }
    assert found["errors"]["BTC_USTD"]["suggestions"][0] == "BTC_USDT"
    assert full.get(f"{API}/quotes?symbols=XX&format=csv").headers["x-data-refused"] == "1"
    assert len(full.data(f"{API}/quotes?allow_stale=true")["data"]) == 2


def test_best_prices_and_books_of_all_venues(full: Desk) -> None:
    full.publish("quote.okx.BTC_USDT", quote(100.5, venue="okx"))
    best = full.data(f"{API}/bbo/BTC_USDT")["data"]
    assert (best["bid"], best["bid_venue"], best["ask_venue"]) == (100.5, "okx", "binance")
    assert [one["venue"] for one in best["venues"]] == ["binance", "okx"]
    depth = full.data(f"{API}/book/BTC_USDT?venue=*")["data"]
    assert depth["bids"][0] == [100.0, 1.0, "binance"]


def test_indicators_by_name_and_in_columns(full: Desk) -> None:
    path = f"{API}/indicators/BTC_USDT?names=ema_20"
    assert full.data(path)["data"][0]["values"] == {"ema_20": 101.5}
    columns = full.data(f"{path}&layout=columns")
    assert columns["data"]["ema_20"] == [101.5]
    assert columns["symbol"] == "BTC_USDT"
    wrong = full.get(f"{API}/indicators/BTC_USDT?names=ema_21").json()
    assert wrong["code"] == "invalid_request"
    assert "ema_20, rsi_14" in wrong["detail"]


def test_instruments_are_found_by_any_part_of_any_name(full: Desk) -> None:
    found = full.data(f"{API}/instruments?query=btc")["data"]
    assert [row["symbol"] for row in found] == ["BTC_USDT"]
    assert "quote" in found[0]["heard"]["binance"]
    assert {row["symbol"] for row in full.data(f"{API}/instruments")["data"]} == {
        "BTC_USDT", "ETH_USDT", "EUR_USD",
    }  # fmt: skip
    assert full.data(f"{API}/instruments/eur-usd")["data"]["symbol"] == "EUR_USD"
    assert full.get(f"{API}/instruments/NOTHING_LIKE_IT").json()["code"] == "unknown_symbol"
    assert [row["symbol"] for row in full.data(f"{API}/instruments?venue=binance")["data"]] == ["BTC_USDT"]


def test_topics_by_prefix(full: Desk) -> None:
    assert [row["topic"] for row in full.data(f"{API}/topics?prefix=quote.")["data"]] == [
        "quote.binance.BTC_USDT"
    ]


def test_what_is_stale_is_refused_unless_it_is_allowed(full: Desk) -> None:
    full.hub.clock.advance(30)
    refused = full.get(f"{API}/quotes/BTC_USDT")
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    body = refused.json()
    assert (body["code"], body["state"]) == ("stale_data", "stale")
    assert body["age_s"] == pytest.approx(30)
    assert full.data(f"{API}/quotes/BTC_USDT?allow_stale=true")["state"] == "stale"


@pytest.mark.parametrize(
    ("fault", "status"),
    [(HubTimeout("late", timeout_s=2.0), 504), (HubUnreachable("gone"), 503), (Overloaded("full", retry_after_s=3), 503)],
    ids=str,
)  # fmt: skip
def test_a_hub_that_does_not_answer_is_a_problem(desk: Desk, fault: Any, status: int) -> None:
    desk.reads.fault = fault
    for path in ("quotes/BTC_USDT", "bars/BTC_USDT", "gaps", "replay?symbol=BTC_USDT", "history/BTC_USDT"):
        answer = desk.get(f"{API}/{path}")
        assert answer.status_code == status == STATUS[fault.code]
        assert answer.json()["code"] == fault.code
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
    if fault.code == "overloaded":
        assert answer.headers["retry-after"] == "3"


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("bars/BTC_USDT?limti=5", "limti"),
        ("bars/BTC_USDT?limit=0", "limit"),
        ("bars/BTC_USDT?limit=5001", "limit"),
        ("bars/BTC_USDT?tf=1x", "tf"),
        ("bars/BTC_USDT?from_ns=-1", "from_ns"),
        ("bars/BTC_USDT?from_ns=99999999999999999999", "from_ns"),
        ("quotes/BTC_USDT?allow_stale=maybe", "allow_stale"),
        ("quotes/BTC_USDT?format=xml", "format"),
        ("orderflow/BTC_USDT?window_s=nan", "window_s"),
        ("replay?symbol=BTC_USDT&kinds=trade,rubbish", "kinds"),
        ("replay", "symbol"),
        ("signals?state=opne", "state"),
        ("signals?include_vetoed=1", "include_vetoed"),
        ("signals?strategy=a%20b", "strategy"),
        ("signals?min_confidence=2", "min_confidence"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(full: Desk, path: str, parameter: str) -> None:
    full.reads.asked.clear()
    answer = full.get(f"{API}/{path}")
    assert answer.status_code == 400
    body = answer.json()
    assert body["code"] == "invalid_request"
    assert [one["parameter"] for one in body["errors"]] == [parameter]
    assert not full.reads.asked


def test_the_nearest_parameter_is_named(full: Desk) -> None:
    assert "did you mean limit?" in full.get(f"{API}/bars/BTC_USDT?limti=5").json()["detail"]


@pytest.mark.parametrize(
    "path", ["bars/BTC_USDT?tf=7m", "bars/BTC_USDT?from_ns=5&to_ns=5", "history/BTC_USDT?from_ns=9&to_ns=5"]
)
def test_what_fits_and_makes_no_sense_is_refused_too(full: Desk, path: str) -> None:
    assert full.get(f"{API}/{path}").json()["code"] == "invalid_request"


def test_forms(full: Desk) -> None:
    path = f"{API}/bars/BTC_USDT?limit=3"
    answer = full.get(path, headers={"accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["vary"] == "Accept"
    assert len(answer.text.splitlines()) == 4
    assert 'rel="next"' in answer.headers["link"]
    packed = msgspec.msgpack.decode(full.get(path, headers={"accept": "application/msgpack"}).content)
    assert packed["data"] == full.data(path)["data"]
    assert full.get(f"{path}&format=arrow").content.startswith(b"\xff\xff\xff\xff")
    refused = full.get(path, headers={"accept": "text/html"})
    assert (refused.status_code, refused.json()["code"]) == (406, "not_acceptable")
    assert "text/csv" in refused.json()["available"]


def test_a_request_has_an_id_and_the_hubs_time(full: Desk) -> None:
    path = f"{API}/quotes?symbols=BTC"
    answer = full.get(path, headers={"x-request-id": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"
    assert answer.headers["server-timing"].startswith("hub;dur=")
    made = {
        full.get(path, headers={"x-request-id": asked}).headers["x-request-id"]
        for asked in ("a b", "<script>", "x" * 65, "")
    }
    assert len(made) == 4
    assert all(one.replace("-", "").isalnum() for one in made)


def test_a_path_that_is_not_there_says_where_all_are(full: Desk) -> None:
    answer = full.get(f"{API}/nothing")
    assert answer.status_code == 404
    assert "/docs" in answer.json()["detail"]
    assert full.get("/problems/stale-data").json()["status"] == 409
    assert full.get("/problems/nonsense").status_code == 404


def test_the_reference_is_served_from_here(full: Desk) -> None:
    page = full.get("/docs")
    assert page.status_code == 200
    named = [part.split('"')[0] for part in page.text.split('src="')[1:]]
    named += [part.split('"')[0] for part in page.text.split('href="')[1:]]
    assert all(name.startswith("/") for name in named)
    for name in named:
        assert full.get(name).status_code == 200, name
    assert "<script>" not in page.text
    assert " style=" not in page.text
