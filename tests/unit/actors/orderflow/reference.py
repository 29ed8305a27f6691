"""The definitions, worked out the slow way: one pass over all events for each number. Shares no code with the actor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from protocol.messages import Book, Quote, Trade
from protocol.sessions import NS_PER_S


def contribution(before: Sequence[float], after: Sequence[float]) -> float:
    """e_n of Cont, Kukanov and Stoikov, section 2.1, of (bid, bid size, ask, ask size) before and after.

    e_n = I{Pb >= Pb'} qb - I{Pb <= Pb'} qb' - I{Pa <= Pa'} qa + I{Pa >= Pa'} qa'
    """
    bid0, bid_size0, ask0, ask_size0 = before
    bid, bid_size, ask, ask_size = after
    return math.fsum(
        (
            int(bid >= bid0) * bid_size,
            -int(bid <= bid0) * bid_size0,
            -int(ask <= ask0) * ask_size,
            int(ask >= ask0) * ask_size0,
        )
    )


def contributions(quotes: Sequence[Quote]) -> list[tuple[int, float]]:
    """(time, e_n) of each quote; the first has none."""
    found = []
    for at, quote in enumerate(quotes):
        before = quotes[at - 1]
        rows = [(one.bid, one.bid_size, one.ask, one.ask_size) for one in (before, quote)]
        found.append((quote.ts_event_ns, contribution(*rows) if at else 0.0))
    return found


def ofi(quotes: Sequence[Quote], from_ns: int, to_ns: int) -> float:
    return math.fsum(step for ts_ns, step in contributions(quotes) if from_ns <= ts_ns < to_ns)


def level_ofi(books: Sequence[Book], level: int, from_ns: int, to_ns: int) -> float:
    """The same of one level, of a snapshot and the changes after it; a level that one of the two lacks gives nothing."""
    sides: list[dict[float, float]] = [{}, {}]
    before: tuple[float, ...] | None = None
    steps = []
    for book in books:
        if book.is_snapshot:
            sides, before = [{}, {}], None
        for side, changes in zip(sides, (book.bids, book.asks), strict=True):
            side.update(dict(changes))
        bids = sorted(((price, size) for price, size in sides[0].items() if size), reverse=True)
        asks = sorted((price, size) for price, size in sides[1].items() if size)
        is_there = len(bids) > level and len(asks) > level
        after = (*bids[level], *asks[level]) if is_there else None
        if before and after and from_ns <= book.ts_event_ns < to_ns:
            steps.append(contribution(before, after))
        before = after
    return math.fsum(steps)


def sides_of(trades: Sequence[Trade], quotes: Sequence[Quote]) -> list[int]:
    """Aggressors after Lee and Ready, where the venue does not say; quotes by time, trades as they came."""
    found = []
    for at, one in enumerate(trades):
        side = one.side
        if not side:
            standing = [quote for quote in quotes if quote.ts_event_ns < one.ts_event_ns]
            mid = (standing[-1].bid + standing[-1].ask) / 2 if standing else one.price
            others = [other.price for other in trades[:at] if other.price != one.price]
            reference = mid if one.price != mid else others[-1] if others else one.price
            side = (one.price > reference) - (one.price < reference)
        found.append(side)
    return found


def trade_values(
    trades: Sequence[Trade], sides: Sequence[int], from_ns: int, to_ns: int, large: float
) -> dict[str, Any]:
    """Everything that the trades of a window give."""
    rows = [
        (one, side) for one, side in zip(trades, sides, strict=True) if from_ns <= one.ts_event_ns < to_ns
    ]

    def volume(*wanted: int) -> float:
        return math.fsum(one.size for one, side in rows if side in wanted)

    def count(*wanted: int) -> int:
        return sum(one.count or 1 for one, side in rows if side in wanted)

    notionals = [one.price * one.size for one, _ in rows]
    found = {
        "buy_volume": volume(1),
        "sell_volume": volume(-1),
        "unknown_volume": volume(0),
        "delta": volume(1) - volume(-1),
        "buy_count": count(1),
        "sell_count": count(-1),
        "count": count(1, 0, -1),
        "notional": math.fsum(notionals),
        "trade_rate_per_s": count(1, 0, -1) / ((to_ns - from_ns) / NS_PER_S),
        "large_count": sum(one >= large for one in notionals),
    }
    if volume(1, 0, -1):
        found["vwap"] = math.fsum(notionals) / volume(1, 0, -1)
    if math.fsum(notionals):
        found["large_share"] = math.fsum(one for one in notionals if one >= large) / math.fsum(notionals)
    return found


def value_area(volumes: Sequence[float], share: float = 0.7) -> tuple[int, int, int]:
    """(point of control, first, last) of the market profile rule, by places; volumes from low to high, none 0."""
    middle = (len(volumes) - 1) / 2
    best = [at for at, volume in enumerate(volumes) if volume == max(volumes)]
    poc = min(best, key=lambda at: (abs(at - middle), at))
    inside = {poc}
    while math.fsum(volumes[at] for at in inside) < share * math.fsum(volumes) and len(inside) < len(volumes):
        up = [at for at in (max(inside) + 1, max(inside) + 2) if at < len(volumes)]
        down = [at for at in (min(inside) - 1, min(inside) - 2) if at >= 0]
        is_up = up and (not down or sum(volumes[at] for at in up) >= sum(volumes[at] for at in down))
        inside |= set(up if is_up else down)
    return poc, min(inside), max(inside)
