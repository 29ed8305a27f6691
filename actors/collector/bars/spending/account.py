"""All that decides whether one provider may be asked now: its limits, its rests, the breakers of its endpoints. Pure.

    answer                          endpoint's breaker                     provider
    a page, empty, bad_symbol,      healthy
    wrong_symbol, bad_request, plan
    unavailable, broken             a failure
    throttled                       opens at once for that pause           rests: what it asked for, else ever longer
    auth                            healthy                                rests for an hour: the key is wrong

`plan` is about one instrument, so the caller stops asking for that. What is begun counts as spent, whatever
becomes of it. To spend nothing twice after a kill, store `state()` whenever `changes` has grown, before the request goes out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from actors.collector.bars.providers.provider import Limit, Refusal, RefusalKind, Told
from actors.collector.bars.spending.allowance import Allowance, AllowanceState
from actors.collector.bars.spending.breaker import Breaker, BreakerRules, BreakerState, Transition, longest
from actors.collector.bars.spending.reasons import moment, reason_of
from actors.collector.bars.spending.stretch import MARGIN_S

FAILURES: Final[frozenset[RefusalKind]] = frozenset({"unavailable", "broken"})
"""Kinds that say that the endpoint is not well."""
AUTH_REST_S: Final = 3_600.0
"""A wrong key is tried again so much later."""
LEAST_REST_S: Final = 1.0
"""Shortest rest after too many calls."""
THROTTLED_CAP_S: Final = 3_600.0
"""Longest rest after too many calls that the provider did not ask for."""
_WORST: Final = ("resting", "open", "half_open", "closed")


class Obstacle(NamedTuple):
    """Why a provider may not be asked now."""

    reason: str
    """A short sentence for people."""
    until_ns: int
    """When it may be, if nothing happens before: exact, but for a trial under way, where it is the latest moment."""


class AccountState(msgspec.Struct, array_like=True):
    """What a restart must know of one provider."""

    at_ns: int = 0
    """Newest moment at which something happened."""
    allowance: AllowanceState = msgspec.field(default_factory=AllowanceState)
    breakers: dict[str, BreakerState] = {}
    throttles: int = 0
    """Rests in a row for too many calls."""


class Account:
    """One provider.

    Args:
        name: The provider's.
        limits: Of its plan.
        rules: Of its breakers.
        random: Returns a number from 0 to 1.
        now_ns: Wall clock; it never goes back within a process.
        history_share: Share of each limit that history may use, 0 to 1.
        margin_s: Longest time from `begin` to the request's arrival at the provider, seconds.
    """

    def __init__(
        self,
        name: str,
        limits: Sequence[Limit],
        rules: BreakerRules,
        random: Callable[[], float],
        now_ns: int,
        *,
        history_share: float = 0.5,
        margin_s: float = MARGIN_S,
    ) -> None:
        self.name = name
        self.changes = 0
        """Grows with everything that a restart must know."""
        self._allowance = Allowance(limits, history_share, margin_s)
        self._rules = rules
        self._random = random
        self._breakers: dict[str, Breaker] = {}
        self._throttles = 0
        self._at_ns = now_ns
        self._obstacles: dict[tuple[str, int, bool], Obstacle] = {}
        """As long as nothing changes; without a reason: none from then on."""

    @property
    def history_share(self) -> float:
        """Share of each limit that history may use."""
        return self._allowance.history_share

    @history_share.setter
    def history_share(self, share: float) -> None:
        self._allowance.history_share = share
        self._obstacles.clear()

    def obstacle(self, endpoint: str, cost: int, now_ns: int, *, is_history: bool) -> Obstacle | None:
        """What keeps us from asking now, the longest of all; None if nothing does.

        Args:
            endpoint: Which of its endpoints.
            cost: Calls, or credits.
            now_ns: Now.
            is_history: The question is not urgent: it may use a share only.
        """
        key = (endpoint, cost, is_history)
        known = self._obstacles.get(key)
        if known is not None:
            if now_ns >= known.until_ns:
                return None
            if known.reason:
                return known
        breaker = self._breakers.get(endpoint)
        well_ns = now_ns if breaker is None else breaker.free_at_ns(now_ns)
        free_ns = self._allowance.free_at_ns(cost, now_ns, is_history)
        if free_ns <= now_ns and well_ns <= now_ns:
            self._obstacles[key] = Obstacle("", now_ns)
            return None
        if breaker is not None and well_ns > free_ns:
            found = Obstacle(breaker.why(now_ns), well_ns)
        else:
            found = Obstacle(self._allowance.why(cost, now_ns, is_history), free_ns)
        self._obstacles[key] = found
        return found

    def begin(self, endpoint: str, cost: int, now_ns: int, *, is_history: bool) -> Transition | None:
        """Spend: the request goes out now. The breaker's trial begins with it, if it is one.

        Raises:
            RuntimeError: there is an obstacle; a bug.
            ValueError: it costs nothing; a bug.
        """
        obstacle = self.obstacle(endpoint, cost, now_ns, is_history=is_history)
        if obstacle is not None:
            raise RuntimeError(f"{self.name} may not be asked now: {obstacle.reason}")
        self._allowance.spend(cost, now_ns, is_history)
        self._changed(now_ns)
        return self._breaker(endpoint).begin(now_ns)

    def answered(self, endpoint: str, told: Told | None, now_ns: int) -> Transition | None:
        """A page came."""
        self._came(told, now_ns)
        return self._healthy(endpoint, now_ns)

    def refused(self, endpoint: str, refusal: Refusal, now_ns: int) -> Transition | None:
        """A refusal came, or nothing at all (`unavailable`)."""
        told = refusal.told
        if told is not None and refusal.kind == "throttled" and longest(refusal.retry_after_s):
            told = Told(
                limit=told.limit, per_s=told.per_s
            )  # it names the end itself: what is left matters then only
        self._came(told, now_ns)
        reason = reason_of(refusal)
        if refusal.kind == "throttled":
            rest_s = self._throttled(reason, refusal.retry_after_s, now_ns)
            return self._breaker(endpoint).tripped(reason, now_ns, rest_s)
        if refusal.kind in FAILURES:
            return self._breaker(endpoint).failed(reason, now_ns, refusal.retry_after_s)
        if refusal.kind == "auth":
            self._rest(max(AUTH_REST_S, longest(refusal.retry_after_s)), reason, now_ns)
        return self._healthy(endpoint, now_ns)

    def state(self) -> AccountState:
        """What a restart must know."""
        return AccountState(
            self._at_ns,
            self._allowance.state(self._at_ns),
            {endpoint: breaker.remember() for endpoint, breaker in self._breakers.items()},
            self._throttles,
        )

    def resume(self, state: AccountState, now_ns: int) -> None:
        """Go on where another process stopped, before anything is asked."""
        back_ns = max(0, state.at_ns - now_ns)
        self._allowance.resume(state.allowance, now_ns)
        for endpoint, past in state.breakers.items():
            self._breaker(endpoint).resume(past, back_ns, now_ns)
        self._throttles = state.throttles
        self._changed(now_ns)

    def describe(self, now_ns: int) -> dict[str, Any]:
        """All of it for people, fit for JSON."""
        rests_s = max(0, self._allowance.rests_until_ns - now_ns) / 1e9
        states = {breaker.state for breaker in self._breakers.values()} | ({"resting"} if rests_s else set())
        return {
            "state": next((state for state in _WORST if state in states), "closed"),
            "breakers": {
                endpoint: {
                    "state": breaker.state,
                    "failures": breaker.failures,
                    "reason": breaker.reason,
                    "until_s": breaker.until_s(now_ns),
                }
                for endpoint, breaker in self._breakers.items()
            },
            "limits": self._allowance.describe(now_ns),
            "rests_s": rests_s,
            "why": self._why(now_ns),
        }

    def _why(self, now_ns: int) -> str:
        """What keeps a live call back; else a breaker's reason; empty if all is well."""
        reasons = [self._allowance.why(1, now_ns, is_history=False)]
        reasons += [breaker.why(now_ns) for breaker in self._breakers.values()]
        return next(filter(None, reasons), "")

    def _breaker(self, endpoint: str) -> Breaker:
        breaker = self._breakers.get(endpoint)
        if breaker is None:
            breaker = self._breakers[endpoint] = Breaker(self.name, endpoint, self._rules, self._random)
        return breaker

    def _changed(self, now_ns: int) -> None:
        self.changes += 1
        self._at_ns = max(self._at_ns, now_ns)
        self._obstacles.clear()

    def _came(self, told: Told | None, now_ns: int) -> None:
        self._changed(now_ns)
        if told is not None:
            self._allowance.learn(told, now_ns)

    def _healthy(self, endpoint: str, now_ns: int) -> Transition | None:
        if now_ns >= self._allowance.rests_until_ns:
            self._throttles = 0
        return self._breaker(endpoint).succeeded(now_ns)

    def _throttled(self, reason: str, retry_after_s: float | None, now_ns: int) -> float:
        """Rest; returns for how long. Refusals of calls that were under way belong to the same rest."""
        if now_ns >= self._allowance.rests_until_ns:
            self._throttles += 1
        doubled_s = self._allowance.shortest_s * 2.0 ** max(0, min(self._throttles - 1, 32))
        rest_s = max(LEAST_REST_S, longest(retry_after_s) or min(THROTTLED_CAP_S, doubled_s))
        self._rest(rest_s, reason, now_ns)
        return rest_s

    def _rest(self, rest_s: float, reason: str, now_ns: int) -> None:
        until_ns = now_ns + round(rest_s * 1e9)
        self._allowance.rest_until(until_ns, f"rests until {moment(until_ns)}: {reason}", now_ns)
