"""One process' share: inputs to one target after the other, each with a time limit; what breaks is kept with its input."""

from __future__ import annotations

import base64
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final

from scripts.socket_fuzz.targets import Target
from scripts.socket_fuzz.watching import STUCK_S, unwatched

MOST_LOOKS: Final = 15
"""Times in a row that an input may be found under way without taking processor time: it waits for something."""
MAX_SORTS: Final = 20
MAX_OUTCOMES: Final = 60
KEPT_BYTES: Final = 200_000


class Stuck(Exception):
    """An input took too long."""


class Driver:
    """Feeds one target.

    Args:
        make: Makes it.
        name: Of the target.
        seed: Decides everything.
        job: Number of the process, from 0 on.
    """

    def __init__(self, make: Callable[[Random], Target], name: str, seed: int, job: int) -> None:
        self.name, self.seed, self.job = name, seed, job
        self.target = make(Random(f"{name} {seed} {job}"))
        self.index = 0
        self.outcomes: Counter[str] = Counter()
        self.crashes: dict[str, dict[str, Any]] = {}
        self.slowest_s = 0.0
        self._seen = -1
        self._looks = 0
        self._began_cpu_s = 0.0

    def run(self, inputs: int, told: Callable[[int], None] = lambda _: None) -> dict[str, Any]:
        """Give so many inputs; returns counts, and each crash of another sort."""
        signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, STUCK_S, STUCK_S)
        limit = sys.getrecursionlimit()
        began_s = time.monotonic()
        try:
            for self.index in range(inputs):
                self._one()
                if self.index % 1000 == 999:
                    told(1000)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            sys.setrecursionlimit(limit)
        if len(self.outcomes) > MAX_OUTCOMES:
            self._note(AssertionError(f"{len(self.outcomes)} outcomes: a peer can make up names of counters"))
        self.target.close()
        return {
            "name": self.name,
            "inputs": inputs,
            "seconds": time.monotonic() - began_s,
            "slowest_s": self.slowest_s,
            "outcomes": dict(self.outcomes),
            "crashes": list(self.crashes.values()),
        }

    def _one(self) -> None:
        began_s = time.perf_counter()
        try:
            self.outcomes[self.target.one()] += 1
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is what is looked for
            self.outcomes["CRASH"] += 1
            self._note(fault)
            with unwatched():
                self.target.renew()  # what broke in the middle of something may be in no state at all
        else:
            self.slowest_s = max(self.slowest_s, time.perf_counter() - began_s)

    def _look(self, _signal: int, _frame: object) -> None:
        """The same input as at the last look? Processor time counts: others may have the machine meanwhile."""
        if self._seen != self.index:
            self._seen, self._looks, self._began_cpu_s = self.index, 0, time.process_time()
            return
        self._looks += 1
        if time.process_time() - self._began_cpu_s >= STUCK_S / 2 or self._looks >= MOST_LOOKS:
            self._seen = -1
            raise Stuck(f"one input took more than {STUCK_S:g} s")

    def _note(self, fault: Exception) -> None:
        """Keep the first crash of each sort, and how many there were."""
        steps = traceback.extract_tb(fault.__traceback__)
        at = " < ".join(f"{Path(step.filename).name}:{step.name}" for step in reversed(steps[-4:]))
        said = f" {str(fault)[:60]}" if isinstance(fault, AssertionError) else ""
        if isinstance(fault, Stuck):  # wherever it was found at just that moment
            at = " < ".join(f"{Path(step.filename).name}:{step.name}" for step in reversed(steps[3:6]))
        sort = f"{type(fault).__name__}{said} in {at}"
        if sort in self.crashes:
            self.crashes[sort]["count"] += 1
        elif len(self.crashes) < MAX_SORTS:
            data = self.target.input
            self.crashes[sort] = {
                "sort": sort, "count": 1, "target": self.name, "seed": self.seed, "job": self.job, "index": self.index,
                "what": f"{type(fault).__name__}: {fault}"[:1000],
                "traceback": "".join(traceback.format_exception(fault))[-6000:],
                "input": repr(data[:600]),
                "input_base64": base64.b64encode(data[:KEPT_BYTES]).decode(),
            }  # fmt: skip
