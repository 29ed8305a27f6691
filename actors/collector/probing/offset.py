"""How far our clock is from a venue's, from one question about its time. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

WARN_S: Final = 0.5
"""Beyond this ages and lags are misleading."""
_NS: Final = 1e9


class Offset(NamedTuple):
    """Our clock against the venue's, seconds."""

    ours_ahead_s: float
    unsure_s: float
    """It may be so much more or less."""

    @property
    def least_s(self) -> float:
        """How far they are apart at least."""
        return max(0.0, abs(self.ours_ahead_s) - self.unsure_s)

    def __str__(self) -> str:
        word = "ahead of" if self.ours_ahead_s >= 0 else "behind"
        return f"our clock is {abs(self.ours_ahead_s):.3f} s {word} the venue's (give or take {self.unsure_s:.3f} s)"


def offset_of(venue_ns: int, sent_ns: int, received_ns: int, setup_s: float, step_s: float = 0.0) -> Offset:
    """The venue is taken to have looked at its clock half-way through the round trip.

    Args:
        venue_ns: What it said.
        sent_ns: Our clock before the question.
        received_ns: Our clock after the answer.
        setup_s: How much of that was spent on opening the connection, before the question went out.
        step_s: What the venue tells its time in; it cuts off what is less.
    """
    trip_s = max(0.0, (received_ns - sent_ns) / _NS - setup_s)
    ahead_s = (received_ns - venue_ns) / _NS - trip_s / 2 - step_s / 2
    return Offset(ahead_s, (trip_s + step_s) / 2)
