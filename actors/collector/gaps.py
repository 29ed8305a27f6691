"""The collector's own gap ledger: what is missing of a feed, from when it stopped to what became of it. Pure.

    interrupt -> open, no end     the feed is away (disconnect, silence, lost book)
    resume    -> open, with end   data flows again; whether ids are missing shows the next message
    settle    -> filled           nothing was missing, or a snapshot made up for it
              -> unfillable       ids are missing, unless somebody begins to fetch them
    hole      -> unfillable       the venue's own ids jumped, unless somebody begins to fetch what is missing
    begin     -> filling          it is being fetched by id
    fill      -> filled           what was missing came late, or was fetched
    abandon   -> unfillable       it could not be fetched

A restart goes on with the gaps of the process before: what was open stays the same gap, now for the restart as well.

Every method returns the announcement to publish, or None if nothing has changed.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable
from typing import Any, Final

from msgspec.structs import replace

from protocol.messages import Gap

NO_REPAIR: Final = "nobody fetches what is missing here"
RESTART: Final = "restart"
"""Cause of the gap between the last message of one process and the first one of the next."""
MAX_REMEMBERED: Final = 4096
"""Holes that a late trade may still fill."""


class Gaps:
    """Gaps of one collector process.

    Args:
        venue: Venue of all of them.
        prefix: `<publisher>-<epoch>`, so that ids are unique for ever.
    """

    def __init__(self, venue: str, prefix: str) -> None:
        self._venue = venue
        self._prefix = prefix
        self._count = 0
        self._current: dict[tuple[str, str], Gap] = {}
        """(symbol, kind) to a gap that is not settled."""
        self._holes: collections.OrderedDict[str, Gap] = collections.OrderedDict()
        self.missing = 0
        """Trade ids known to be missing, over all gaps that are remembered, less those that came late."""

    def resume_from(self, current: Iterable[Gap], holes: Iterable[tuple[Gap, int]]) -> None:
        """Go on where another process stopped.

        Args:
            current: Gaps without an end, or with one and not settled.
            holes: Gaps of trades with known ids, and how many of these are still missing.
        """
        self._current.update({(gap.symbol, gap.kind): gap for gap in current})
        for gap, missing in holes:
            self._holes[gap.gap_id] = gap
            self.missing += missing

    @property
    def unsettled(self) -> list[Gap]:
        """Gaps of which nobody knows yet what was missing."""
        return list(self._current.values())

    def get(self, gap_id: str) -> Gap | None:
        """A gap of trades with known ids of which not all have come."""
        return self._holes.get(gap_id)

    def knows(self, gap_id: str) -> bool:
        """Whether this process will announce the end of a gap."""
        return gap_id in self._holes or any(gap.gap_id == gap_id for gap in self._current.values())

    @property
    def open_count(self) -> int:
        """Gaps without an end yet."""
        return sum(1 for gap in self._current.values() if not gap.to_ts_ns)

    def interrupt(
        self, symbol: str, kind: str, from_ts_ns: int, from_id: int, cause: str, reason: str = ""
    ) -> Gap | None:
        """The feed of one kind of message has stopped."""
        key = symbol, kind
        current = self._current.get(key)
        if current is not None and cause == RESTART:
            reason = f"{current.cause}, then a restart" if current.cause != RESTART else current.reason
            gap = self._current[key] = replace(current, to_ts_ns=0, cause=cause, reason=reason)
            return gap
        if current is not None and not current.to_ts_ns:
            return None
        if current is not None:  # it had come back, but not far enough to be settled
            gap = replace(current, to_ts_ns=0, reason=reason)
        else:
            gap = self._new(
                symbol=symbol,
                kind=kind,
                from_id=from_id,
                to_id=0,
                from_ts_ns=from_ts_ns,
                to_ts_ns=0,
                cause=cause,
                state="open",
                reason=reason,
            )
        self._current[key] = gap
        return gap

    def resume(self, symbol: str, kind: str, to_ts_ns: int) -> Gap | None:
        """Messages can flow again; the gap has an end, what is missing is not known yet."""
        gap = self._current.get((symbol, kind))
        if gap is None or gap.to_ts_ns:
            return None
        gap = replace(gap, to_ts_ns=max(to_ts_ns, gap.from_ts_ns), reason="the next message will tell")
        self._current[symbol, kind] = gap
        return gap

    def settle(
        self,
        symbol: str,
        kind: str,
        to_ts_ns: int,
        first_missing: int = 0,
        last_missing: int = 0,
        since_ns: int = 0,
    ) -> Gap | None:
        """The next message has come: ids `first_missing` to `last_missing` are gone, or none (0, 0).

        What is missing lies between `since_ns` (the message before, 0: not known) and `to_ts_ns` (the next one), and
        so does the gap then: the feed may have stopped before anybody noticed, and come back before it flowed.
        """
        if not last_missing:
            return self._end(symbol, kind, to_ts_ns, from_id=0, to_id=0, state="filled", reason="")
        gap = self._current.get((symbol, kind))
        if gap is not None:
            from_ns = min(gap.from_ts_ns, since_ns or gap.from_ts_ns)
            self._current[symbol, kind] = replace(
                gap, from_ts_ns=from_ns, to_ts_ns=max(gap.to_ts_ns, to_ts_ns, from_ns)
            )
        return self._end(
            symbol,
            kind,
            to_ts_ns,
            from_id=first_missing,
            to_id=last_missing,
            state="unfillable",
            reason=NO_REPAIR,
        )

    def end_uncounted(self, symbol: str, to_ts_ns: int) -> Gap | None:
        """The next trade has come, and its id says nothing of those before it: unfillable, unless somebody looks."""
        gap = self._end(symbol, "trade", to_ts_ns, from_id=0, to_id=0, state="unfillable", reason=NO_REPAIR)
        if gap is not None:
            self._keep(gap)
        return gap

    def found(self, gap_id: str, count: int, by: str) -> Gap | None:
        """All that was missing of an uncounted gap has been found: `count` trades."""
        gap = self._holes.get(gap_id)
        return replace(self._whole(gap, by), count=count) if gap is not None else None

    def make_up(self, symbol: str, kind: str, to_ts_ns: int, by: str) -> Gap | None:
        """Something else made up for it: a book's snapshot holds all that was missed."""
        return self._end(symbol, kind, to_ts_ns, state="filled", filled_by=by, reason="")

    def give_up(self, symbol: str, kind: str, to_ts_ns: int, reason: str) -> Gap | None:
        """It ends, and nobody can say what was missing."""
        return self._end(symbol, kind, to_ts_ns, state="unfillable", reason=reason)

    def _end(self, symbol: str, kind: str, to_ts_ns: int, **fields: object) -> Gap | None:
        gap = self._current.pop((symbol, kind), None)
        if gap is None:
            return None
        end_ns = gap.to_ts_ns or max(to_ts_ns, gap.from_ts_ns)
        gap = replace(gap, to_ts_ns=end_ns, **fields)
        self._remember(gap)
        return gap

    def hole(
        self, symbol: str, kind: str, ids: tuple[int, int], from_ts_ns: int, to_ts_ns: int, reason: str = ""
    ) -> Gap:
        """The venue's ids jumped over `ids` (0, 0: it is not known over which)."""
        gap = self._new(
            symbol=symbol,
            kind=kind,
            from_id=ids[0],
            to_id=ids[1],
            from_ts_ns=from_ts_ns,
            to_ts_ns=max(to_ts_ns, from_ts_ns),  # the trade that reveals it may be older than the newest one
            cause="venue_jump",
            state="unfillable",
            reason=reason or NO_REPAIR,
        )
        self._remember(gap)
        return gap

    def begin(self, gap_id: str) -> Gap | None:
        """Somebody fetches what is missing."""
        return self._change(gap_id, "unfillable", state="filling", reason="")

    def is_filling(self, gap_id: str) -> bool:
        """Whether it is still worth fetching."""
        gap = self._holes.get(gap_id)
        return gap is not None and gap.state == "filling"

    def fill(self, gap_id: str, missing: int, by: str = "late", count: int = 1) -> Gap | None:
        """A trade of a hole, `count` ids of it, has come after all; `missing` are still not there."""
        self.missing -= count
        gap = self._holes.get(gap_id)
        if gap is None:
            return None
        gap = self._holes[gap_id] = replace(gap, count=gap.count + count)
        if missing:
            return None
        return self._whole(gap, by)

    def whole(self, gap_id: str, by: str) -> Gap | None:
        """All trades of a hole had come before this process began, and its end was not announced."""
        gap = self._holes.get(gap_id)
        return self._whole(gap, by) if gap is not None else None

    def replace(self, gap_id: str, missing: int, by: str, count: int) -> Gap | None:
        """Something else stands in for the trades that are still missing: `count` of what `by` says."""
        gap = self._holes.get(gap_id)
        if gap is None:
            return None
        self.missing -= missing
        return replace(self._whole(gap, by), count=count)

    def _whole(self, gap: Gap, by: str) -> Gap:
        del self._holes[gap.gap_id]
        return replace(gap, state="filled", filled_by=by, reason="")

    def abandon(self, gap_id: str, reason: str) -> Gap | None:
        """It is no longer being fetched; a late trade may still fill it."""
        return self._change(gap_id, "filling", state="unfillable", reason=reason)

    def _change(self, gap_id: str, state_before: str, **fields: object) -> Gap | None:
        gap = self._holes.get(gap_id)
        if gap is None or gap.state != state_before:
            return None
        gap = self._holes[gap_id] = replace(gap, **fields)
        return gap

    def _remember(self, gap: Gap) -> None:
        if gap.kind == "trade" and gap.to_id:
            self.missing += gap.to_id - gap.from_id + 1
            self._keep(gap)

    def _keep(self, gap: Gap) -> None:
        self._holes[gap.gap_id] = gap
        if len(self._holes) > MAX_REMEMBERED:
            del self._holes[next(key for key, old in self._holes.items() if old.state != "filling")]

    def _new(self, **fields: Any) -> Gap:
        self._count += 1
        return Gap(gap_id=f"{self._prefix}-{self._count}", venue=self._venue, **fields)
