"""The default system from nothing: seconds until the first read is answered, what it takes of memory, what an actor imports.

Cold is a new run directory and no process; program files are in the page cache and compiled. The clock starts with supervisord.
Memory counts what is shared once (PSS, the sum of which is what the machine really gives); RSS stands beside it.
"""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from actors.runtime.settings import load
from actors.runtime.supervisord import Supervisor
from protocol.client.hub import Hub
from protocol.errors import HubError
from tapehub.supervision import launch
from tests.bench.report import Row, say
from tests.soak.sampling import sample_of
from tests.support.paths import ROOT, free_port, short_folder
from tests.support.process import clean_environment
from tests.support.supervised import simulator_at

START_GOAL_S: Final = 3.0
MEMORY_GOAL_MIB: Final = 400.0
IMPORT_GOAL_MS: Final = 60.0
IMPORT_GOAL_MIB: Final = 30.0
SYMBOL: Final = "BTC_USDT"
DAEMON: Final = "supervisord"
PLAIN: Final = ("aggregator", "detector", "hub", "journal")
"""Actors that need no library of their own."""
FOUNDATION: Final = ("zmq", "msgspec", "logging", "argparse", "signal", "selectors")
"""What they all need that is not ours."""
PATIENCE_S: Final = 0.2
"""Of one question while all are starting."""
DEADLINE_S: Final = 60.0
LOOK_S: Final = 0.01
SETTLE_S: Final = 20.0
STOP_S: Final = 60.0
_IMPORT: Final = """\
import sys, time
started_s = time.perf_counter()
for name in sys.argv[1:]:
    __import__(name)
took_s = time.perf_counter() - started_s
import os
pages = int(open("/proc/self/statm").read().split()[1])
print(took_s * 1e3, pages * os.sysconf("SC_PAGE_SIZE") / 2**20)
"""


class Start(NamedTuple):
    """How long one start took, seconds from supervisord."""

    answer_s: float
    """Until the hub answered anything."""
    tick_s: float
    """Until it answered a fresh tick."""
    running_s: float
    """Until every actor said RUNNING."""


class Memory(NamedTuple):
    """Of one process, MiB."""

    pss: float
    rss: float


def run(rounds: int, *, quick: bool) -> list[Row]:
    """Start, memory of each actor, imports."""
    starts, memory = [], dict[str, Memory]()
    for number in range(rounds):
        with default_topology() as system:
            starts.append(until_up(system))
            say(
                f"  first tick after {starts[-1].tick_s:.2f} s, all running after {starts[-1].running_s:.2f} s"
            )
            if number == rounds - 1:
                threading.Event().wait(SETTLE_S / 4 if quick else SETTLE_S)
                memory = memory_of(system.run_dir)
    return [*start_rows(starts), *memory_rows(memory), *import_rows(rounds)]


class Running(NamedTuple):
    """A system that has just been started."""

    run_dir: Path
    daemon: subprocess.Popen[bytes]
    began_s: float
    """When, by the performance counter."""


@contextlib.contextmanager
def default_topology() -> Iterator[Running]:
    """Start supervisord on the default configuration in a new run directory, on free ports."""
    with short_folder() as folder:
        run_dir = folder / "var"
        settings = [f"run_dir={run_dir}", *simulator_at(free_port()), f"actors.gateway.1.port={free_port()}"]
        conf = launch.prepare(load(ROOT / "config" / "tapehub.yaml", settings, {}))
        began_s = time.perf_counter()
        daemon = launch.start(conf, ends_with_us=True)
        try:
            yield Running(run_dir, daemon, began_s)
        finally:
            daemon.terminate()
            if not launch.wait_for_end(daemon.pid, STOP_S, Supervisor(run_dir).nudge):
                daemon.kill()
            daemon.wait()


