"""The `tapehub` command without the cost of its imports: a process that has made them, and forks for each command.

What a command does it does in a process of its own, with its own folder, output and exit code. That a process finds all it
needs by itself is seen by the tests that begin a `Command`.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final, NamedTuple

from tests.support.paths import ROOT
from tests.support.process import clean_environment

PREPARE_S: Final = 30.0
NUMBER_BYTES: Final = 16
LAZY: Final = (
    "actors.collector.recorded.decoders",
    "actors.runtime.tree_conformity",
    "actors.runtime.yaml_source",
    "protocol.client.hub",
    "pydantic.type_adapter",
    "rich.console",
    "rich.table",
    "typer.rich_utils",
)
"""Imported by commands where they use them. None of them begins a thread."""


class Finished(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str


class WarmCommands:
    """The side of the test: orders commands, one at a time."""

    def __init__(self) -> None:
        self.environment = clean_environment()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.warm_commands", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=self.environment,
                cwd=ROOT,
                start_new_session=True,
            )
        atexit.register(self.close)
        self._answer(PREPARE_S)

    def run(self, words: Sequence[str], cwd: Path, deadline_s: float) -> Finished:
        """Run a command to its end.

        Raises:
            AssertionError: it still runs; it is killed with everything it started.
        """
        end_s = time.monotonic() + deadline_s
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            order = json.dumps([list(words), str(cwd)]).encode() + b"\n"
            socket.send_fds(self._control, [order], [out.fileno(), err.fileno()])
            pid = self._answer(PREPARE_S)
            try:
                code = self._answer(end_s - time.monotonic())
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
                self._answer(PREPARE_S)
                raise AssertionError(
                    f"tapehub {' '.join(words)} still runs after {deadline_s:g} s\n{_whole(out)}\n{_whole(err)}"
                ) from None
            return Finished(code, _whole(out), _whole(err))

    def _answer(self, deadline_s: float) -> int:
        self._control.settimeout(max(deadline_s, 0.001))
        answer = self._control.recv(NUMBER_BYTES, socket.MSG_WAITALL)
        assert answer, "the process that runs the commands has ended"
        return int(answer)

    def close(self) -> None:
        """End the process; it ends when nobody can order any more."""
        self._control.close()
        self._process.wait(PREPARE_S)


@functools.cache
def warm_commands() -> WarmCommands:
    """The one of this process."""
    return WarmCommands()


def _whole(stream: IO[bytes]) -> str:
    size = os.fstat(stream.fileno()).st_size
    return os.pread(stream.fileno(), size, 0).decode("utf-8", "replace")


def serve(control: socket.socket) -> None:
    """The side of the commands: fork for each order, tell the process's id and then its exit code."""
    from tapehub.cli.main import PANELS

    for name in (*LAZY, *(f"tapehub.cli.{name}" for names in PANELS.values() for name in names)):
        importlib.import_module(name)
    gc.freeze()
    control.sendall(_number(0))
    while True:
        order, fds = _order(control)
        if not order:
            return
        words, cwd = json.loads(order)
        pid = os.fork()
        if not pid:
            control.close()
            _become(words, cwd, fds)
            return
        for fd in fds:
            os.close(fd)
        control.sendall(_number(pid))
        control.sendall(_number(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))


def _number(value: int) -> bytes:
    return f"{value:<{NUMBER_BYTES}}".encode()


def _order(control: socket.socket) -> tuple[bytes, list[int]]:
    order, fds, _, _ = socket.recv_fds(control, 65_536, 2)
    while order and not order.endswith(b"\n"):
        order += control.recv(65_536)
    return order, fds


def _become(words: list[str], cwd: str, fds: list[int]) -> None:
    """Be `python -m tapehub WORDS...`, started in that folder; how it ends ends this process."""
    os.setsid()
    for number, fd in enumerate(fds, 1):
        os.dup2(fd, number)
        os.close(fd)
    os.chdir(cwd)
    sys.argv[1:] = words
    sys.path[0] = cwd
    runpy.run_module("tapehub", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
