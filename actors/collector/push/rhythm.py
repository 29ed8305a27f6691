"""Whether a source is there: it is silent once it has sent nothing for much longer than it usually does. Pure.

Any request counts, an empty one too (`{"ticks": []}`): so a terminal shows that it lives while its market is quiet.
"""

from __future__ import annotations

from typing import Final

_WEIGHT: Final = 0.1


class Rhythm:
    """How often a source sends.

    Args:
        factor: It is silent after so many times its mean pause...
        floor_s: ... but never earlier than this, seconds...
        cap_s: ... and never later than this.
    """

    def __init__(self, factor: float, floor_s: float, cap_s: float) -> None:
        self._factor = factor
        self._floor_s = floor_s
        self._cap_s = max(floor_s, cap_s)
        self._mean_s = 0.0
        self.heard_ns = 0
        """When it was heard last, monotonic; 0: never."""

    def heard(self, mono_ns: int) -> None:
        """A request has come."""
        if self.heard_ns:
            pause_s = min((mono_ns - self.heard_ns) / 1e9, self._cap_s)
            self._mean_s += (pause_s - self._mean_s) * (_WEIGHT if self._mean_s else 1.0)
        self.heard_ns = mono_ns

    @property
    def patience_s(self) -> float:
        """Seconds of silence after which it is not there."""
        return min(max(self._mean_s * self._factor, self._floor_s), self._cap_s)

    def is_there(self, mono_ns: int) -> bool:
        """Whether it is."""
        return self.heard_ns > 0 and mono_ns - self.heard_ns <= self.patience_s * 1e9
