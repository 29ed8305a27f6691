"""Aggressive orders that took several price levels at once, told from the trades they left. Pure.

There is no standard definition; ours: trades that follow one another with the same aggressor, each
at the price of the one before or further in his direction, all within a few milliseconds of venue time, at enough
different prices and of enough notional together. A trade of the other side, of an unknown one, back in price or too
late ends it, and so does venue time.
"""

from __future__ import annotations

from collections.abc import Sequence

from protocol.messages import Sweep

Print = tuple[int, float, float, int, bool]
"""ts_event_ns, price, size, count, is_inferred of one trade."""


def sweep_of(
    symbol: str, venue: str, side: int, prints: Sequence[Print], least_levels: int, least_notional: float
) -> Sweep | None:
    """The sweep that trades are, None if they took too little.

    Args:
        symbol: Canonical symbol.
        venue: Where.
        side: Aggressor of all of them.
        prints: In order; prices go one way only, or stay.
        least_levels: Different prices.
        least_notional: Quote currency.
    """
    levels = 1 + sum(prints[at][1] != prints[at - 1][1] for at in range(1, len(prints)))
    if levels < least_levels:
        return None
    size = sum(one[2] for one in prints)
    notional = sum(one[1] * one[2] for one in prints)
    if notional < least_notional or size <= 0:
        return None
    return Sweep(
        symbol=symbol,
        venue=venue,
        ts_event_ns=prints[-1][0],
        ts_first_ns=prints[0][0],
        side=side,
        first_price=prints[0][1],
        last_price=prints[-1][1],
        levels=levels,
        size=size,
        notional=notional,
        vwap=notional / size,
        count=sum(one[3] for one in prints),
        is_inferred=any(one[4] for one in prints),
    )
