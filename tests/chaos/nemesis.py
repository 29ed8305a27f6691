"""Carries out the plan: storms, then calms in which every fault is timed, until the time is over."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from tests.chaos.plan import Done, Fault, Round
from tests.chaos.stage import Stage
from tests.chaos.watch import Watch
from tests.chaos.weapons import Weapons

LOOK_S: Final = 0.2
PATIENCE_S: Final = 60.0
"""How long the system may take to be well again before the run goes on without."""


class Nemesis:
    """Does one round after the other.

    Args:
        stage: The system.
        weapons: How it is done.
        watch: Sees whether all is well.
        on_look: Called often: progress.
    """

    def __init__(self, stage: Stage, weapons: Weapons, watch: Watch, on_look: Callable[[], None]) -> None:
        self._stage = stage
        self._weapons = weapons
        self._watch = watch
        self._on_look = on_look
        self.done: list[Done] = []
        self.storms_s: list[float] = []
        """Seconds from the end of each storm until all was well."""
        self.storm_complaints: list[str] = []
        """What was still wrong when patience ended."""

    @property
    def count(self) -> int:
        """Faults carried out."""
        return sum(1 for one in self.done if not one.refusal)

    def run(self, rounds: Iterator[Round], seconds: float) -> None:
        """Do rounds until the time is over; everything is taken back at the end."""
        end_s = time.monotonic() + seconds
        try:
            for one in rounds:
                self._storm(one.storm)
                for fault in one.calm:
                    if time.monotonic() < end_s:
                        self._measured(fault)
                if time.monotonic() >= end_s:
                    return
            while not self._wait_until(end_s):  # actors may be ending themselves meanwhile
                pass
        finally:
            self._weapons.calm()

    def _storm(self, faults: list[Fault]) -> None:
        started_s = time.monotonic()
        begins = [(started_s + fault.at_s, fault.number, fault, None) for fault in faults]
        due: list[tuple[float, int, Fault, Done | None]] = [*begins]
        heapq.heapify(due)
        while due:
            at_s, _, fault, done = due[0]
            if not self._wait_until(at_s):
                continue
            heapq.heappop(due)
            if done is not None:
                self._end(done)
                continue
            done = self._begin(fault)
            if fault.seconds and not done.refusal:
                heapq.heappush(due, (time.monotonic() + fault.seconds, fault.number, fault, done))
        self._weapons.calm()
        seconds, complaint = self._watch.until_well(PATIENCE_S)
        self.storms_s.append(seconds)
        if complaint:
            self.storm_complaints.append(complaint)

    def _measured(self, fault: Fault) -> None:
        pid = self._stage.pids().get(fault.target, 0)
        done = self._begin(fault)
        if done.refusal:
            return
        if fault.seconds:
            end_s = time.monotonic() + fault.seconds
            while not self._wait_until(end_s):
                pass
            self._end(done)
        is_new = fault.kind in {"kill", "term"}
        done.fresh_s, done.complaint = self._watch.until_well(PATIENCE_S, pid if is_new else 0)

    def _begin(self, fault: Fault) -> Done:
        done = Done(fault=fault, begun_ns=time.time_ns())
        done.refusal = self._weapons.begin(fault)
        done.ended_ns = time.time_ns()
        self.done.append(done)
        return done

    def _end(self, done: Done) -> None:
        self._weapons.end(done.fault)
        done.ended_ns = time.time_ns()

    def _wait_until(self, at_s: float) -> bool:
        """Wait a little; True if the time has come."""
        left_s = at_s - time.monotonic()
        if left_s > 0:
            threading.Event().wait(min(left_s, LOOK_S))
        self._weapons.go_on()
        self._on_look()
        return time.monotonic() >= at_s
