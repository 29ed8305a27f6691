"""Metrics and health of running processes, also while the hub is dead."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.gateway_world import GatewayWorld, gateway_world
from tests.support.hub_world import COLLECTOR, DEADLINE_S, now_trade
from tests.support.paths import short_folder
from tests.support.wait import until
from tests.unit.actors.gateway.metrics.fleet_world import Values, value, values_of

HUB, PERSISTENCE, JOURNAL = "hub.1", "persistence.1", "journal.1"
UP = "tapehub_actor_up"


@pytest.fixture(scope="module")
def world() -> Iterator[GatewayWorld]:
    others = {PERSISTENCE: {}, JOURNAL: {}}
    with short_folder() as folder, gateway_world(folder, gateway={"silence_s": 1.0}, others=others) as made:
        made.start(PERSISTENCE)
        made.start(JOURNAL)
        yield made


def scrape(world: GatewayWorld) -> Values:
    with world.client() as client:
        answer = client.get("/metrics")
    assert answer.status_code == 200
    return values_of(text_string_to_metric_families(answer.text))


def until_up(world: GatewayWorld, name: str, expected: int) -> None:
    until(lambda: value(scrape(world), UP, actor=name) == expected, DEADLINE_S, f"{name} to be {expected}")


def health(world: GatewayWorld) -> tuple[int, str]:
    with world.client() as client:
        answer = client.get("/health/ready")
    return answer.status_code, answer.json()["status"]


def test_running_actors_are_measured(world: GatewayWorld) -> None:
    for name in (COLLECTOR, HUB, PERSISTENCE, JOURNAL):
        until_up(world, name, 1)
    world.feed.publish("trade.binance.BTC_USDT", now_trade(1))

    def is_measured() -> bool:
        values = scrape(world)
        return (
            "tapehub_disk_used_ratio" in values
            and any(count > 0 for count in values.get("tapehub_db_rows_total", {}).values())
            and value(values, "tapehub_messages_total", actor=HUB, kind="trades") >= 1
        )

    until(is_measured, DEADLINE_S, "disk, rows and trades")
    values = scrape(world)
    assert value(values, "tapehub_db_storing", actor=PERSISTENCE) == 1
    assert value(values, "tapehub_db_oldest_unflushed_seconds", actor=PERSISTENCE) < DEADLINE_S
    assert value(values, "tapehub_journal_bytes", publisher=HUB) > 0
    assert value(values, "tapehub_venue_connected", venue="binance", publisher=COLLECTOR) == 1
    for name in (HUB, PERSISTENCE, JOURNAL, "gateway.1"):
        assert value(values, "tapehub_actor_rss_bytes", actor=name) > 1e7
        assert value(values, "tapehub_actor_start_time_seconds", actor=name) > 1.7e9
        assert value(values, "tapehub_frames_out_total", actor=name) >= 0
    assert value(values, "tapehub_frames_in_total", actor=HUB) > 0
    assert value(values, "tapehub_http_requests_total", route="/metrics", status="200") > 0
    odd = [
        labels
        for labels in values.get("tapehub_dropped_total", {})
        if ("reason", "heartbeat_value") in labels
    ]
    assert not odd, "what real actors tell is understood"


def test_a_dead_hub_is_told_and_comes_back(world: GatewayWorld) -> None:
    until_up(world, JOURNAL, 1)
    until_up(world, PERSISTENCE, 1)
    until(lambda: health(world) == (200, "ok"), DEADLINE_S, "all to be well")
    began_s = value(scrape(world), "tapehub_actor_start_time_seconds", actor=HUB)
    hub = world.processes[HUB]
    hub.send(signal.SIGKILL)
    hub.wait()
    until(lambda: health(world) == (503, "down"), DEADLINE_S, "down")
    until_up(world, HUB, 0)
    assert value(scrape(world), UP, actor=COLLECTOR) == 1, "the page is there without the hub"
    world.start(HUB)
    until_up(world, HUB, 1)
    until(lambda: health(world) == (200, "ok"), DEADLINE_S, "all to be well again")
    assert value(scrape(world), "tapehub_actor_start_time_seconds", actor=HUB) > began_s


def test_a_silent_collector_degrades(world: GatewayWorld) -> None:
    world.feed.is_beating = False
    until_up(world, COLLECTOR, 0)
    assert health(world) == (200, "degraded")
    assert value(scrape(world), "tapehub_venue_connected", venue="binance") == 0
    world.feed.is_beating = True
    until_up(world, COLLECTOR, 1)
