"""How much one caller may ask: a bucket of tokens each, refilled as time goes. Pure, time is an argument."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

MAX_CALLERS = 10_000
"""Buckets that are remembered; the one unused for longest goes first."""


class Verdict(NamedTuple):
    """What is said of one request."""

    is_allowed: bool
    left: int
    """Requests that may follow at once."""
    retry_after_s: float
    """When the next one may come; 0: now."""


class Rates:
    """Buckets by caller.

    Args:
        per_s: Requests a second that are refilled; 0: no limit.
        burst: Requests that a full bucket holds.
    """

    def __init__(self, per_s: float, burst: int) -> None:
        self.per_s = per_s
        self.burst = burst
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, caller: str, mono_ns: int) -> Verdict:
        """Count one request."""
        if not self.per_s:
            return Verdict(is_allowed=True, left=self.burst, retry_after_s=0.0)
        held, then_ns = self._buckets.pop(caller, (float(self.burst), mono_ns))
        held = min(float(self.burst), held + (mono_ns - then_ns) / 1e9 * self.per_s)
        is_allowed = held >= 1.0
        held -= is_allowed
        self._buckets[caller] = (held, mono_ns)
        if len(self._buckets) > MAX_CALLERS:
            self._buckets.popitem(last=False)
        return Verdict(is_allowed, int(held), 0.0 if held >= 1.0 else (1.0 - held) / self.per_s)
