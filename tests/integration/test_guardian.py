"""A real supervisord with the guardian and one plain actor: killed, hung, crashing, given up, alone, on a busy machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.runtime.settings import load
from actors.runtime.supervisord import Supervisor
from protocol.codec import decode_events
from protocol.endpoints import Endpoints
from protocol.messages import Alert
from protocol.transport import Empty, Wire
from tapehub.supervision import launch
from tapehub.supervision.readiness import until_running
from tests.chaos.topology import with_environment
from tests.support.config import write_config
from tests.support.control import ask_control
from tests.support.paths import ROOT
from tests.support.process import Program, clean_environment
from tests.support.wait import until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="pidfd and /proc are Linux's")

BACK_S = 30.0
ACTOR = "aggregator.1"
GUARDIAN = "guardian.1"
FAULTY = ROOT / "tests" / "support" / "faulty"
QUICK: dict[str, Any] = {"silent_s": 1.5, "abort_s": 0.3, "look_s": 0.1, "storm_restarts": 8}


class World:
    """supervisord, the guardian and an actor."""

    def __init__(self, run_dir: Path, guardian: dict[str, Any], extra: str = "") -> None:
        self.run_dir = run_dir
        self.config = write_config(run_dir, {ACTOR: {}, GUARDIAN: guardian})
        loaded = load(self.config, (), {})
        self.endpoints = Endpoints(run_dir)
        self.supervisor = Supervisor(run_dir)
        self.faults = run_dir / "faults"
        self.faults.mkdir()
        conf = launch.prepare(loaded)
        variables = {"PYTHONPATH": f"{FAULTY}:{ROOT}", "TAPEHUB_FAULTY": str(self.faults)}
        conf.write_text(with_environment(conf.read_text(), variables, "") + extra)
        self.conf = conf
        self.wire = Wire()
        self.alerts = self.wire.subscriber([self.endpoints.pub(GUARDIAN)], [b"alert.", b"beat."])
        self.told: list[Alert] = []
        self.start()

    def start(self) -> None:
        self.daemon = launch.start(self.conf, ends_with_us=True)
        states = until_running(self.endpoints, [ACTOR, GUARDIAN], BACK_S, lambda *_: None, lambda: "")
        assert set(states.values()) == {"RUNNING"}, states
        until(self._take, BACK_S, "a heartbeat of the guardian: what it says before is not heard")

    def ask(self, name: str, op: str = "status") -> Any:
        return ask_control(self.wire, self.endpoints, name, op)

    def programs(self) -> dict[str, dict[str, Any]]:
        return self.ask(GUARDIAN)["programs"]

    def pid(self, name: str = ACTOR) -> int:
        return next(one.pid for one in self.supervisor.processes() if one.name == name)

    def back(self, old: int) -> int:
        """Process id of the actor once another one runs and says so."""
        until(lambda: self.pid() not in (0, old), BACK_S, "another process")
        states = until_running(self.endpoints, [ACTOR], BACK_S, lambda *_: None, lambda: "")
        assert states == {ACTOR: "RUNNING"}
        until(lambda: self.programs()[ACTOR]["is_heard"], BACK_S, "its heartbeat at the guardian")
        return self.pid()

    def _take(self) -> int:
        """Take what the guardian has said; returns how many frames there were."""
        count = 0
        while True:
            try:
                frame = self.alerts.receive()
            except Empty:
                return count
            count += 1
            if frame.topic.startswith("alert."):
                self.told += decode_events(frame)

    def hear(self, rule: str) -> Alert:
        """The newest alert of a rule, waited for."""

        def heard() -> Alert | None:
            self._take()
            return next((alert for alert in reversed(self.told) if alert.rule == rule), None)

        found = until(heard, BACK_S, f"the alert {rule}")
        assert found is not None
        return found

    def log(self) -> str:
        return (self.run_dir / "log" / f"{ACTOR}.log").read_text(errors="replace")

    def close(self) -> None:
        if self.daemon.poll() is None:
            self.daemon.terminate()
        try:
            self.daemon.wait(30)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()
        self.wire.close()


Make = Callable[..., World]


@pytest.fixture
def make(run_dir: Path) -> Iterator[Make]:
    made: list[World] = []

    def start(guardian: dict[str, Any] | None = None, extra: str = "") -> World:
        made.append(World(run_dir, QUICK | (guardian or {}), extra))
        return made[-1]

    yield start
    for world in made:
        world.close()


def test_killed_stopped_and_spinning_actors_come_back(make: Make) -> None:
    world = make()
    until(lambda: world.programs().get(ACTOR, {}).get("pid"), BACK_S, "the guardian to know it")
    first = world.pid()
    os.kill(first, signal.SIGKILL)
    second = world.back(first)
    assert world.hear("actor_ended").symbol == ACTOR.upper()

    os.kill(second, signal.SIGSTOP)
    third = world.back(second)
    assert "stopped by a signal" in world.hear("actor_hung").text
    assert "most recent call first" in world.log(), "it was woken to leave its stacks"

    os.kill(third, signal.SIGUSR2)  # spins
    world.back(third)
    assert world.log().count("in spin") >= 1
    row = world.programs()[ACTOR]
    assert (row["restarts"], row["hangs"], row["state"]) == (3, 2, "RUNNING")


@pytest.mark.long
def test_a_crash_loop_is_quarantined_over_the_guardians_own_death_until_somebody_restarts_it(
    make: Make,
) -> None:
    world = make({"storm_restarts": 3, "quarantine_s": 300})
    (world.faults / ACTOR).touch()
    os.kill(world.pid(), signal.SIGKILL)
    assert world.hear("actor_quarantined").severity == "critical"
    until(lambda: world.programs()[ACTOR]["state"] == "QUARANTINED", BACK_S, "its quarantine")
    until(lambda: world.pid() == 0, BACK_S, "it to be down")

    guardian = world.pid(GUARDIAN)
    os.kill(guardian, signal.SIGKILL)
    until(lambda: world.pid(GUARDIAN) not in (0, guardian), BACK_S, "another guardian")
    until_running(world.endpoints, [GUARDIAN], BACK_S, lambda *_: None, lambda: "")
    until(lambda: world.programs().get(ACTOR, {}).get("state") == "QUARANTINED", BACK_S, "it to know")

    def tapehub(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tapehub", *words, "--config", str(world.config)]
        return subprocess.run(
            command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=False
        )

    assert "QUARANTINED" in tapehub("status").stdout
    (world.faults / ACTOR).unlink()
    done = tapehub("restart", ACTOR)
    assert done.returncode == 0, done.stderr
    until(lambda: world.programs()[ACTOR]["state"] == "RUNNING", BACK_S, "its end")
    assert world.ask(GUARDIAN)["quarantined"] == []


@pytest.mark.long
def test_what_supervisord_gave_up_is_started_when_it_can_be(make: Make, run_dir: Path) -> None:
    program = run_dir / "late"
    extra = f"""
