"""`tapehub doctor`: everything that may keep it from running on this machine, or from the venues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tapehub.cli import exit_codes
from tapehub.cli.context import current
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson, duration
from tapehub.cli.output import note, print_json, say, state_word

if TYPE_CHECKING:
    from tapehub.checkup import Finding

_STEP_WIDTH = 11


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    live: Annotated[
        bool,
        typer.Option("--live", help="Ask the venues of the collectors, in place of this machine."),
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="NAME", help="With --live: only this collector or venue.", show_default=False
        ),
    ] = None,
    timeout_s: Annotated[
        float,
        typer.Option("--timeout", parser=duration, metavar="TIME", help="With --live: longest time in all."),
    ] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Check Python, packages, configuration, folders, ports, clock and what runs. Exit 1 if anything failed.

    With --live the venues instead, all at once: name, connection and certificate of each host, clock, key or
    login, subscription and first data of up to three symbols of each market. It costs no money, stores
    nothing and shows no key; IG counts it as a login, a REST provider as one call unless its collector runs:
    then that says what it knows.

      tapehub doctor

      tapehub doctor --live --only okx

      tapehub doctor --live --json
    """
    if only and not live:
        raise Failure("--only is for --live", "tapehub doctor --live --only NAME", exit_codes.USAGE)
    found = _of_venues(only or [], timeout_s) if live else _of_machine()
    failed = sum(one.word == "FAIL" for one in found)
    warned = sum(one.word == "WARN" for one in found)
    if as_json:
        print_json({"ok": not failed, "findings": found})
    else:
        _print(found)
        say(f"{failed} failed, {warned} warnings.")
    raise typer.Exit(exit_codes.FAILURE if failed else exit_codes.OK)


def _print(found: Sequence[Finding]) -> None:
    where = ""
    for one in found:
        if one.where != where:
            where = one.where
            say(where)
        step = f"{one.step:<{_STEP_WIDTH}} " if one.step else ""
        fix = f"  -> {one.fix}" if one.fix else ""
        say(f"  {state_word(one.word)}{' ' * (5 - len(one.word))} {step}{one.text}{fix}")


def _of_venues(only: Sequence[str], timeout_s: float) -> list[Finding]:
    from tapehub import checkup

    loaded = current().checked()
    try:
        collectors = checkup.collectors_of(loaded, only)
    except LookupError as fault:
        raise Failure(str(fault.args[0]), code=exit_codes.NO_DATA) from None
    if not collectors:
        raise Failure("the configuration has no collector", "tapehub config show", exit_codes.NO_DATA)
    note(f"% asking the venues of {', '.join(collectors)}, at most {timeout_s:g} s")
    return list(checkup.of_venues(loaded, collectors, timeout_s))


def _of_machine() -> list[Finding]:
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
    found += checkup.of_ports(loaded, sections(), running)
    if any(name.startswith("bridge.") for name in loaded.common.actors):
        from tapehub.bridges import of_bridges

        found += [checkup.Finding(*one) for one in of_bridges(loaded)]
    return [*found, *of_actors, *checkup.of_keys(loaded), *checkup.of_hosts(loaded)]
