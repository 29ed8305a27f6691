"""The old routes of a gateway process before a hub, and reads across a hub that is killed and comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.gateway_world import GatewayWorld, gateway_world
from tests.support.hub_world import DEADLINE_S, QUOTE, now_bar, now_quote, wait_until_heard
from tests.support.paths import short_folder
from tests.support.wait import until
from tests.unit.actors.hub.samples import signal

SECRET = "geheim-" * 6


@pytest.fixture(scope="module")
def world() -> Iterator[GatewayWorld]:
    others = {"collector.ig.9": {"api_key": SECRET}}  # never started: its settings are shown
    with (
        short_folder() as folder,
        gateway_world(folder, gateway={"ask_timeout_s": 1.0}, others=others) as made,
    ):
        made.feed.publish(QUOTE, now_quote())
        made.feed.publish("bar.binance.BTC_USDT.1m", *[now_bar(minute) for minute in (2, 1, 0)])
        made.feed.publish(
            "signal.binance.BTC_USDT", signal(1), signal(2, "vetoed"), signal(3), signal(1, "target")
        )
        until(lambda: is_served(made), DEADLINE_S, "the gateway to have the quote")
        yield made


def is_served(world: GatewayWorld) -> bool:
    with world.client() as client:
        return client.get("/market-data/feed?symbol=BTC_USDT").is_success


def test_every_old_route_answers_in_its_shape(world: GatewayWorld) -> None:
    world.feed.publish(QUOTE, now_quote(100.0))
    row = world.get("/market-data/feed?symbol=BTC_USDT&allow_stale=true")
    assert (row["symbol"], row["bid"], row["source"]) == ("BTC_USDT", 100.0, "binance")
    for alias in ("/market-data/venom-feed", "/venom-feed"):
        assert world.get(f"{alias}?symbol=BTC_USDT&allow_stale=true").keys() == row.keys()
    whole = world.get("/market-data/all")
    assert (whole["count"], whole["data"]["BTC_USDT"].keys()) == (1, row.keys())
    assert world.get("/market-data/health")["symbols_total"] == 1
    assert "BTC_USDT" in world.get("/symbols")["symbols"]
    exchanges = {one["name"]: one for one in world.get("/exchanges")["exchanges"]}
    assert exchanges["binance"]["connected"]
    assert world.get("/detectors") | {"timestamp": ""} == {"detectors": [], "count": 0, "timestamp": ""}
    assert world.get("/storage")["status"] == "disabled"
    until(lambda: world.get("/api/signals")["count"] == 2, DEADLINE_S, "the gateway to have the signals")
    signals = world.get("/api/signals?limit=5&min_confidence=0.5")["signals"]
    assert [(one["state"], one["direction"]) for one in signals] == [("open", "BUY"), ("target", "BUY")]
    assert world.get("/api/signals?include_vetoed=true")["count"] == 3
    assert world.get("/api/signals?min_confidence=0.8")["count"] == 0
    assert world.get("/api/v1/quotes/BTC_USDT?allow_stale=true")["data"]["bid"] == 100.0
    assert len(world.get("/api/v1/bars/BTC_USDT?tf=1m&limit=500&allow_stale=true")["data"]) == 3


def test_refusals_are_the_contracts(world: GatewayWorld) -> None:
    with world.client() as client:
        unknown = client.get("/market-data/feed?symbol=NOPE")
        missing = client.get("/market-data/feed")
        wrong = client.get("/api/signals?limit=0")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_symbol")
    assert (missing.status_code, missing.json()["code"]) == (400, "invalid_request")
    assert wrong.json()["code"] == "invalid_request"


def test_the_configuration_is_shown_without_secrets(world: GatewayWorld) -> None:
    shown = world.get("/config")
    assert shown["actors"]["gateway.1"]["ask_timeout_s"] == 1.0
    assert SECRET not in json.dumps(shown)
    assert shown["actors"]["collector.ig.9"]["api_key"] == "***"


def test_detailed_health_names_every_actor_and_venue(world: GatewayWorld) -> None:
    with world.client() as client:
        found = client.get("/health/detailed").json()
    assert found["status"] in ("healthy", "degraded")
    assert found["actors"]["hub.1"]["status"] == "healthy"
    assert found["exchanges"]["binance"]["connected"]


def test_a_hub_that_is_killed_is_told_and_reads_recover_by_themselves(world: GatewayWorld) -> None:
    world.processes["hub.1"].kill()
    path = "/api/v1/quotes/BTC_USDT?allow_stale=true"
    with world.client() as client, ThreadPoolExecutor(8) as pool:
        codes = {answer.json()["code"] for answer in pool.map(client.get, [path] * 8)}
        assert codes <= {"timeout", "unreachable"}
        # nobody waits for what is known to be gone
        again = client.get(path)
        assert (again.status_code, again.json()["code"]) == (503, "unreachable")
        assert again.elapsed.total_seconds() < 0.5
        world.start("hub.1")
        wait_until_heard(world.hub)
        world.feed.publish(QUOTE, now_quote(105.0))
        until(lambda: client.get(path).is_success, DEADLINE_S, "reads to be answered again")
        until(lambda: client.get(path).json()["data"]["bid"] == 105.0, DEADLINE_S, "the new quote")
