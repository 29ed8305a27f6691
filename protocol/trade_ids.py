"""Which trades of one symbol have come already, by the venue's id. Pure.

A publisher whose journal lost its newest records (a full disk and a crash, a power cut) fetches the trades in them
again, and whoever heard them live hears them twice; and two collectors of one venue send each trade twice. Ids of a
venue that counts step by one, so that the highest one and the ranges below it that never came say it all. Where an id
stands for several fills (`SPANNED`) it stands for the numbers before it too. Of ids that are texts the newest ones
are kept. A trade without an id is always new.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import Final

import msgspec

from protocol.messages import Trade

SPANNED: Final = frozenset({"okx"})
"""Venues whose ids step by the count of a trade: `trade_id` is the last of the numbers that it covers."""

MAX_TEXTS: Final = 4096
"""Newest ids that are texts; a copy that comes later counts twice."""

MAX_RANGES: Final = 1024
"""Beyond it the two oldest are joined: a trade may then count twice, but none is left out."""

ANEW_NS: Final = 1_000_000_000
"""A trade so much later than the one with the highest number, and with a lower one, begins a new count."""


class IdsState(msgspec.Struct, array_like=True):
    """What is remembered of the ids of one symbol."""

    highest: int = 0
    highest_ns: int = 0
    """Venue time of the trade with the highest id."""
    missing: list[tuple[int, int]] = []
    """First and last id of each range that has not come, lowest first."""
    texts: dict[str, None] = {}
    """Newest ids that are texts, oldest first."""


class TradeIds:
    """Sifts trades that have come before.

    Args:
        state: What is remembered.
        is_spanned: Whether the venue's ids step by the count of a trade.
    """

    def __init__(self, state: IdsState | None = None, *, is_spanned: bool = False) -> None:
        self.state = state or IdsState()
        self._is_spanned = is_spanned

    def fresh(self, trades: Sequence[Trade]) -> Sequence[Trade]:
        """The trades that are new, in order; the very same sequence where all are, as nearly always."""
        state = self.state
        highest = state.highest
        for trade in trades:
            if trade.trade_id != highest + 1:
                return self._sift(trades)
            highest += 1
        if trades:
            state.highest, state.highest_ns = highest, trades[-1].ts_event_ns
        return trades

    def _sift(self, trades: Sequence[Trade]) -> Sequence[Trade]:
        return [trade for trade in trades if self._is_new(trade)]

    def _is_new(self, trade: Trade) -> bool:
        state, number = self.state, trade.trade_id
        if isinstance(number, str):
            return not number or self._is_new_text(number)
        if number <= 0:
            return True  # this venue does not count
        if number > state.highest:
            first = number - max(trade.count, 1) + 1 if self._is_spanned else number
            if first > state.highest + 1:
                self._note_missing(state.highest + 1, first - 1)
            state.highest, state.highest_ns = number, trade.ts_event_ns
            return True
        if trade.ts_event_ns > state.highest_ns + ANEW_NS:
            return self._begin_anew(number, trade.ts_event_ns)
        at = bisect.bisect_right(state.missing, (number, state.highest)) - 1
        if at >= 0 and number <= state.missing[at][1]:
            first, last = state.missing[at]
            covered = number - max(trade.count, 1) + 1 if self._is_spanned else number
            rest = [(first, covered - 1)] if first < covered else []
            state.missing[at : at + 1] = rest + ([(number + 1, last)] if number < last else [])
            return True
        return trade.ts_event_ns > state.highest_ns and self._begin_anew(number, trade.ts_event_ns)

    def _begin_anew(self, number: int, ts_ns: int) -> bool:
        """A lower number at a later time: the venue counts from the start again."""
        self.state = IdsState(number, ts_ns, [(1, number - 1)] if number > 1 else [])
        return True

    def _is_new_text(self, text: str) -> bool:
        texts = self.state.texts
        if text in texts:
            return False
        texts[text] = None
        if len(texts) > MAX_TEXTS:
            del texts[next(iter(texts))]
        return True

    def _note_missing(self, first: int, last: int) -> None:
        missing = self.state.missing
        missing.append((first, last))
        if len(missing) > MAX_RANGES:
            missing[:2] = [(missing[0][0], missing[1][1])]
