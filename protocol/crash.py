"""Points at which a process may end itself, so that a chaos test reaches the moments between two steps.

Off, and nothing but an empty call, unless the environment says otherwise when this module is first imported:

    TAPEHUB_CRASH_POINTS   "journal.write.before:0.001,ack.after:0.01": how likely each call of a point is the last
    TAPEHUB_CRASH_LOG      file that gets one line per end: `<monotonic ns> <point> <pid>`
    TAPEHUB_CRASH_SEED     makes the draws of a process repeatable, together with its pid

The end is SIGKILL: no handler, no buffer, no `finally`, as after kill -9 from outside.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Mapping
from typing import Final

from protocol.errors import ConfigError

POINTS: Final = (
    "journal.write.before",
    "journal.write.after",
    "bus.send.before",
    "bus.send.after",
    "store.commit.before",
    "store.commit.after",
    "parquet.commit.before",
    "parquet.commit.after",
    "ack.before",
    "ack.after",
    "journal.seal.before",
    "journal.seal.after",
    "snap.before",
    "snap.after",
    "claim.before",
    "claim.after",
)
"""Every name there is."""

_POINTS_VARIABLE: Final = "TAPEHUB_CRASH_POINTS"


def read_points(text: str) -> dict[str, float]:
    """What the variable says: point to probability, 0 to 1.

    Raises:
        ConfigError: a name that no point has, or no probability; all problems at once.
    """
    found: dict[str, float] = {}
    problems = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, share = entry.partition(":")
        if name not in POINTS:
            problems.append(f"{_POINTS_VARIABLE}: no crash point {name!r}; there are {', '.join(POINTS)}")
            continue
        try:
            found[name] = float(share)
        except ValueError:
            found[name] = -1.0
        if not 0.0 <= found[name] <= 1.0:
            problems.append(f"{_POINTS_VARIABLE}: {entry!r}: write {name}:P with P from 0 to 1")
    if problems:
        raise ConfigError(problems)
    return found


def _pass(name: str, /) -> None:
    """Go on: no crash point is armed."""


def _end(name: str, log: str) -> None:
    """Leave a line, then end this process at once."""
    if log:
        fd = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        os.write(fd, f"{time.monotonic_ns()} {name} {os.getpid()}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)


def armed(variables: Mapping[str, str]) -> Callable[[str], None]:
    """The `crash_point` that these environment variables ask for.

    Raises:
        ConfigError: they name a point that does not exist.
    """
    shares = read_points(variables.get(_POINTS_VARIABLE, ""))
    if not shares:
        return _pass
    log = variables.get("TAPEHUB_CRASH_LOG", "")
    seed = variables.get("TAPEHUB_CRASH_SEED", "")
    # with the pid: one seed alone would end every life of an actor at the same call
    draw = random.Random(f"{seed}/{os.getpid()}" if seed else None).random

    def crash_point(name: str, /) -> None:
        if draw() < shares.get(name, 0.0):
            _end(name, log)

    return crash_point


crash_point: Final[Callable[[str], None]] = armed(os.environ)
"""Name a moment at which this process may be ended; `name` is one of `POINTS`."""
