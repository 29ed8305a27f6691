"""Compares what a subscriber has stored with what its publisher has journalled: lost, doubled, mixed up, falsely lost."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from typing import NamedTuple

from protocol.consumer import Hole
from protocol.record import Frame
from protocol.replay import Position
from tests.unit.protocol.joins.subscriber import Stored

Id = tuple[int, int]


class Verdict(NamedTuple):
    """What is wrong; all empty: nothing."""

    lost: list[Id]
    """Journalled, not applied, in no hole that was told."""
    doubled: list[Id]
    mixed_up: list[Id]
    """Applied after a later one."""
    strange: list[Id]
    """Not what was published under that number."""
    falsely_lost: list[Id]
    """Applied, and told to be lost."""

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self)


def compare(
    journalled: Mapping[Id, Frame],
    published: Mapping[Id, Frame],
    stored: Stored,
    start: Position,
    wanted: tuple[str, ...] = (),
) -> Verdict:
    """Judge one subscriber.

    Args:
        journalled: Every record that was in the journal for good, deleted ones too.
        published: Every record that was given a number.
        stored: What the subscriber has.
        start: Where it began.
        wanted: Its topics; none: all.
    """
    seen: set[Id] = set()
    doubled, mixed_up, strange = [], [], []
    newest: dict[str, Id] = {}
    for frame in stored.frames:
        here = (frame.epoch, frame.seq)
        chain = frame.topic if wanted else ""
        if here in seen:
            doubled.append(here)
        elif here < newest.get(chain, (0, 0)):
            mixed_up.append(here)
        seen.add(here)
        newest[chain] = here
        was = published.get(here)
        if was is None or (was.topic, was.payload, was.topic_seq) != (
            frame.topic,
            frame.payload,
            frame.topic_seq,
        ):
            strange.append(here)
    holes = Holes(stored.holes, sorted(seen))
    lost = [
        here
        for here, frame in journalled.items()
        if here > start
        and here not in seen
        and (not wanted or frame.topic.startswith(wanted))
        and not holes.hold(here)
    ]
    falsely = [] if wanted else [here for here in seen if holes.hold(here)]
    return Verdict(sorted(lost), doubled, mixed_up, strange, falsely)


class Holes:
    """What was told to be lost."""

    def __init__(self, holes: list[Hole], applied: list[Id]) -> None:
        self._ranges: list[tuple[Id, Id]] = []
        for hole in holes:
            first = (hole.epoch, hole.first_seq)
            if hole.last_seq:
                self._ranges.append((first, (hole.epoch, hole.last_seq)))
                continue
            # the rest of that epoch, and all of any before the next record
            behind = bisect.bisect_left(applied, (hole.epoch + 1, 0))
            following = applied[behind][0] if behind < len(applied) else hole.epoch + 1
            self._ranges.append((first, (following, 0)))
        self._ranges.sort()

    def hold(self, here: Id) -> bool:
        """Whether a record is told to be lost."""
        return any(first <= here <= last for first, last in self._ranges)
