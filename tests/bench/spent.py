"""Processor time of processes while something is measured: what a ratio is made of."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator, Mapping


def cpu_s(pid: int) -> float:
    """Processor time of all threads of a process, to the nanosecond (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


class Spending:
    """What each of some processes spends on one of many things."""

    def __init__(self) -> None:
        self._found: dict[str, list[float]] = {}

    @contextlib.contextmanager
    def on(self, pids: Mapping[str, int], count: int) -> Iterator[None]:
        """Measure a stretch in which so many things are done; the processes must live until its end."""
        before = {name: cpu_s(pid) for name, pid in pids.items()}
        yield
        for name, pid in pids.items():
            self.note(name, (cpu_s(pid) - before[name]) / count * 1e6)

    def note(self, name: str, each_us: float) -> None:
        """What was measured elsewhere, microseconds a thing."""
        self._found.setdefault(name, []).append(each_us)

    def us(self) -> dict[str, float]:
        """Microseconds a thing: the median of the stretches, by process."""
        return {name: statistics.median(found) for name, found in self._found.items()}

    def __str__(self) -> str:
        return ", ".join(f"{name} {us:.3g}" for name, us in self.us().items())
