"""When to try again: exponential, capped, full jitter. Pure: time and randomness are arguments.

A venue that answers 429 or 418 says how long to wait; one that answers 403 or 451 does not want us at all, and
hammering it makes that permanent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

HEALTHY_AFTER_S: Final = 60.0
"""Data must have flowed so long before a failure counts as the first one again."""
FORBIDDEN_STATUSES: Final = frozenset({401, 403, 451})
FORBIDDEN_PAUSE_S: Final = 600.0
LONGEST_ASKED_PAUSE_S: Final = 3 * 86_400.0
"""A venue's own bans end after three days; nobody may ask for more."""


class Backoff:
    """Pauses between attempts of one connection.

    Args:
        base_s: Upper bound of the first pause.
        cap_s: Upper bound of every pause that the venue did not ask for.
        random: Returns a number from 0 to 1.
    """

    def __init__(self, base_s: float, cap_s: float, random: Callable[[], float]) -> None:
        self._base_s = base_s
        self._cap_s = cap_s
        self._random = random
        self._flowing_since_ns: int | None = None
        self.failures = 0
        """Failed attempts since data last flowed for long enough."""

    def flowing(self, mono_ns: int) -> None:
        """Data has begun to flow."""
        if self._flowing_since_ns is None:
            self._flowing_since_ns = mono_ns

    def failed(self, mono_ns: int, status: int = 0, retry_after_s: float | None = None) -> float:
        """Note the end of a connection or attempt; returns the seconds to wait.

        Args:
            mono_ns: Now, monotonic.
            status: HTTP status of a refusal, 0 if there was none.
            retry_after_s: The venue's `Retry-After`.
        """
        since_ns, self._flowing_since_ns = self._flowing_since_ns, None
        if since_ns is not None and mono_ns - since_ns >= HEALTHY_AFTER_S * 1e9:
            self.failures = 0
        bound_s = min(self._cap_s, self._base_s * 2.0 ** min(self.failures, 32))
        self.failures += 1
        pause_s = self._random() * bound_s
        if status in FORBIDDEN_STATUSES:
            pause_s += FORBIDDEN_PAUSE_S
        if retry_after_s is not None:
            pause_s = max(pause_s, min(retry_after_s, LONGEST_ASKED_PAUSE_S))
        return pause_s
