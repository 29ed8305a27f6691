"""The `tapehub` command as a process."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.process import Program, clean_environment
from tests.support.warm_commands import warm_commands


class Result(NamedTuple):
    """What a finished command left."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[Any]:
        """NDJSON on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


class Command(Program):
    """`python -m tapehub WORDS...`, away from any person's configuration."""

    def __init__(self, *words: str | Path, cwd: Path) -> None:
        command = [sys.executable, "-m", "tapehub", *map(str, words)]
        super().__init__(command, cwd=cwd, title=f"tapehub {' '.join(map(str, words))}")

    def finished(self, deadline_s: float = 40.0) -> Result:
        """Wait for its end."""
        code = self.wait(deadline_s)
        return Result(code, self.stdout_text, self.stderr_text)

    def interrupted(self) -> Result:
        """Press Ctrl-C and wait for its end."""
        self.send(signal.SIGINT)
        return self.finished()

    def __enter__(self) -> Command:
        return self


def run(*words: str | Path, cwd: Path, deadline_s: float = 40.0) -> Result:
    """Run a command to its end; where the test has changed nothing of the environment, without the cost of its imports."""
    warm = warm_commands()
    if clean_environment() == warm.environment:
        return Result(*warm.run([str(word) for word in words], cwd, deadline_s))
    with Command(*words, cwd=cwd) as command:
        return command.finished(deadline_s)
