"""What to do when the stream server refuses or ends a session, by its code. Pure.

Codes of CONERR and END: TLCP specification, and for IG its own at and below zero.
"""

from __future__ import annotations

import enum
from typing import Final


class Reaction(enum.Enum):
    """What follows."""

    LOG_IN = "log in again; stop after three times"
    NEW_SESSION = "a new session at once"
    PAUSE = "a new session after a pause that grows"
    STALE = "the same, and the login counts as stale"
    LONG_PAUSE = "an alarm, and a new session much later"
    """Nothing that passes soon: limits, licences, another session of the same user, our own mistake."""


LONG_PAUSE_S: Final = 300.0
_REACTIONS: Final = {
    1: Reaction.LOG_IN,
    2: Reaction.LONG_PAUSE,
    3: Reaction.NEW_SESSION,
    4: Reaction.NEW_SESSION,
    5: Reaction.PAUSE,
    6: Reaction.PAUSE,
    **dict.fromkeys(range(7, 12), Reaction.LONG_PAUSE),
    20: Reaction.NEW_SESSION,
    35: Reaction.LONG_PAUSE,
    40: Reaction.PAUSE,
    48: Reaction.NEW_SESSION,
    **dict.fromkeys(range(60, 72), Reaction.LONG_PAUSE),
}


def reaction_to(code: int) -> Reaction:
    """Reaction to a code of CONERR or END."""
    return Reaction.STALE if code <= 0 else _REACTIONS.get(code, Reaction.PAUSE)
