"""The `tapehub` command: global options, and one file per command.

Each `tapehub/cli/<command>.py` has `register(app: typer.Typer) -> None`, which adds the command (or the group
of subcommands) to the app. Only the file of the command that was typed is imported, all of them for `--help`
and completion; so a command file imports at its top what is cheap, and the rest where it uses it.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperGroup

from tapehub.cli import context, failures, output

PANELS: Final = {
    "Run": ("up", "down", "restart", "status", "logs", "top", "doctor"),
    "Look": ("tap", "topics", "snap", "why", "gaps", "latency"),
    "Data": (
        "record",
        "replay",
        "decode",
        "analyze",
        "scan",
        "backtest",
        "query",
        "export",
        "db",
        "backfill",
    ),
    "Configure": ("config", "symbols", "keys", "token", "version", "completion"),
}
"""Commands by the heading they stand under in `--help`; each is a module of this package."""

_VALUED: Final = ("--config", "--key", "--run-dir", "--set", "--endpoint", "--host")
_FLAGS: Final = ("--no-color", "--debug")


class Commands(TyperGroup):
    """The group at the top: turns what commands raise into words and exit codes."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except Exception as error:
            if isinstance(error, (typer.Exit, typer.Abort, typer.TyperException)):
                raise
            raise typer.Exit(failures.report(error, debug=context.current().is_debug)) from None
        return result


def root(
    config: Annotated[
        Path | None, typer.Option(help="Configuration file.", show_default="nearest config/tapehub.yaml")
    ] = None,
    run_dir: Annotated[
        Path | None,
        typer.Option(help="Talk to what was started in this run directory.", show_default="$TAPEHUB_RUN_DIR"),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override one setting.", show_default=False),
    ] = None,
    endpoint: Annotated[
        str, typer.Option(help="Address of the hub.", envvar=context.ENDPOINT_VARIABLE, show_default=False)
    ] = "",
    host: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Which host of the topology this is.", show_default="$TAPEHUB_HOST"
        ),
    ] = "",
    key: Annotated[
        Path | None,
        typer.Option(
            help="Our secret key, for actors of other hosts.",
            show_default="$TAPEHUB_KEY, else the operator's",
        ),
    ] = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure.")] = False,
) -> None:
    """Market-data hub: every feed once, every engine answered in microseconds.

    These options may stand before or behind the command.
    """
    output.set_colour(wanted=not no_color)
    if host:
        os.environ[context.HOST_VARIABLE] = host  # for ${TAPEHUB_HOST} in the configuration
    context.use(context.Context(config, run_dir, overrides or (), endpoint, host, key, is_debug=debug))


def build(only: str = "") -> typer.Typer:
    """The app with one command, or with all of them."""
    app = typer.Typer(
        name="tapehub",
        cls=Commands,
        callback=root,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="Exit codes: 0 ok, 1 failure, 2 usage, 3 degraded, 4 unreachable, 5 no data, 6 timeout, "
        "7 gaps, 78 bad configuration, 130 interrupted.",
    )
    for panel, names in PANELS.items():
        for name in names:
            if not only or only == name:
                _add(app, name, panel)
    return app


def _add(app: typer.Typer, name: str, panel: str) -> None:
    module = importlib.import_module(f"tapehub.cli.{name}")
    module.register(app)
    for command in app.registered_commands:
        if command.name == name:
            command.rich_help_panel = panel
    for group in app.registered_groups:
        if group.name == name:
            group.rich_help_panel = panel


def ordered(arguments: Sequence[str]) -> tuple[list[str], str]:
    """Global options moved to the front, wherever they were typed, and the command's name."""
    ours: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in _VALUED:
            ours += [word, *([value] if (value := next(words, None)) is not None else [])]
        elif word in _FLAGS or word.startswith(tuple(f"{option}=" for option in _VALUED)):
            ours.append(word)
        else:
            rest.append(word)
    command = next((word for word in rest if not word.startswith("-")), "")
    return ours + rest, command


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point of the `tapehub` program."""
    given = sys.argv[1:] if arguments is None else arguments
    words, command = ordered(given)
    is_known = any(command in names for names in PANELS.values())
    is_completing = "_TAPEHUB_COMPLETE" in os.environ
    app = build(command if is_known and not is_completing else "")
    app(words, prog_name="tapehub")
    sys.exit(0)
