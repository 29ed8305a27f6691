"""The gap ledger of one instrument's minutes. Pure.

    mark    -> open        a minute that nobody could tell; the following ones in a row belong to it
    end     -> filling     the next minute is there: what is missing is asked for again
    fill    -> filled      the last one missing has come, or was said to be quiet
    give_up -> unfillable  nobody has it any more

Every method returns the announcements to publish, in order.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from actors.collector.bars.memory import MAX_HOLES, MINUTE_NS, HoleState, LineState
from protocol.instruments import REST
from protocol.messages import Bar, Gap

KIND: Final = Bar.KIND
TOO_MANY: Final = "too many holes of one instrument"


class Holes:
    """Minutes of one instrument that went out as gaps.

    Args:
        symbol: Canonical.
        prefix: `<publisher>-<epoch>-<symbol>`, so that ids are unique for ever.
        state: Where they are kept, see `memory`.
    """

    def __init__(self, symbol: str, prefix: str, state: LineState) -> None:
        self._symbol = symbol
        self._prefix = prefix
        self._state = state
        self._missing = {minute for hole in state.holes for minute in hole.minutes}

    def __len__(self) -> int:
        return len(self._state.holes)

    @property
    def missing(self) -> int:
        """Minutes that are missing."""
        return len(self._missing)

    def first_after(self, from_ns: int) -> int:
        """Start of the oldest missing minute from a moment on, 0 if there is none."""
        return min((minute for minute in self._missing if minute >= from_ns), default=0)

    def oldest(self) -> tuple[int, int]:
        """First and last missing minute of the oldest hole that has an end, as a range; an empty one if there is none."""
        for hole in self._state.holes:
            if hole.gap.to_id and hole.minutes:
                return hole.minutes[0], hole.minutes[-1] + MINUTE_NS
        return 0, 0

    def close_before(self, start_ns: int) -> float:
        """The price before a missing minute, 0 if it is not missing."""
        return next((hole.close for hole in self._state.holes if start_ns in hole.minutes), 0.0)

    def __contains__(self, start_ns: object) -> bool:
        return start_ns in self._missing

    def mark(self, start_ns: int, cause: str, reason: str) -> list[Gap]:
        """A minute goes out as a gap: say so before it does. `memory` enters the minute itself, with its bar."""
        self._missing.add(start_ns)
        if self._open() is not None:
            return []
        self._state.gaps += 1
        gap = Gap(
            f"{self._prefix}-{self._state.gaps}", REST, self._symbol, KIND, start_ns // MINUTE_NS, 0,
            start_ns, 0, cause, "open", reason=reason,
        )  # fmt: skip
        self._state.holes.append(HoleState(gap, []))
        return [gap, *self._bound()]

    def end(self, end_ns: int) -> list[Gap]:
        """The minute behind the newest hole is there."""
        hole = self._open()
        if hole is None:
            return []
        if end_ns <= hole.gap.from_ts_ns:  # a kill came between the announcement and its minute
            end_ns = hole.gap.from_ts_ns + MINUTE_NS
        last_id = end_ns // MINUTE_NS - 1
        hole.gap = replace(hole.gap, to_id=last_id, to_ts_ns=end_ns, state="filling")
        return [hole.gap, *self._settle(hole)]

    def skip(self, from_ns: int, to_ns: int, reason: str) -> list[Gap]:
        """Nobody has anything so old: told at once, without a minute of it."""
        self._state.gaps += 1
        return [
            Gap(
                f"{self._prefix}-{self._state.gaps}", REST, self._symbol, KIND, from_ns // MINUTE_NS,
                to_ns // MINUTE_NS - 1, from_ns, to_ns, "venue_jump", "unfillable", reason=reason,
            )
        ]  # fmt: skip

    def fill(self, start_ns: int, by: str) -> list[Gap]:
        """A minute is known after all; `by` is who told."""
        if start_ns not in self._missing:
            return []
        self._missing.discard(start_ns)
        for hole in self._state.holes:
            if start_ns in hole.minutes:
                hole.minutes.remove(start_ns)
                hole.gap = replace(hole.gap, count=hole.gap.count + 1, filled_by=by)
                return self._settle(hole)
        return []

    def resume(self) -> list[Gap]:
        """A restart: holes whose last minute came, and whose end was not told; the others are told again."""
        settled = [gap for hole in list(self._state.holes) for gap in self._settle(hole)]
        return settled + [hole.gap for hole in self._state.holes]

    def give_up(self, before_ns: int, reason: str) -> list[Gap]:
        """What ended before a moment and is still missing stays so."""
        old = [hole for hole in self._state.holes if hole.gap.to_id and hole.gap.to_ts_ns <= before_ns]
        return [self._abandon(hole, reason) for hole in old]

    def close(self, end_ns: int, reason: str) -> list[Gap]:
        """Nobody looks after them any more: what is missing stays so."""
        ended = self.end(end_ns)
        return ended + [self._abandon(hole, reason) for hole in list(self._state.holes)]

    def _settle(self, hole: HoleState) -> list[Gap]:
        if hole.minutes or not hole.gap.to_id:
            return []
        self._state.holes.remove(hole)
        return [replace(hole.gap, state="filled", reason="")]

    def _open(self) -> HoleState | None:
        holes = self._state.holes
        return holes[-1] if holes and not holes[-1].gap.to_id else None

    def _bound(self) -> list[Gap]:
        holes = self._state.holes
        return [self._abandon(holes[0], TOO_MANY)] if len(holes) > MAX_HOLES else []

    def _abandon(self, hole: HoleState, reason: str) -> Gap:
        self._state.holes.remove(hole)
        self._missing.difference_update(hole.minutes)
        return replace(hole.gap, state="unfillable", reason=reason)
