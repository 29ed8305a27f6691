"""Which segments of a publisher may go: those that everybody has stored and that are old, always the oldest first. Pure.

The rules, for segments that get no more frames (never the newest one of a publisher):

- With durable consumers: gone when all of them have acknowledged its last record and it is older than `min_age_ns`.
  A disk fuller than `low` shortens that to `low_min_age_ns`, fuller than `critical` to nothing.
- Without any: gone when older than `max_age_ns`, however full the disk is: nobody has said that it was stored.
- `max_bytes` alone takes what nobody has stored, and says so.

Oldest first and no further than the first one that must stay: a reader is told what has expired, and never meets a
hole in the middle.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from protocol.journal.room import DiskRoom
from protocol.journal.segment import SegmentName
from protocol.replay import Position

_HOUR_NS: Final = 3_600 * 1_000_000_000


class Stored(NamedTuple):
    """A segment as retention sees it."""

    name: SegmentName
    last_seq: int
    """Number of its last record; one less than its first if it has none."""
    size: int
    """Bytes on disk, index included."""
    written_ns: int
    """When its last record was written, wall clock."""


class Fullness(enum.IntEnum):
    """How full a disk is."""

    OK = 0
    WARN = 1
    LOW = 2
    CRITICAL = 3


class Limits(NamedTuple):
    """Ages in ns, shares of the disk from 0 to 1, bytes per publisher (0: no limit)."""

    min_age_ns: int = 24 * _HOUR_NS
    max_age_ns: int = 7 * 24 * _HOUR_NS
    low_min_age_ns: int = _HOUR_NS
    warn: float = 0.70
    low: float = 0.85
    critical: float = 0.95
    max_bytes: int = 0

    def fullness(self, room: DiskRoom) -> Fullness:
        """Which of the shares is passed."""
        used = room.used_share
        passed = [level for level, share in self._shares() if used >= share]
        return max(passed, default=Fullness.OK)

    def _shares(self) -> tuple[tuple[Fullness, float], ...]:
        return (Fullness.WARN, self.warn), (Fullness.LOW, self.low), (Fullness.CRITICAL, self.critical)

    def stored_age_ns(self, fullness: Fullness) -> int:
        """Age at which a segment goes that all consumers have stored."""
        if fullness is Fullness.CRITICAL:
            return 0
        return min(self.min_age_ns, self.low_min_age_ns) if fullness is Fullness.LOW else self.min_age_ns


class Reason(enum.StrEnum):
    """Why a segment goes."""

    STORED = "stored"
    """All durable consumers have it, and it is old."""
    AGED = "aged"
    """It is old, and there is no durable consumer."""
    MAX_BYTES = "max_bytes"
    """The journal is longer than it may be, and everybody has stored this part."""
    UNSTORED = "unstored"
    """The journal is longer than it may be, and a durable consumer has not stored this part: an alarm."""


class Deletion(NamedTuple):
    """One segment to delete."""

    name: SegmentName
    reason: Reason
    size: int


def plan(
    segments: Sequence[Stored],
    acks: Mapping[str, Position],
    now_ns: int,
    room: DiskRoom,
    limits: Limits,
) -> list[Deletion]:
    """Segments of one publisher to delete, oldest first.

    Args:
        segments: All of one publisher, in any order.
        acks: Every durable consumer and how far it has stored; (0, 0) for one that has not begun.
        now_ns: Wall clock.
        room: Of the disk they are on.
        limits: What is allowed.
    """
    ordered = sorted(segments)
    age_ns = limits.stored_age_ns(limits.fullness(room)) if acks else limits.max_age_ns
    floor = min(acks.values(), default=None)
    excess = sum(one.size for one in ordered) - limits.max_bytes if limits.max_bytes else 0
    found: list[Deletion] = []
    for one in ordered[:-1]:
        is_stored = floor is None or floor >= Position(one.name.epoch, one.last_seq)
        if is_stored and now_ns - one.written_ns >= age_ns:
            reason = Reason.AGED if floor is None else Reason.STORED
        elif excess > 0:
            reason = Reason.MAX_BYTES if is_stored else Reason.UNSTORED
        else:
            break
        found.append(Deletion(one.name, reason, one.size))
        excess -= one.size
    return found
