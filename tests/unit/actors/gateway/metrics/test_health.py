"""Health: what can be answered, what is wrong, and what to do next."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.actors.gateway.metrics import heartbeats
from tests.unit.actors.gateway.metrics.fleet_world import SILENCE_S, FleetWorld, full_world

TARGET = {"state": "storing", "oldest_unflushed_s": 0.1}


def well() -> FleetWorld:
    """Everything runs, and nothing is missing."""
    world = full_world()
    world.beat("collector.binance.1", {**heartbeats.exchange(), "gaps_open": 0})
    return world


def checks(world: FleetWorld, path: str = "/health/ready") -> tuple[int, str, dict[str, tuple[bool, str]]]:
    answer = world.get(path)
    body = answer.json()
    return (
        answer.status_code,
        body["status"],
        {one["name"]: (one["ok"], one["detail"]) for one in body["checks"]},
    )


def bad_of(world: FleetWorld) -> dict[str, str]:
    """Status 200, `degraded`, and the checks that are not well."""
    code, status, found = checks(world)
    assert (code, status) == (200, "degraded")
    return {name: detail for name, (ok, detail) in found.items() if not ok}


def test_all_is_well() -> None:
    code, status, found = checks(well())
    assert (code, status) == (200, "ok")
    assert list(found) == ["hub", "actors", "persistence", "journal", "disk", "venues", "gaps"]
    assert all(ok for ok, _ in found.values())


@pytest.mark.parametrize("fault", ["is_dead", "hangs"])
def test_without_the_hub_it_is_down(fault: str) -> None:
    world = well()
    setattr(world.reads, fault, True)
    world.context.settings.metrics = type(world.context.settings.metrics)(health_timeout_s=0.01)
    code, status, found = checks(world)
    assert (code, status) == (503, "down")
    assert not found["hub"][0]
    assert "tapehub status" in found["hub"][1]
    old = world.get("/health")
    assert (old.status_code, old.json()["status"], old.json()["state"]) == (503, "unhealthy", "down")
    assert world.get("/health/live").json() == {"status": "ok"}


def test_an_actor_that_is_silent_is_named() -> None:
    world = well()
    world.clock.pass_s(SILENCE_S + 0.01)
    for name, detail in heartbeats.fleet().items():
        if name not in ("detector.1", "collector.binance.1"):
            world.beat(name, detail)
    world.beat("collector.binance.1", {**heartbeats.exchange(), "gaps_open": 0})
    world.mark("collector.binance.1", "binance")
    assert bad_of(world) == {"actors": "no heartbeat of detector.1: tapehub logs detector.1 -n 50"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"state": "failed", "trouble": "no route to db at secret@host"}, "cannot store to sqlite"),
        ({"oldest_unflushed_s": 31.0}, "31 s behind"),
    ],
)
def test_persistence_that_does_not_store_is_told(changes: dict[str, Any], says: str) -> None:
    world = well()
    world.beat("persistence.1", heartbeats.base("persistence.1", targets={"sqlite": {**TARGET, **changes}}))
    bad = bad_of(world)
    assert list(bad) == ["persistence"]
    assert says in bad["persistence"]
    assert "secret" not in bad["persistence"]
    assert "tapehub logs persistence" in bad["persistence"]


@pytest.mark.parametrize(
    ("name", "detail", "check", "says"),
    [
        ("journal.1", {"disk": "low", "disk_used_share": 0.9}, "disk", "90% of the journals' disk"),
        ("journal.1", {"problems": {"hub.1": "odd"}}, "journal", "journal of hub.1"),
        ("hub.1", {"journal": {"state": "degraded"}}, "journal", "hub.1 cannot write its own"),
        ("collector.binance.1", {"gaps_open": 3}, "gaps", "3 open"),
    ],
)
def test_what_is_wrong_is_named(name: str, detail: dict[str, Any], check: str, says: str) -> None:
    world = well()
    world.beat(name, heartbeats.base(name, **detail))
    bad = bad_of(world)
    assert list(bad) == [check]
    assert says in bad[check]


def test_a_venue_is_lost_when_no_collector_has_it() -> None:
    world = well()
    world.mark("collector.binance.1", "binance", is_connected=False)
    assert "binance" in bad_of(world)["venues"]
    world.mark("collector.binance.2", "binance")
    assert checks(world)[1] == "ok"


def test_older_clients_find_their_words() -> None:
    world = well()
    body = world.get("/health").json()
    assert body["status"] == "healthy"
    assert body["state"] == "ok"
    assert body["components"]["hub"] == "ok"
    assert body["timestamp"].endswith("+00:00")
    assert body["checks"] == world.get("/health/ready").json()["checks"]
