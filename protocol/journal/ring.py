"""Frames that a full disk did not take, in order, in memory, up to a size. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence


class Ring:
    """Holds the frames `first_seq` to `next_seq - 1`; when they are too many, the oldest are lost and counted."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.next_seq = 1
        """Number of the frame that comes next."""
        self.lost_frames = 0
        """Frames that were dropped, ever."""
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._losses: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def first_seq(self) -> int:
        """Number of the oldest frame held; `next_seq` if none is."""
        return self.next_seq - len(self._frames)

    def push(self, frames: Sequence[bytes]) -> None:
        """Add frames behind the others; the first one is number `next_seq`."""
        self._frames.extend(frames)
        self._bytes += sum(map(len, frames))
        self.next_seq += len(frames)
        if self._bytes > self.max_bytes:
            self._drop()

    def oldest(self, max_bytes: int) -> list[bytes]:
        """The oldest frames, about `max_bytes` of them, at least one if there is one; they stay."""
        found: list[bytes] = []
        size = 0
        for frame in self._frames:
            if found and size + len(frame) > max_bytes:
                break
            found.append(frame)
            size += len(frame)
        return found

    def pop(self, count: int) -> None:
        """Let the oldest go: they are stored."""
        for _ in range(count):
            self._bytes -= len(self._frames.popleft())

    def take_losses(self) -> list[tuple[int, int]]:
        """Ranges `(first, last)` that were dropped since the last call."""
        taken, self._losses = self._losses, []
        return taken

    def _drop(self) -> None:
        """Drop the oldest until the rest has room."""
        first = self.first_seq
        while self._bytes > self.max_bytes:
            self._bytes -= len(self._frames.popleft())
        last = self.first_seq - 1
        self.lost_frames += last - first + 1
        if self._losses and self._losses[-1][1] == first - 1:
            first = self._losses.pop()[0]
        self._losses.append((first, last))
