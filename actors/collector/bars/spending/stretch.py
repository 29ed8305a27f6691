"""One limit over a stretch of time that slides: what was spent in it, and when the next call fits. Pure.

Providers count in different ways: over the last 60 s, or from one full minute to the next, by their clock, when a call
arrives. Calls that keep to a stretch that slides keep to every one of these readings. Ours is longer than the
provider's by two margins, so that it holds for what arrives and not only for what is sent:

    travel   a call may be `margin_s` on its way, and the next one none. 1 s: name look-up, TCP, TLS and the request
             itself are four round trips, 0.2 s each over the slowest of usual lines, and connections are kept open.
    drift    a clock that is being corrected runs up to 0.05 % fast (what NTP allows itself); 0.1 % covers the provider's too.

Both together cost 1.7 % of a limit per minute. A call that is longer on its way can break a limit by itself, once;
then the provider says 429 and is left alone.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable
from typing import Final

import msgspec

from actors.collector.bars.providers.provider import Limit

MARGIN_S: Final = 1.0
"""Longest time that a call is expected to be on its way to the provider, seconds."""
DRIFT: Final = 0.001
"""Share of a stretch by which two clocks may disagree on its length."""
MAX_EXACT: Final = 1024
"""A limit of up to so many calls remembers each of them; of a greater one, calls share so many entries of equal length,
each of which is as late as the last call in it: 0.1 % of the stretch is given away, and no limit exceeded."""
NEVER_NS: Final = 2**63 - 1
"""When something may be asked that may never be asked."""
BELIEVED_S: Final = 3_600.0
"""Longest stretch of which everything counts as spent now if somebody else uses the key."""
_DAY_S: Final = 86_400.0


class Spent(msgspec.Struct, array_like=True, gc=False):
    """Calls that count from when they were sent."""

    first_ns: int
    last_ns: int
    calls: int
    history: int = 0
    """So many of them for history."""


class StretchState(msgspec.Struct, array_like=True):
    """What a restart must know of one limit."""

    per_s: float
    configured: int
    calls: int
    spent: list[Spent] = []


class Stretch:
    """One limit.

    Args:
        limit: As configured, or as the provider told it.
        margin_s: Longest time that a call is on its way, seconds.
        share: Of the limit that history may use, 0 to 1.
        is_learnt: Nobody has configured it.
    """

    __slots__ = (
        "_grain_ns", "_history_used", "_length_ns", "_share", "_spent", "_used", "calls", "configured", "history_calls",
        "per_s",
    )  # fmt: skip

    def __init__(self, limit: Limit, margin_s: float, share: float, *, is_learnt: bool = False) -> None:
        self.per_s = limit.per_s
        self.configured = 0 if is_learnt else limit.calls
        """0: only the provider has told it."""
        self.calls = limit.calls
        """In force: as configured, or less if the provider says so."""
        self._used = 0
        """Of all that is remembered: what is over is forgotten when something is entered, so looking changes nothing."""
        self._history_used = 0
        self.history_calls = 0
        """Most that history may use."""
        self._share = share
        self._length_ns = round((limit.per_s * (1.0 + DRIFT) + margin_s) * 1e9)
        self._grain_ns = self._length_ns // MAX_EXACT
        self._spent: collections.deque[Spent] = collections.deque()
        self._allow(limit.calls)

    @property
    def words(self) -> str:
        """The limit for people: `8 calls per 60 s`."""
        per = "day" if self.per_s == _DAY_S else f"{self.per_s:g} s"
        return f"{self.calls} call{'s' if self.calls != 1 else ''} per {per}"

    def share(self, share: float) -> None:
        """History may use so much of it from now on."""
        self._share = share
        self._allow(self.calls)

    def free_at_ns(self, cost: int, now_ns: int, is_history: bool) -> int:
        """The first moment from now on when so many calls fit in; `NEVER_NS` if they are too many."""
        over = self._used + cost - self.calls
        if over > 0:
            now_ns = max(now_ns, self._freed_at_ns(over, is_history=False))
        if is_history:
            over = self._history_used + cost - self.history_calls
            if over > 0:
                now_ns = max(now_ns, self._freed_at_ns(over, is_history=True))
        return now_ns

    def used(self, now_ns: int) -> tuple[int, int]:
        """Calls in the stretch that ends now, and how many of them for history."""
        inside = [entry for entry in self._spent if entry.last_ns + self._length_ns > now_ns]
        return sum(entry.calls for entry in inside), sum(entry.history for entry in inside)

    def why(self, cost: int, now_ns: int, is_history: bool) -> str:
        """Why so many calls do not fit in now, in a few words."""
        if cost > self.calls:
            return f"it costs {cost}, more than {self.words}"
        if not is_history or self.free_at_ns(cost, now_ns, is_history=False) > now_ns:
            return f"{self.words} used up"
        if cost > self.history_calls:
            return f"it costs {cost}, and history may use {self.history_calls} of {self.words}"
        return f"history's {self.history_calls} of {self.words} used up"

    def spend(self, cost: int, now_ns: int, is_history: bool) -> None:
        """So many calls are sent now, whether they fit in or not."""
        self._forget(now_ns)
        spent = self._spent
        newest = spent[-1] if spent else None
        if newest is not None:
            now_ns = max(now_ns, newest.last_ns)
        history = cost if is_history else 0
        if newest is not None and self._shares(newest, now_ns):
            newest.last_ns = now_ns
            newest.calls += cost
            newest.history += history
        else:
            spent.append(Spent(now_ns, now_ns, cost, history))
        self._used += cost
        self._history_used += history

    def told(self, limit: int | None, left: int | None, now_ns: int) -> None:
        """The provider says what its limit is and what is left of it.

        If it counts more than we do, somebody else uses the same key. Where a stretch is short, all that it counts may
        then be of its newest window, so it counts as spent now; of a day, only what we did not know of.
        What others spend hides behind calls of ours that the provider does not count any more, until there is more of
        it: that can cost one 429.

        Args:
            limit: Calls; obeyed where it is lower than the configured one.
            left: Calls that it would still answer.
            now_ns: Now.
        """
        if limit is not None:
            limit = max(1, limit)
            self._allow(min(limit, self.configured) if self.configured else limit)
        if left is not None:
            self._forget(now_ns)
            missing = self.calls - self._used - max(0, left)
            if missing > 0:
                self.spend(missing, now_ns, is_history=False)
                if self.per_s <= BELIEVED_S:
                    newest_ns = self._spent[-1].last_ns
                    self._spent = collections.deque(
                        [Spent(newest_ns, newest_ns, self._used, self._history_used)]
                    )

    def state(self) -> StretchState:
        """What a restart must know."""
        return StretchState(self.per_s, self.configured, self.calls, self.copy())

    def copy(self) -> list[Spent]:
        """What was spent, oldest first."""
        return [Spent(entry.first_ns, entry.last_ns, entry.calls, entry.history) for entry in self._spent]

    def adopt(self, spent: Iterable[Spent], now_ns: int) -> None:
        """Replace what is known by what was spent before, none of it later than now."""
        self._spent.clear()
        self._used = self._history_used = 0
        for entry in sorted(spent, key=lambda entry: entry.last_ns):
            self._spent.append(Spent(entry.first_ns, entry.last_ns, entry.calls, entry.history))
            self._used += entry.calls
            self._history_used += entry.history
        self._forget(now_ns)

    def _allow(self, calls: int) -> None:
        self.calls = calls
        self.history_calls = max(1, int(self._share * calls + 1e-9)) if self._share > 0 else 0

    def _shares(self, newest: Spent, now_ns: int) -> bool:
        """Whether a call of now is entered with the newest ones, so that entries are bounded."""
        return newest.last_ns == now_ns or (
            max(self.calls, self.configured) > MAX_EXACT and now_ns - newest.first_ns < self._grain_ns
        )

    def _forget(self, now_ns: int) -> None:
        spent, until_ns = self._spent, now_ns - self._length_ns
        while spent and spent[0].last_ns <= until_ns:
            entry = spent.popleft()
            self._used -= entry.calls
            self._history_used -= entry.history

    def _freed_at_ns(self, over: int, *, is_history: bool) -> int:
        """When so many calls have left the stretch."""
        for entry in self._spent:
            over -= entry.history if is_history else entry.calls
            if over <= 0:
                return entry.last_ns + self._length_ns
        return NEVER_NS
