"""Memories of an actor in its own journal: written now and then, read back at the next start."""

from __future__ import annotations

from typing import Final

from actors.runtime.actor import Actor
from protocol.crash import crash_point
from protocol.journal.memory import Memory, newest_memory
from protocol.messages import Snap
from protocol.record import RecordKind
from protocol.topics import mark_topic

PART_BYTES: Final = 4 * 1024 * 1024
"""Bytes of a memory in one record."""
SHARE: Final = 50
"""A memory that takes long to make is made less often: at most one fiftieth of the time."""


class Remembering:
    """One memory of one actor.

    Args:
        actor: Whose.
        name: Of the memory.
        interval_s: Seconds between two writings, if they are quick.
    """

    def __init__(self, actor: Actor, name: str, interval_s: float) -> None:
        self._actor = actor
        self._name = name
        self._interval_ns = round(interval_s * 1e9)
        self._next_ns = 0

    def read(self) -> Memory | None:
        """The newest memory of an earlier process of this name."""
        actor = self._actor
        return newest_memory(actor.journal_folder, actor.name, self._name, before=actor.publisher.epoch)

    @property
    def is_due(self) -> bool:
        """Whether it is time to write again."""
        return self._actor.clock.mono_ns() >= self._next_ns

    def write(self, data: bytes, began_ns: int) -> None:
        """Write a memory behind what was published so far.

        Args:
            data: What to remember.
            began_ns: When making it began, monotonic: it bounds how often that is done.
        """
        actor = self._actor
        topic = mark_topic(actor.name)
        parts = max(1, -(-len(data) // PART_BYTES))
        actor.publisher.flush()
        crash_point("snap.before")
        for part in range(parts):
            piece = data[part * PART_BYTES : (part + 1) * PART_BYTES]
            actor.publish(topic, [Snap(actor.name, self._name, piece, part, parts)], RecordKind.SNAP)
        actor.publisher.flush()
        crash_point("snap.after")
        mono_ns = actor.clock.mono_ns()
        self._next_ns = mono_ns + max(self._interval_ns, SHARE * (mono_ns - began_ns))
