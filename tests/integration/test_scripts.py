"""The scripts that prove things: they run, and they can say no."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from protocol.messages import Quote
from scripts import detector_check
from scripts.kill_check import check
from tests.bench import bus
from tests.support.paths import ROOT
from tests.support.process import clean_environment
from tests.support.supervised import default_system, tapehub


@pytest.mark.long
def test_every_actor_is_back_within_five_seconds(capsys) -> None:
    with default_system() as run_dir:
        assert check(run_dir, [], "BTC_USDT", limit_s=5.0)
        lines = capsys.readouterr().out.splitlines()[1:]
        assert [line.split()[0] for line in lines] == [
            "journal.1", "persistence.1", "simulator.1", "collector.binance.1", "aggregator.1",
            "orderflow.1", "detector.1", "hub.1",
        ]  # fmt: skip
        status = json.loads(tapehub("--run-dir", str(run_dir), "status", "--json").stdout)
        assert {row["restarts"] for row in status["actors"]} == {1}
        assert not check(run_dir, ["hub.1"], "BTC_USDT", limit_s=0.0), "a limit that nobody can keep"


@pytest.mark.parametrize(
    ("suite", "rows"),
    [
        ("bus", ["single-event frames", "batches of 10", "batches of 50"]),
        (
            "journal",
            [
                "bus, journal on against off, single-event frames",
                "append, one frame a call",
                "append, batches of 10",
                "append, batches of 100",
                "recovery scan",
                "reader scan",
                "persistence catches up after 60 s, live rate 5,000/s",
            ],
        ),
    ],
)
def test_bench_measures_and_tells_the_machine(suite: str, rows: list[str]) -> None:
    command = [sys.executable, "-m", "tests.bench", suite, "--quick", "--json"]
    done = subprocess.run(
        command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, timeout=50, check=True
    )
    document = json.loads(done.stdout)
    found = dict.fromkeys(
        (row["suite"], row["what"]) for row in document["rows"]
    )  # once for each peer that is here
    assert list(found) == [(suite, what) for what in rows]
    assert all(row["measured"] > 0 and row["baseline"] > 0 for row in document["rows"])
    assert document["machine"]["cores"] >= 1


def test_bench_sends_what_a_collector_sends() -> None:
    events = bus.batch_of("trade.binance.S001_USDT", 3)
    assert len(events) == 3
    assert not any(event.validate() or isinstance(event, Quote) for event in events)


def test_replay_check_refuses_what_is_no_file(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "scripts.replay_check", str(tmp_path / "none.gz")]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is not a file" in done.stderr


@pytest.mark.long
def test_each_deed_gives_exactly_its_alert_and_quiet_hours_none() -> None:
    document = detector_check.check(10_000, 3, 30.0, ["BTC_USDT", "BTC_USDT.PERP"])
    assert [(row["what"], row["ok"]) for row in document["scenario"]] == [
        ("warm-up", True), ("print", True), ("liquidations", True), ("sweep", True), ("surge", True),
    ], document  # fmt: skip
    assert document["quiet"]["alerts"] == []
    assert document["quiet"]["trades"] >= 10_000
    assert document["ok"]
    assert "liquidation_spike" in detector_check.report(document)
