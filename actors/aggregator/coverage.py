"""What of a series was not seen: holes in venue time, and the share of an interval that they leave. Pure."""

from __future__ import annotations

from typing import Final

from protocol.sessions import FOREVER_NS, Session

MAX_HOLES: Final = 512
"""Beyond it the two oldest are joined into one (with what lies between): never more coverage than there was."""


class Coverage:
    """Holes by id, so that a repaired one can be closed again; only time in which the market trades counts."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._holes: dict[str, tuple[int, int]] = {}
        self._merged: list[tuple[int, int]] = []
        self._until_ns = -FOREVER_NS

    def __bool__(self) -> bool:
        """Whether there is a hole."""
        return bool(self._holes)

    @property
    def is_interrupted(self) -> bool:
        """Whether a hole has no end yet."""
        return self._until_ns == FOREVER_NS

    def add(self, hole_id: str, from_ns: int, to_ns: int = FOREVER_NS) -> tuple[int, int] | None:
        """Add a hole, or change it; one without length still counts, as a nanosecond.

        Returns where it was before, None if it is new.
        """
        before = self._holes.get(hole_id)
        self._holes[hole_id] = (from_ns, max(to_ns, from_ns + 1))
        while len(self._holes) > MAX_HOLES:
            ended_first = sorted(
                self._holes, key=lambda key: (self._holes[key][1] == FOREVER_NS, self._holes[key])
            )
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

    def end_open(self) -> int | None:
        """Forget the holes without end; returns the start of the first one."""
        starts = [hole[0] for hole in self._holes.values() if hole[1] == FOREVER_NS]
        self._holes = {key: hole for key, hole in self._holes.items() if hole[1] != FOREVER_NS}
        self._merge()
        return min(starts, default=None)

    def forget_before(self, ts_ns: int) -> None:
        """Forget holes that no candle can hold any more."""
        if self._merged and self._merged[0][1] <= ts_ns:
            self._holes = {key: hole for key, hole in self._holes.items() if hole[1] > ts_ns}
            self._merge()

    def share(self, from_ns: int, to_ns: int) -> float:
        """Share of an interval, 0 to 1, outside of every hole; 1 where the market does not trade at all."""
        if from_ns >= self._until_ns or not self._merged:
            return 1.0
        session = self._session
        total_ns = session.open_time_ns(from_ns, to_ns)
        if total_ns <= 0:
            return 1.0
        missing_ns = sum(
            session.open_time_ns(max(start_ns, from_ns), min(end_ns, to_ns))
            for start_ns, end_ns in self._merged
            if start_ns < to_ns and end_ns > from_ns
        )
        return (total_ns - missing_ns) / total_ns

    def holes(self) -> list[tuple[str, int, int]]:
        """(id, from, to) of every hole: the state to keep."""
        return [(key, *hole) for key, hole in self._holes.items()]

    def restore(self, holes: list[tuple[str, int, int]]) -> None:
        """Continue with what `holes` returned."""
        self._holes = {key: (from_ns, to_ns) for key, from_ns, to_ns in holes}
        self._merge()

    def _merge(self) -> None:
        merged: list[tuple[int, int]] = []
        for start_ns, end_ns in sorted(self._holes.values()):
            if merged and start_ns <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(merged[-1][1], end_ns)
            else:
                merged.append((start_ns, end_ns))
        self._merged = merged
        self._until_ns = merged[-1][1] if merged else -FOREVER_NS