def until_up(system: Running) -> Start:
    """Ask the hub until all is there."""
    pause, answer_s, tick_s = threading.Event(), 0.0, 0.0

    def passed_s() -> float:
        return time.perf_counter() - system.began_s

    with Hub(system.run_dir, timeout_s=PATIENCE_S) as hub:
        while True:
            assert system.daemon.poll() is None, f"supervisord ended: {launch.said_at_start(system.run_dir)}"
            assert passed_s() < DEADLINE_S, f"not up after {DEADLINE_S:g} s"
            with contextlib.suppress(HubError):
                if not answer_s:
                    hub.symbols()
                    answer_s = passed_s()
                if not tick_s:
                    hub.tick(SYMBOL)
                    tick_s = passed_s()
                if all(actor["state"] == "RUNNING" for actor in hub.status()["actors"].values()):
                    return Start(answer_s, tick_s, passed_s())
            pause.wait(LOOK_S)


def memory_of(run_dir: Path) -> dict[str, Memory]:
    """Every process of the system, and supervisord."""
    supervisor = Supervisor(run_dir)
    pids = {DAEMON: supervisor.pid(), **{one.name: one.pid for one in supervisor.processes() if one.pid}}
    found = {name: sample_of(pid, 0.0) for name, pid in pids.items()}
    return {name: Memory(one.pss_mib or one.rss_mib, one.rss_mib) for name, one in found.items() if one}


def start_rows(starts: list[Start]) -> list[Row]:
    """Medians; the worst start is told."""
    worst = max(one.tick_s for one in starts)
    what = "supervisord to the first answered read"
    note = f"a fresh tick of {SYMBOL}; the worst of {len(starts)}: {worst:.2f} s"

    def middle(name: str) -> float:
        return float(statistics.median(getattr(one, name) for one in starts))

    return [
        Row("startup", what, middle("tick_s"), 0.0, "s", 0.0, START_GOAL_S, of_value=True, note=note, goal_id="start"),
        Row("startup", "supervisord to the hub's first answer", middle("answer_s"), 0.0, "s", 0.0, goal_id="start"),
        Row("startup", "supervisord to every actor RUNNING", middle("running_s"), 0.0, "s", 0.0, goal_id="start"),
    ]  # fmt: skip


def memory_rows(memory: dict[str, Memory]) -> list[Row]:
    """The whole, then each process, the largest first."""
    pss, rss = (sum(getattr(one, name) for one in memory.values()) for name in ("pss", "rss"))
    note = f"{len(memory)} processes, PSS; RSS counts what they share in each of them"
    rows = [
        Row(
            "startup", "memory of the default system", pss, rss, "MiB", pss / rss, MEMORY_GOAL_MIB, of_value=True, note=note,
            goal_id="memory", peer="RSS",
        )
    ]  # fmt: skip
    largest = sorted(memory.items(), key=lambda one: -one[1].pss)
    return rows + [
        Row("startup", name, one.pss, one.rss, "MiB", one.pss / one.rss, goal_id="memory", peer="RSS")
        for name, one in largest
    ]


def import_rows(rounds: int) -> list[Row]:
    """Milliseconds and memory of what plain actors import, in a fresh interpreter each time."""
    imported("actors.hub.actor")  # compiled now
    rows = []
    base_ms = statistics.median(imported(*FOUNDATION)[0] for _ in range(max(3, rounds)))
    why = f"{base_ms:.3g} ms of it are what every actor stands on: {', '.join(FOUNDATION)}"
    for kind in PLAIN:
        found = [imported(f"actors.{kind}.__main__", f"actors.{kind}.actor") for _ in range(max(3, rounds))]
        bare = [imported() for _ in range(3)]
        took_ms, rss_mib = (statistics.median(values) for values in zip(*found, strict=True))
        bare_mib = statistics.median(size for _, size in bare)
        rows += [
            Row(
                "startup", f"import of actors.{kind}", took_ms, 0.0, "ms", 0.0, IMPORT_GOAL_MS, of_value=True, goal_id="import",
                note=why,
            ),
            Row(
                "startup", f"import of actors.{kind}", rss_mib, bare_mib, "MiB", rss_mib / bare_mib, IMPORT_GOAL_MIB,
                of_value=True, goal_id="import", peer="bare interpreter",
            ),
        ]  # fmt: skip
    return rows


def imported(*names: str) -> tuple[float, float]:
    """Milliseconds that the imports take in a fresh interpreter, and its memory after them, MiB of RSS."""
    command = [sys.executable, "-c", _IMPORT, *names]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env=clean_environment()
    )
    took_ms, rss_mib = map(float, done.stdout.split())
    return took_ms, rss_mib
