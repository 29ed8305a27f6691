"""Real processes under test: started, waited for with a deadline, and never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from tests.support.paths import ROOT
from tests.support.wait import until

STOP_S = 30.0
"""How long a process may take to end in order before the test fails."""


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without the person's own tapehub settings, finding this checkout first."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TAPEHUB_")}
    kept["PYTHONPATH"] = str(ROOT)
    kept["PYTHONUNBUFFERED"] = "1"
    return kept | dict(extra or {})


class Program:
    """A command as a process in its own session, its output kept in files (a pipe could fill up and block it).

    Use as a context manager: on the way out it is killed with everything it started, and where the test
    failed its output is shown.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        title: str = "",
    ) -> None:
        self.command = list(command)
        self.title = title or " ".join(self.command[-3:])
        self._stdout: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=self._stdout,
            stderr=self._stderr,
            env=clean_environment(env),
            cwd=cwd,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    @property
    def stdout_text(self) -> str:
        """What it has written so far."""
        return _whole(self._stdout)

    @property
    def stderr_text(self) -> str:
        """What it has written so far."""
        return _whole(self._stderr)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal (to it alone, not to its children)."""
        self.process.send_signal(number)

    def wait(self, deadline_s: float = STOP_S) -> int:
        """Wait for its end; returns the exit code (negative: the signal that ended it).

        Raises:
            AssertionError: it still runs; SIGUSR1 asks an actor for its stacks first, they are in the message.
        """
        try:
            return self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGUSR1)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.5)
            raise AssertionError(f"{self.title} still runs after {deadline_s:g} s\n{self.report()}") from None

    def stop(self, deadline_s: float = STOP_S) -> int:
        """Ask it to end (SIGTERM) and wait; returns the exit code."""
        self.send(signal.SIGTERM)
        return self.wait(deadline_s)

    def kill(self) -> None:
        """End it and everything it started, at once (SIGKILL), and reap it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_S)

    def wait_for_text(self, text: str, deadline_s: float = STOP_S) -> None:
        """Wait until it has written the text, to either stream; a process that ends first fails at once."""

        def seen() -> bool:
            ended = not self.is_alive
            if text in self.stdout_text or text in self.stderr_text:
                return True
            assert not ended, f"{self.title} ended before it wrote {text!r}\n{self.report()}"
            return False

        until(seen, deadline_s, f"{self.title} to write {text!r}")

    def report(self) -> str:
        """The end of its output, for a failure message."""
        state = "running" if self.is_alive else f"exit {self.process.returncode}"
        return f"--- {self.title} ({state})\n{self.stdout_text[-2000:]}\n{self.stderr_text[-4000:]}"

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        if kind is not None:
            print(self.report(), file=sys.stderr)
        self._stdout.close()
        self._stderr.close()


class ActorProcess(Program):
    """One actor as supervisord starts it: `python -m actors.<kind> --name <name> --config <file>`."""

    def __init__(self, kind: str, name: str, config: Path, *, env: Mapping[str, str] | None = None) -> None:
        command = [sys.executable, "-m", f"actors.{kind}", "--name", name, "--config", str(config)]
        super().__init__(command, env=env, title=name)
        self.name = name
        self.config = config

    def __enter__(self) -> ActorProcess:
        return self


def _whole(stream: IO[bytes]) -> str:
    size = os.fstat(stream.fileno()).st_size
    return os.pread(stream.fileno(), size, 0).decode("utf-8", "replace")
