"""How far another host's clock is ahead of ours, from questions that it answers with its time. Pure.

As NTP does it: of many questions the one that took the shortest time says it best, since half of that time is the most by
which its answer can be wrong, however unequal the two ways are. An older measurement counts for less: clocks drift.
"""

from __future__ import annotations

import collections
from typing import Final

import msgspec

SAMPLES: Final = 32
"""Measurements kept of one host."""
DRIFT: Final = 50e-6
"""By how much a bad quartz is wrong, seconds a second; what is not disciplined drifts no faster."""
LONGEST_NS: Final = 300_000_000_000
"""A measurement older than this says nothing any more."""


class ClockOffset(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of another host's clock."""

    offset_s: float
    """Its clock minus ours, seconds."""
    uncertainty_s: float
    """The truth is within so much of it: half of the way there and back, and what clocks drift since."""
    rtt_s: float
    """There and back, of the measurement that is used, seconds."""
    age_s: float
    """How old that is."""
    samples: int
    """Measurements that it was chosen from."""


class OffsetFilter:
    """The measurements of one host."""

    def __init__(self) -> None:
        self._samples: collections.deque[tuple[int, int, int]] = collections.deque(maxlen=SAMPLES)

    def add(self, asked_ns: int, told_ns: int, heard_ns: int, mono_ns: int) -> None:
        """Take one answer.

        Args:
            asked_ns: Our clock when we asked.
            told_ns: Its clock when it answered.
            heard_ns: Our clock when we heard, measured as `asked_ns` plus monotonic time: a clock that is set meanwhile does no harm.
            mono_ns: Monotonic clock when we heard.
        """
        rtt_ns = heard_ns - asked_ns
        if rtt_ns >= 0:
            self._samples.append((rtt_ns, told_ns - (asked_ns + heard_ns) // 2, mono_ns))

    def clear(self) -> None:
        """Our clock was set: what was measured before says nothing."""
        self._samples.clear()

    def best(self, mono_ns: int) -> ClockOffset | None:
        """The measurement that bounds the offset closest now; None: there is none that is young enough."""
        young = [one for one in self._samples if mono_ns - one[2] <= LONGEST_NS]
        if not young:
            return None
        rtt_ns, offset_ns, at_ns = min(young, key=lambda one: _uncertainty_ns(one[0], mono_ns - one[2]))
        age_ns = mono_ns - at_ns
        return ClockOffset(
            offset_s=offset_ns / 1e9,
            uncertainty_s=_uncertainty_ns(rtt_ns, age_ns) / 1e9,
            rtt_s=rtt_ns / 1e9,
            age_s=age_ns / 1e9,
            samples=len(young),
        )


def _uncertainty_ns(rtt_ns: int, age_ns: int) -> float:
    return rtt_ns / 2 + DRIFT * age_ns
