"""`tapehub up`: check, compile, write supervisord's programs, start them, wait until they work."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tapehub.cli import exit_codes
from tapehub.cli.context import current
from tapehub.cli.failures import Failure
from tapehub.cli.options import TimeoutS
from tapehub.cli.output import note, print_json, say, warn

if TYPE_CHECKING:
    from actors.runtime.settings import Loaded
    from actors.runtime.supervisord import Supervisor

_LOOK_EVERY_S: Final = 1.0
_STOP_MARGIN_S: Final = 20.0
_NUDGE_EVERY_S: Final = 0.05


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("up")(up)


def up(
    detach: Annotated[
        bool, typer.Option("-d", "--detach", help="Return as soon as everything runs.")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="Start this actor or kind alone.", show_default=False)
    ] = None,
    timeout: TimeoutS = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Say where everything is as JSON.")] = False,
) -> None:
    """Start the actors of the configuration under supervisord.

    In the foreground it stays until Ctrl-C or `tapehub down`, and tells whenever an actor comes back.

      tapehub up -d

      tapehub up --only hub --only collector.binance.1
    """
    from actors.runtime.supervisord import Supervisor, SupervisorDownError
    from tapehub.cli.starting import await_actors
    from tapehub.supervision import launch

    loaded = current().startable()
    run_dir = Path(loaded.common.run_dir)
    names = _chosen(loaded, only or [])
    supervisor = Supervisor(run_dir)
    try:
        what = f"supervisord {supervisor.pid()} runs in {run_dir} already"
        fix = "tapehub status; tapehub restart --all applies a changed configuration; tapehub down stops it"
        raise Failure(what, fix)
    except SupervisorDownError as fault:
        if fault.stopping_pid:
            note(f"% {fault}: waiting for its end")
            patience_s = loaded.common.drain_s + _STOP_MARGIN_S
            launch.wait_for_end(fault.stopping_pid, patience_s, supervisor.nudge)
    conf = launch.prepare(loaded, frozenset(names))
    daemon = launch.start(conf, ends_with_us=not detach)
    interrupts = _Interrupts()
    try:
        await_actors(loaded, names, timeout, lambda: _gone(daemon, run_dir) or interrupts.text)
    except Failure:
        if daemon.poll() is not None or interrupts.text or not detach:
            _end(daemon, supervisor, loaded.common.drain_s)
        if interrupts.number:
            raise typer.Exit(interrupts.exit_code) from None
        raise
    _say_where(loaded, names, daemon.pid, as_json=as_json)
    if not detach:
        _stay(daemon, supervisor, interrupts, loaded.common.drain_s)


class _Interrupts:
    """Remembers SIGINT and SIGTERM instead of dying of them: the actors are to end in order."""

    def __init__(self) -> None:
        self.number = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.number = number

    @property
    def text(self) -> str:
        return f"stopped by {signal.Signals(self.number).name}" if self.number else ""

    @property
    def exit_code(self) -> int:
        return exit_codes.INTERRUPTED if self.number == signal.SIGINT else exit_codes.OK


def _chosen(loaded: Loaded, only: list[str]) -> list[str]:
    """Actors to start; `only` names instances or kinds."""
    names = loaded.common.here
    for wanted in only:
        if not any(wanted in (name, name.partition(".")[0]) for name in names):
            raise Failure(
                f"no actor or kind {wanted!r} here; there are: {', '.join(names)}", code=exit_codes.NO_DATA
            )
    return [name for name in names if not only or name in only or name.partition(".")[0] in only]


def _gone(daemon: subprocess.Popen[bytes], run_dir: Path) -> str:
    from tapehub.supervision.launch import said_at_start

    if daemon.poll() is None:
        return ""
    return f"supervisord ended with code {daemon.returncode}: {said_at_start(run_dir) or 'it said nothing'}"


def _say_where(loaded: Loaded, names: list[str], pid: int, *, as_json: bool) -> None:
    context = current()
    hubs = context.hub_endpoints
    if as_json:
        rows = {
            name: {"pub": context.endpoints.pub(name), "ctl": context.endpoints.ctl(name)} for name in names
        }
        print_json({"run_dir": loaded.common.run_dir, "supervisord_pid": pid, "hub": hubs, "actors": rows})
        return
    say(f"{len(names)} actors run. Everything is under {loaded.common.run_dir}")
    if hubs:
        say(f"  engines   from tapehub import Hub      hub at {', '.join(hubs)}")
    say("  look      tapehub status -w · tapehub top · tapehub tap trade --for 3s")
    say("  read      tapehub snap candles BTC_USDT --tf 1m · tapehub why BTC_USDT")
    say("  logs      tapehub logs -f")
    say("  stop      tapehub down")


def _stay(
    daemon: subprocess.Popen[bytes], supervisor: Supervisor, interrupts: _Interrupts, drain_s: float
) -> None:
    """Watch until the end; tell what supervisord does meanwhile."""
    from actors.runtime.supervisord import SupervisorDownError

    note("% Ctrl-C stops everything")
    pids = {process.name: process.pid for process in supervisor.processes()}
    while not interrupts.number:
        try:
            code = daemon.wait(_LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            try:
                processes = supervisor.processes()
            except SupervisorDownError:
                continue
            for process in processes:
                if process.pid != pids.get(process.name):
                    pids[process.name] = process.pid
                    warn(
                        f"% {process.name} "
                        + (f"is back, pid {process.pid}" if process.pid else process.state)
                    )
            continue
        note("% supervisord has ended")
        raise typer.Exit(exit_codes.OK if code == 0 else exit_codes.FAILURE)
    note(f"% {interrupts.text}: stopping")
    _end(daemon, supervisor, drain_s)
    raise typer.Exit(interrupts.exit_code)


def _end(daemon: subprocess.Popen[bytes], supervisor: Supervisor, drain_s: float) -> None:
    if daemon.poll() is None:
        daemon.terminate()
    end_s = time.monotonic() + drain_s + _STOP_MARGIN_S
    while daemon.poll() is None and time.monotonic() < end_s:
        supervisor.nudge()
        with contextlib.suppress(subprocess.TimeoutExpired):
            daemon.wait(_NUDGE_EVERY_S)
    if daemon.poll() is None:
        daemon.kill()
        daemon.wait()
