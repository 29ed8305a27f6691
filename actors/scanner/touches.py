"""Quotes of one market on their way to the rounds that they belong to. Pure.

A quote belongs to the first round that is not before its time and was not due yet when it was sent (see venue.py). However
long rounds are held up, what waits is bounded: of many quotes of one round only those stay that set a new high or low, and
the last. No other one can be the first to touch a stop or target.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Final

from actors.scanner.venue import ROUND_NS
from protocol.messages import Quote

Touch = tuple[int, float, float]
"""Venue time, bid, ask."""
Waiting = tuple[int, int, float, float]
"""Earliest time of its round, then a touch."""

MANY: Final = 2000
"""Waiting quotes of one publisher from which on they are thinned out."""
_INF: Final = float("inf")


class Touches:
    """What waits, by publisher."""

    def __init__(self, waiting: dict[str, list[Waiting]] | None = None) -> None:
        self.waiting: dict[str, list[Waiting]] = waiting or {}
        """Publisher to its quotes, in the order in which it sent them."""
        self._many = MANY

    def add(self, quotes: Iterable[Quote], publisher: str, due_ns: int, most_ns: int) -> int:
        """Take quotes.

        Args:
            quotes: In the order of their publisher; one without a bid or an ask is no price of this market.
            publisher: Who sent them.
            due_ns: Its first round that is not due yet.
            most_ns: A later venue time is not believed.

        Returns how many were left out.
        """
        waiting = self.waiting.get(publisher)
        if waiting is None:
            waiting = self.waiting[publisher] = []
        refused = 0
        for one in quotes:
            ts_ns, bid, ask = one.ts_event_ns, one.bid, one.ask
            if 0.0 < bid < _INF and 0.0 < ask < _INF and ts_ns <= most_ns:
                waiting.append((ts_ns if ts_ns > due_ns else due_ns, ts_ns, bid, ask))  # noqa: FURB136 - for each quote
            else:
                refused += 1
        if len(waiting) > self._many:
            self.waiting[publisher] = waiting = thinned(waiting)
            self._many = max(MANY, 2 * len(waiting))
        return refused

    def take(self, ts_ns: int) -> list[Touch]:
        """Those of the round at a time, oldest first."""
        found: list[Touch] = []
        for publisher in sorted(self.waiting) if len(self.waiting) > 1 else self.waiting:
            waiting = self.waiting[publisher]
            if not waiting:
                continue
            count = next((place for place, one in enumerate(waiting) if one[0] > ts_ns), len(waiting))
            found += [one[1:] for one in waiting[:count]]
            late = [one for one in waiting[count:] if one[0] <= ts_ns]
            if late:  # behind one that is ahead of its time
                found += [one[1:] for one in late]
                self.waiting[publisher] = [one for one in waiting[count:] if one[0] > ts_ns]
            else:
                del waiting[:count]
        found.sort(key=_time)
        return found


def _time(touch: Touch) -> int:
    return touch[0]


def thinned(waiting: Iterable[Waiting]) -> list[Waiting]:
    """Of each round those with a new high or low of bid or ask, the newest, and those that came late."""
    kept: list[Waiting] = []
    for round_ns, group in itertools.groupby(waiting, key=_round_ns):
        low_bid, high_bid, low_ask, high_ask = _INF, 0.0, _INF, 0.0
        newest, newest_ns = None, round_ns - ROUND_NS
        for one in group:
            _, ts_ns, bid, ask = one
            if ts_ns < newest_ns or ts_ns <= round_ns - ROUND_NS:
                kept.append(one)
                continue
            newest, newest_ns = one, ts_ns
            if bid < low_bid or bid > high_bid or ask < low_ask or ask > high_ask:
                low_bid, high_bid = min(low_bid, bid), max(high_bid, bid)
                low_ask, high_ask = min(low_ask, ask), max(high_ask, ask)
                kept.append(one)
                newest = None
        if newest is not None:
            kept.append(newest)
    return kept


def _round_ns(one: Waiting) -> int:
    return -(-one[0] // ROUND_NS) * ROUND_NS
