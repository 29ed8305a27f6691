"""Limit order book of one simulated instrument: whole levels, whole lots, never crossed. Pure.

A level is a price divided by the instrument's grid step, a lot its smallest size: integers, so that equal
prices are equal and nothing drifts. Which price and size a level and a lot stand for, the listing knows.
"""

from __future__ import annotations

from collections.abc import Iterable


class OrderBook:
    """Sizes by level on both sides, and where the best ones are."""

    __slots__ = ("asks", "best_ask", "best_bid", "bids")

    def __init__(self, bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]) -> None:
        """Take over non-empty sides of (level, lots) with lots > 0 and every bid below every ask."""
        self.bids = dict(bids)
        self.asks = dict(asks)
        self.best_bid = max(self.bids)
        self.best_ask = min(self.asks)
        if self.best_bid >= self.best_ask:
            raise ValueError(f"best bid {self.best_bid} is not below best ask {self.best_ask}")

    def set_bid(self, level: int, lots: int) -> None:
        """Set the size at a level below the best ask; 0 removes it. The last level cannot be removed."""
        if lots:
            self.bids[level] = lots
            self.best_bid = max(self.best_bid, level)
            return
        del self.bids[level]
        if level == self.best_bid:
            bids = self.bids
            level -= 1
            while level not in bids:  # sides are dense near the top: a step or two
                level -= 1
            self.best_bid = level

    def set_ask(self, level: int, lots: int) -> None:
        """Set the size at a level above the best bid; 0 removes it. The last level cannot be removed."""
        if lots:
            self.asks[level] = lots
            self.best_ask = min(self.best_ask, level)
            return
        del self.asks[level]
        if level == self.best_ask:
            asks = self.asks
            level += 1
            while level not in asks:
                level += 1
            self.best_ask = level

    def top_bids(self, count: int) -> list[tuple[int, int]]:
        """Best `count` bids as (level, lots), best first."""
        return _walk(self.bids, self.best_bid, -1, count)

    def top_asks(self, count: int) -> list[tuple[int, int]]:
        """Best `count` asks as (level, lots), best first."""
        return _walk(self.asks, self.best_ask, 1, count)


def _walk(side: dict[int, int], level: int, step: int, count: int) -> list[tuple[int, int]]:
    """The first `count` levels from the best one outwards: a walk for a few, a sort for many."""
    wanted = min(count, len(side))
    if wanted > 50:
        ordered = sorted(side.items(), reverse=step < 0)
        return ordered[:wanted]
    found: list[tuple[int, int]] = []
    while len(found) < wanted:
        lots = side.get(level)
        if lots is not None:
            found.append((level, lots))
        level += step
    return found
