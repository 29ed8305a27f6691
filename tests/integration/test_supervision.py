"""Real actors under a real supervisord: started, killed, restarted, stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.runtime.process_history import history_of
from actors.runtime.settings import load
from actors.runtime.supervisord import Supervisor, SupervisorDownError
from protocol.endpoints import Endpoints
from tapehub.supervision import launch
from tapehub.supervision.overview import look
from tapehub.supervision.roll_call import RollCall
from tests.support.config import write_config
from tests.support.paths import ROOT, free_port
from tests.support.process import Program, clean_environment
from tests.support.wait import until

BACK_S = 40.0
"""supervisord needs up to two seconds to notice a death; the rest is for a busy machine."""
ACTORS = {"aggregator.1": {}, "hub.1": {}}


def run(command: list[str], environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, env=clean_environment(environment),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


class Cli:
    """Calls `tapehub` as a process of its own, with one configuration."""

    def __init__(self, config: Path) -> None:
        self.config = config

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "tapehub", *words, "--config", str(self.config)]

    def __call__(self, *words: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        done = run(self.command(*words))
        assert code is None or done.returncode == code, (
            f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done

    def status(self) -> dict[str, dict[str, Any]]:
        """What `tapehub status --json` says of the actors, without starting a process for it."""
        loaded = load(self.config, (), {})
        endpoints, names = Endpoints(Path(loaded.common.run_dir)), list(loaded.common.actors)
        with RollCall(endpoints, names) as roll:
            rows = look(endpoints, names, roll, 2.0, loaded.digest)
        return {row.name: msgspec.to_builtins(row) for row in rows}

    def back_again(self, name: str, old_pid: int) -> dict[str, Any]:
        """Row of an actor once it runs as another process."""

        def row() -> dict[str, Any] | None:
            found = self.status()[name]
            return found if found["state"] == "RUNNING" and found["pid"] != old_pid else None

        found = until(row, BACK_S, f"{name} to run again")
        assert found is not None
        return found


@pytest.fixture
def cli(run_dir: Path) -> Iterator[Cli]:
    yield Cli(write_config(run_dir, ACTORS))
    supervisor = Supervisor(run_dir)
    try:
        pid = supervisor.pid()
        supervisor.shut_down()
    except SupervisorDownError as fault:
        pid = fault.stopping_pid
        if not pid:
            return
    if not launch.wait_for_end(pid, 20.0, supervisor.nudge):
        os.kill(pid, signal.SIGKILL)


def test_actors_come_back_however_they_end(cli: Cli) -> None:
    cli("status", code=4)
    cli("up", "-d")
    document = json.loads(cli("status", "--json").stdout)
    first = {row["name"]: row for row in document["actors"]}
    assert document["state"] == "running"
    assert set(first) == set(cli.status())

    os.kill(first["hub.1"]["pid"], signal.SIGKILL)
    killed = cli.back_again("hub.1", first["hub.1"]["pid"])
    assert killed["restarts"] == 1
    assert "SIGKILL" in killed["note"]

    os.kill(killed["pid"], signal.SIGTERM)  # drains and exits 0, though nobody told supervisord to stop it
    ended = cli.back_again("hub.1", killed["pid"])
    assert ended["restarts"] == 2
    assert "exit status 0" in ended["note"]

    assert cli.status()["aggregator.1"]["pid"] == first["aggregator.1"]["pid"], "the others are left alone"
    assert cli.status()["aggregator.1"]["restarts"] == 0

    os.kill(first["aggregator.1"]["pid"], signal.SIGSTOP)  # it hangs: supervisord does not notice, we do
    assert cli.status()["aggregator.1"]["state"] == "SILENT"
    cli("status", code=3)
    os.kill(first["aggregator.1"]["pid"], signal.SIGKILL)
    cli.back_again("aggregator.1", first["aggregator.1"]["pid"])

    again = cli("up", "-d", code=1)
    assert "already" in again.stderr
    assert "tapehub restart" in again.stderr

    cli("down")
    cli("down")
    cli("status", code=4)


def test_restart_applies_the_configuration_and_refuses_a_wrong_one(cli: Cli) -> None:
    cli("up", "-d")
    first = cli.status()
    text = cli.config.read_text()

    cli.config.write_text(text.replace("hub.1: {}", "hub.1: {bar_windo: 7}"))
    refused = cli("restart", "--all", code=78)
    assert "did you mean 'bar_window'?" in refused.stderr
    cli.config.write_text(text)
    assert cli.status()["hub.1"]["pid"] == first["hub.1"]["pid"]

    cli.config.write_text(text.replace("hub.1: {}", "hub.1: {bar_window: 7}\n  hub.2: {}"))
    assert "another configuration" in cli.status()["hub.1"]["note"]
    cli("restart", "hub.1")
    now = cli.status()
    assert now["hub.1"]["pid"] != first["hub.1"]["pid"]
    assert now["hub.1"]["note"] == ""
    assert now["hub.2"]["state"] == "RUNNING", "an added actor is started"
    assert now["aggregator.1"]["pid"] == first["aggregator.1"]["pid"]
    assert cli("restart", "hub.9", code=5).stderr.startswith("error: no actor 'hub.9'")


def test_up_with_a_wrong_configuration_starts_nothing(cli: Cli, run_dir: Path) -> None:
    cli.config.write_text("log_level: loud\nactors: {hub.1: {bar_window: 0}, hubb.1: {}}\nx: 1\ny: 2\n")
    done = cli("up", "-d", code=78)
    assert "5 mistakes" in done.stderr
    assert not Supervisor(run_dir).is_up()


def test_up_says_which_actor_does_not_stay_up(run_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = {"simulator.1": {"port": taken.getsockname()[1]}}
        cli = Cli(write_config(run_dir, settings))
        up = run(cli.command("up"))
    assert up.returncode == 3, up.stderr
    assert "exit status 69: cannot have its address" in up.stderr
    assert "tapehub logs simulator.1" in up.stderr
    assert not Supervisor(run_dir).is_up()


def test_exit_78_stays_down_while_others_come_back(cli: Cli, run_dir: Path) -> None:
    conf = launch.prepare(load(cli.config, (), {}))
    text = conf.read_text()
    broken = run_dir / "broken.msgpack"
    broken.write_bytes(b"nonsense")
    command = f"--name hub.1 --config {run_dir / 'config.msgpack'}"
    assert command in text
    conf.write_text(text.replace(command, f"--name hub.1 --config {broken}"))
    daemon = launch.start(conf, ends_with_us=True)
    try:
        refused = until(lambda: cli.status()["hub.1"]["state"] == "EXITED", BACK_S, "the hub to refuse")
        assert refused
        old = until(lambda: cli.status()["aggregator.1"]["pid"], BACK_S, "the aggregator to run")
        os.kill(old, signal.SIGKILL)
        cli.back_again("aggregator.1", old)  # so supervisord has looked at everything since
        starts = {name: history.starts for name, history in history_of(launch.log_lines(run_dir)).items()}
        assert starts == {"hub.1": 1, "aggregator.1": 2}
        assert "bad configuration" in cli.status()["hub.1"]["note"]
        cli("status", code=3)
    finally:
        daemon.terminate()
        daemon.wait(40)


def test_in_the_foreground_until_ctrl_c(cli: Cli, run_dir: Path) -> None:
    with Program(cli.command("up"), title="tapehub up") as up:
        up.wait_for_text("Ctrl-C stops everything", 30.0)
        assert "tapehub logs -f" in up.stdout_text
        old = cli.status()["hub.1"]["pid"]
        os.kill(old, signal.SIGKILL)
        cli.back_again("hub.1", old)
        up.wait_for_text("hub.1 is back, pid ", BACK_S)
        up.send(signal.SIGINT)
        assert up.wait(40.0) == 130
    assert not Supervisor(run_dir).is_up()
    cli("status", code=4)


def test_killing_the_foreground_leaves_nothing_behind(cli: Cli, run_dir: Path) -> None:
    with Program(cli.command("up", "--only", "hub"), title="tapehub up") as up:
        up.wait_for_text("Ctrl-C stops everything", 30.0)
        assert cli.status()["aggregator.1"]["state"] == "STOPPED"
        daemon = Supervisor(run_dir).pid()
        up.send(signal.SIGKILL)
        assert launch.wait_for_end(daemon, 20.0, Supervisor(run_dir).nudge)


def test_actors_die_with_supervisord_and_start_again(cli: Cli, run_dir: Path) -> None:
    cli("up", "-d")
    hub = cli.status()["hub.1"]["pid"]
    os.kill(Supervisor(run_dir).pid(), signal.SIGKILL)
    assert launch.wait_for_end(hub, 10.0)
    cli("up", "-d")
    cli("status")


def test_logs_are_kept_and_followed(cli: Cli) -> None:
    cli("up", "-d")
    rows = [json.loads(line) for line in cli("logs", "--json").stdout.splitlines()]
    assert {"hub.1", "aggregator.1", "supervisord"} == {row["actor"] for row in rows}
    assert [row["ts"] for row in rows] == sorted(row["ts"] for row in rows)
    with Program(cli.command("logs", "-f", "-n", "5", "supervisord"), title="tapehub logs") as logs:
        old = cli.status()["hub.1"]["pid"]
        os.kill(old, signal.SIGKILL)
        logs.wait_for_text("exited: hub.1 (terminated by SIGKILL", BACK_S)
        logs.send(signal.SIGINT)
        assert logs.wait(40.0) == 130
    cli.back_again("hub.1", old)


def test_supervisord_conf_at_the_root_runs_by_itself(run_dir: Path) -> None:
    checkout = run_dir / "checkout"
    (checkout / "var" / "log").mkdir(parents=True)
    for name in ("actors", "protocol", "config", "supervisord.conf"):
        (checkout / name).symlink_to(ROOT / name)
    port = free_port()
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "TAPEHUB__ACTORS__SIMULATOR_1__PORT": str(port),
        "TAPEHUB__ACTORS__COLLECTOR_BINANCE_1__WS_URL": f'{{spot: "ws://127.0.0.1:{port}/spot"}}',
        "TAPEHUB__ACTORS__COLLECTOR_BINANCE_1__REST_URL": f'{{spot: "http://127.0.0.1:{port}/spot"}}',
        "TAPEHUB__ACTORS__COLLECTOR_BINANCE_1__SYMBOLS": "[BTC_USDT]",
    }
    command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(checkout / "supervisord.conf")]
    cli = Cli(checkout / "config" / "tapehub.yaml")
    with Program(command, env=environment, cwd=run_dir, title="supervisord") as daemon:
        status, snap = cli.command("status"), cli.command("snap", "tick", "BTC_USDT", "--json")
        until(lambda: run(status, environment).returncode == 0, 45.0, "all actors to run")
        until(lambda: run(snap, environment).returncode == 0, 40.0, "a quote to reach the hub")
        assert daemon.stop(30.0) == 0
