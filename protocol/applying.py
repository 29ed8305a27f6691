"""Hands out the records of one publisher, in order, and tells what is missing before each. Pure."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Final

from protocol.chain import Hole, Orphans, Seen, missing_between, prev_of
from protocol.record import Frame
from protocol.replay import Position

NOWHERE: Final = Position(0, 0)


class Applier:
    """A position in the stream of one publisher, and everything that moves it.

    Args:
        publisher: Its name.
        handler: Takes each record; `position` includes it already. May raise FrameError: the record counts as done.
        on_hole: Told of each hole, before the record behind it; `position` is still before it.
        on_orphans: Told of records that only we still have.
    """

    def __init__(
        self,
        publisher: str,
        handler: Callable[[Frame], None],
        on_hole: Callable[[Hole], None],
        on_orphans: Callable[[Orphans], None] | None,
    ) -> None:
        self.publisher = publisher
        self.counts: collections.Counter[str] = collections.Counter()
        """pulled, duplicates, fenced, foreign, holes, missing, pulls, and live ones beyond the fast path."""
        self._handler = handler
        self._on_hole = on_hole
        self._on_orphans = on_orphans
        self._lives = 0
        """Changes when a handler went somewhere else: what was under way is void then."""

    @property
    def position(self) -> Position:
        """Last record that was applied; (0, 0) before the first."""
        return Position(self.epoch, self.seq)

    def hand_to(self, handler: Callable[[Frame], None]) -> None:
        """Have another handler take what comes from now on."""
        self._handler = handler

    def _go_to(self, position: Position) -> None:
        """Be somewhere, without a word about what lies between."""
        self._lives += 1
        self.epoch, self.seq = position
        self._heard: dict[int, int] = {}
        """Highest number that was seen or told of live, by epoch."""
        self._before = NOWHERE
        """Where the epoch before ours was left."""
        self._next_epoch = 0
        """The journal has said that nothing lies between our epoch and this one; 0: it has not."""

    def _apply(self, frame: Frame, how: str, reason: str = "") -> None:
        """Hand out a record; what is missing before it is told first, with this reason."""
        follows = frame.seq == self.seq + 1 and frame.epoch == self.epoch
        if not follows and not self._reach(Position(frame.epoch, frame.seq - 1), prev_of(frame), reason):
            return
        self.seq = frame.seq
        self.counts[how] += 1
        self._handler(frame)

    def _reach(self, to: Position, prev: Position | None, reason: str) -> bool:
        """Be at a later position, and tell what lies between; False if a handler went somewhere else meanwhile."""
        if to <= self.position:
            return True
        lives = self._lives
        seen = Seen(self._heard, self._next_epoch)
        for missing in missing_between(self.publisher, self.position, to, prev, seen, reason):
            if isinstance(missing, Hole):
                self._lose(missing)
            elif self._on_orphans is not None:
                self._on_orphans(missing)
            if lives != self._lives:
                return False
        if to.epoch != self.epoch:
            self._before = self.position
            self._next_epoch = 0
            self._heard = {epoch: seq for epoch, seq in self._heard.items() if epoch >= to.epoch}
        self.epoch, self.seq = to
        return True

    def _lose(self, hole: Hole) -> None:
        self.counts["holes"] += 1
        self.counts["missing"] += max(0, hole.last_seq - hole.first_seq + 1)
        self._on_hole(hole)
