"""What was not seen of a symbol: holes in venue time, why they are there, and the share of a window they leave. Pure.

Where several publishers send the same, a hole is theirs who did not see it, and only what none of them has seen is
missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from protocol.feeders import Span, common, merged
from protocol.messages import FLOW_REASONS
from protocol.sessions import FOREVER_NS, Session

WARM_UP, GAP, DISCONNECTED = FLOW_REASONS

MAX_HOLES: Final = 512
"""Beyond it the two oldest are joined into one (with what lies between): never more coverage than there was."""

Hole = tuple[int, int, str]
"""From, to, reason."""


class Holes:
    """Holes by id, so that a repaired one can be closed again; only time in which the market trades counts."""

    def __init__(self, session: Session, holes: Iterable[tuple[str, int, int, str]] = ()) -> None:
        self._session = session
        self._holes: dict[str, Hole] = {key: (start, end, why) for key, start, end, why in holes}
        self.owners: dict[str, str] = {}
        """Hole to the publisher that did not see it, where there are several; without one nobody did."""
        self._publishers: list[str] = []
        """From the second one on: all of them."""
        self._missed: list[Span] = []
        """What none of them has seen."""
        self._until_ns = max((hole[1] for hole in self._holes.values()), default=-FOREVER_NS)

    def share_between(self, publishers: Iterable[str], owners: dict[str, str] | None = None) -> None:
        """Several publishers send this from now on; the first one is whose the holes up to now are, unless it is said."""
        if owners is not None:
            self.owners = dict(owners)
        elif not self._publishers:
            first = next(iter(publishers), "")
            self.owners = {key: first for key, hole in self._holes.items() if hole[2] != WARM_UP}
        self._publishers = list(publishers)
        self._changed()

    def __contains__(self, hole_id: object) -> bool:
        return hole_id in self._holes

    def add(self, hole_id: str, from_ns: int, to_ns: int, reason: str, owner: str = "") -> None:
        """Add a hole, or change it; one without length still counts, as a nanosecond.

        Args:
            hole_id: Its name.
            from_ns: Where it begins.
            to_ns: Where it ends.
            reason: Why it is there.
            owner: The publisher that did not see it; empty: nobody did.
        """
        holes = self._holes
        holes[hole_id] = (from_ns, max(to_ns, from_ns + 1), reason)
        if owner and self._publishers:
            self.owners[hole_id] = owner
        while len(holes) > MAX_HOLES:
            first, second = self._oldest_two()
            start, end, _ = holes.pop(first)
            holes[second] = min(start, holes[second][0]), max(end, holes[second][1]), holes[second][2]
        self._changed()

    def _oldest_two(self) -> list[str]:
        """Names of the two oldest holes, of one owner: joining others' would tell a lie."""
        holes, owners = self._holes, self.owners
        ordered = sorted(holes, key=lambda key: (holes[key][1] == FOREVER_NS, holes[key]))
        if not self._publishers:
            return ordered[:2]
        theirs = (
            [one for one in ordered if owners.get(one, "") == owner] for owner in ("", *self._publishers)
        )
        return next((same[:2] for same in theirs if len(same) > 1), ordered[:2])

    def _changed(self) -> None:
        holes = self._holes
        if not self._publishers:
            self._until_ns = max((hole[1] for hole in holes.values()), default=-FOREVER_NS)
            return
        owners = self.owners = {key: one for key, one in self.owners.items() if key in holes}
        theirs = [
            merged(hole[:2] for key, hole in holes.items() if owners.get(key, "") in ("", name))
            for name in self._publishers
        ]
        self._missed = common(theirs)
        self._until_ns = self._missed[-1][1] if self._missed else -FOREVER_NS

    def end(self, hole_id: str, to_ns: int) -> None:
        """Give a hole its end, if it is known."""
        if hole_id in self._holes:
            start, _, why = self._holes[hole_id]
            self.add(hole_id, start, to_ns, why, self.owners.get(hole_id, ""))

    def remove(self, hole_id: str) -> None:
        """Forget a hole: what was missing has come, or somebody else accounts for it."""
        self._holes.pop(hole_id, None)
        if self._publishers:
            self._changed()

    def has_open(self, reason: str) -> bool:
        """Whether a hole of that reason, that nobody has seen, has no end yet."""
        return any(
            hole[1] == FOREVER_NS and hole[2] == reason and not self.owners.get(key)
            for key, hole in self._holes.items()
        )

    def remove_open(self, owner: str = "") -> int | None:
        """Forget the holes without end, of this owner where there are several; returns the start of the first one."""
        owners = self.owners if self._publishers else {}
        is_any = not self._publishers
        gone = [
            key
            for key, hole in self._holes.items()
            if hole[1] == FOREVER_NS and (is_any or owners.get(key, "") == owner)
        ]
        start_ns = min((self._holes.pop(key)[0] for key in gone), default=None)
        if self._publishers:
            self._changed()
        return start_ns

    def forget_before(self, ts_ns: int) -> None:
        """Forget holes that no window can hold any more."""
        if any(hole[1] <= ts_ns for hole in self._holes.values()):
            self._holes = {key: hole for key, hole in self._holes.items() if hole[1] > ts_ns}
            if self._publishers:
                self._changed()

    def share(self, from_ns: int, to_ns: int) -> tuple[float, str]:
        """Share of an interval outside of every hole, 0 to 1, and the reasons of those in it, joined by commas."""
        if from_ns >= self._until_ns:
            return 1.0, ""
        found = sorted(hole for hole in self._seen_by_nobody() if hole[0] < to_ns and hole[1] > from_ns)
        if not found:
            return 1.0, ""
        session, missing_ns, at_ns = self._session, 0, from_ns
        for start_ns, end_ns, _ in found:
            start_ns, end_ns = max(start_ns, at_ns), min(end_ns, to_ns)  # noqa: PLW2901 - what is left of it
            if start_ns < end_ns:
                missing_ns += session.open_time_ns(start_ns, end_ns)
                at_ns = end_ns
        total_ns = session.open_time_ns(from_ns, to_ns)
        if total_ns <= 0 or missing_ns == 0:
            return 1.0, ""
        reasons = {hole[2] for hole in found}
        return (total_ns - missing_ns) / total_ns, ",".join(why for why in FLOW_REASONS if why in reasons)

    def _seen_by_nobody(self) -> Iterable[Hole]:
        """The holes; of several publishers those parts in which all of them have one."""
        if not self._publishers:
            return self._holes.values()
        return [
            (max(start, hole[0]), min(end, hole[1]), hole[2])
            for start, end in self._missed
            for hole in self._holes.values()
            if hole[0] < end and hole[1] > start
        ]

    def state(self) -> list[tuple[str, int, int, str]]:
        """(id, from, to, reason) of every hole."""
        return [(key, *hole) for key, hole in self._holes.items()]
