"""Token buckets, one per name: how often somebody may ask. Pure, time is an argument."""

from __future__ import annotations

from typing import Final

MOST_NAMES: Final = 10_000


class Rates:
    """Buckets that fill at `per_s` up to `burst`; 0 per second: no limit."""

    def __init__(self, per_s: float, burst: float) -> None:
        self.per_s = per_s
        self.burst = burst
        self._left: dict[str, tuple[float, int]] = {}
        """Name to (tokens, when, monotonic ns)."""

    def take(self, name: str, mono_ns: int) -> bool:
        """Take one token; False: there is none."""
        if not self.per_s:
            return True
        left, then_ns = self._left.get(name, (self.burst, mono_ns))
        left = min(self.burst, left + (mono_ns - then_ns) * self.per_s / 1e9)
        is_allowed = left >= 1.0
        if name not in self._left and len(self._left) >= MOST_NAMES:
            self._left.pop(next(iter(self._left)))
        self._left[name] = (left - 1.0 if is_allowed else left, mono_ns)
        return is_allowed
