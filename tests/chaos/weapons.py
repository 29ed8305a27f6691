"""How each fault is done, and how it is taken back."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from protocol.errors import HubError
from tests.chaos.databases import Database
from tests.chaos.disks import Disks
from tests.chaos.plan import PROCESS, VENUE, Fault
from tests.chaos.stage import Stage
from tests.chaos.topology import SIMULATOR

_SIGNALS: Final = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "term": signal.SIGTERM}
_NS: Final = 1_000_000_000


class Weapons:
    """Everything that can be done to a system.

    Args:
        stage: The system.
        disks: Its disks.
        database: Its database.
        clock_file: What its actors add to their clock, as text, ns.
    """

    def __init__(self, stage: Stage, disks: Disks, database: Database, clock_file: Path) -> None:
        self._stage = stage
        self._disks = disks
        self._database = database
        self._clock_file = clock_file
        self._stopped: dict[int, int] = {}
        """Number of a fault to the pidfd of the process that it stopped."""
        self.set_clock(0.0)

    def begin(self, fault: Fault) -> str:
        """Do it; returns why nothing was done, empty if it was."""
        if fault.kind in PROCESS:
            return self._signal(fault)
        if fault.kind in VENUE:
            return self._venue(fault)
        if fault.kind == "disk":
            return self._disks.fill(fault.target)
        if fault.kind == "database":
            return self._database.block()
        self.set_clock(fault.amount)
        return ""

    def end(self, fault: Fault) -> None:
        """Take back what lasts."""
        if fault.kind == "stop":
            self._wake(fault.number)
        elif fault.kind == "disk":
            self._disks.free(fault.target)
        elif fault.kind == "database":
            self._database.unblock()
        elif fault.kind == "clock":
            self.set_clock(0.0)

    def go_on(self) -> None:
        """Keep up what must be kept up: a disk is full however much is deleted on it."""
        self._disks.squeeze()

    def calm(self) -> None:
        """Take everything back."""
        for number in list(self._stopped):
            self._wake(number)
        self._disks.calm()
        self._database.unblock()
        self.set_clock(0.0)
        if self._stage.is_up:
            with contextlib.suppress(HubError):
                self._stage.ask(SIMULATOR, "calm")

    def set_clock(self, seconds: float) -> None:
        """Put the actors' wall clock wrong by so much."""
        fresh = self._clock_file.with_suffix(".new")
        fresh.write_text(f"{round(seconds * _NS)}\n")
        fresh.replace(self._clock_file)

    def _signal(self, fault: Fault) -> str:
        pid = self._stage.pids().get(fault.target, 0)
        if not pid:
            return f"{fault.target} does not run"
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return f"{fault.target} has just ended"
        try:
            signal.pidfd_send_signal(handle, _SIGNALS[fault.kind])
        except ProcessLookupError:
            os.close(handle)
            return f"{fault.target} has just ended"
        if fault.kind == "stop":
            self._stopped[fault.number] = handle
        else:
            os.close(handle)
        return ""

    def _wake(self, number: int) -> None:
        handle = self._stopped.pop(number, None)
        if handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGCONT)
            os.close(handle)

    def _venue(self, fault: Fault) -> str:
        done: dict[str, Callable[[], Any]] = {
            "disconnect": lambda: self._tell("disconnect"),
            "outage": lambda: self._tell("outage", seconds=fault.seconds),
            "rest": lambda: self._tell(
                "refuse", what="rest", status=int(fault.amount), seconds=fault.seconds
            ),
        }
        burst = lambda: self._tell(fault.kind, n=int(fault.amount), symbol=fault.target)  # noqa: E731 - beside the others
        try:
            done.get(fault.kind, burst)()
        except HubError as refusal:
            return str(refusal)
        return ""

    def _tell(self, op: str, **args: Any) -> Any:
        return self._stage.ask(SIMULATOR, op, **args)
