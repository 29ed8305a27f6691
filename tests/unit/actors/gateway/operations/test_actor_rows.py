"""Rows of actors: heartbeat and supervisord joined, and what a person should do."""

from pathlib import Path
from typing import Any

import pytest

from actors.gateway.operations.actors import rows
from actors.runtime.process_history import History
from tests.unit.actors.gateway.operations.ops_world import OpsWorld


@pytest.fixture
def world(tmp_path: Path) -> OpsWorld:
    return OpsWorld(tmp_path)


def row_of(world: OpsWorld, name: str) -> dict[str, Any]:
    return next(row for row in rows(world.context) if row["name"] == name)


def test_a_row_has_what_the_heartbeat_says(world: OpsWorld) -> None:
    world.beat("hub.1", epoch=9, rss_bytes=5, lag_p50_s=0.1, dropped={"late": 2}, journal={"state": "ok"})
    world.process("hub.1", pid=109, history=History(starts=3))
    world.clock.ns += 500_000_000
    row = row_of(world, "hub.1")
    assert (row["state"], row["is_alive"], row["beat_age_s"], row["epoch"]) == ("RUNNING", True, 0.5, 9)
    assert (row["pid"], row["rss_bytes"], row["dropped"]) == (109, 5, {"late": 2})
    assert (row["restarts"], row["supervisor"]["state"], row["note"]) == (2, "RUNNING", "")
    assert [one["name"] for one in rows(world.context)] == list(world.context.common.actors)


def test_silence_is_down_and_says_whether_the_process_lives(world: OpsWorld) -> None:
    world.beat("hub.1")
    world.process("hub.1", pid=109)
    world.clock.ns += 2_000_000_000
    row = row_of(world, "hub.1")
    assert (row["state"], row["is_alive"], row["pid"]) == ("DOWN", False, 109)
    assert "silent: restart it" in row["note"]
    world.process("hub.1", "STOPPED", 0)
    assert row_of(world, "hub.1")["note"].startswith("stopped by hand")
    world.process("hub.1", "EXITED", 0, exit_code=78)
    assert "bad configuration" in row_of(world, "hub.1")["note"]
    world.process("hub.1", "BACKOFF", 0, spawn_error="no such file")
    assert row_of(world, "hub.1")["note"].startswith("no such file")
    assert row_of(world, "hub.1")["supervisor"]["spawn_error"] == "no such file"


def test_who_was_never_heard(world: OpsWorld) -> None:
    assert (row_of(world, "hub.1")["state"], row_of(world, "hub.1")["restarts"]) == ("UNKNOWN", 0)
    world.process("hub.1", uptime_s=1.0)
    assert row_of(world, "hub.1")["state"] == "STARTING"
    world.process("hub.1", "FATAL", 0)
    assert row_of(world, "hub.1")["state"] == "DOWN"
    world.supervision.told = None
    row = row_of(world, "hub.1")
    assert (row["state"], row["supervisor"], row["restarts"]) == ("UNKNOWN", None, None)


def test_what_the_guardian_keeps_down_is_quarantined(world: OpsWorld) -> None:
    world.beat("guardian.1", programs={"hub.1": {"state": "QUARANTINED", "retry_in_s": 12.2}})
    world.process("hub.1", "STOPPED", 0)
    row = row_of(world, "hub.1")
    assert row["state"] == "QUARANTINED"
    assert "tried again in 12 s" in row["note"]
    world.beat("hub.1")
    assert row_of(world, "hub.1")["state"] == "RUNNING", "somebody has started it"


def test_our_own_row_and_those_of_strangers(world: OpsWorld) -> None:
    assert (row_of(world, "gateway.1")["pid"], row_of(world, "gateway.1")["epoch"]) == (7, 3)
    world.beat("hub.2")
    assert "not in the configuration" in row_of(world, "hub.2")["note"]


@pytest.mark.parametrize(
    ("detail", "says"),
    [
        ({"connected": False}, "not connected"),
        ({"journal": {"fault": "disk full"}}, "cannot be written: disk full"),
        ({"targets": {"persistence.1": {"trouble": "locked"}}}, "nothing is stored: persistence.1: locked"),
        (
            {
                "markets": {
                    "bars": {"providers": {"yahoo": {"state": "open", "why": "HTTP 500", "rests_s": 9.0}}}
                }
            },
            "yahoo: HTTP 500, asked again in 9 s",
        ),
        ({"markets": 6}, ""),
    ],
)
def test_notes(world: OpsWorld, detail: dict[str, Any], says: str) -> None:
    world.beat("persistence.1", **detail)
    note = row_of(world, "persistence.1")["note"]
    assert says in note
    assert bool(says) == bool(note)
