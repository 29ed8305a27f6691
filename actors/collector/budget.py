"""A request budget that refills steadily: messages per second, REST weight per minute. Pure."""

from __future__ import annotations


class Budget:
    """Tokens up to `capacity`, refilled at `per_s`.

    Args:
        capacity: Most tokens that can be saved up.
        per_s: Tokens gained each second.
        mono_ns: Now; it starts full.
    """

    def __init__(self, capacity: float, per_s: float, mono_ns: int) -> None:
        self._capacity = capacity
        self._per_s = per_s
        self._tokens = capacity
        self._at_ns = mono_ns

    def left(self, mono_ns: int) -> float:
        """Tokens that are there now."""
        gained = (mono_ns - self._at_ns) / 1e9 * self._per_s
        self._tokens = min(self._capacity, self._tokens + gained)
        self._at_ns = mono_ns
        return self._tokens

    def describe(self, mono_ns: int) -> dict[str, float]:
        """For people: `used` of `limit`, which refills within `window_s`."""
        used = round(self._capacity - self.left(mono_ns), 1)
        return {"used": used, "limit": self._capacity, "window_s": round(self._capacity / self._per_s, 3)}

    def resume(self, tokens: float, elapsed_s: float) -> None:
        """Go on with what another process had left so many seconds ago."""
        self._tokens = min(self._capacity, tokens + max(0.0, elapsed_s) * self._per_s)

    def take(self, amount: float, mono_ns: int) -> bool:
        """Spend `amount` if it is there; one larger than the capacity is let through by a full budget."""
        if self.left(mono_ns) < min(amount, self._capacity):
            return False
        self._tokens -= amount
        return True
