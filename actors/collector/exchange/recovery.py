"""Who fetches which book snapshot when: the recovery owner of every unsynced book. Pure.

It keeps no queue that could lose an entry. At each look it is told which books are unsynced and ready, and picks
those that may be asked for now: within the venue's weight budget, not while one is under way, each with its own
backoff, so that a book that is lost again and again does not eat the budget of the others.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Container, Iterable
from typing import Final

from actors.collector.backoff import FORBIDDEN_STATUSES, Backoff
from actors.collector.budget import Budget

LOST_CAP_S: Final = 3.0
"""Longest pause after a book was lost: the venue answers, so the weight budget is guard enough."""
_CONCERNS_US: Final = FORBIDDEN_STATUSES | {418, 429}


class _Phase(enum.Enum):
    ASKED = "asked"
    PAUSED = "paused"
    DONE = "done"


class _Case:
    """One symbol's way back."""

    __slots__ = ("backoff", "due_ns", "phase")

    def __init__(self, backoff: Backoff) -> None:
        self.backoff = backoff
        self.phase = _Phase.PAUSED
        self.due_ns = 0
        """PAUSED: when it may be asked for. ASKED: when the answer is given up."""

    def pause(self, mono_ns: int, pause_s: float) -> None:
        """Ask again, but not before."""
        self.phase, self.due_ns = _Phase.PAUSED, mono_ns + round(pause_s * 1e9)


class Recovery:
    """Snapshots of one market.

    Args:
        weight: What one snapshot costs.
        budget: The venue's request weight, as much of it as we may use.
        backoff: Makes the backoff of one symbol.
        patience_s: An answer that took longer is given up.
        at_once: Snapshots under way at the same time.
    """

    def __init__(
        self,
        weight: float,
        budget: Budget,
        backoff: Callable[[], Backoff],
        patience_s: float,
        at_once: int = 4,
    ) -> None:
        self._weight = weight
        self._budget = budget
        self._new_backoff = backoff
        self._patience_ns = round(patience_s * 1e9)
        self._at_once = at_once
        self._cases: dict[str, _Case] = {}
        self.closed_until_ns = 0
        """The venue asked us to wait, for whatever symbol and path."""

    @property
    def under_way(self) -> int:
        """Snapshots asked for and not answered."""
        return sum(1 for case in self._cases.values() if case.phase is _Phase.ASKED)

    def due(self, unsynced: Iterable[str], mono_ns: int) -> list[str]:
        """Symbols to ask for now; each counts as asked."""
        found: list[str] = []
        if mono_ns < self.closed_until_ns:
            return found
        room = self._at_once - self.under_way
        for symbol in unsynced:
            case = self._cases.get(symbol)
            if case is None:
                case = self._cases[symbol] = _Case(self._new_backoff())
            if case.phase is _Phase.DONE:  # lost again
                case.pause(mono_ns, min(LOST_CAP_S, case.backoff.failed(mono_ns)))
            elif case.phase is _Phase.ASKED and mono_ns >= case.due_ns:  # never answered
                room += 1
                case.pause(mono_ns, case.backoff.failed(mono_ns))
            if case.phase is not _Phase.PAUSED or mono_ns < case.due_ns or room <= 0:
                continue
            if not self._budget.take(self._weight, mono_ns):
                break
            case.phase, case.due_ns = _Phase.ASKED, mono_ns + self._patience_ns
            room -= 1
            found.append(symbol)
        return found

    def settle(self, unsynced: Container[str], mono_ns: int) -> None:
        """Those that were asked for and are well now, whatever brought them back."""
        for symbol, case in self._cases.items():
            if case.phase is _Phase.ASKED and symbol not in unsynced:
                self.synced(symbol, mono_ns)

    def synced(self, symbol: str, mono_ns: int) -> None:
        """The snapshot has joined."""
        case = self._cases.get(symbol)
        if case is not None:
            case.phase = _Phase.DONE
            case.backoff.flowing(mono_ns)

    def failed(self, symbol: str, mono_ns: int, status: int = 0, retry_after_s: float | None = None) -> float:
        """No answer, or one that does not join; returns the pause in seconds.

        Some refusals (too many requests, forbidden) concern us, not the symbol: they stop the whole market.
        """
        case = self._cases.get(symbol)
        if case is None:
            return 0.0
        pause_s = case.backoff.failed(mono_ns, status, retry_after_s)
        case.pause(mono_ns, pause_s)
        if status in _CONCERNS_US or retry_after_s is not None:
            self.closed_until_ns = max(self.closed_until_ns, case.due_ns)
        return pause_s

    def forget(self, symbol: str) -> None:
        """The symbol is no longer wanted."""
        self._cases.pop(symbol, None)
