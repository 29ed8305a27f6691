"""Options that several commands share, with one meaning everywhere. Not a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

import typer

from tapehub.cli import exit_codes
from tapehub.cli.failures import Failure
from tapehub.durations import parse_duration

V = TypeVar("V")
R = TypeVar("R")


def duration(text: Any) -> float:
    """Parser of options that are lengths of time, seconds."""
    try:
        return parse_duration(str(text))
    except ValueError as fault:
        raise typer.BadParameter(str(fault)) from None


def usage(parse: Callable[[V], R], value: V) -> R:
    """Parse what was typed; a `ValueError` becomes a failure of usage, exit 2."""
    try:
        return parse(value)
    except ValueError as fault:
        raise Failure(str(fault), "the same command with --help", exit_codes.USAGE) from None


ForS = Annotated[
    float | None,
    typer.Option(
        "--for", parser=duration, metavar="TIME", help="Stop after this long, e.g. 3s.", show_default=False
    ),
]
TimeoutS = Annotated[
    float, typer.Option("--timeout", parser=duration, metavar="TIME", help="Longest wait for an answer.")
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
Topics = Annotated[
    list[str],
    typer.Argument(
        metavar="TOPIC", help="trade, trade.binance, '*.binance.BTC_USDT'; a trailing $ makes it exact."
    ),
]
MESSAGES_HELP: Final = "Stop after so many messages."
