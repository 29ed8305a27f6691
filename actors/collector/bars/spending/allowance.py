"""What may be asked of one provider, and when: several limits at once, a part for history, rests. Pure.

`stretch.py` says why a limit kept by it is kept at the provider. History may use its share of each limit and no more;
live calls may use everything that is left, history's share too.

What the provider says is believed where it is worse than what we know: fewer calls left (somebody else uses the same
key), a lower limit, a pause. A higher limit changes nothing: raise it in the settings.

Times are wall clock, since a limit per day outlives the process. After a restart with a clock that has gone back no
time has passed: nothing is allowed twice, and nothing is waited for longer than one whole stretch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from actors.collector.bars.providers.provider import Limit, Told
from actors.collector.bars.spending.stretch import MARGIN_S, Spent, Stretch, StretchState

LONGEST_REST_S: Final = 86_400.0
"""No provider may ask for more: asking once a day harms nobody."""
MAX_LEARNT: Final = 4
"""Limits that nobody has configured."""
LONGEST_STRETCH_S: Final = 31 * 86_400.0
TOLD_S: Final = 86_400.0
"""A limit that the provider told is remembered so long over a restart, seconds."""


class AllowanceState(msgspec.Struct, array_like=True):
    """What a restart must know."""

    at_ns: int = 0
    """Wall clock at which it was so."""
    limits: list[StretchState] = []
    rests_until_ns: int = 0
    rests_why: str = ""


class Allowance:
    """Limits of one provider.

    Args:
        limits: All of them hold at once; none: nothing is limited but by what the provider says.
        history_share: Share of each limit that history may use, 0 to 1; above 0 it is one call at least.
        margin_s: Longest time that a call is on its way to the provider, seconds.
    """

    def __init__(
        self, limits: Sequence[Limit], history_share: float = 1.0, margin_s: float = MARGIN_S
    ) -> None:
        self._margin_s = margin_s
        self._history_share = history_share
        self._stretches = [Stretch(limit, margin_s, history_share) for limit in limits]
        self.rests_until_ns = 0
        """Nothing may be asked before."""
        self.rests_why = ""

    @property
    def history_share(self) -> float:
        """Share of each limit that history may use."""
        return self._history_share

    @history_share.setter
    def history_share(self, share: float) -> None:
        self._history_share = share
        for stretch in self._stretches:
            stretch.share(share)

    @property
    def shortest_s(self) -> float:
        """Length of the shortest stretch, seconds; 60 if nothing is limited."""
        return min((stretch.per_s for stretch in self._stretches), default=60.0)

    def free_at_ns(self, cost: int, now_ns: int, is_history: bool) -> int:
        """The first moment from now on when a call may be sent, if nothing is sent or told before; maybe `NEVER_NS`."""
        free_ns = max(now_ns, self.rests_until_ns)
        for stretch in self._stretches:
            at_ns = stretch.free_at_ns(cost, now_ns, is_history)
            free_ns = max(free_ns, at_ns)
        return free_ns

    def why(self, cost: int, now_ns: int, is_history: bool) -> str:
        """What keeps a call back longest, in a few words; empty if nothing does."""
        free_ns = self.free_at_ns(cost, now_ns, is_history)
        if free_ns <= now_ns:
            return ""
        if free_ns == self.rests_until_ns:
            return self.rests_why
        longest = max(self._stretches, key=lambda stretch: stretch.free_at_ns(cost, now_ns, is_history))
        return longest.why(cost, now_ns, is_history)

    def spend(self, cost: int, now_ns: int, is_history: bool) -> None:
        """A call is sent now: whether it may be is the caller's business.

        Raises:
            ValueError: it costs nothing.
        """
        if cost < 1:
            raise ValueError(f"a call that costs {cost}")
        for stretch in self._stretches:
            stretch.spend(cost, now_ns, is_history)

    def learn(self, told: Told, now_ns: int) -> None:
        """Believe what an answer says of the limits; what makes no sense is ignored."""
        limit, left = _limit_and_left(told)
        known = [stretch for stretch in self._stretches if stretch.per_s == told.per_s]
        if not known and limit is not None:
            known = self._add_learnt(Limit(max(1, limit), told.per_s), now_ns)
        for stretch in known:
            if left is None and told.used is not None:
                stretch.told(limit, stretch.calls - told.used, now_ns)
            else:
                stretch.told(limit, left, now_ns)

    def rest_until(self, until_ns: int, why: str, now_ns: int) -> None:
        """Ask nothing before, for a day at most; a rest never becomes shorter."""
        until_ns = min(until_ns, now_ns + round(LONGEST_REST_S * 1e9))
        if until_ns > max(now_ns, self.rests_until_ns):
            self.rests_until_ns, self.rests_why = until_ns, why

    def state(self, now_ns: int) -> AllowanceState:
        """What a restart must know."""
        limits = [stretch.state() for stretch in self._stretches]
        return AllowanceState(now_ns, limits, self.rests_until_ns, self.rests_why)

    def resume(self, state: AllowanceState, now_ns: int) -> None:
        """Go on where another process stopped, before anything is asked; limits may have been configured anew."""
        back_ns = max(0, state.at_ns - now_ns)
        age_s = (now_ns + back_ns - state.at_ns) / 1e9
        before = {saved.per_s: saved for saved in state.limits}
        for stretch in self._stretches:
            saved = before.get(stretch.per_s)
            if saved is not None and saved.configured == stretch.configured and age_s < TOLD_S:
                stretch.told(saved.calls, None, now_ns)
        configured = {stretch.per_s for stretch in self._stretches}
        for saved in before.values():
            if not saved.configured and saved.per_s not in configured and age_s < TOLD_S:
                self._add_learnt(Limit(saved.calls, saved.per_s), now_ns)
        for stretch in self._stretches:
            stretch.adopt(_moved(_covering(before, stretch.per_s), back_ns, state.at_ns), now_ns)
        self.rest_until(state.rests_until_ns - back_ns, state.rests_why, now_ns)

    def describe(self, now_ns: int) -> list[dict[str, Any]]:
        """Each limit for people: what it is, used and left of it."""
        rows = []
        for stretch in self._stretches:
            used, history_used = stretch.used(now_ns)
            rows.append(
                {
                    "calls": stretch.calls,
                    "per_s": stretch.per_s,
                    "used": used,
                    "left": max(0, stretch.calls - used),
                    "history_used": history_used,
                }
            )
        return rows

    def _add_learnt(self, limit: Limit, now_ns: int) -> list[Stretch]:
        learnt = sum(not stretch.configured for stretch in self._stretches)
        if learnt >= MAX_LEARNT or not 0 < limit.per_s <= LONGEST_STRETCH_S:
            return []
        added = Stretch(limit, self._margin_s, self._history_share, is_learnt=True)
        before = {stretch.per_s: stretch.state() for stretch in self._stretches}
        added.adopt(_covering(before, limit.per_s), now_ns)
        self._stretches.append(added)
        return [added]


def _limit_and_left(told: Told) -> tuple[int | None, int | None]:
    """The limit and what is left of it, as far as one follows from the other."""
    limit, left = told.limit, told.left
    if limit is None and told.used is not None and left is not None:
        limit = told.used + left
    if left is None and limit is not None and told.used is not None:
        left = limit - told.used
    return limit, left


def _covering(before: dict[float, StretchState], per_s: float) -> list[Spent]:
    """What was spent, of the shortest stretch that is as long, else of the longest one."""
    if not before:
        return []
    longer = [length_s for length_s in before if length_s >= per_s]
    return before[min(longer, default=max(before))].spent


def _moved(spent: Iterable[Spent], back_ns: int, at_ns: int) -> list[Spent]:
    """Entries by a clock that has gone back; none is later than the state that it is of."""
    return [
        Spent(
            min(entry.first_ns, at_ns) - back_ns,
            min(entry.last_ns, at_ns) - back_ns,
            entry.calls,
            entry.history,
        )
        for entry in spent
    ]
