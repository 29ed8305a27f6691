"""The way from a publisher to one subscriber: late, in order, and with anything missing."""

from __future__ import annotations

import random
from collections import deque

from protocol.record import Frame


class Bus:
    """What a SUB socket hears.

    Args:
        rng: Decides what is lost and how late the rest is.
        prefixes: What it has subscribed to; none: everything.
    """

    def __init__(self, rng: random.Random, prefixes: tuple[str, ...] = ()) -> None:
        self.is_connected = True
        self.drop_share = 0.0
        """Share of frames that are lost one by one."""
        self.dropping = 0
        """Frames of a run that are still to be lost: a full queue."""
        self.delay_ns = 5_000_000
        """Longest delay."""
        self.dropped = 0
        self._rng = rng
        self._heads = tuple(prefix.encode() for prefix in (*prefixes, "beat.")) if prefixes else ()
        self._queue: deque[tuple[int, Frame]] = deque()
        self._last_ns = 0

    def send(self, frame: Frame, now_ns: int) -> None:
        """Take one frame, or lose it."""
        if self._heads and not frame.data.startswith(self._heads):
            return
        if not self.is_connected or self.dropping or self._rng.random() < self.drop_share:
            self.dropping = max(0, self.dropping - 1)
            self.dropped += 1
            return
        due_ns = now_ns + int(self._rng.random() * self.delay_ns)
        self._last_ns = max(due_ns, self._last_ns)  # one pipe: later is never before
        self._queue.append((self._last_ns, frame))

    def receive(self, now_ns: int) -> list[Frame]:
        """What has arrived."""
        found = []
        while self._queue and self._queue[0][0] <= now_ns:
            found.append(self._queue.popleft()[1])
        return found

    def disconnect(self) -> None:
        """Nothing arrives any more, and what was on its way is lost."""
        self.is_connected = False
        self.dropped += len(self._queue)
        self._queue.clear()

    def reconnect(self) -> None:
        """Hear again what is sent from now on."""
        self.is_connected = True
