"""`tapehub down`: stop all actors in order, then supervisord."""

from __future__ import annotations

import typer

from tapehub.cli import exit_codes
from tapehub.cli.context import current
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson, TimeoutS
from tapehub.cli.output import note, print_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("down")(down)


def down(
    timeout: TimeoutS = 60.0,
    as_json: AsJson = False,
) -> None:
    """Stop all actors in order, then supervisord. Fine if nothing runs.

    tapehub down

    tapehub --run-dir /srv/tapehub down
    """
    from actors.runtime.supervisord import Supervisor, SupervisorDownError
    from tapehub.supervision.launch import wait_for_end

    run_dir = current().run_dir
    supervisor = Supervisor(run_dir)
    try:
        pid = supervisor.pid()
        supervisor.shut_down()
    except SupervisorDownError as fault:
        pid = fault.stopping_pid
        note("% " + (str(fault) if pid else f"nothing runs in {run_dir}"))
    if pid and not wait_for_end(pid, timeout, supervisor.nudge):
        what = f"supervisord {pid} has not ended after {timeout:g} s"
        raise Failure(what, "tapehub logs supervisord", exit_codes.TIMEOUT)
    if as_json:
        print_json({"stopped": bool(pid), "supervisord_pid": pid})
    elif pid:
        note(f"% stopped, supervisord {pid} has ended")
