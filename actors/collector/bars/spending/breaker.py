"""When to leave one endpoint of a provider alone, and how to find out that it is well again. Pure.

    closed     it is asked; `failures` of them in a row, or one refusal that names a time, open it
    open       it is not asked until a pause is over; each failed trial doubles the pause, up to `cap_s`
    half_open  one trial is under way: a healthy answer closes it, a failure opens it again

A pause is the upper half of its bound by chance, so that many do not come back at once and each pause is longer than the one
before. What the provider asked for is the least of it.

A trial begins when nothing else of the endpoint is under way: so the next answer is the trial's. A call that has not
come back after `trial_timeout_s` is lost, and the next one may go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

import msgspec

from actors.collector.bars.spending.allowance import LONGEST_REST_S

State = Literal["closed", "open", "half_open"]
HEALTHY_REASON: Final = "the trial was answered"
TRIAL_REASON: Final = "its pause is over: one trial"


class BreakerRules(NamedTuple):
    """What all breakers keep to."""

    failures: int = 3
    """In a row, that open it."""
    open_s: float = 30.0
    """Longest first pause, seconds."""
    cap_s: float = 900.0
    """Longest pause that the provider did not ask for, seconds."""
    trial_timeout_s: float = 60.0
    """A call that has not come back after this is lost; longer than any request may take, seconds."""


class Transition(NamedTuple):
    """A breaker has changed its state."""

    provider: str
    endpoint: str
    before: State
    after: State
    reason: str
    """A few words for people."""
    at_ns: int


class BreakerState(msgspec.Struct, array_like=True):
    """What a restart must know of one breaker."""

    is_open: bool = False
    failures: int = 0
    trips: int = 0
    until_ns: int = 0
    reason: str = ""


class Breaker:
    """Of one endpoint.

    Args:
        provider: Named in transitions.
        endpoint: The same.
        rules: When it opens, and for how long.
        random: Returns a number from 0 to 1.
    """

    def __init__(
        self, provider: str, endpoint: str, rules: BreakerRules, random: Callable[[], float]
    ) -> None:
        self._provider = provider
        self._endpoint = endpoint
        self._rules = rules
        self._random = random
        self.state: State = "closed"
        self.failures = 0
        """In a row."""
        self.reason = ""
        """Of the newest failure; empty after a healthy answer."""
        self._trips = 0
        """Times in a row that it opened."""
        self._until_ns = 0
        self._under_way = 0
        self._begun_ns = 0
        """When the newest call began."""

    def free_at_ns(self, now_ns: int) -> int:
        """The first moment from now on when it may be asked; while a call must be waited for, the latest such moment."""
        if self.state == "closed":
            return now_ns
        free_ns = max(now_ns, self._until_ns)
        if self._under_way:
            free_ns = max(free_ns, self._begun_ns + _ns(self._rules.trial_timeout_s))
        return free_ns

    def why(self, now_ns: int) -> str:
        """Why it may not be asked, in a few words; empty if it may."""
        if self.free_at_ns(now_ns) <= now_ns:
            return ""
        if self.state == "open":
            return f"breaker {self._endpoint} open: {self.reason}"
        return f"breaker {self._endpoint} half open: a trial is under way"

    def begin(self, now_ns: int) -> Transition | None:
        """A call is sent now: whether it may be is the caller's business."""
        self._begun_ns = now_ns
        if self.state == "closed":
            self._under_way += 1
            return None
        self._under_way = 1  # what was under way longer is lost
        return self._turn("half_open", TRIAL_REASON, now_ns)

    def succeeded(self, now_ns: int) -> Transition | None:
        """An answer of a healthy endpoint came."""
        self._under_way = max(0, self._under_way - 1)
        if self.state == "open":
            return None  # it was asked before: a trial must show that it is well now
        self.failures = self._trips = 0
        self.reason = ""
        return self._turn("closed", HEALTHY_REASON, now_ns)

    def failed(self, reason: str, now_ns: int, retry_after_s: float | None = None) -> Transition | None:
        """A call failed.

        Args:
            reason: A few words for people.
            now_ns: Now.
            retry_after_s: The provider's wish; it opens the breaker at once, for so long at least.
        """
        self._under_way = max(0, self._under_way - 1)
        asked_s = longest(retry_after_s)
        if self.state == "open":
            self._until_ns = max(self._until_ns, now_ns + _ns(asked_s))
            return None
        self.failures += 1
        self.reason = reason
        if self.state == "closed" and self.failures < self._rules.failures and not asked_s:
            return None
        return self._open(max(asked_s, self._pause_s()), now_ns)

    def tripped(self, reason: str, now_ns: int, pause_s: float) -> Transition | None:
        """The provider does not want to be asked for so long: open at once, after a failed trial maybe for longer."""
        self._under_way = max(0, self._under_way - 1)
        pause_s = longest(pause_s)
        if self.state == "open":
            self._until_ns = max(self._until_ns, now_ns + _ns(pause_s))
            return None
        self.failures += 1
        self.reason = reason
        return self._open(max(pause_s, self._pause_s()) if self._trips else pause_s, now_ns)

    def until_s(self, now_ns: int) -> float:
        """Seconds until a trial may begin; 0 if it is closed or the pause is over."""
        return 0.0 if self.state == "closed" else max(0, self._until_ns - now_ns) / 1e9

    def remember(self) -> BreakerState:
        """What a restart must know: a trial that is under way ends with the process."""
        return BreakerState(self.state != "closed", self.failures, self._trips, self._until_ns, self.reason)

    def resume(self, past: BreakerState, back_ns: int, now_ns: int) -> None:
        """Go on where another process stopped.

        Args:
            past: What it remembered.
            back_ns: By so much the clock has gone back since.
            now_ns: Now.
        """
        self.state = "open" if past.is_open else "closed"
        self.failures, self._trips, self.reason = past.failures, past.trips, past.reason
        self._until_ns = min(past.until_ns - back_ns, now_ns + _ns(LONGEST_REST_S))

    def _pause_s(self) -> float:
        bound_s = min(self._rules.cap_s, self._rules.open_s * 2.0 ** min(self._trips, 32))
        return bound_s * (1.0 + self._random()) / 2.0

    def _open(self, pause_s: float, now_ns: int) -> Transition | None:
        self._trips += 1
        self._until_ns = now_ns + _ns(pause_s)
        return self._turn("open", self.reason, now_ns)

    def _turn(self, after: State, reason: str, now_ns: int) -> Transition | None:
        before, self.state = self.state, after
        if before == after:
            return None
        return Transition(self._provider, self._endpoint, before, after, reason, now_ns)


def longest(asked_s: float | None) -> float:
    """A pause that a provider asked for, as far as we follow: nothing below 0, no number, or more than a day."""
    return min(asked_s, LONGEST_REST_S) if asked_s is not None and asked_s > 0 else 0.0


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
