"""Pauses that double up to a cap, and begin anew when all was well for long enough. Pure."""

from __future__ import annotations


class Pauses:
    """Pauses before attempts at one thing.

    Args:
        first_ns: The first pause.
        cap_ns: The longest.
    """

    def __init__(self, first_ns: int, cap_ns: int) -> None:
        self._first_ns = first_ns
        self._cap_ns = cap_ns
        self.count = 0
        """Pauses taken since the last `reset`."""

    def next_ns(self) -> int:
        """The next pause."""
        pause_ns = min(self._cap_ns, self._first_ns << min(self.count, 40))
        self.count += 1
        return pause_ns

    def reset(self) -> None:
        """Begin with the first one again."""
        self.count = 0
