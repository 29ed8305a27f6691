"""What each provider saw, counted by itself: nothing of the collector's own accounts is used. Pure."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

NS_PER_S: Final = 1_000_000_000
FREE: Final[Mapping[str, tuple[tuple[int, float], ...]]] = {
    "yahoo": ((30, 60.0),),
    "alphavantage": ((1, 1.0), (25, 86_400.0)),
    "twelvedata": ((8, 60.0), (800, 86_400.0)),
    "polygon": ((5, 60.0),),
}
"""Provider to the calls in any stretch of so many seconds that its free plan allows; Yahoo publishes none, and half a
call a second is thought gentle."""
Window = Literal["sliding", "calendar"]


class Violation(NamedTuple):
    """One call above a limit."""

    provider: str
    key: str
    at_ns: int
    window: Window
    """`calendar`: of the UTC minute or day."""
    used: int
    """With this call."""
    limit: int
    per_s: float


class Use(NamedTuple):
    """How much of its first limit a key has used."""

    used: int
    limit: int


class _Ledger:
    """One limit of one key: only calls that were let through count."""

    def __init__(self, calls: int, per_s: float, slack_s: float) -> None:
        self.calls = calls
        self.per_s = per_s
        self.peak = 0
        """Most calls in any stretch that ended with a call that was let through."""
        self._per_ns = round(per_s * NS_PER_S)
        self._sliding_ns = round((per_s - slack_s) * NS_PER_S)
        self._spent: deque[tuple[int, int]] = deque()
        self._sliding = 0
        self._calendar: Counter[int] = Counter()

    def sliding(self, at_ns: int) -> int:
        """Calls in the stretch that ends now."""
        while self._spent and self._spent[0][0] <= at_ns - self._sliding_ns:
            self._sliding -= self._spent.popleft()[1]
        return self._sliding

    def calendar(self, at_ns: int) -> int:
        """Calls in this UTC minute, day ..."""
        return self._calendar[at_ns // self._per_ns]

    def spend(self, at_ns: int, cost: int) -> None:
        self._spent.append((at_ns, cost))
        self._sliding += cost
        self._calendar[at_ns // self._per_ns] += cost
        self.peak = max(self.peak, self._sliding)

    def over(self, at_ns: int, cost: int) -> tuple[Window, int] | None:
        """In which window a call is too much, and how many it makes there."""
        for window, used in (("sliding", self.sliding(at_ns)), ("calendar", self.calendar(at_ns))):
            if used + cost > self.calls:
                return window, used + cost  # type: ignore[return-value]
        return None


class Account:
    """Calls that one provider has seen.

    Args:
        provider: Its name.
        limits: Calls (credits), and in any stretch of how many seconds.
        slack_s: So much shorter is every sliding window: what two calls may come closer on their way.
    """

    def __init__(self, provider: str, limits: Iterable[Sequence[float]], slack_s: float = 0.0) -> None:
        self.provider = provider
        self.limits = tuple((int(calls), float(per_s)) for calls, per_s in limits)
        self.slack_s = slack_s
        self.calls: list[tuple[int, str, int]] = []
        """(when, key, cost) of each call, those above a limit too."""
        self.violations: list[Violation] = []
        self._ledgers: dict[str, list[_Ledger]] = {}

    def seen(self, key: str, cost: int, at_ns: int) -> Violation | None:
        """A call has come; returns what it violates.

        Args:
            key: Whose; limits are per key.
            cost: Calls (credits).
            at_ns: Wall clock of the provider.
        """
        self.calls.append((at_ns, key, cost))
        ledgers = self._of(key)
        for ledger in ledgers:
            over = ledger.over(at_ns, cost)
            if over is not None:
                found = Violation(self.provider, key, at_ns, *over, ledger.calls, ledger.per_s)
                self.violations.append(found)
                return found
        for ledger in ledgers:
            ledger.spend(at_ns, cost)
        return None

    def use(self, key: str, at_ns: int) -> Use | None:
        """How much of its first limit a key has used; None: there is no limit."""
        ledgers = self._of(key)
        return Use(ledgers[0].sliding(at_ns), ledgers[0].calls) if ledgers else None

    def peaks(self) -> list[dict[str, float]]:
        """Of each limit: the most calls of one key in any stretch."""
        return [
            {
                "limit": calls,
                "per_s": per_s,
                "peak": max((ledgers[n].peak for ledgers in self._ledgers.values()), default=0),
            }
            for n, (calls, per_s) in enumerate(self.limits)
        ]

    def report(self) -> dict[str, Any]:
        """For people and other processes."""
        return {
            "calls": len(self.calls),
            "cost": sum(cost for _, _, cost in self.calls),
            "peaks": self.peaks(),
            "violations": [found._asdict() for found in self.violations],
        }

    def _of(self, key: str) -> list[_Ledger]:
        if key not in self._ledgers:
            self._ledgers[key] = [_Ledger(calls, per_s, self.slack_s) for calls, per_s in self.limits]
        return self._ledgers[key]
