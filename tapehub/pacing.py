"""When a recorded frame is due again. Pure.

A replay keeps the recording's own times, divided by the speed: one that fell behind sends what is due at
once and is back in step, so lateness never adds up.
"""

from __future__ import annotations

from typing import Final

MAX: Final = 0.0
"""Speed that waits for nothing."""


def parse_speed(text: str) -> float:
    """`10x`, `0.5x`, `1` or `max` as a factor; `MAX` for max.

    Raises:
        ValueError: none of these.
    """
    wanted = text.strip().lower()
    if wanted == "max":
        return MAX
    try:
        factor = float(wanted.removesuffix("x"))
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise ValueError(f"speed {text!r} is not a factor such as 1x, 10x or 0.5x, nor max")
    return factor


class Pacer:
    """Maps recorded time to monotonic time.

    Args:
        speed: Factor, or `MAX`.
        start_mono_ns: Monotonic clock at the first frame.
    """

    def __init__(self, speed: float, start_mono_ns: int) -> None:
        self._speed = speed
        self._start_mono_ns = start_mono_ns
        self._first_ns: int | None = None

    def due_ns(self, ts_ns: int) -> int:
        """Monotonic time at which a frame heard at `ts_ns` goes out."""
        if self._first_ns is None:
            self._first_ns = ts_ns
        if self._speed == MAX:
            return self._start_mono_ns
        return self._start_mono_ns + round((ts_ns - self._first_ns) / self._speed)
