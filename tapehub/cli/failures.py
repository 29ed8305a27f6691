"""From an exception to what a person reads and the code a script sees."""

from __future__ import annotations

import os
import sys
import traceback

from protocol.errors import (
    ConfigError,
    HubError,
    HubTimeout,
    HubUnreachable,
    NoData,
    StaleData,
    StartError,
    UnknownSymbol,
)
from tapehub.cli import exit_codes
from tapehub.cli.output import note, warn


class Failure(Exception):
    """A command cannot do what was asked.

    Args:
        what: What is wrong, and where.
        fix: How to put it right: the next command where there is one.
        code: Exit code.
    """

    def __init__(self, what: str, fix: str = "", code: int = exit_codes.FAILURE) -> None:
        super().__init__(what)
        self.fix = fix
        self.code = code


_HINTS: list[tuple[type[HubError], int, str]] = [
    (UnknownSymbol, exit_codes.NO_DATA, "tapehub symbols search NAME lists what is known"),
    (NoData, exit_codes.NO_DATA, "tapehub why SYMBOL names the hop where it stops"),
    (StaleData, exit_codes.NO_DATA, "tapehub why SYMBOL says why, --stale shows it anyway"),
    (HubTimeout, exit_codes.TIMEOUT, "tapehub status says whether it runs; --timeout waits longer"),
    (HubUnreachable, exit_codes.UNREACHABLE, "tapehub up -d starts it, tapehub status says what runs"),
    (HubError, exit_codes.FAILURE, "tapehub status says what runs"),
]


def report(error: Exception, *, debug: bool) -> int:
    """Tell the person, return the exit code."""
    if debug:
        traceback.print_exception(error)
    match error:
        case BrokenPipeError():
            _forget_stdout()
            return exit_codes.OK
        case Failure():
            return _say(str(error), error.fix, error.code)
        case ConfigError():
            for problem in error.problems:
                warn(problem)
            count = len(error.problems)
            word = "mistake" if count == 1 else "mistakes"
            what = f"{count} {word} in the configuration: nothing was started or changed"
            return _say(what, "correct it, then tapehub config check", exit_codes.BAD_CONFIG)
        case HubError():
            code, hint = next((code, hint) for kind, code, hint in _HINTS if isinstance(error, kind))
            return _say(error.message or error.code, hint, code)
        case StartError():
            return _say(str(error), "tapehub doctor", exit_codes.FAILURE)
        case _:
            what = f"unexpected {type(error).__name__}: {error}"
            return _say(what, "tapehub --debug shows where it came from", exit_codes.FAILURE)


def _say(what: str, fix: str, code: int) -> int:
    warn(f"error: {what}")
    if fix:
        note(f"try: {fix}")
    return code


def _forget_stdout() -> None:
    """The reader has gone: let nothing be flushed into its pipe when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
