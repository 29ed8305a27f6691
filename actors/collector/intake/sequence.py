"""Is this the next one? Continuity of venue ids, exact with bounded memory. Pure.

Trade ids step by one per symbol (Binance `trade.t`, `aggTrade.a`; OKX merges fills and steps by their number), so what
was seen is everything from the first id to the newest one but for the holes: keeping the holes is enough to know every
duplicate, also where two connections overlap during a rotation. Where ids are no numbers (Bybit), see `unordered.py`.
"""

from __future__ import annotations

import enum
from typing import Final

MAX_HOLES: Final = 256
"""Of one symbol, and pieces of one hole; beyond it one is given up: its trades would count as duplicates."""


PATIENT_MARKS: Final = 2
"""A trade may come behind a heartbeat that tells of it, but not behind the second one after that."""


class Verdict(enum.Enum):
    """What a trade id means."""

    NEXT = "next"
    DUPLICATE = "duplicate"
    LATE = "late"
    """It fills (a part of) a hole announced before; see `TradeChain.filled`."""
    JUMP = "jump"
    """Ids before it are missing: `TradeChain.missing`."""
    RESET = "reset"
    """The venue counts anew: older id, newer time."""


class Hole:
    """Missing trade ids, both ends included; it shrinks and splits as late trades come."""

    __slots__ = ("gap_id", "ids", "ranges")

    def __init__(self, first: int, last: int, ranges: list[tuple[int, int]] | None = None) -> None:
        self.ids = first, last
        self.ranges = [self.ids] if ranges is None else ranges
        self.gap_id = ""
        """Of the announcement, set by whoever announces it."""

    def fill(self, trade_id: int, span: int = 1) -> bool:
        """Take one id out, or the `span` ids that end with it; False if the last one is not missing."""
        for index, (first, last) in enumerate(self.ranges):
            if first <= trade_id <= last:
                rest = [(first, trade_id - span), (trade_id + 1, last)]
                self.ranges[index : index + 1] = [part for part in rest if part[0] <= part[1]]
                return True
        return False

    @property
    def missing(self) -> int:
        """Ids that have not come yet."""
        return sum(last - first + 1 for first, last in self.ranges)


