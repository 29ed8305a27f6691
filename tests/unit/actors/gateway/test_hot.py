"""The fast way gives the very bytes that the routes of the document give, for whatever is asked, and only for the plain."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actors.gateway.hot import dispatch
from actors.gateway.hot.lane import Lane
from actors.gateway.hot.plans import Plan, accepts_json, plan_of
from protocol.errors import HubTimeout, Overloaded
from tests.support.paths import short_folder
from tests.unit.actors.gateway.api.desk import Desk, desk_of
from tests.unit.actors.hub.samples import BASE_NS, MINUTE_NS, bar, quote

FIRST_MINUTE = BASE_NS // MINUTE_NS - 20
DIFFERENT = {"x-request-id", "server-timing", "content-length"}
"""Each request's own; the length is compared with the bytes."""
SYMBOLS = ["BTC_USDT", "btcusdt", "ETH_USDT", "NOPE", "B%54C_USDT", "", "BTC USDT", "A" * 70, "*"]
WORDS = [
    "", "?", "?allow_stale=true", "?allow_stale=false", "?allow_stale=1", "?allow_stale=TRUE", "?venue=binance",
    "?venue=okx", "?venue=", "?venue=*", "?venue=a%20b", "?nonsense=1", "?allow_stale=true&allow_stale=false",
    "?time=iso", "?numbers=string", "?format=csv", "?symbol=ETH_USDT", "?venue=binance&allow_stale=true", "?a", "?=1",
]  # fmt: skip
CANDLES = [
    "?tf=1m&limit=500", "?tf=1m&limit=3", "?tf=5m", "?tf=7m", "?tf=x", "?tf=", "?limit=0", "?limit=-1", "?limit=05",
    "?limit=1", "?limit=1000", "?limit=1001", "?limit=5000", "?limit=99999", "?limit=1e2", "?cursor=", "?from_ns=0",
    "?layout=columns", "?limit=2&allow_stale=true&venue=binance&tf=1m",
]  # fmt: skip
ACCEPTS = [
    None,
    "*/*",
    "application/json",
    "text/csv",
    "application/msgpack",
    "image/png",
    "text/csv, */*;q=0.1",
    "",
]


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with short_folder() as folder, desk_of(folder) as made:
        fill(made)
        yield made


def fill(desk: Desk) -> None:
    desk.publish("quote.binance.BTC_USDT", quote(100.0))
    desk.publish("quote.binance.ETH_USDT", quote(10.0, BASE_NS - 60_000_000_000, symbol="ETH_USDT"))  # stale
    candles = [bar(FIRST_MINUTE + number, close=1.0 + number) for number in range(20)]
    desk.publish("bar.binance.BTC_USDT.1m", *candles)


