"""What of a series was not seen: holes in venue time, and the share of an interval that they leave. Pure.

A minute of which the venue's own candle was taken is mended: in candles of a minute or longer it has no hole, in
shorter ones it has those that it had. A gap that was filled by the venue's candles is a hole like every other one:
what of it was really taken is known here by its minutes, and a minute that could not be taken stays a hole.

Where several publishers send the same, a hole is theirs who did not see it, and only what none of them has seen is
missing.
"""

from __future__ import annotations

import bisect
from typing import Final

from protocol.feeders import Lapse, common, merged
from protocol.sessions import FOREVER_NS, NS_PER_S, Session

MINUTE_NS: Final = 60 * NS_PER_S

MAX_HOLES: Final = 512
"""Beyond it the two oldest are joined into one (with what lies between): never more coverage than there was."""
SHARED: Final = ("start", "jump-")
"""Begin of the names of holes that are nobody's in particular."""


class Coverage:
    """Holes by id, so that a repaired one can be closed again; only time in which the market trades counts."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._holes: dict[str, tuple[int, int]] = {}
        self.owners: dict[str, str] = {}
        """Hole to the publisher that did not see it, where there are several; without one nobody did."""
        self._publishers: list[str] = []
        """From the second one on: all of them."""
        self._mended: dict[int, bool] = {}
        """Start of each mended minute, in order of time, to whether something was traded in it."""
        self._merged: list[tuple[int, int]] = []
        self._unmended: list[tuple[int, int]] = []
        """The same without the mended minutes."""
        self._until_ns = -FOREVER_NS

    def __bool__(self) -> bool:
        """Whether there is a hole, or was one that is mended."""
        return bool(self._holes or self._mended)

    @property
    def is_interrupted(self) -> bool:
        """Whether a hole has no end yet."""
        return self._until_ns == FOREVER_NS

    def share_between(self, first: str, publishers: list[str]) -> None:
        """Several publishers send this from now on: every hole up to now is of the first one, but for shared ones."""
        if not self._publishers:
            self.owners = {key: first for key in self._holes if not key.startswith(SHARED)}
        self._publishers = list(publishers)
        self._merge()

    def add(
        self, hole_id: str, from_ns: int, to_ns: int = FOREVER_NS, owner: str = ""
    ) -> tuple[int, int] | None:
        """Add a hole, or change it; one without length still counts, as a nanosecond.

        Args:
            hole_id: Its name.
            from_ns: Where it begins.
            to_ns: Where it ends.
            owner: The publisher that did not see it; empty: nobody did.

        Returns where it was before, None if it is new.
        """
        before = self._holes.get(hole_id)
        self._holes[hole_id] = (from_ns, max(to_ns, from_ns + 1))
        if owner and self._publishers:
            self.owners[hole_id] = owner
        while len(self._holes) > MAX_HOLES:
            ended_first = sorted(
                self._holes, key=lambda key: (self._holes[key][1] == FOREVER_NS, self._holes[key])
            )
            if self._publishers:  # two of one owner: the others' are not theirs
                ended_first = _of_one_owner(ended_first, self.owners)
            first, second = self._holes.pop(ended_first[0]), self._holes[ended_first[1]]
            self._holes[ended_first[1]] = min(first[0], second[0]), max(first[1], second[1])
        self._merge()
        return before

    def remove(self, hole_id: str) -> tuple[int, int] | None:
        """Forget a hole: what was missing has come. Returns where it was, None if it is not known."""
        hole = self._holes.pop(hole_id, None)
        if hole is not None:
            self._merge()
        return hole

    def end(self, hole_id: str, to_ns: int) -> tuple[int, int] | None:
        """Give a hole its end; returns where it was, None if it is not known."""
        hole = self._holes.get(hole_id)
        if hole is not None:
            self._holes[hole_id] = (hole[0], max(to_ns, hole[0] + 1))
            self._merge()
        return hole

    def note_lapse(self, lapse: Lapse, now_ns: int) -> int:
        """A publisher stands still, or goes on again; returns from where on the coverage may have changed."""
        hole_id = f"lapse-{lapse.publisher}"
        if lapse.from_ns:
            before = self.add(hole_id, lapse.from_ns, owner=lapse.publisher)
            return min(before[0], lapse.from_ns) if before else lapse.from_ns
        gone = self.end(hole_id, lapse.to_ns) if lapse.to_ns else self.remove(hole_id)
        return gone[0] if gone else now_ns

    def end_open(self, owner: str = "") -> int | None:
        """Forget the holes without end, of this owner where there are several; returns the start of the first one."""
        is_mine = self.owners.get if self._publishers else lambda _key: owner
        gone = [key for key, hole in self._holes.items() if hole[1] == FOREVER_NS and is_mine(key) == owner]
        starts = [self._holes.pop(key)[0] for key in gone]
        self._merge()
        return min(starts, default=None)

    def mend(self, open_ns: int, *, has_events: bool) -> None:
        """The venue's candle of a minute was taken; `has_events`: something was traded in it."""
        self._mended[open_ns] = has_events
        self._mended = dict(sorted(self._mended.items()))
        self._merge()

    def is_mended(self, ts_ns: int) -> bool:
        """Whether a moment is in a mended minute."""
        return ts_ns - ts_ns % MINUTE_NS in self._mended

    def carried_until_ns(self, ts_ns: int) -> int:
        """How far a close at this moment can reach at most: the end of the next mended minute with a close of its own."""
        for open_ns, has_events in self._mended.items():
            if has_events and open_ns + MINUTE_NS > ts_ns:
                return open_ns + MINUTE_NS
        return FOREVER_NS

    def forget_before(self, ts_ns: int) -> None:
        """Forget holes and mended minutes that no candle can hold any more."""
        is_old = bool(self._merged) and self._merged[0][1] <= ts_ns
        if self._publishers:
            is_old = any(hole[1] <= ts_ns for hole in self._holes.values())
        if is_old or (self._mended and next(iter(self._mended)) + MINUTE_NS <= ts_ns):
            self._holes = {key: hole for key, hole in self._holes.items() if hole[1] > ts_ns}
            self._mended = {key: has for key, has in self._mended.items() if key + MINUTE_NS > ts_ns}
            self._merge()

    def share(self, from_ns: int, to_ns: int) -> float:
        """Share of an interval, 0 to 1, outside of every hole; 1 where the market does not trade at all."""
        if from_ns >= self._until_ns or not self._merged:
            return 1.0
        session = self._session
        total_ns = session.open_time_ns(from_ns, to_ns)
        if total_ns <= 0:
            return 1.0
        holes = self._merged if to_ns - from_ns < MINUTE_NS else self._unmended
        missing_ns = sum(
            session.open_time_ns(max(start_ns, from_ns), min(end_ns, to_ns))
            for start_ns, end_ns in holes
            if start_ns < to_ns and end_ns > from_ns
        )
        return (total_ns - missing_ns) / total_ns

    def holes(self) -> list[tuple[str, int, int]]:
        """(id, from, to) of every hole: with the minutes the state to keep."""
        return [(key, *hole) for key, hole in self._holes.items()]

    def mended(self) -> dict[int, bool]:
        """Start of every mended minute to whether something was traded in it."""
        return dict(self._mended)

    def restore(
        self,
        holes: list[tuple[str, int, int]],
        mended: dict[int, bool] | None = None,
        owners: dict[str, str] | None = None,
        publishers: list[str] | None = None,
    ) -> None:
        """Continue with what `holes`, `mended` and `owners` said, and these publishers where there are several."""
        self.owners, self._publishers = dict(owners or {}), list(publishers or ())
        self._holes = {key: (from_ns, to_ns) for key, from_ns, to_ns in holes}
        self._mended = dict(mended or {})
        self._merge()

    def _merge(self) -> None:
        holes = self._holes
        if self._publishers:
            owners = self.owners = {key: one for key, one in self.owners.items() if key in holes}
            theirs = [
                merged(hole for key, hole in holes.items() if owners.get(key, "") in ("", name))
                for name in self._publishers
            ]
            found = common(theirs)
        else:
            found = merged(holes.values())
        self._merged = found
        self._unmended = _without(found, list(self._mended)) if self._mended else found
        self._until_ns = found[-1][1] if found else -FOREVER_NS


def _without(holes: list[tuple[int, int]], minutes: list[int]) -> list[tuple[int, int]]:
    """What minutes, in order of time, leave of holes."""
    found = []
    for start_ns, end_ns in holes:
        for open_ns in minutes[bisect.bisect_right(minutes, start_ns - MINUTE_NS) :]:
            if open_ns >= end_ns:
                break
            if open_ns > start_ns:
                found.append((start_ns, open_ns))
            start_ns = max(start_ns, open_ns + MINUTE_NS)  # noqa: PLW2901 - what is left of it
        if start_ns < end_ns:
            found.append((start_ns, end_ns))
    return found


def _of_one_owner(keys: list[str], owners: dict[str, str]) -> list[str]:
    """The first owner of more than one hole, and its holes in this order: joining others' would tell a lie."""
    for key in keys:
        same = [one for one in keys if owners.get(one, "") == owners.get(key, "")]
        if len(same) > 1:
            return same
    return keys
