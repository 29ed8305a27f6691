"""Real actors behind a feeder whose rate is steered: what they spend between two looks, and what they say of themselves."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple

import msgspec

from actors.runtime.settings import COMPILED_NAME, compiled_of, load
from protocol.errors import HubError
from tests.bench.growth_feeder import NAME, names_of
from tests.bench.spent import cpu_s
from tests.soak.sampling import sample_of
from tests.support.config import write_config
from tests.support.paths import ROOT, short_folder
from tests.support.peers import peers_of
from tests.support.process import ActorProcess, clean_environment
from tests.support.wait import until

START_S: Final = 120.0
FEEDER: Final = "feeder"


class Spent(NamedTuple):
    """What happened between two looks."""

    seconds: float
    events: int
    frames: int
    cpu_s: dict[str, float]
    """By actor, all of its threads."""

    def share(self, name: str) -> float:
        """Part of a core that an actor took."""
        return self.cpu_s[name] / self.seconds

    def cost_us(self, name: str, rest: float = 0.0) -> float:
        """Microseconds of an actor for one event, what it takes at rest (share of a core) left out."""
        return max(0.0, self.cpu_s[name] - rest * self.seconds) / max(1, self.events) * 1e6


class Growing:
    """A feeder and actors; the processes end with the `with` block.

    Args:
        actors: Names of the actors to run.
        symbols: How many the feeder has.
        quotes_per_trade: Of the feeder.
        is_alone: Whether each event of the feeder has a frame of its own.
        settings: Of actors.
        bus: Settings of the bus.
    """

    def __init__(
        self,
        actors: Sequence[str],
        symbols: int,
        quotes_per_trade: int = 3,
        *,
        is_alone: bool = False,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        **bus: Any,
    ) -> None:
        self._names = list(actors)
        self._symbols = symbols
        self._feeder_arguments = [str(symbols), str(quotes_per_trade), *(["alone"] if is_alone else [])]
        self._settings = settings or {}
        self._bus = bus
        self._stack = contextlib.ExitStack()
        self.processes: dict[str, ActorProcess] = {}

    def __enter__(self) -> Growing:
        stack = self._stack
        self.run_dir = folder = stack.enter_context(short_folder())
        sections = {NAME: {}, "journal.1": {}} | {
            name: dict(self._settings.get(name, {})) for name in self._names
        }
        symbols = {
            name: {"venues": {"binance": f"spot:{name.replace('_', '')}"}} for name in names_of(self._symbols)
        }
        loaded = load(write_config(folder, sections, symbols, heartbeat_s=0.1, bus=self._bus))
        config = folder / COMPILED_NAME  # as `tapehub up` has it: no actor reads YAML
        config.write_bytes(compiled_of(loaded))
        self._peers = stack.enter_context(peers_of(folder))
        command = [sys.executable, "-m", "tests.bench.growth_feeder", str(folder), *self._feeder_arguments]
        self.feeder = stack.enter_context(
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
                env=clean_environment(),
            )
        )
        stack.callback(self.feeder.kill)
        assert self.feeder.stdout is not None
        assert self.feeder.stdout.readline() == "ready\n"
        for name in ("journal.1", *self._names):
            kind = name.partition(".")[0]
            self.processes[name] = stack.enter_context(ActorProcess(kind, name, config))
        for name in self._names:
            until(lambda name=name: self.hears(name), START_S, f"{name} to hear the feeder")  # type: ignore[misc]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def status(self, name: str) -> dict[str, Any]:
        """What an actor says of itself; empty: nothing just now."""
        try:
            found: dict[str, Any] = msgspec.msgpack.decode(self._peers.ask(name, "status", 10.0).data)
        except HubError:
            return {}
        return found

    def hears(self, name: str) -> bool:
        """Whether frames come to an actor."""
        return bool(self.status(name).get("frames_in"))

    def rate(self, per_s: float) -> None:
        """Feed so many events a second from now on."""
        self._say(f"rate {per_s}")

    def count(self) -> dict[str, Any]:
        """What the feeder has sent."""
        found: dict[str, Any] = json.loads(self._say("count"))
        return found

    def _say(self, line: str) -> str:
        assert self.feeder.stdin is not None
        assert self.feeder.stdout is not None
        self.feeder.stdin.write(line + "\n")
        self.feeder.stdin.flush()
        return self.feeder.stdout.readline()

    def pin(self, names: Sequence[str], core: int) -> None:
        """Have processes run on one core only."""
        for name in names:
            self.pin_pid(self.pids()[name], core)

    @staticmethod
    def pin_pid(pid: int, core: int) -> None:
        """The same for a process that is none of these."""
        for task in (Path("/proc") / str(pid) / "task").iterdir():
            os.sched_setaffinity(int(task.name), {core})

    def pids(self) -> dict[str, int]:
        """Of all processes, the feeder's too."""
        return {FEEDER: self.feeder.pid, **{name: process.pid for name, process in self.processes.items()}}

    def spend(self, seconds: float) -> Spent:
        """Let time pass, and look at what everybody took of it."""
        pids, before = self.pids(), self.count()
        first = {name: cpu_s(pid) for name, pid in pids.items()}
        threading.Event().wait(seconds)
        after, last = self.count(), {name: cpu_s(pid) for name, pid in pids.items()}
        return Spent(
            seconds,
            after["events"] - before["events"],
            after["frames"] - before["frames"],
            {name: last[name] - first[name] for name in pids},
        )

    def memory_mib(self, name: str) -> float:
        """Resident memory of an actor."""
        found = sample_of(self.pids()[name], 0.0)
        return found.rss_mib if found else 0.0
