"""`tapehub version`: this program, and what it stands on."""

from __future__ import annotations

import platform
from typing import Annotated

import typer

from tapehub.cli.output import print_json, say


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("version")(version)


def version(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Version of tapehub, of Python, and of the libraries underneath."""
    from actors.runtime.version import VERSION
    from protocol.requests import PROTOCOL_VERSION
    from protocol.transport import libzmq_version

    rows = {
        "tapehub": VERSION,
        "protocol": PROTOCOL_VERSION,
        "python": platform.python_version(),
        "libzmq": libzmq_version(),
        "platform": platform.platform(),
    }
    if as_json:
        print_json(rows)
        return
    for name, value in rows.items():
        say(f"{name:<9} {value}")
