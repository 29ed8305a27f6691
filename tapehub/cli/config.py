"""`tapehub config`: check, show, get, schema, template, supervisord."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tapehub.cli import exit_codes
from tapehub.cli.context import current
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson
from tapehub.cli.output import print_json, say, warn

if TYPE_CHECKING:
    from actors.runtime.settings import Loaded


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="Check the configuration, show what is in force.", no_args_is_help=True)
    group.command("check")(check)
    group.command("show")(show)
    group.command("get")(get)
    group.command("schema")(schema)
    group.command("template")(template)
    group.command("supervisord")(supervisord)
    app.add_typer(group, name="config")


def check(
    reach: Annotated[
        bool,
        typer.Option(
            "--reach", help="Connect to the actors of the other hosts too. Exit 4 if one cannot be reached."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check everything and report every mistake at once, with file, line and column. Exit 78 if there is one.

    With --host also what only that host can say: whether its address is here, and whether it has its keys.

      tapehub config check

      tapehub --host compute config check --reach

      tapehub --set actors.hub.1.bar_window=9000 config check
    """
    from protocol.errors import ConfigError

    context = current()
    try:
        loaded = context.checked()
        if loaded.common.host:
            loaded = context.startable()
    except ConfigError as error:
        if not as_json:
            raise
        print_json({"ok": False, "problems": error.problems})
        raise typer.Exit(exit_codes.BAD_CONFIG) from None
    faults = _unreachable(loaded) if reach else []
    counts = {"actors": len(loaded.common.actors), "symbols": len(loaded.instruments)}
    if as_json:
        print_json(
            {"ok": not faults, "problems": faults, "files": loaded.files, "digest": loaded.digest, **counts}
        )
    else:
        for fault in faults:
            warn(fault)
        hosts = f", {len(loaded.common.hosts)} hosts" if loaded.common.hosts else ""
        say(f"ok: {', '.join(loaded.files)}: {counts['actors']} actors, {counts['symbols']} symbols{hosts}")
    if faults:
        raise typer.Exit(exit_codes.UNREACHABLE)


def _unreachable(loaded: Loaded) -> list[str]:
    from tapehub.hosting import faults_of, reaches

    if not loaded.common.hosts:
        raise Failure("the configuration has no hosts: there is nobody else to reach", code=exit_codes.USAGE)
    return faults_of(reaches(loaded.common.topology))


def show(as_json: AsJson = False) -> None:
    """Every setting with the value in force: defaults, files, environment and --set. Secrets read ***."""
    whole = _effective()
    if as_json:
        print_json(whole)
        return
    import yaml

    say(yaml.safe_dump(whole, sort_keys=False, width=110, allow_unicode=True).rstrip())


def get(
    path: Annotated[str, typer.Argument(help="For example actors.hub.1.bar_window, or bus.")],
    as_json: AsJson = False,
) -> None:
    """One setting, or a whole section; plain text for a script.

    tapehub config get run_dir

    tapehub config get actors.collector.binance.1 --json
    """
    import difflib

    from actors.runtime.overrides import resolve

    value: Any = _effective()
    for part in resolve(value, path.split(".")):
        if not isinstance(value, dict) or part not in value:
            near = difflib.get_close_matches(part, list(value) if isinstance(value, dict) else [], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise Failure(f"no setting {path!r}{hint}", "tapehub config show", exit_codes.NO_DATA)
        value = value[part]
    if as_json or isinstance(value, dict | list | bool | None):
        print_json(value)
    else:
        say(str(value))


def schema() -> None:
    """JSON schema of tapehub.yaml, for editors.

    tapehub config schema > tapehub.schema.json
    """
    from tapehub.kinds import sections
    from tapehub.settings_view import json_schema

    print_json(json_schema(sections()))


def template() -> None:
    """A file to start from: the configuration as it is, and every other setting commented out at its default.

    tapehub config template > my/tapehub.yaml
    """
    from tapehub.kinds import sections
    from tapehub.settings_template import template as written

    sys.stdout.write(written(current().checked(), sections()))


def supervisord() -> None:
    """A supervisord.conf of the configured actors, for running without `tapehub up` at the top of a checkout.

    tapehub config supervisord > supervisord.conf
    """
    from tapehub.supervision.programs import standalone

    sys.stdout.write(standalone(current().loaded.common))


def _effective() -> dict[str, Any]:
    from tapehub.kinds import sections
    from tapehub.settings_view import effective

    return effective(current().checked(), sections())
