"""What was not seen of a symbol: holes in venue time, why they are there, and the share of a window they leave. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

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
        self._until_ns = max((hole[1] for hole in self._holes.values()), default=-FOREVER_NS)

    def __contains__(self, hole_id: object) -> bool:
        return hole_id in self._holes

    def add(self, hole_id: str, from_ns: int, to_ns: int, reason: str) -> None:
        """Add a hole, or change it; one without length still counts, as a nanosecond."""
        holes = self._holes
        holes[hole_id] = (from_ns, max(to_ns, from_ns + 1), reason)
        while len(holes) > MAX_HOLES:
            first, second = sorted(holes, key=lambda key: (holes[key][1] == FOREVER_NS, holes[key]))[:2]
            start, end, _ = holes.pop(first)
            holes[second] = min(start, holes[second][0]), max(end, holes[second][1]), holes[second][2]
        self._until_ns = max(hole[1] for hole in holes.values())

    def end(self, hole_id: str, to_ns: int) -> None:
        """Give a hole its end, if it is known."""
        if hole_id in self._holes:
            start, _, why = self._holes[hole_id]
            self.add(hole_id, start, to_ns, why)

    def remove(self, hole_id: str) -> None:
        """Forget a hole: what was missing has come, or somebody else accounts for it."""
        self._holes.pop(hole_id, None)

    def has_open(self, reason: str) -> bool:
        """Whether a hole of that reason has no end yet."""
        return any(hole[1] == FOREVER_NS and hole[2] == reason for hole in self._holes.values())

    def remove_open(self) -> int | None:
        """Forget the holes without end; returns the start of the first one."""
        gone = [key for key, hole in self._holes.items() if hole[1] == FOREVER_NS]
        return min((self._holes.pop(key)[0] for key in gone), default=None)

    def forget_before(self, ts_ns: int) -> None:
        """Forget holes that no window can hold any more."""
        if any(hole[1] <= ts_ns for hole in self._holes.values()):
            self._holes = {key: hole for key, hole in self._holes.items() if hole[1] > ts_ns}

    def share(self, from_ns: int, to_ns: int) -> tuple[float, str]:
        """Share of an interval outside of every hole, 0 to 1, and the reasons of those in it, joined by commas."""
        if from_ns >= self._until_ns:
            return 1.0, ""
        found = sorted(hole for hole in self._holes.values() if hole[0] < to_ns and hole[1] > from_ns)
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

    def state(self) -> list[tuple[str, int, int, str]]:
        """(id, from, to, reason) of every hole."""
        return [(key, *hole) for key, hole in self._holes.items()]
