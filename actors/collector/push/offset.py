"""What a source's clock has over UTC: as it says, or estimated from its newest ticks. Pure, time is an argument.

Terminals stamp ticks with their broker's server time, as if it were UTC. The newest tick of a request has just
happened, so the half hours between it and our clock are the offset: round((tick - received) / 1800 s) * 1800 s. A tick
may be late, never early. So what would be in the future shows a larger offset at once (after three requests, lest one
wrong tick decides); what seems old may just be late, and is believed only if it goes on for a while.
"""

from __future__ import annotations

from typing import Final

import msgspec

from actors.collector.push.settings import LONGEST_OFFSET_S

STEP_S: Final = 1800
"""Offsets are estimated in half hours..."""
SAID_STEP_S: Final = 900
"""... and said in quarters: what a terminal computes of two clocks is a few seconds off."""
SURE_S: Final = 120
"""The first tick ever must be so near a half hour: one that is late by minutes would show a wrong offset."""
CONFIRMED: Final = 3
"""Requests in a row that must show another offset."""


class OffsetState(msgspec.Struct, array_like=True):
    """What is remembered of one source."""

    offset_s: int = 0
    is_known: bool = False
    is_said: bool = False
    """The source has said it: it is not estimated."""
    other_s: int = 0
    """Another offset that its ticks show..."""
    seen: int = 0
    """... in so many requests in a row..."""
    since_ns: int = 0
    """... since then, our clock."""


class Offset:
    """The offset of one source.

    Args:
        settle_ns: How long an offset that makes ticks younger must show before it is believed.
        state: What is remembered.
        fixed_s: What the configuration says; None: nothing.
    """

    def __init__(self, settle_ns: int, state: OffsetState, fixed_s: int | None = None) -> None:
        self.state = state
        self._settle_ns = settle_ns
        self._fixed_s = fixed_s

    @property
    def value_s(self) -> int | None:
        """Seconds over UTC; None: not known."""
        if self._fixed_s is not None:
            return self._fixed_s
        return self.state.offset_s if self.state.is_known else None

    def say(self, said_s: float | None) -> None:
        """The source says its offset; one that no clock can have is left out."""
        state = self.state
        found = rounded(said_s)
        if found is not None and (not state.is_said or found != state.offset_s):
            state.offset_s, state.is_known, state.is_said, state.seen = found, True, True, 0

    def see(self, newest_ns: int, recv_ns: int) -> None:
        """The newest tick of a request that says no offset, by the source's clock."""
        state = self.state
        if self._fixed_s is not None or state.is_said:
            return
        shown_s = round((newest_ns - recv_ns) / (STEP_S * 1e9)) * STEP_S
        if abs(shown_s) > LONGEST_OFFSET_S:
            return
        if not state.is_known:
            if abs((newest_ns - recv_ns) / 1e9 - shown_s) <= SURE_S:
                state.offset_s, state.is_known = shown_s, True
        elif shown_s == state.offset_s:
            state.seen = 0
        elif state.seen and shown_s == state.other_s:
            state.seen += 1
            is_sure = shown_s > state.offset_s or recv_ns - state.since_ns >= self._settle_ns
            if state.seen >= CONFIRMED and is_sure:
                state.offset_s, state.seen = shown_s, 0
        else:
            state.other_s, state.seen, state.since_ns = shown_s, 1, recv_ns


def rounded(said_s: float | None) -> int | None:
    """An offset as it is said, to the quarter of an hour; None: it is none."""
    if type(said_s) is not int and type(said_s) is not float:
        return None
    if not -LONGEST_OFFSET_S - SAID_STEP_S < said_s < LONGEST_OFFSET_S + SAID_STEP_S:  # NaN too
        return None
    found = round(said_s / SAID_STEP_S) * SAID_STEP_S
    return found if abs(found) <= LONGEST_OFFSET_S else None
