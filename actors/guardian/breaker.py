"""Stops what does not stay up: too many ends within a window, and the program is quarantined. Pure, time is an argument.

CLOSED --too many ends--> OPEN --pause over--> TRIAL
TRIAL --an end--> OPEN, for longer
TRIAL --has run long enough--> CLOSED
OPEN, TRIAL --a person starts it--> CLOSED
"""

from __future__ import annotations

import collections
import enum
from typing import Final

from actors.guardian.pauses import Pauses

TRIALS: Final = 1
"""Ends that a program may have after a quarantine before it is put there again."""


class Circuit(enum.Enum):
    """What the breaker lets happen."""

    CLOSED = enum.auto()
    OPEN = enum.auto()
    """The program is to be down."""
    TRIAL = enum.auto()
    """It was started once more, and is watched."""


class Breaker:
    """One program.

    Args:
        most: Ends within the window that are borne.
        window_ns: The window.
        stable_ns: A trial that lasts so long has succeeded.
        pauses: Pauses of the quarantines.
    """

    def __init__(self, most: int, window_ns: int, stable_ns: int, pauses: Pauses) -> None:
        self._most = most
        self._window_ns = window_ns
        self._stable_ns = stable_ns
        self._pauses = pauses
        self._ends: collections.deque[int] = collections.deque()
        self._tried_ns = 0
        self.circuit = Circuit.CLOSED
        self.until_ns = 0
        """When the next trial is due, while it is OPEN."""

    @property
    def count(self) -> int:
        """Quarantines in a row."""
        return self._pauses.count

    def ended(self, mono_ns: int) -> bool:
        """The program ended by itself; whether it is to be quarantined now."""
        while self._ends and mono_ns - self._ends[0] > self._window_ns:
            self._ends.popleft()
        self._ends.append(mono_ns)
        if self.circuit is Circuit.OPEN:
            return False  # what was on its way when we stopped it
        most = TRIALS if self.circuit is Circuit.TRIAL else self._most
        if len(self._ends) <= most:
            return False
        self.open(mono_ns)
        return True

    def open(self, mono_ns: int) -> None:
        """Quarantine it."""
        self.circuit = Circuit.OPEN
        self.until_ns = mono_ns + self._pauses.next_ns()
        self._ends.clear()

    def is_due(self, mono_ns: int) -> bool:
        """Whether it is time to try again; then `trial` is called."""
        return self.circuit is Circuit.OPEN and mono_ns >= self.until_ns

    def trial(self, mono_ns: int) -> None:
        """It is started once more."""
        self.circuit, self._tried_ns = Circuit.TRIAL, mono_ns
        self._ends.clear()

    def close(self) -> None:
        """A person wants it to run: all is forgotten."""
        self.circuit = Circuit.CLOSED
        self._ends.clear()
        self._pauses.reset()

    def settle(self, mono_ns: int) -> bool:
        """Whether a trial has just succeeded; asked now and then while it runs."""
        if self.circuit is not Circuit.TRIAL or mono_ns - self._tried_ns < self._stable_ns:
            return False
        self.close()
        return True
