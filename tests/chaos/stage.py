"""A run directory with the whole system in it, under the real supervisord; put away whatever happens."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from actors.runtime.settings import load
from actors.runtime.supervisord import Supervisor, SupervisorDownError
from protocol.endpoints import Endpoints
from protocol.transport import Wire
from tapehub.supervision import launch
from tapehub.supervision.readiness import RUNNING, until_running
from tests.chaos.topology import SIMULATOR, with_environment
from tests.support.control import ask_control
from tests.support.paths import short_folder

START_S: Final = 60.0
STOP_S: Final = 60.0


class StageError(Exception):
    """The system cannot be had; says why, and where to look."""


class Stage:
    """The running system.

    Args:
        run_dir: Where it lives.
        config: Its configuration.
        environment: Variables of all programs but the simulator.
    """

    def __init__(self, run_dir: Path, config: Path, environment: Mapping[str, str]) -> None:
        self.run_dir = run_dir
        self.endpoints = Endpoints(run_dir)
        self.supervisor = Supervisor(run_dir)
        self._loaded = load(config)
        self.names = list(self._loaded.common.actors)
        self._wire = Wire()
        self._daemon: subprocess.Popen[bytes] | None = None
        self._environment = dict(environment)

    def start(self) -> None:
        """Start supervisord and wait until every actor says RUNNING.

        Raises:
            StageError: one does not, in time.
        """
        conf = launch.prepare(self._loaded)
        conf.write_text(with_environment(conf.read_text(), self._environment, SIMULATOR))
        self._daemon = daemon = launch.start(conf, ends_with_us=True)

        def trouble() -> str:
            return "" if daemon.poll() is None else "supervisord has ended"

        states = until_running(self.endpoints, self.names, START_S, lambda *_: None, trouble)
        late = [f"{name} is {state}" for name, state in states.items() if state != RUNNING]
        if late or trouble():
            said = trouble() or ", ".join(late)
            logs = "\n".join(self.last_lines(name) for name in self.names if states[name] != RUNNING)
            raise StageError(f"{said} {launch.said_at_start(self.run_dir)}\n{logs}")

    def last_lines(self, name: str, count: int = 15) -> str:
        """The end of an actor's log."""
        try:
            lines = (self.run_dir / "log" / f"{name}.log").read_text(errors="replace").splitlines()
        except OSError:
            return f"{name}: no log"
        return "\n".join([f"--- {name}", *lines[-count:]])

    @property
    def is_up(self) -> bool:
        """Whether its supervisord runs."""
        return self._daemon is not None and self._daemon.poll() is None

    def pids(self) -> dict[str, int]:
        """Process id of each actor, 0 while it has none."""
        try:
            return {process.name: process.pid for process in self.supervisor.processes()}
        except SupervisorDownError:
            return {}

    def ask(self, name: str, op: str, timeout_s: float = 10.0, **args: Any) -> Any:
        """Ask an actor's control socket.

        Raises:
            HubError: it refuses, or does not answer.
        """
        return ask_control(self._wire, self.endpoints, name, op, timeout_s, **args)

    def stop(self) -> list[str]:
        """Wake who sleeps, end the system in order; returns complaints."""
        daemon = self._daemon
        if daemon is None or daemon.poll() is not None:
            return []
        for pid in self.pids().values():
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        daemon.terminate()
        try:
            daemon.wait(STOP_S)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
            return [f"supervisord did not end in {STOP_S:g} s and was killed"]
        return []

    def close(self) -> None:
        """Stop, and give the sockets back."""
        self.stop()
        self._wire.close()


@contextlib.contextmanager
def run_folder(keep: Path | None) -> Iterator[Path]:
    """A short folder for a run; what is left in it at the end is copied to `keep` if that is named."""
    with short_folder("tc-") as folder:
        run_dir = folder / "var"
        run_dir.mkdir(mode=0o700)
        try:
            yield run_dir
        finally:
            if keep is not None:
                shutil.copytree(run_dir, keep, ignore=_sockets, dirs_exist_ok=True)


def _sockets(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if (Path(folder) / name).is_socket()}
