"""`tapehub backfill` of the REST providers, end to end: a collector, its store, and servers that play the providers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import short_folder
from tests.support.rest_system import COLLECTOR, PLENTY, RestSystem
from tests.support.tapehub_command import Result
from tests.support.wait import until

MINUTE_NS = 60_000_000_000
DAY_NS = 1440 * MINUTE_NS
ONE_AN_HOUR = [(1, 3600.0)]
"""A second page of history has to wait."""
_TODAY = datetime.now(UTC).date()
SLOW = (
    "polygon", "ETH_USD", "--from", f"{_TODAY - timedelta(days=90)}", "--to", f"{_TODAY - timedelta(days=50)}",
)  # fmt: skip
"""Two pages."""


@pytest.fixture(scope="module")
def system() -> Iterator[RestSystem]:
    with short_folder() as folder, RestSystem(folder, {"yahoo": PLENTY, "twelvedata": PLENTY}) as found:
        yield found


def moment(days: float) -> str:
    """A whole minute so many days ago, in ns since 1970."""
    return str(round(time.time_ns() - days * DAY_NS) // MINUTE_NS * MINUTE_NS)


def document(result: Result, code: int = 0) -> Any:
    assert result.code == code, result.out + result.err
    return result.document


def test_what_is_stored_is_not_fetched_again(system: RestSystem) -> None:
    ends = ("--from", moment(8), "--to", moment(3))
    order = ("backfill", "rest", "BTC_USD", *ends)
    spent = system.history_calls()
    planned = document(system.tapehub(*order, "--dry-run", "--json"))
    (cost,) = planned["costs"]
    assert (cost["symbol"], cost["provider"], cost["calls"], cost["minutes"]) == (
        "BTC_USD",
        "yahoo",
        1,
        7_205,
    )
    assert planned["is_running"]
    assert system.history_calls() == spent, "a dry run asks no provider"

    done = system.tapehub(*order)
    assert done.code == 0, done.err
    assert done.out.splitlines()[1].split()[-3:] == ["7,200", "0", "done"]
    begin_ns, end_ns = int(ends[1]), int(ends[3])

    def stored() -> list[dict[str, Any]]:
        return [row for row in system.bars("BTC_USD") if begin_ns <= row["ts_open_ns"] < end_ns]

    rows = stored()
    assert [row["ts_open_ns"] for row in rows] == list(range(begin_ns, end_ns, MINUTE_NS))

    spent = system.history_calls()
    again = system.tapehub(*order)
    assert (again.code, again.out) == (0, "")
    assert "already complete: nothing to do (7,200 minutes stored)" in again.err
    assert system.history_calls() == spent

    whole = document(system.tapehub(*order, "--again", "--json"))
    assert whole["state"] == "done"
    assert system.history_calls() > spent
    assert stored() == rows

    wider = document(
        system.tapehub("backfill", "rest", "BTC_USD", "--from", moment(9), "--to", ends[3], "--json")
    )
    (job,) = wider["jobs"]
    assert job["to_ns"] < begin_ns + DAY_NS, "only the day before is ordered"


def test_up_to_now_it_meets_what_the_collector_fetches_by_itself(system: RestSystem) -> None:
    order = ("backfill", "rest", "ETH_USD", "--from", "-3h", "--json")
    assert document(system.tapehub(*order))["state"] == "done"
    again = document(system.tapehub(*order))
    assert again["state"] == "done"
    assert sum(cost["minutes"] for cost in again["costs"]) < 10, "at most the minutes since then are ordered"


def test_what_nobody_has_is_said(system: RestSystem) -> None:
    found = document(
        system.tapehub("backfill", "yahoo", "ETH_USD", "--from", "-40d", "--to", "-20d", "--json"), 7
    )
    (one,) = found["symbols"]
    assert one["from_ns"] < one["floor_ns"] < one["to_ns"]
    assert one["missing"] == (one["floor_ns"] - one["from_ns"]) // MINUTE_NS
    nothing = system.tapehub("backfill", "yahoo", "ETH_USD", "--from", "-50d", "--to", "-45d")
    assert nothing.code == 5
    assert "1m bars go back to" in nothing.err


def test_ctrl_c_ends_the_waiting_and_not_the_work(run_dir: Path) -> None:
    with RestSystem(run_dir, {"yahoo": PLENTY, "polygon": ONE_AN_HOUR}, symbols=("ETH_USD",)) as system:

        def running() -> list[dict[str, Any]]:
            return list(system.ask("backfills")["running"])

        with system.command("backfill", *SLOW) as command:
            command.wait_for_text("1 backfill, about 2 calls, at least 1:00:00")
            until(
                lambda: [one for one in running() if one["why"]], 20.0, "the second page to wait for its hour"
            )
            left = command.interrupted()
        assert left.code == 130
        (job,) = running()
        assert f"tapehub backfill cancel {job['job_id']}" in left.err

        late = system.tapehub("backfill", *SLOW, "--timeout", "500ms")
        assert late.code == 6
        assert [one["job_id"] for one in running()] == [job["job_id"]], (
            "an order of the same is joined, not doubled"
        )

        told = system.tapehub("backfill", "status")
        row = next(line for line in told.out.splitlines() if line.startswith(job["job_id"]))
        assert "polygon: " in row
        assert "used up" in row
        assert system.tapehub("backfill", "cancel", job["job_id"]).code == 0
        assert running() == []
        assert system.tapehub("backfill", "cancel", job["job_id"]).code == 5


def test_after_a_kill_it_goes_on_and_whoever_waits_is_told(system: RestSystem) -> None:
    with system.command(
        "backfill", "twelvedata", "ETH_USD", "--from", "-70d", "--to", "-60d", "--json"
    ) as command:
        until(lambda: system.ask("backfills")["running"], 40.0, "the backfill to run")
        system.actors[COLLECTOR].kill()
        system.start(COLLECTOR)
        found = document(command.finished(40.0))
    (one,) = found["symbols"]
    assert (found["state"], one["minutes"], one["missing"]) == ("done", 10 * 1440, 0)
    assert (
        len([row for row in system.bars("ETH_USD") if one["from_ns"] <= row["ts_open_ns"] < one["to_ns"]])
        == 14_400
    )


def test_the_first_history_is_waited_for(run_dir: Path) -> None:
    with RestSystem(run_dir, {"yahoo": PLENTY}, symbols=("BTC_USD",), rest={"bootstrap_days": 5}) as system:
        told = system.tapehub("backfill", "status", "--wait")
        assert told.code == 0, told.err
        assert told.out.startswith(f"{COLLECTOR}: history is there")
        until(lambda: len(system.bars("BTC_USD")) >= 5 * 1440 - 20, 40.0, "what was published to be stored")
        state = json.loads(system.tapehub("backfill", "status", "--json").out)["collectors"][COLLECTOR]
        assert (state["history"]["loading"], state["running"]) == (0, [])