def both(desk: Desk, path: str, accept: str | None, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """The answer of the fast way, and of the routes alone."""
    headers = {} if accept is None else {"Accept": accept}
    fast = desk.get(path, headers)
    with monkeypatch.context() as patch:
        patch.setattr(dispatch, "plan_of", lambda *_: None)
        hot = hot_of(desk)
        hot._ways.clear()
        slow = desk.get(path, headers)
    return fast, slow


def hot_of(desk: Desk) -> dispatch.Hot:
    """The fast way of the application."""
    assert isinstance(desk.app, Lane)
    return desk.app._hot


def told(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in DIFFERENT}


def body_of(answer: Any) -> Any:
    """Bytes; of a refusal its members, since each names its own request."""
    if answer.headers.get("content-type") == "application/problem+json":
        return {**answer.json(), "request_id": ""}
    return answer.content


def assert_same(desk: Desk, path: str, accept: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    fast, slow = both(desk, path, accept, monkeypatch)
    assert fast.status_code == slow.status_code, path
    assert body_of(fast) == body_of(slow), path
    assert told(fast) == told(slow), path
    assert "x-request-id" in fast.headers


@pytest.mark.parametrize("base", ["/api/v1/quotes/", "/api/v1/bars/"])
def test_every_symbol_and_parameter_gives_the_same(
    desk: Desk, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = WORDS if base.endswith("quotes/") else [*CANDLES, *WORDS]
    for word in words:
        assert_same(desk, f"{base}BTC_USDT{word}", None, monkeypatch)
    for symbol in SYMBOLS:
        assert_same(desk, f"{base}{symbol}", None, monkeypatch)


@pytest.mark.parametrize("accept", ACCEPTS)
def test_every_accept_gives_the_same(desk: Desk, accept: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (
        "/api/v1/quotes/BTC_USDT",
        "/api/v1/bars/BTC_USDT?tf=1m&limit=500",
        "/market-data/all",
        "/market-data/feed?symbol=BTC_USDT",
    ):
        assert_same(desk, path, accept, monkeypatch)


def test_the_old_routes_give_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = ["/market-data/feed", "/market-data/venom-feed", "/venom-feed", "/market-data/all"]
    queries = ["", *(f"?symbol={symbol}" for symbol in SYMBOLS), "?symbol=ETH_USDT&allow_stale=true"]
    queries += [
        "?symbol=ETH_USDT&allow_stale=maybe",
        "?symbol=BTC_USDT&venue=binance",
        "?symbol=BTC_USDT&x=1",
    ]
    for path, query in itertools.product(paths, queries):
        assert_same(desk, path + query, None, monkeypatch)


def test_the_plain_ones_do_take_the_fast_way(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    hot = hot_of(desk)
    monkeypatch.setattr(hot, "_app", None)  # whoever went there would fail
    for path in (
        "/api/v1/quotes/BTC_USDT", "/api/v1/bars/BTC_USDT?tf=1m&limit=500", "/market-data/all",
        "/market-data/feed?symbol=BTC_USDT", "/venom-feed?symbol=BTC_USDT",
    ):  # fmt: skip
        assert desk.get(path).status_code == 200, path
    refused = desk.get("/api/v1/quotes/ETH_USDT")
    assert (refused.status_code, refused.json()["code"]) == (409, "stale_data")
    assert refused.json()["request_id"] == refused.headers["x-request-id"]


def test_who_shares_a_reply_shares_the_bytes_and_a_new_reply_is_written_anew(tmp_path: Path) -> None:
    with desk_of(tmp_path) as desk:
        fill(desk)
        path = "/api/v1/bars/BTC_USDT?tf=1m&limit=500"
        first, made = desk.get(path), desk.reads.kept.made
        again = desk.get(path)
        assert desk.reads.kept.made == made  # the same candles are written once, whoever asks
        assert again.json()["data"] == first.json()["data"]
        desk.publish("bar.binance.BTC_USDT.1m", bar(FIRST_MINUTE + 19, close=77.0, revision=2))
        assert desk.get(path).json()["data"][-1]["close"] == 77.0
        assert desk.reads.kept.made == made + 1
        desk.publish("quote.binance.BTC_USDT", quote(123.0))
        assert desk.data("/api/v1/quotes/BTC_USDT")["data"]["bid"] == 123.0
        assert desk.data("/market-data/all")["data"]["BTC_USDT"]["bid"] == 123.0


@pytest.mark.parametrize("fault", [HubTimeout("late", timeout_s=2.0), Overloaded("many", retry_after_s=3.0)])
def test_a_hub_that_does_not_answer_is_told_the_same_way(
    desk: Desk, fault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.reads, "fault", fault)
    fast, slow = both(desk, "/api/v1/quotes/BTC_USDT", None, monkeypatch)
    assert (fast.status_code, body_of(fast)) == (slow.status_code, body_of(slow))
    assert fast.headers.get("retry-after") == slow.headers.get("retry-after")
    assert fast.json()["code"] == fault.code


def test_only_so_many_requests_are_remembered(desk: Desk) -> None:
    for number in range(dispatch.MOST_WAYS + 20):
        desk.get(f"/api/v1/quotes/S{number}")
    assert len(hot_of(desk)._ways) <= dispatch.MOST_WAYS


def test_what_is_plain() -> None:
    assert plan_of("/api/v1/quotes/BTC_USDT.PERP", b"venue=binance") == Plan(
        "quote", "/api/v1/quotes/{symbol}", "BTC_USDT.PERP", "binance"
    )
    assert plan_of("/api/v1/bars/X", b"limit=7&tf=5m&allow_stale=true") == Plan(
        "bars", "/api/v1/bars/{symbol}", "X", "", allow_stale=True, timeframe="5m", limit=7
    )
    assert accepts_json([(b"host", b"x"), (b"accept", b"*/*")])
    assert not accepts_json([(b"accept", b"text/html,*/*;q=0.8")])


@given(st.text(max_size=40), st.binary(max_size=60))
@example("/api/v1/bars/", b"tf")
@example("/api/v1/quotes/A/B", b"")
@example("/market-data/all", b"\xff=1")
def test_nothing_in_an_address_makes_it_fail(path: str, query: bytes) -> None:
    for prefix in ("", "/api/v1/bars/", "/api/v1/quotes/", "/venom-feed"):
        found = plan_of(prefix + path, query)
        assert found is None or found.symbol.isascii()


def test_a_bug_of_ours_is_one_requests_and_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any) -> None:
        raise KeyError("ours")

    with monkeypatch.context() as patch:
        patch.setattr(hot_of(desk), "fill", broken)
        answer = desk.get("/api/v1/quotes/BTC_USDT")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "our own bug" in caplog.text
    assert desk.get("/api/v1/quotes/BTC_USDT").status_code == 200


def test_whoever_has_to_be_judged_goes_through_the_guard(desk: Desk) -> None:
    path = "/api/v1/quotes/BTC_USDT"
    assert desk.get(path, {"Host": "evil.example"}).status_code != 200
    assert desk.get(path, {"X-Request-ID": "mine-1"}).headers["x-request-id"] == "mine-1"
    assert (
        desk.get(path, {"Origin": "https://evil.example"}).headers.get("access-control-allow-origin") is None
    )
    first, second = desk.get(path), desk.get(path)
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert first.headers["content-security-policy"]
