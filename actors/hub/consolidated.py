"""The best prices and the books of several venues as one. Pure: what may count is decided by whoever asks.

Crossed and locked markets are what they are: two venues may well bid more at one than is asked at the other for a
moment, or for good where trading between them is hard. They are told, not mended.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Sequence
from typing import Final

from protocol.across import Consolidated, ConsolidatedDepth, VenueBook, VenueLevel, VenueQuote
from protocol.messages import Level

_INF: Final = float("inf")
Books = Sequence[tuple[VenueBook, list[Level], list[Level]]]
"""(what is known of it, bids, asks), best first, of each venue."""


def is_price(value: float) -> bool:
    """Whether a side has a price at all."""
    return 0.0 < value < _INF


def condition_of(bid: float, ask: float) -> str:
    """What the best bid and ask, 0 where there is none, make of the market."""
    if not bid and not ask:
        return "empty"
    if not bid or not ask:
        return "one_sided"
    if bid == ask:
        return "locked"
    return "crossed" if bid > ask else "ok"


def consolidate(symbol: str, quotes: Iterable[VenueQuote]) -> Consolidated:
    """The best bid and offer of those that have not expired; of equal prices that of the larger size."""
    known = sorted(quotes, key=lambda one: one.venue)
    alive = [one for one in known if not one.expired]
    bids = [(one.bid, one.bid_size, one.venue) for one in alive if is_price(one.bid)]
    asks = [(one.ask, one.ask_size, one.venue) for one in alive if is_price(one.ask)]
    bid = min(bids, key=_bid_order, default=(0.0, 0.0, ""))
    ask = min(asks, key=_ask_order, default=(0.0, 0.0, ""))
    return Consolidated(symbol, condition_of(bid[0], ask[0]), *bid, *ask, known)


def merge(symbol: str, books: Books, depth: int) -> ConsolidatedDepth:
    """The levels of the books that have not expired, at most `depth` a side (0: all)."""
    alive = [(one.venue, bids, asks) for one, bids, asks in books if not one.expired]
    bids = heapq.merge(
        *([(price, size, venue) for price, size in side] for venue, side, _ in alive), key=_bid_order
    )
    asks = heapq.merge(
        *([(price, size, venue) for price, size in side] for venue, _, side in alive), key=_ask_order
    )
    best_bids, best_asks = (list(itertools.islice(side, depth or None)) for side in (bids, asks))
    condition = condition_of(best_bids[0][0] if best_bids else 0.0, best_asks[0][0] if best_asks else 0.0)
    known = sorted((one for one, _, _ in books), key=lambda one: one.venue)
    return ConsolidatedDepth(symbol, condition, best_bids, best_asks, known)


def _bid_order(level: VenueLevel) -> tuple[float, float, str]:
    price, size, venue = level
    return -price, -size, venue


def _ask_order(level: VenueLevel) -> tuple[float, float, str]:
    price, size, venue = level
    return price, -size, venue
