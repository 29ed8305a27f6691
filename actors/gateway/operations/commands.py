"""The command line as a process of its own, for work that takes its time and memory: SQL and exports.

It is given as much memory and processor time as the settings allow, and is killed when whoever asked goes away; so no
question of anybody can make the gateway slow.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from actors.gateway.operations.masking import Mask
from actors.runtime.settings import COMPILED_NAME, Loaded
from protocol.errors import HubError, HubUnreachable, InvalidRequest, NoData, Overloaded

CHUNK_BYTES: Final = 65_536
MAX_COMPLAINT_BYTES: Final = 16_384
RETRY_AFTER_S: Final = 2.0
_ROOT: Final = Path(__file__).resolve().parents[3]
_LIMITED: Final = (
    "import resource, runpy, sys\n"
    "memory, cpu = int(sys.argv.pop(1)), int(sys.argv.pop(1))\n"
    "resource.setrlimit(resource.RLIMIT_AS, (memory, memory))\n"
    "resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))\n"  # an orphan ends, too
    "runpy.run_module('tapehub', run_name='__main__', alter_sys=True)\n"
)
"""A program of its own rather than a `preexec_fn`: that is not safe in a process with threads."""
_ENVIRONMENT: Final = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # the others reserve more address space than the limit has
    "MALLOC_ARENA_MAX": "2",
    "OPENBLAS_NUM_THREADS": "1",
    "NO_COLOR": "1",
}
_USAGE, _UNREACHABLE, _NO_DATA = 2, 4, 5
"""Exit codes of the command line."""


class Limits(NamedTuple):
    """What one process may take."""

    memory_bytes: int
    cpu_s: int


class Slots:
    """How many may run at once; one too many is refused, not queued: it would only wait for its timeout."""

    def __init__(self, what: str, count: int) -> None:
        self._what = what
        self._count = count
        self.taken = 0

    @contextlib.contextmanager
    def take(self) -> Iterator[None]:
        """Have one while the block runs.

        Raises:
            Overloaded: all are taken.
        """
        if self.taken >= self._count:
            raise Overloaded(
                f"{self.taken} {self._what} run already, as many as may at once; try again when one is done",
                retry_after_s=RETRY_AFTER_S,
            )
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


def options_of(loaded: Loaded) -> tuple[str, ...]:
    """Options with which the command line finds the topology of this configuration; none: it cannot."""
    run_dir = Path(loaded.common.run_dir)
    if loaded.tree is not None:
        return "--config", str(loaded.tree.path), "--set", f"run_dir={run_dir}"
    return ("--run-dir", str(run_dir)) if (run_dir / COMPILED_NAME).is_file() else ()


class Command:
    """One run of the command line. Use as an asynchronous context manager: on the way out it is ended.

    Args:
        options: Which topology.
        words: The command and its arguments.
        limits: What it may take.
        mask: Blots secrets out of what it complains of.
    """

    def __init__(self, options: Sequence[str], words: Sequence[str], limits: Limits, mask: Mask) -> None:
        if not options:
            raise HubUnreachable(
                "the command line does not find this configuration: start the gateway with `tapehub up`, or "
                "with --config"
            )
        self._words = (*(str(limit) for limit in limits), *words, *options)
        self._mask = mask
        self._process: Process | None = None
        self._complaining: asyncio.Task[bytes] | None = None

    async def __aenter__(self) -> Command:
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _LIMITED, *self._words,
            stdin=PIPE, stdout=PIPE, stderr=PIPE, env={**os.environ, **_ENVIRONMENT, "PYTHONPATH": path},
        )  # fmt: skip
        self._complaining = asyncio.create_task(self._complaint())
        return self

    async def __aexit__(self, *_: object) -> None:
        process = self._running
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        assert process.stdin is not None
        process.stdin.close()
        while await self.chunk():  # a pipe that is full would keep the transport from closing
            pass
        await process.wait()
        if self._complaining is not None:
            await self._complaining

    @property
    def _running(self) -> Process:
        assert self._process is not None
        return self._process

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._running.pid

    async def say(self, text: str) -> None:
        """Give it all of its standard input."""
        stdin = self._running.stdin
        assert stdin is not None
        with contextlib.suppress(ConnectionError):  # it has ended already: its exit code says why
            stdin.write(text.encode())
            await stdin.drain()
            stdin.close()

    async def chunk(self) -> bytes:
        """The next piece of its output; empty: there is no more. It waits while nobody takes them."""
        stdout = self._running.stdout
        assert stdout is not None
        return await stdout.read(CHUNK_BYTES)

    async def chunks(self) -> AsyncIterator[bytes]:
        """All pieces.

        Raises:
            HubError: it failed, at its beginning or later.
        """
        while data := await self.chunk():
            yield data
        if failure := await self.failure():
            raise failure

    async def failure(self) -> HubError | None:
        """Wait for its end; None if it did what it was to do."""
        assert self._complaining is not None
        said = (await self._complaining).decode("utf-8", "replace")
        code = await self._running.wait()
        return failure_of(code, self._mask.text(said)) if code else None

    async def _complaint(self) -> bytes:
        """The end of what it writes to standard error."""
        stderr = self._running.stderr
        assert stderr is not None
        kept = b""
        while data := await stderr.read(CHUNK_BYTES):
            kept = (kept + data)[-MAX_COMPLAINT_BYTES:]
        return kept


def failure_of(code: int, said: str) -> HubError:
    """What a command that failed is for whoever asked.

    Args:
        code: Its exit code, negative for a signal.
        said: What it wrote to standard error.
    """
    detail = message_of(said) or f"the command line ended with {code}"
    if "MemoryError" in detail or "bad_alloc" in said or "Out of memory" in said:
        return InvalidRequest(f"it needs more memory than it may have; ask for less: {detail}")
    if code == _USAGE:
        return InvalidRequest(detail)
    if code == _NO_DATA:
        return NoData(detail)
    if code == _UNREACHABLE:
        return HubUnreachable(detail)
    if code < 0:
        return InvalidRequest("it took more time or memory than it may and was ended; ask for less")
    return HubError(detail)


def message_of(said: str) -> str:
    """From `error:` to the end of what the command line said, in one text; its remarks (`% ...`) are left out."""
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith("% ")]
    start = next((index for index, line in enumerate(lines) if line.startswith("error: ")), None)
    if start is None:
        return lines[-1][:2000] if lines else ""
    return "\n".join([lines[start].removeprefix("error: "), *lines[start + 1 :]])[:2000]