class TradeChain:
    """Ids of one symbol's trades."""

    __slots__ = (
        "_marks", "_promised", "expected", "filled", "has_only_past", "holes", "is_interrupted", "missing", "newest_ns",
    )  # fmt: skip

    def __init__(self) -> None:
        self.expected = 0
        """Id that would be the next one; 0 before the first trade."""
        self.newest_ns = 0
        """Newest event time seen."""
        self.is_interrupted = False
        """The feed was away: whoever hears the next trade must settle the gap first."""
        self.holes: list[Hole] = []
        self.missing: Hole | None = None
        """After JUMP: the new hole."""
        self.filled: Hole | None = None
        """After LATE: the hole that the trade belongs to."""
        self.has_only_past = False
        """Nothing is known but what the venue repeated at the begin; counts as long as no live trade has come."""
        self._promised = 0
        """Id that the venue says exists, and that has not come."""
        self._marks = 0
        """How often it has said so."""

    @property
    def has_begun(self) -> bool:
        """Whether any trade is known."""
        return self.expected > 0

    def begin(self, last_id: int, newest_ns: int) -> None:
        """Trades up to this one are no business of ours."""
        self.expected, self.newest_ns = max(self.expected, last_id + 1), max(self.newest_ns, newest_ns)
        self.has_only_past = True

    def interrupt(self) -> None:
        """The feed has stopped."""
        self.is_interrupted = True

    def is_missing(self, trade_id: int) -> bool:
        """Whether a trade of this id would be new."""
        if trade_id >= self.expected:
            return True
        return any(first <= trade_id <= last for hole in self.holes for first, last in hole.ranges)

    def resume(self, last_id: int, newest_ns: int, holes: list[Hole]) -> None:
        """Go on where another process stopped: `last_id` was the newest id, in `holes` are those still missing."""
        self.expected, self.newest_ns, self.holes = last_id + 1, newest_ns, holes

    def observe(self, trade_id: int, ts_event_ns: int, span: int = 1) -> Verdict:
        """Enter one trade, which has `span` ids up to `trade_id`; the first one ever is NEXT."""
        expected = self.expected
        first_id = trade_id - span + 1
        if first_id == expected or not expected:
            self.expected = trade_id + 1
            self.newest_ns = max(self.newest_ns, ts_event_ns)
            return Verdict.NEXT
        if first_id > expected:
            return self._jump(first_id, trade_id, ts_event_ns)
        if trade_id >= expected:  # a part of it has come before: it cannot be cut in two
            self.expected = trade_id + 1
            self.newest_ns = max(self.newest_ns, ts_event_ns)
            return Verdict.NEXT
        if self.fill(trade_id, span):
            return Verdict.LATE
        if ts_event_ns > self.newest_ns:
            return self._reset(trade_id, ts_event_ns)
        return Verdict.DUPLICATE

    def fill(self, trade_id: int, span: int = 1) -> Hole | None:
        """Enter a trade that can only be late: returns the hole it belongs to, None if it is not missing."""
        for hole in self.holes:
            if hole.fill(trade_id, span):
                self.filled = hole
                if not 0 < len(hole.ranges) <= MAX_HOLES:
                    self.holes.remove(hole)
                return hole
        return None

    def hole(self, gap_id: str) -> Hole | None:
        """The hole of an announcement, None if nothing of it is missing any more."""
        return next((hole for hole in self.holes if hole.gap_id == gap_id), None)

    def close(self, gap_id: str) -> Hole | None:
        """Await nothing of a hole any more: a late trade of it is a duplicate then."""
        hole = self.hole(gap_id)
        if hole is not None:
            self.holes.remove(hole)
        return hole

    def promise(self, last_id: int) -> bool:
        """The venue says that the trade `last_id` exists; True once it has said so too often without our having it.

        Then everything up to the id that it named first is a hole, as after JUMP.
        """
        if last_id < self.expected:
            self._promised = self._marks = 0
            return False
        if not self._promised or self._promised < self.expected:
            self._promised, self._marks = last_id, 0
        self._marks += 1
        if self._marks <= PATIENT_MARKS:
            return False
        promised, self._promised, self._marks = self._promised, 0, 0
        self._jump(promised + 1, promised, self.newest_ns)
        return True

    def _jump(self, first_id: int, trade_id: int, ts_event_ns: int) -> Verdict:
        self.missing = Hole(self.expected, first_id - 1)
        self.holes.append(self.missing)
        if len(self.holes) > MAX_HOLES:
            del self.holes[0]
        self.expected = trade_id + 1
        self.newest_ns = max(self.newest_ns, ts_event_ns)
        return Verdict.JUMP

    def _reset(self, trade_id: int, ts_event_ns: int) -> Verdict:
        """A duplicate or late trade is not newer than the newest: this id belongs to a new count."""
        self.holes.clear()
        self.expected = trade_id + 1
        self.newest_ns = ts_event_ns
        return Verdict.RESET


class QuoteChain:
    """Update ids of one symbol's best bid and ask: they grow, but not by one."""

    __slots__ = ("last_id", "newest_ns")

    def __init__(self) -> None:
        self.last_id = 0
        self.newest_ns = 0
        """Newest event time seen."""

    def observe(self, update_id: int, ts_event_ns: int, is_local: bool = False) -> bool:
        """Enter one quote; False if a newer or the same one was seen before.

        Args:
            update_id: 0 means that there is none: then its time must do.
            ts_event_ns: Event time.
            is_local: That is our receive time. If it is the venue's, a lower id at a later time is a new count.
        """
        if update_id:
            if update_id <= self.last_id and (is_local or ts_event_ns <= self.newest_ns):
                return False
        elif ts_event_ns < self.newest_ns:
            return False
        self.last_id = update_id
        self.newest_ns = max(self.newest_ns, ts_event_ns)
        return True

    def restart(self) -> None:
        """A new connection after an interruption: whatever comes next is new."""
        self.last_id = 0