[program:late.1]
command={program}
startsecs=0
startretries=0
stdout_logfile=NONE
stderr_logfile=NONE
"""
    world = make({"fatal_s": 0.2}, extra)
    assert world.hear("actor_fatal").symbol == "LATE.1"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o700)
    until(lambda: world.pid("late.1"), BACK_S, "it to run")


@pytest.mark.long
def test_nobody_outlives_supervisord_and_nobody_runs_twice(make: Make) -> None:
    world = make()
    for _ in range(3):
        pids = [one.pid for one in world.supervisor.processes()]
        world.daemon.kill()
        world.daemon.wait()
        until(lambda pids=pids: not any(map(is_alive, pids)), BACK_S, "all to end")
        world.start()
    world.daemon.kill()
    world.daemon.wait()
    world.daemon = launch.start(world.conf, ends_with_us=True)
    until(world.supervisor.is_up, BACK_S, "supervisord")
    pids = [one.pid for one in world.supervisor.processes() if one.pid]
    world.daemon.kill()  # its children are importing: they cannot have asked to die with it yet
    world.daemon.wait()
    until(lambda: not any(map(is_alive, pids)), BACK_S, "all to end")


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.long
def test_on_a_machine_ten_times_too_busy_nobody_is_taken_to_hang(make: Make) -> None:
    world = make()
    os.setpriority(os.PRIO_PROCESS, world.pid(), 10)
    first = world.pid()
    busy = [Program([sys.executable, "-c", "while True: pass"]) for _ in range(10 * (os.cpu_count() or 1))]
    try:
        threading.Event().wait(20.0)
        assert world.pid() == first
    finally:
        for one in busy:
            one.kill()
            one.__exit__(None, None, None)
    assert world.programs()[ACTOR]["hangs"] == 0
