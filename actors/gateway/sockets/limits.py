"""How often something may happen: a bucket that fills with time. Pure, time is an argument."""

from __future__ import annotations


class Bucket:
    """Allows `burst` at once and `per_s` after that."""

    def __init__(self, per_s: float, burst: float, mono_ns: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._left = burst
        self._mono_ns = mono_ns

    def allow(self, mono_ns: int) -> bool:
        """Whether one more is allowed now; then it is counted."""
        self._left = min(self._burst, self._left + (mono_ns - self._mono_ns) / 1e9 * self._per_s)
        self._mono_ns = mono_ns
        if self._left < 1:
            return False
        self._left -= 1
        return True
