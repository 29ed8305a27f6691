"""What is done to the hosts, one thing after the other, and what was seen meanwhile."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from tests.multihost.engine import Silence, reads_in, silence
from tests.multihost.lab import ENGINES, HOSTS, HUBS, Lab

DELAY_S: Final = 0.2
LOSS: Final = 0.02
PATIENCE_S: Final = 90.0
"""For fresh ticks after a fault is over."""


class Lengths(NamedTuple):
    """How long each thing lasts, seconds."""

    calm_s: float
    cut_s: float
    slow_s: float
    dead_s: float


FULL: Final = Lengths(calm_s=10.0, cut_s=30.0, slow_s=30.0, dead_s=5.0)
QUICK: Final = Lengths(calm_s=3.0, cut_s=12.0, slow_s=12.0, dead_s=2.0)


class Step(NamedTuple):
    """One thing that was done."""

    what: str
    lasted_s: float
    """From its begin to its end."""
    fresh_s: float
    """From its end until all replicas had fresh ticks, seconds."""
    silences: dict[str, Silence | None]
    """Engine to its longest time without an answer; None: its host was the one that was killed."""


class Course:
    """Does it all.

    Args:
        lab: The hosts.
        lengths: How long each thing lasts.
    """

    def __init__(self, lab: Lab, lengths: Lengths) -> None:
        self._lab = lab
        self._lengths = lengths
        self._pause = threading.Event()
        self.steps: list[Step] = []

    def run(self) -> None:
        """All faults in turn; returns when the last one is over and all is well again."""
        lab, lengths, network = self._lab, self._lengths, self._lab.network
        self._do("nothing", lambda: self._wait(lengths.calm_s))
        others = [host for host in HOSTS if host != "edge"]
        self._do(
            f"link feed-compute cut {lengths.cut_s:g} s",
            lambda: self._bad_for(lengths.cut_s, cut=[("feed", "compute")]),
        )
        self._do(
            f"edge cut off from both {lengths.cut_s:g} s",
            lambda: self._bad_for(lengths.cut_s, cut=[("edge", host) for host in others]),
        )
        self._do(
            f"{DELAY_S * 1000:g} ms each way, {LOSS:.0%} lost, {lengths.slow_s:g} s",
            lambda: self._bad_for(lengths.slow_s, delay_s=DELAY_S, loss=LOSS),
        )
        for host in HOSTS:
            self._do(
                f"host {host} killed, back after {lengths.dead_s:g} s",
                lambda host=host: self._kill(host),
                host,
            )
        network.make_bad()
        lab.wait_fresh(list(HUBS), PATIENCE_S)

    def _do(self, what: str, deed: Callable[[], None], killed: str = "") -> None:
        print(f"% {what}", file=sys.stderr, flush=True)
        begin_s = time.monotonic()
        deed()
        end_s = time.monotonic()
        fresh_s = self._lab.wait_fresh(list(HUBS), PATIENCE_S)
        self._wait(self._lengths.calm_s)
        until_s = time.monotonic()
        silences = {
            name: None if host == killed else silence(reads_in(self._lab.reads_of(name)), begin_s, until_s)
            for name, host in ENGINES.items()
        }
        self.steps.append(Step(what, end_s - begin_s, fresh_s, silences))

    def _bad_for(
        self, seconds: float, cut: Sequence[tuple[str, str]] = (), delay_s: float = 0.0, loss: float = 0.0
    ) -> None:
        self._lab.network.make_bad(cut, delay_s, loss)
        self._wait(seconds)
        self._lab.network.make_bad()

    def _kill(self, host: str) -> None:
        count = self._lab.network.kill(host)
        print(f"%   {count} processes killed", file=sys.stderr, flush=True)
        self._wait(self._lengths.dead_s)
        self._lab.start_hosts([host])
        for name, at in ENGINES.items():
            if at == host:
                self._lab.start_engine(name)

    def _wait(self, seconds: float) -> None:
        self._pause.wait(seconds)
