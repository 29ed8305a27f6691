"""`tapehub token`: a new token for the gateway, and the lines of the configuration that let it in."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Annotated, Final

import typer

from tapehub.cli import exit_codes
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson
from tapehub.cli.output import note, print_json, say

TOKEN_BYTES: Final = 32
"""256 bits of chance: nothing to guess."""
SCOPES: Final = ("read", "push", "admin")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}\Z")
_SOURCE: Final = re.compile(r"[a-z][a-z0-9_-]{0,15}\Z")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("token")(token)


def token(
    name: Annotated[str, typer.Argument(help="Who it is for, as the log names it: desk, mt5-london.")],
    scopes: Annotated[
        list[str] | None,
        typer.Option("--scope", help="read, push or admin; several times for several.", show_default="read"),
    ] = None,
    source: Annotated[
        str, typer.Option("--source", help="With push: it sends as venue push.SOURCE.", show_default=False)
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Make a token for the gateway. It is shown once; the configuration holds its SHA-256 only."""
    wanted = list(dict.fromkeys(scopes or ["push" if source else "read"]))
    _check(name, wanted, source)
    made = secrets.token_urlsafe(TOKEN_BYTES)
    digest = hashlib.sha256(made.encode()).hexdigest()
    entry: dict[str, object] = {"sha256": digest, "scopes": wanted, **({"source": source} if source else {})}
    if as_json:
        print_json({"name": name, "token": made, "settings": entry})
        return
    say(made)
    note("the token stands above: it is not shown again. Let it in (actors: gateway.1: edge: tokens:)\n")
    note(
        f"  {name}: {{sha256: {digest}, scopes: [{', '.join(wanted)}]{f', source: {source}' if source else ''}}}\n"
    )
    note('use it: curl -H "Authorization: Bearer $TAPEHUB_TOKEN" http://127.0.0.1:9800/api/v1/quotes')


def _check(name: str, scopes: list[str], source: str) -> None:
    wrong = [scope for scope in scopes if scope not in SCOPES]
    if wrong:
        raise Failure(f"scope {wrong[0]!r} is none of {', '.join(SCOPES)}", "--scope read", exit_codes.USAGE)
    if not _NAME.match(name):
        raise Failure(f"name {name!r}: use 1 to 32 of a-z 0-9 _ -", "tapehub token desk", exit_codes.USAGE)
    if source and not _SOURCE.match(source):
        raise Failure(f"source {source!r}: use 1 to 16 of a-z 0-9 _ -", "--source mt5", exit_codes.USAGE)
    if source and "push" not in scopes:
        raise Failure("a source is of use with the scope push only", "--scope push", exit_codes.USAGE)
