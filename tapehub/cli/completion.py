"""`tapehub completion`: the script that completes commands in a shell."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tapehub.cli.output import say


class Shell(StrEnum):
    """Shells that can complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("completion")(completion)


def completion(shell: Annotated[Shell, typer.Argument(help="Your shell.")]) -> None:
    """Print the completion script of a shell; load it at its start.

    eval "$(tapehub completion bash)"

    tapehub completion fish > ~/.config/fish/completions/tapehub.fish
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]  # public, but not marked so

    say(get_completion_script(prog_name="tapehub", complete_var="_TAPEHUB_COMPLETE", shell=shell.value))
