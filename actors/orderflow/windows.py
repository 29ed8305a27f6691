"""The closed steps of the longest window as rows of sums, and what any number of the newest give together. Pure.

A window is summed anew each time, row by row: nothing that ever was in it leaves a rounding error behind.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np


class WindowsState(msgspec.Struct, array_like=True):
    """The rows as they lie in memory."""

    end_ns: int
    rows: bytes


class Windows:
    """A ring of rows; it lies in twice the space, so that the newest rows are always in one piece.

    Args:
        steps: Rows kept.
        columns: Numbers in a row.
        interval_ns: Length of a step.
        end_ns: Where the first row will begin.
    """

    def __init__(self, steps: int, columns: int, interval_ns: int, end_ns: int = 0) -> None:
        self._steps = steps
        self._interval_ns = interval_ns
        self._rows = np.zeros((2 * steps, columns))
        self._count = 0
        self.end_ns = end_ns
        """End of the newest row."""

    @property
    def start_ns(self) -> int:
        """Start of the oldest row that is kept."""
        return self.end_ns - min(self._count, self._steps) * self._interval_ns

    def append(self, row: Sequence[float] | None) -> None:
        """Add the next step; None: nothing happened in it."""
        if self._count == 2 * self._steps:
            self._rows[: self._steps] = self._rows[self._steps :]
            self._count = self._steps
        self._rows[self._count] = 0.0 if row is None else row
        self._count += 1
        self.end_ns += self._interval_ns

    def skip_to(self, end_ns: int) -> None:
        """Go on behind steps in which nothing happened."""
        steps = (end_ns - self.end_ns) // self._interval_ns
        if steps >= self._steps:
            self._count = self._steps
            self._rows[: self._steps] = 0.0
            self.end_ns = end_ns
            return
        for _ in range(steps):
            self.append(None)

    def add(self, ts_ns: int, column: int, value: float) -> bool:
        """Add to the step that holds a moment; False if it is not kept."""
        back = -((ts_ns - self.end_ns) // self._interval_ns)
        if not 0 < back <= min(self._count, self._steps):
            return False
        self._rows[self._count - back, column] += value
        return True

    def sums(self, steps: int) -> list[float]:
        """Sum of each column over the newest steps, oldest first; those before the first row are zero."""
        found: list[float] = self._rows[max(0, self._count - steps) : self._count].sum(axis=0).tolist()
        return found

    def state(self) -> WindowsState:
        """What to keep."""
        kept = self._rows[max(0, self._count - self._steps) : self._count]
        return WindowsState(self.end_ns, kept.tobytes())

    def restore(self, state: WindowsState) -> None:
        """Go on from a state of the same shape.

        Raises:
            ValueError: it is of another shape.
        """
        rows = np.frombuffer(state.rows).reshape(-1, self._rows.shape[1])
        if len(rows) > self._steps:
            raise ValueError(f"{len(rows)} steps, not at most {self._steps}")
        self._rows[: len(rows)] = rows
        self._count, self.end_ns = len(rows), state.end_ns
