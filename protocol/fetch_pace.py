"""How much to fetch at once over a network, and how long to wait for it. Pure, time is an argument.

Between hosts the way may be slow: an answer of 1 MiB over a link that has just healed takes longer than anybody waits,
and asked again and again it would fill the link for good. So one line has a window of bytes for all that it asks for: it
grows while answers come about as quickly as the way allows, and halves when they do not, or do not come at all.
"""

from __future__ import annotations

from typing import Final

from protocol.replay import MAX_FETCH_BYTES

FIRST_BYTES: Final = 128 * 1024
LEAST_BYTES: Final = 16 * 1024
MOST_BYTES: Final = 4 * MAX_FETCH_BYTES
QUICK_NS: Final = 250_000_000
"""An answer that took no longer than the quickest one and this has not waited in a queue."""
SLOW_NS: Final = 1_500_000_000
"""One that took so much longer has."""
FIRST_PATIENCE_NS: Final = 3_000_000_000
"""A handshake with keys over a way of 400 ms there and back takes two seconds."""
LEAST_PATIENCE_NS: Final = 2_000_000_000
MOST_PATIENCE_NS: Final = 15_000_000_000
_ANSWERS: Final = 4
"""Patience is so many times what answers take."""


class FetchPace:
    """What one line to a journal server of another host has learnt of the way there."""

    def __init__(self) -> None:
        self.window_bytes = FIRST_BYTES
        self.patience_ns = FIRST_PATIENCE_NS
        """How long to wait for an answer."""
        self._quickest_ns = 0
        self._usual_ns = 0

    def most_bytes(self, asking: int) -> int:
        """How much the next question may ask for.

        Args:
            asking: Questions that are on their way: the window is for all.
        """
        return max(LEAST_BYTES, min(MAX_FETCH_BYTES, self.window_bytes // (asking + 1)))

    def answered(self, took_ns: int, size_bytes: int) -> None:
        """An answer has come.

        Args:
            took_ns: Since it was asked for.
            size_bytes: Its length: only long ones say what the way can carry.
        """
        self._quickest_ns = min(took_ns, self._quickest_ns or took_ns)
        self._usual_ns = max(took_ns, self._usual_ns - (self._usual_ns - took_ns) // 8)
        self.patience_ns = min(MOST_PATIENCE_NS, max(LEAST_PATIENCE_NS, _ANSWERS * self._usual_ns))
        longer_ns = took_ns - self._quickest_ns
        if longer_ns > SLOW_NS:
            self._shrink()
        elif longer_ns <= QUICK_NS and size_bytes >= LEAST_BYTES // 2:
            self.window_bytes = min(MOST_BYTES, 2 * self.window_bytes)

    def unanswered(self) -> None:
        """No answer has come within the patience."""
        self._shrink()
        self.patience_ns = min(MOST_PATIENCE_NS, 2 * self.patience_ns)

    def _shrink(self) -> None:
        self.window_bytes = max(LEAST_BYTES, self.window_bytes // 2)
