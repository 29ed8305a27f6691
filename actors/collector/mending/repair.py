"""Which missing trades are fetched when: a queue of holes, one page under way. Pure.

    add -> waiting -> asked -> took    -> waiting for its next page, or done
                            -> failed  -> waiting, behind the others, until its pause is over
                                       -> given up after ATTEMPTS failures in a row, or GIVE_UP_S of a venue that is down

Holes are worked off one after the other, pages in the order of their ids, within the venue's weight budget.
Whoever is told that a hole was given up or refused must announce why.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Final, NamedTuple

from actors.collector.backoff import Backoff
from actors.collector.budget import Budget
from protocol.messages import Gap

PAGE_TRADES: Final = 1000
"""Most trades that a venue gives at once."""
ATTEMPTS: Final = 6
"""Failures in a row after which a hole is given up; a venue that asks us to wait has not failed."""
GIVE_UP_S: Final = 900.0
"""A venue that does not answer, or says that it cannot now (5xx), is asked for so long."""
MAX_WAITING: Final = 256
"""Holes of one market in the queue."""
_ASKS_TO_WAIT: Final = frozenset({418, 429})
CONCERNS_US: Final = frozenset({403, 451}) | _ASKS_TO_WAIT
"""Refusals that stop the whole market, whatever was asked for."""
_MAY_PASS: Final = frozenset({408}) | CONCERNS_US
"""Refusals below 500 that another time may not be given; all others are final."""


class Page(NamedTuple):
    """One request: up to `limit` trades of a hole from `from_id` on."""

    gap: Gap
    from_id: int
    limit: int


class _Job:
    """One hole on its way to being filled."""

    __slots__ = ("backoff", "down_since_ns", "due_ns", "failures", "gap", "next_id")

    def __init__(self, gap: Gap, from_id: int, due_ns: int, backoff: Backoff) -> None:
        self.gap = gap
        self.backoff = backoff
        self.next_id = from_id
        self.due_ns = due_ns
        self.failures = 0
        """In a row."""
        self.down_since_ns = 0
        """First of the failures in a row for which the venue is down, monotonic; 0: it is not."""


class Repairs:
    """Holes of one market.

    Args:
        weight: What one page costs.
        budget: The venue's request weight, as much of it as repairs may use.
        backoff: Makes the backoff of one hole.
        patience_s: An answer that took longer is given up.
        max_trades: A larger hole is refused.
        max_waiting: More holes than that are refused.
        page_size: Most trades of one page.
    """

    def __init__(
        self,
        weight: float,
        budget: Budget,
        backoff: Callable[[], Backoff],
        patience_s: float,
        max_trades: int,
        max_waiting: int = MAX_WAITING,
        page_size: int = PAGE_TRADES,
    ) -> None:
        self._weight = weight
        self._budget = budget
        self._new_backoff = backoff
        self._patience_ns = round(patience_s * 1e9)
        self._max_trades = max_trades
        self._max_waiting = max_waiting
        self._page_size = page_size
        self._jobs: collections.deque[_Job] = collections.deque()
        self._asked: Page | None = None
        self._asked_until_ns = 0
        self.closed_until_ns = 0
        """The venue asked us to wait, for whatever symbol and path."""

    def __len__(self) -> int:
        """Holes that are being filled."""
        return len(self._jobs)

    def add(self, gap: Gap, from_id: int = 0, due_ns: int = 0) -> str:
        """Take a hole with known ids; returns why not, empty if it was taken.

        Args:
            gap: As it was announced.
            from_id: First id that is still missing; 0: all are.
            due_ns: Not to be asked for before this monotonic time.
        """
        from_id = max(from_id, gap.from_id)
        count = gap.to_id - from_id + 1
        if count > self._max_trades:
            return f"{count} trades are more than repair_max_trades = {self._max_trades}"
        if len(self._jobs) >= self._max_waiting:
            return f"{self._max_waiting} gaps are already waiting for repair"
        self._jobs.append(_Job(gap, from_id, due_ns, self._new_backoff()))
        return ""

    def due(self, mono_ns: int) -> Page | None:
        """The page to ask for now; it counts as asked."""
        if self._asked is not None or mono_ns < self.closed_until_ns:
            return None
        job = next((job for job in self._jobs if mono_ns >= job.due_ns), None)
        if job is None or not self._budget.take(self._weight, mono_ns):
            return None
        limit = min(self._page_size, job.gap.to_id - job.next_id + 1)
        self._asked = Page(job.gap, job.next_id, limit)
        self._asked_until_ns = mono_ns + self._patience_ns
        return self._asked

    def overdue(self, mono_ns: int) -> Page | None:
        """The page whose answer has taken too long: it has failed."""
        return self._asked if self._asked is not None and mono_ns >= self._asked_until_ns else None

    def is_awaited(self, page: Page) -> bool:
        """Whether the answer to this page still counts."""
        return self._asked is page

    def took(self, page: Page, last_id: int) -> bool:
        """Trades up to `last_id` have come; True if the hole has been gone through to its end."""
        job = self._answered(page)
        if job is None:
            return False
        job.next_id, job.failures, job.down_since_ns = last_id + 1, 0, 0
        if job.next_id <= job.gap.to_id:
            return False
        self._jobs.remove(job)
        return True

    def failed(
        self, page: Page, mono_ns: int, status: int = 0, retry_after_s: float | None = None
    ) -> float | None:
        """No answer, or one without a trade that was asked for; returns the pause in seconds, None: given up."""
        job = self._answered(page)
        if job is None:
            return 0.0
        self._jobs.remove(job)
        if 400 <= status < 500 and status not in _MAY_PASS:
            return None
        pause_s = job.backoff.failed(mono_ns, status, retry_after_s)
        job.due_ns = mono_ns + round(pause_s * 1e9)
        if status in CONCERNS_US or retry_after_s is not None:
            self.closed_until_ns = max(self.closed_until_ns, job.due_ns)
        if status == 0 or status >= 500:
            job.down_since_ns = job.down_since_ns or mono_ns
            is_hopeless = mono_ns - job.down_since_ns > GIVE_UP_S * 1e9
        else:
            job.failures += status not in _ASKS_TO_WAIT
            is_hopeless = job.failures >= ATTEMPTS
        if is_hopeless:
            return None
        self._jobs.append(job)
        return pause_s

    def forget(self, gap_id: str) -> None:
        """This hole is no longer wanted; an answer under way no longer counts."""
        self._jobs = collections.deque(job for job in self._jobs if job.gap.gap_id != gap_id)
        if self._asked is not None and self._asked.gap.gap_id == gap_id:
            self._asked = None

    def gaps(self, symbol: str = "") -> list[Gap]:
        """Holes of one symbol, or of all, as they were taken."""
        return [job.gap for job in self._jobs if symbol in ("", job.gap.symbol)]

    def _answered(self, page: Page) -> _Job | None:
        if self._asked is not page:
            return None
        self._asked = None
        return next(job for job in self._jobs if job.gap.gap_id == page.gap.gap_id)
