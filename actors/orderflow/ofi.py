"""Order-flow imbalance of one update of the best prices, or of the first levels of a book. Pure.

Source: Cont, Kukanov, Stoikov, "The Price Impact of Order Book Events", Journal of Financial Econometrics 12(1),
2014: what an update adds to the buying side and takes from the selling side of the best prices. A price that stays
gives the change of its size. Several levels: Xu, Gould, Howison, "Multi-level order-flow imbalance", 2019: the same of
each level. The first update after a connect, a snapshot or a gap has nothing before it, and counts for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from protocol.messages import Level


def ofi_step(before: tuple[Level, Level], after: tuple[Level, Level]) -> float:
    """What one update contributes, base currency; positive: buyers came or sellers left.

    Args:
        before: (bid, ask) before the update, each (price, size).
        after: The same after it.
    """
    (bid0, bid_size0), (ask0, ask_size0) = before
    (bid, bid_size), (ask, ask_size) = after
    return (
        (bid_size if bid >= bid0 else 0.0)
        - (bid_size0 if bid <= bid0 else 0.0)
        - (ask_size if ask <= ask0 else 0.0)
        + (ask_size0 if ask >= ask0 else 0.0)
    )


def ofi_of_levels(
    before: tuple[Sequence[Level], Sequence[Level]], after: tuple[Sequence[Level], Sequence[Level]]
) -> list[float]:
    """What one update contributes at each level, best first, base currency.

    Args:
        before: (bids, asks) before the update, best first.
        after: The same after it.

    Returns:
        As many numbers as both sides have levels, before and after.
    """
    return [ofi_step((bid0, ask0), (bid, ask)) for bid0, ask0, bid, ask in zip(*before, *after, strict=False)]


def imbalance_of(bid_size: float, ask_size: float) -> float | None:
    """(bid - ask) / (bid + ask), -1 to 1; None where both sides are empty."""
    total = bid_size + ask_size
    return (bid_size - ask_size) / total if total > 0 else None


def weighted_mid(bid: float, ask: float, bid_size: float, ask_size: float) -> float | None:
    """Mid weighted with the sizes of the other side, I x ask + (1 - I) x bid with I = bid_size / (bid_size + ask_size).

    Most programs call it the microprice; Stoikov's (2018) is another one. None where both sides are empty.
    """
    total = bid_size + ask_size
    return (ask * bid_size + bid * ask_size) / total if total > 0 else None
