"""Whether the loop of a process has stopped turning by its own fault. Pure, time is an argument.

A heartbeat comes from the working loop. Where it stays away, the process may hang, or the machine may be slow: then its main
thread wanted to run and did not get a processor, or waited for a disk, and that time is forgiven. What is left is time in
which it could have turned and did not: it slept, it span, or somebody stopped it (SIGSTOP).
Source of the fields: Linux, Documentation/scheduler/sched-stats.rst (`/proc/PID/schedstat`) and proc(5).
"""

from __future__ import annotations

import enum
from typing import Final, NamedTuple

_FORGIVEN: Final = frozenset("DtZX")
"""Waits for a disk, is looked at by a debugger, has ended."""
LATE: Final = 3
"""A look that comes after so many times its interval says that we ourselves did not run: then nobody is to blame."""


class Sample(NamedTuple):
    """The main thread of a process at one moment."""

    state: str
    """R runs or would like to, S sleeps, D waits for a disk, T is stopped, t is traced, Z has ended."""
    waited_ns: int
    """Time in all that it waited for a processor while it could have run; -1: the system does not tell."""
    cpu_ns: int
    """Processor time of the process in all."""


class Verdict(enum.Enum):
    """What a look says."""

    FINE = enum.auto()
    SUSPECT = enum.auto()
    """Half of its time is over: make sure that we hear well."""
    HUNG = enum.auto()


class Silence:
    """One process.

    Args:
        limit_ns: Silence that is not forgiven any more; 0: never.
        grace_ns: The same until its first heartbeat.
        look_ns: Time between two looks.
    """

    def __init__(self, limit_ns: int, grace_ns: int, look_ns: int) -> None:
        self._limit_ns = limit_ns
        self._grace_ns = grace_ns
        self._look_ns = look_ns
        self._began_ns = self._looked_ns = self._beat_ns = 0
        self._slack_ns = 0
        self._last = Sample("S", -1, 0)
        self.quiet_ns = 0
        """Silence so far, without what is forgiven."""

    def begin(self, mono_ns: int) -> None:
        """Another process has the name now."""
        self._began_ns = self._looked_ns = mono_ns
        self._beat_ns = self._slack_ns = self.quiet_ns = 0
        self._last = Sample("S", -1, 0)

    @property
    def has_beaten(self) -> bool:
        """Whether this process has said anything."""
        return self._beat_ns > 0

    def beat(self, beat_ns: int, slack_ns: int = 0) -> None:
        """Its loop turned.

        Args:
            beat_ns: When, by the monotonic clock of this host; what an earlier process of the name said is not heard.
            slack_ns: How much longer it may be silent now: it drains, and does nothing else.
        """
        if beat_ns > max(self._beat_ns, self._began_ns):
            self._beat_ns, self._slack_ns = beat_ns, slack_ns

    def look(self, sample: Sample, mono_ns: int) -> Verdict:
        """Judge it.

        Args:
            sample: Its main thread, now.
            mono_ns: Now.
        """
        elapsed_ns = mono_ns - self._looked_ns
        guilty_ns = max(0, elapsed_ns - self._forgiven(sample, elapsed_ns))
        since_ns = mono_ns - max(self._beat_ns, self._began_ns)
        self.quiet_ns = min(self.quiet_ns + guilty_ns, since_ns)
        self._looked_ns, self._last = mono_ns, sample
        limit_ns = self._limit_ns + self._slack_ns if self._beat_ns else max(self._grace_ns, self._limit_ns)
        if not self._limit_ns or self.quiet_ns * 2 < limit_ns:
            return Verdict.FINE
        return Verdict.SUSPECT if self.quiet_ns < limit_ns else Verdict.HUNG

    def _forgiven(self, sample: Sample, elapsed_ns: int) -> int:
        if sample.state in _FORGIVEN or self._last.state == "t":
            return elapsed_ns
        if elapsed_ns > LATE * self._look_ns:
            return elapsed_ns - self._look_ns
        if sample.waited_ns >= 0 and self._last.waited_ns >= 0:
            return sample.waited_ns - self._last.waited_ns
        if sample.state == "R" and self._last.cpu_ns:
            return elapsed_ns - (sample.cpu_ns - self._last.cpu_ns)
        return 0
