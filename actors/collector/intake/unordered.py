"""Have we had this trade? For venues whose trade ids are unique and nothing else (Bybit's UUIDs). Pure.

Duplicates are told by the ids of the newest trades, holes not at all: what came while a feed was away must be judged from
a list of the venue's newest trades (`recent_mender.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from actors.collector.intake.sequence import Hole, Verdict

MAX_KNOWN: Final = 5_000
"""Ids remembered of one symbol: two connections that overlap repeat far fewer."""
RECENT_NS: Final = 1_000_000_000
"""A restart must know the ids of trades so shortly before the newest one; older ones it tells by their time."""
MAX_RECENT: Final = 1_000


class UnorderedTrades:
    """Trades of one symbol."""

    __slots__ = (
        "_known", "before_gap_ns", "filled", "has_only_past", "holes", "is_interrupted", "missing", "newest_ns",
    )  # fmt: skip

    def __init__(self) -> None:
        self.newest_ns = 0
        """Newest event time seen."""
        self.before_gap_ns = 0
        """What `newest_ns` was when the feed went away."""
        self.is_interrupted = False
        """The feed was away: whoever hears the next trade must see to what was missed."""
        self.holes: list[Hole] = []
        """Always empty: without numbers nobody knows what is missing."""
        self.missing: Hole | None = None
        self.filled: Hole | None = None
        self.has_only_past = False
        """Nothing is known but what the venue repeated at the begin; counts as long as no live trade has come."""
        self._known: dict[str, int] = {}
        """Id to event time, in the order in which they came."""

    expected = 0

    @property
    def has_begun(self) -> bool:
        """Whether any trade is known."""
        return self.newest_ns > 0

    def begin(self, trade_id: str, newest_ns: int) -> None:
        """Trades up to this time are no business of ours."""
        self.observe(trade_id, newest_ns)
        self.has_only_past = True

    def knows(self, trade_id: str) -> bool:
        """Whether it is one of the newest trades that have come."""
        return trade_id in self._known

    def observe(self, trade_id: str, ts_event_ns: int, _span: int = 1) -> Verdict:
        """Enter one trade: NEXT or DUPLICATE."""
        known = self._known
        if trade_id in known:
            return Verdict.DUPLICATE
        known[trade_id] = ts_event_ns
        if len(known) > MAX_KNOWN:
            del known[next(iter(known))]
        self.newest_ns = max(self.newest_ns, ts_event_ns)
        return Verdict.NEXT

    def interrupt(self) -> None:
        """The feed has stopped."""
        if not self.is_interrupted:
            self.is_interrupted, self.before_gap_ns = True, self.newest_ns

    @property
    def recent(self) -> list[tuple[int, str]]:
        """Time and id of the newest trades, oldest first: what a restart must know."""
        from_ns = self.newest_ns - RECENT_NS
        found = [(ts_ns, trade_id) for trade_id, ts_ns in self._known.items() if ts_ns >= from_ns]
        return found[-MAX_RECENT:]

    def resume(self, newest_ns: int, recent: Iterable[tuple[int, str]]) -> None:
        """Go on where another process stopped."""
        self.newest_ns = newest_ns
        self._known.update((trade_id, ts_ns) for ts_ns, trade_id in recent)

    def hole(self, _gap_id: str) -> Hole | None:
        """None: see `holes`."""
        return None

    def close(self, _gap_id: str) -> Hole | None:
        """None: see `holes`."""
        return None

    def promise(self, _last_id: int) -> bool:
        """False: nobody counts."""
        return False

    def is_missing(self, trade_id: str) -> bool:
        """Whether a trade of this id would be new."""
        return trade_id not in self._known

    def fill(self, _trade_id: object, _span: int = 1) -> Hole | None:
        """None: see `holes`."""
        return None
