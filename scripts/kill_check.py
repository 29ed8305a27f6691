"""Kill every actor of a running system in turn (SIGKILL) and time how long it takes until all is well again.

All is well when `tapehub status` would say RUNNING for every actor, the killed one has a new process, and an
engine gets a tick and a candle that were received after the kill and are fresh.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from actors.runtime.settings import COMPILED_NAME, load
from actors.runtime.supervisord import Supervisor, SupervisorDownError
from protocol.endpoints import Endpoints
from protocol.errors import HubError
from tapehub import Hub
from tapehub.supervision.roll_call import RollCall
from tapehub.supervision.state import Row, rows_of
from tests.support.supervised import default_system

PAUSE_S: Final = 0.05
SETTLE_S: Final = 60.0
"""How long the system may take to be well before the first kill, and after each."""


class System:
    """A running system, looked at from outside as `tapehub status` and an engine do."""

    def __init__(self, run_dir: Path, symbol: str) -> None:
        loaded = load(run_dir / COMPILED_NAME)
        endpoints = Endpoints(run_dir)
        self.names = list(loaded.common.actors)
        self.symbol = symbol
        self._supervisor = Supervisor(run_dir)
        self._roll_call = RollCall(endpoints, self.names)
        self._hub = Hub(run_dir, timeout_s=0.5)

    def rows(self) -> list[Row]:
        """One row per actor."""
        try:
            processes = self._supervisor.processes()
        except SupervisorDownError:
            processes = None
        answers = self._roll_call.ask(0.3)
        return rows_of(self.names, processes, {}, answers, time.time_ns())

    def complaint(self, since_ns: int, killed: str = "", old_pid: int = 0) -> str:
        """What is not well yet; empty if all is."""
        for row in self.rows():
            if row.state != "RUNNING":
                return f"{row.name} is {row.state}"
            if row.name == killed and row.pid == old_pid:
                return f"{row.name} has not been missed yet"
        try:
            tick = self._hub.tick(self.symbol)
            candles = self._hub.candles(self.symbol, "1m", 1)
        except HubError as refusal:
            return f"{refusal.code}: {refusal}"
        age_limit_s = (time.time_ns() - since_ns) / 1e9
        if tick.state != "fresh" or tick.ts_recv_ns <= since_ns:
            return f"the tick is {tick.state}, {tick.age_s:.2f} s old"
        if candles.state != "fresh" or candles.age_s >= age_limit_s:
            return f"the candle is {candles.state}, {candles.age_s:.2f} s old"
        return ""

    def wait_until_well(self, since_ns: int, killed: str = "", old_pid: int = 0) -> tuple[float, str]:
        """Seconds until nothing is wrong, and the last thing that was (and still is, where it took too long)."""
        started_s = time.monotonic()
        pause, last = threading.Event(), ""
        while True:
            complaint = self.complaint(since_ns, killed, old_pid)
            seconds = time.monotonic() - started_s
            if not complaint or seconds > SETTLE_S:
                return seconds, last
            last = complaint
            pause.wait(PAUSE_S)

    def close(self) -> None:
        """Close the sockets."""
        self._hub.close()
        self._roll_call.close()


@contextlib.contextmanager
def system_in(run_dir: Path | None) -> Iterator[Path]:
    """The run directory that was named, or a fresh default system."""
    if run_dir is not None:
        yield run_dir
        return
    print("starting a system of its own", file=sys.stderr)
    with default_system() as own:
        yield own


def check(run_dir: Path, wanted: Sequence[str], symbol: str, limit_s: float) -> bool:
    """Kill each; returns whether each was back in time."""
    system = System(run_dir, symbol)
    try:
        _, complaint = system.wait_until_well(0)
        if system.complaint(0):
            print(f"not well to begin with: {complaint}")
            return False
        is_good = True
        print(f"{'ACTOR':24} {'PID':>8} {'SECONDS':>8}  VERDICT  WAITED LAST FOR")
        for name in wanted or system.names:
            pid = next(row.pid for row in system.rows() if row.name == name)
            since_ns = time.time_ns()
            os.kill(pid, signal.SIGKILL)
            seconds, last = system.wait_until_well(since_ns, name, pid)
            verdict = "ok" if seconds <= limit_s else "LATE" if seconds < SETTLE_S else "FAILED"
            is_good = is_good and verdict == "ok"
            print(f"{name:24} {pid:8} {seconds:8.2f}  {verdict:7}  {last}", flush=True)
        return is_good
    finally:
        system.close()


def main() -> int:
    """Exit 0 if each actor was back within the limit."""
    parser = argparse.ArgumentParser(prog="scripts/kill-check", description=__doc__.partition("\n\n")[0])
    parser.add_argument("actors", nargs="*", metavar="ACTOR", help="instance names; default all, in order")
    parser.add_argument("--run-dir", type=Path, help="a running system; default: starts one of its own")
    parser.add_argument("--symbol", default="BTC_USDT", help="whose data must be fresh again")
    parser.add_argument("--limit", type=float, default=5.0, help="seconds; default 5")
    arguments = parser.parse_args()
    with system_in(arguments.run_dir) as run_dir:
        return 0 if check(run_dir, arguments.actors, arguments.symbol, arguments.limit) else 1


if __name__ == "__main__":
    sys.exit(main())
