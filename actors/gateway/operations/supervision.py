"""What supervisord says of the actors' processes: asked in a thread, once a second at most, and kept."""

from __future__ import annotations

import asyncio
import xmlrpc.client
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from actors.runtime.clock import Clock
from actors.runtime.logfiles import LOG_FOLDER, SUPERVISOR_LOG
from actors.runtime.process_history import History, history_of
from actors.runtime.supervisord import Process, Supervisor, SupervisorDownError

FRESH_NS: Final = 1_000_000_000


class Told(NamedTuple):
    """Of every program that supervisord knows."""

    processes: Mapping[str, Process]
    histories: Mapping[str, History]


class Supervision:
    """Asks the supervisord of a run directory. Lives in one event loop.

    Args:
        run_dir: Run directory.
        clock: Clocks.
    """

    def __init__(self, run_dir: Path, clock: Clock) -> None:
        self.supervisor = Supervisor(run_dir)
        self._log = _SupervisorLog(run_dir / LOG_FOLDER / SUPERVISOR_LOG)
        self._clock = clock
        self._told: Told | None = None
        self._looked_ns = 0
        self._looking: asyncio.Task[None] | None = None

    def now(self) -> Told | None:
        """What it said last, None if none answers; begins to ask again where that is older than a second."""
        if self._is_old():
            self._begin()
        return self._told

    async def fresh(self) -> Told | None:
        """What it says now; not older than a second."""
        if self._is_old():
            await asyncio.shield(self._begin())
        return self._told

    def forget(self) -> None:
        """Something was changed: what it said last no longer counts."""
        self._looked_ns = 0

    def _is_old(self) -> bool:
        return not self._looked_ns or self._clock.mono_ns() - self._looked_ns > FRESH_NS

    def _begin(self) -> asyncio.Task[None]:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())
        return self._looking

    async def _look(self) -> None:
        started_ns = self._clock.mono_ns()
        self._told = await asyncio.to_thread(self._ask)
        self._looked_ns = started_ns

    def _ask(self) -> Told | None:
        try:
            processes = {process.name: process for process in self.supervisor.processes()}
        except (SupervisorDownError, xmlrpc.client.Fault):
            return None
        return Told(processes, self._log.histories())


class _SupervisorLog:
    """Histories of the programs; only what is new of the log is read each time. One thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode = self._offset = 0
        self._found: dict[str, History] = {}

    def histories(self) -> dict[str, History]:
        """Program to its history since supervisord started."""
        try:
            with self._path.open("rb") as file:
                there = self._path.stat()
                if there.st_ino != self._inode or there.st_size < self._offset:
                    self._inode, self._offset = there.st_ino, 0
                    self._found = history_of(_lines(self._path.with_name(f"{self._path.name}.1")))
                file.seek(self._offset)
                data = file.read()
        except OSError:
            return dict(self._found)
        whole = data.rfind(b"\n") + 1
        self._offset += whole
        history_of(data[:whole].decode("utf-8", "replace").splitlines(), self._found)
        return dict(self._found)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []
