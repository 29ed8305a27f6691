"""What a run says of each promise, and what other commands have found of them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.bench import evidence
from tests.bench.__main__ import GROUPS, chosen
from tests.bench.goals import GOALS, NOT_RUN, outcomes, text_of, unknown_ids
from tests.bench.report import Row

KILLS = {
    "passed": True,
    "kill": {
        "lines": [
            {"who": "guardian", "actor": "hub.1", "kills": 20, "fresh": "0.40/0.70"},
            {"who": "guardian", "actor": "aggregator.1", "kills": 20, "fresh": "0.50/1.20"},
            {"who": "guardian", "actor": "simulator.1", "kills": 20, "fresh": "3.00/9.00"},
            {"who": "alone", "actor": "hub.1", "kills": 3, "fresh": "2.10/2.90"},
            {"data": "compared", "trades": 1000, "lost": 0, "doubled": 2},
        ],
        "broken": [],
    },
}
SOAK = {
    "seconds": 3600.0,
    "rate_per_s": 20_000.0,
    "slopes": [
        {"actor": "hub.1", "what": "PSS MiB", "per_hour": 0.5, "verdict": "flat"},
        {"actor": "gateway.1", "what": "PSS MiB", "per_hour": 12.0, "verdict": "GROWS"},
        {"actor": "simulator.1", "what": "PSS MiB", "per_hour": 900.0, "verdict": "told"},
        {"actor": "hub.1", "what": "fds", "per_hour": 99.0, "verdict": "GROWS"},
    ],
}


def row(goal_id: str, ratio: float = 1.0, goal: float | None = 2.0, **fields) -> Row:
    return Row("suite", f"what of {goal_id}", 10.0, 10.0, "us", ratio, goal, goal_id=goal_id, **fields)


def outcome_of(goal_id: str, rows: list[Row]):
    return next(one for one in outcomes(rows) if one.goal.id == goal_id)


def test_each_promise_has_a_name_of_its_own_and_a_command() -> None:
    assert len({goal.id for goal in GOALS}) == len(GOALS)
    suites = {goal.command.removeprefix("bench ") for goal in GOALS if goal.command.startswith("bench ")}
    assert suites <= set(GROUPS["all"])
    assert all(goal.command for goal in GOALS)


def test_a_promise_is_kept_when_all_its_rows_are() -> None:
    assert outcome_of("visible", [row("visible", 1.9), row("visible", 2.9, 3.0)]).verdict == "ok"
    assert outcome_of("visible", [row("visible", 1.9), row("visible", 3.1, 3.0)]).verdict == "MISS"


def test_without_a_row_that_decides_it_was_not_run() -> None:
    assert outcome_of("bus", [row("visible")]).verdict == NOT_RUN
    assert outcome_of("bus", [row("bus", goal=None)]).verdict == NOT_RUN
    assert "./scripts/guardian-check --json" in text_of(outcomes([]))


def test_what_decides_stands_before_what_only_tells() -> None:
    found = outcome_of("bus", [row("bus", goal=None, peer="NATS"), row("bus", peer="raw")])
    assert [one.peer for one in found.rows] == ["raw", "NATS"]


def test_a_misspelt_promise_is_noticed() -> None:
    assert unknown_ids([row("bus"), row("buss"), row("")]) == {"buss"}


def test_kills_are_read_without_the_venue_and_the_guardian() -> None:
    rows = {one.what: one for one in evidence.kill_rows(KILLS)}
    assert rows["trades lost"].verdict == "ok"
    assert rows["trades doubled"].verdict == "MISS"
    guarded = rows["fresh again after kill -9, with the guardian, the worst"]
    assert (guarded.measured, guarded.verdict) == (1.2, "MISS")
    assert "aggregator.1, of 40 kills" in guarded.note
    alone = rows["fresh again after kill -9, supervisord alone, the worst"]
    assert (alone.measured, alone.verdict) == (2.9, "ok")


def test_slopes_are_those_of_memory_that_decides() -> None:
    growing, day = evidence.slope_rows(SOAK)
    assert (growing.measured, growing.verdict) == (1.0, "MISS")
    assert "gateway.1" in growing.note
    assert day.measured == 24 * 12.5


def test_documents_of_other_commands_are_taken_where_they_are(tmp_path: Path) -> None:
    assert list(evidence.rows_in(tmp_path)) == []
    (tmp_path / "soak.json").write_text(json.dumps(SOAK))
    rows = list(evidence.rows_in(tmp_path))
    assert not unknown_ids(rows)
    assert outcome_of("slope", rows).verdict == "MISS"


def test_no_suite_is_all_that_is_promised_and_each_is_run_once() -> None:
    assert chosen([]) == list(GROUPS["all"])
    assert chosen(["bus", "all"]) == ["bus", *(name for name in GROUPS["all"] if name != "bus")]
