"""`tapehub logs`: the actors' logs together, in order of time."""

from __future__ import annotations

import contextlib
import difflib
import re
import sys
import threading
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tapehub.cli import exit_codes
from tapehub.cli.context import current
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson
from tapehub.cli.output import note, painted, print_row, say

if TYPE_CHECKING:
    from actors.runtime.logfiles import Entry, LogFile

_PAUSE_S: Final = 0.25
_SUPERVISORD: Final = "supervisord"
_COLOURS: Final = {"warning": "yellow", "error": "red", "debug": "dim"}


class Level(StrEnum):
    """Levels of importance."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    WARN = "warn"
    ERROR = "error"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("logs")(logs)


def logs(
    actors: Annotated[
        list[str] | None,
        typer.Argument(help="Instances, kinds, or supervisord; all by default.", show_default=False),
    ] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Wait for more until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="Last lines to show.")] = 50,
    level: Annotated[Level, typer.Option(help="Nothing less important.")] = Level.DEBUG,
    grep: Annotated[
        str, typer.Option(metavar="REGEX", help="Only lines that match.", show_default=False)
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show the logs of actors, merged by time.

    tapehub logs -f --level warning

    tapehub logs hub.1 supervisord -n 200 --grep 'gap|reconnect'
    """
    wanted = _Wanted("warning" if level is Level.WARN else level.value, grep, as_json=as_json)
    files = _files(actors or [])
    with contextlib.ExitStack() as stack:
        for file in files:
            stack.callback(file.close)
        entries = [entry for file in files for entry in file.tail() if wanted.has(entry)]
        entries.sort(key=lambda entry: entry.ts)
        for entry in entries[-lines:] if lines else ():
            wanted.show(entry)
        if not entries and not follow:
            note(f"% no such lines in {current().run_dir / 'log'}")
        while follow:
            sys.stdout.flush()
            threading.Event().wait(_PAUSE_S)
            fresh = [entry for file in files for entry in file.new() if wanted.has(entry)]
            for entry in sorted(fresh, key=lambda entry: entry.ts):
                wanted.show(entry)


class _Wanted:
    """Which lines, and how they look."""

    def __init__(self, level: str, grep: str, *, as_json: bool) -> None:
        self._level = level
        self._as_json = as_json
        try:
            self._pattern = re.compile(grep)
        except re.error as fault:
            raise Failure(
                f"--grep {grep!r} is no regular expression: {fault}", code=exit_codes.USAGE
            ) from None

    def has(self, entry: Entry) -> bool:
        return entry.is_at_least(self._level) and bool(self._pattern.search(entry.msg))

    def show(self, entry: Entry) -> None:
        if self._as_json:
            print_row(entry)
        else:
            say(painted(entry.text(), _COLOURS.get(entry.level, "")))


def _files(wanted: list[str]) -> list[LogFile]:
    from actors.runtime.logfiles import LogFile

    context = current()
    folder = context.run_dir / "log"
    common = context.loaded.common
    known = [*common.here, _SUPERVISORD]
    for word in wanted:
        if word in common.actors and word not in known:
            host = common.topology.host_of(word)
            raise Failure(f"{word} runs on host {host}, and so lies its log", code=exit_codes.NO_DATA)
        if not any(word in (name, name.partition(".")[0]) for name in known):
            near = difflib.get_close_matches(word, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise Failure(
                f"no actor {word!r} in the configuration{hint}", "tapehub status", exit_codes.NO_DATA
            )
    chosen = [name for name in known if not wanted or name in wanted or name.partition(".")[0] in wanted]
    return [LogFile(folder / f"{name}.log", name) for name in chosen]
