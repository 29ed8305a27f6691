"""`tapehub doctor`: everything that may keep it from running on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tapehub.cli import exit_codes
from tapehub.cli.context import current
from tapehub.cli.options import AsJson
from tapehub.cli.output import print_json, say, state_word

if TYPE_CHECKING:
    from tapehub.checkup import Finding


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(as_json: AsJson = False) -> None:
    """Check Python, packages, configuration, folders, ports, clock and what runs. Exit 1 if anything failed.

    tapehub doctor

    tapehub doctor --json
    """
    found = _findings()
    failed = sum(one.word == "FAIL" for one in found)
    warned = sum(one.word == "WARN" for one in found)
    if as_json:
        print_json({"ok": not failed, "findings": found})
    else:
        for one in found:
            say(
                f"  {state_word(one.word)}{' ' * (5 - len(one.word))} {one.text}"
                + (f"  -> {one.fix}" if one.fix else "")
            )
        say(f"{failed} failed, {warned} warnings.")
    raise typer.Exit(exit_codes.FAILURE if failed else exit_codes.OK)


def _findings() -> list[Finding]:
    from protocol.errors import ConfigError
    from tapehub import checkup
    from tapehub.kinds import sections

    found = list(checkup.of_machine())
    try:
        loaded = current().checked()
    except ConfigError as error:
        found += [checkup.Finding(checkup.FAIL, problem) for problem in error.problems]
        found.append(
            checkup.Finding(checkup.SKIP, "folders, ports and actors: the configuration comes first")
        )
        return found
    text = f"configuration {', '.join(loaded.files)}: {len(loaded.common.actors)} actors"
    found.append(checkup.Finding(checkup.OK, f"{text}, {len(loaded.instruments)} symbols"))
    found += checkup.of_run_dir(current().run_dir)
    of_actors, running = checkup.of_actors(loaded)
    return [*found, *checkup.of_ports(loaded, sections(), running), *of_actors]
