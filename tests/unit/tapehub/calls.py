"""Calling the command line inside the test's own process."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tapehub.cli.main import main


class Result(NamedTuple):
    """What one call left."""

    code: int
    out: str
    err: str


def call(capsys: pytest.CaptureFixture[str], *words: str) -> Result:
    """Call `tapehub` with these words."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(words)
    return Result(int(ended.value.code or 0), *capsys.readouterr())
