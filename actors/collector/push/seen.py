"""What was published of each symbol of a source, so that what is repeated counts once. Pure.

Bounded: of what is older than all that is remembered nobody can tell whether it came before; so that is refused.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

NEW: Final = "new"
LATE: Final = "late"
AGAIN: Final = "again"
OLD: Final = "old"
Found = Literal["new", "late", "again", "old"]


class TicksState(msgspec.Struct, array_like=True):
    """Ticks of one symbol of one source."""

    newest_ns: int = 0
    """Venue time of the newest."""
    first_ns: int = 0
    """... and of the oldest that ever came, 0: none."""
    floor_ns: int = 0
    """Ticks up to here are forgotten, 0: none."""
    known: dict[int, int] = {}
    """Key to venue time, in the order they came."""

    def look(self, key: int, ts_ns: int) -> Found:
        """Whether a tick is new, new but older than the newest, known, or too old to tell."""
        if key in self.known:
            return AGAIN
        if ts_ns <= self.floor_ns:
            return OLD
        return NEW if ts_ns >= self.newest_ns else LATE

    def enter(self, key: int, ts_ns: int, limit: int) -> None:
        """A tick is published."""
        known = self.known
        known[key] = ts_ns
        self.newest_ns = max(self.newest_ns, ts_ns)
        self.first_ns = min(self.first_ns or ts_ns, ts_ns)
        while len(known) > limit:
            self.floor_ns = max(self.floor_ns, known.pop(next(iter(known))))


class BarsState(msgspec.Struct, array_like=True):
    """Bars of one timeframe of one symbol of one source."""

    floor_ns: int = 0
    """Bars that begin up to here are forgotten, 0: none."""
    known: dict[int, tuple[int, int]] = {}
    """Start to what the bar says, and at which revision; in the order of their first appearance."""

    def revision(self, start_ns: int, key: int, *, is_closed: bool) -> int | Literal["again", "old"]:
        """At which revision a bar is to be published, or why not."""
        before = self.known.get(start_ns)
        if before is None:
            return OLD if start_ns <= self.floor_ns else int(is_closed)
        said, revision = before
        if not is_closed:
            return AGAIN if said == key or revision else 0
        return AGAIN if revision and said == key else revision + 1

    def enter(self, start_ns: int, key: int, revision: int, limit: int) -> None:
        """A bar is published."""
        self.known[start_ns] = key, revision
        while len(self.known) > limit:
            oldest_ns = next(iter(self.known))
            del self.known[oldest_ns]
            self.floor_ns = max(self.floor_ns, oldest_ns)
