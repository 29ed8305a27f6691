"""`tapehub restart`: check and compile the configuration again, then restart actors with it."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated

import typer

from tapehub.cli import exit_codes
from tapehub.cli.context import current
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson, TimeoutS
from tapehub.cli.output import note, print_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("restart")(restart)


def restart(
    actors: Annotated[
        list[str] | None, typer.Argument(help="Instances or kinds.", show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All actors, in order.")] = False,
    timeout: TimeoutS = 30.0,
    as_json: AsJson = False,
) -> None:
    """Restart actors with the configuration as it is now; a mistake in it leaves everything as it was.

    Actors that the configuration added or dropped since are started or stopped.

      tapehub restart hub.1

      tapehub restart --all
    """
    from actors.runtime.supervisord import Supervisor, SupervisorDownError
    from tapehub.cli.starting import await_actors
    from tapehub.supervision import launch
    from tapehub.supervision.programs import priority_of

    if bool(actors) == everything:
        raise typer.BadParameter("name actors, or give --all")
    loaded = current().startable()
    supervisor = Supervisor(Path(loaded.common.run_dir))
    try:
        running = {process.name for process in supervisor.processes()}
        if everything:
            chosen = running & set(loaded.common.here)
        else:
            chosen = {name for wanted in actors or () for name in _named(wanted, running)}
        launch.prepare(loaded)
        updated = supervisor.update()
        ordered = sorted(sorted(chosen - set(updated)), key=priority_of)
        for name in reversed(ordered):
            note(f"% {name} STOPPING")
            supervisor.stop(name)
        for name in ordered:
            supervisor.start(name)
    except SupervisorDownError as fault:
        raise Failure(str(fault), "tapehub up -d", exit_codes.UNREACHABLE) from None
    waiting = [name for name in loaded.common.here if name in chosen or name in updated]
    await_actors(loaded, waiting, timeout, lambda: "" if supervisor.is_up() else "supervisord has ended")
    if as_json:
        print_json({"restarted": waiting})


def _named(wanted: str, running: set[str]) -> list[str]:
    found = [name for name in sorted(running) if wanted in (name, name.partition(".")[0])]
    if not found:
        near = difflib.get_close_matches(wanted, running, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise Failure(f"no actor {wanted!r} runs here{hint}", "tapehub status", exit_codes.NO_DATA)
    return found
