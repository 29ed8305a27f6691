"""The providers as a process of their own, which lives on when the collector is killed."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from types import TracebackType
from typing import Any, Final

import msgspec

from tests.support.paths import ROOT
from tests.support.process import clean_environment
from tests.support.providers.faults import Fault
from tests.support.providers.server import CONTROL

_END_S: Final = 10.0


class ProvidersApart:
    """Use as a context manager: on the way in they answer.

    Args:
        *options: Of `python -m tests.support.providers`.
    """

    def __init__(self, *options: str) -> None:
        self._options = options
        self.urls: dict[str, str] = {}
        self.control_url = ""

    def __enter__(self) -> ProvidersApart:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.providers", *self._options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=clean_environment(),
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._end()
            raise AssertionError(f"the providers ended at once: exit {self._process.returncode}")
        self.urls = msgspec.json.decode(line, type=dict[str, str])
        self.control_url = self.urls.pop(CONTROL)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        """Close its stdin, which ends it."""
        process = self._process
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_END_S)
            raise AssertionError("the providers do not end with their stdin") from None

    def add(self, *faults: Fault) -> None:
        """Misbehave; `from_s` counts from the start of the process."""
        self._ask("POST", "/faults", msgspec.json.encode(list(faults)))

    def clear(self) -> None:
        """Behave."""
        self._ask("DELETE", "/faults")

    def report(self) -> dict[str, Any]:
        """What the providers saw: calls, peaks, violations, statuses, faults, connections of each."""
        return self._ask("GET", "/report")

    def violations(self) -> list[dict[str, Any]]:
        """All calls above a limit."""
        found = self.report()
        return [one for part in found.values() if isinstance(part, dict) for one in part["violations"]]

    def _ask(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        request = urllib.request.Request(self.control_url + path, body, method=method)
        with urllib.request.urlopen(request, timeout=_END_S) as answer:
            return msgspec.json.decode(answer.read(), type=dict[str, Any])
