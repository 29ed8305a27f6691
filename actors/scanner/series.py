"""Closed candles and their indicator values, as they were known at an end of a candle. Pure.

What a strategy sees at a moment must not depend on which publisher's frames came first. So what an aggregator says of one
topic is taken up to the close of the candle that the moment needs, and no further; a revision of an older candle that
comes behind that close counts from the next close on.
"""

from __future__ import annotations

import collections
import functools
from collections.abc import Iterable, Sequence
from typing import Final, Generic, TypeVar

from protocol.messages import Bar, Feature
from protocol.sessions import Session, session_named

M = TypeVar("M", Bar, Feature)

MOST_QUEUED: Final = 5000


class Ends:
    """When candles of one timeframe end, and which of them can be expected; markets of one venue and calendar share it.

    Args:
        session: Calendar.
        timeframe: Of the candles.
        wait_ns: So long after its end a candle is expected.
    """

    def __init__(self, session: Session, timeframe: str, wait_ns: int) -> None:
        self._session = session
        self._timeframe = timeframe
        self._wait_ns = wait_ns
        self._from_ns = self._until_ns = self._end_ns = 0
        self._is_traded = False

    def close_ns(self, open_ns: int) -> int:
        """End of the candle that begins at a time."""
        return self._session.bar_close_ns(open_ns, self._timeframe)

    def newest_ns(self, ts_ns: int) -> int:
        """End of the newest candle that is over and waited for at a time."""
        if not self._from_ns <= ts_ns < self._until_ns:
            self._find(ts_ns)
        return self._end_ns

    def is_traded(self, ts_ns: int) -> bool:
        """Whether the market was open at any time in that candle."""
        self.newest_ns(ts_ns)
        return self._is_traded

    def has_trading(self, open_ns: int) -> bool:
        """Whether the market is open at any time in the candle that begins at a time."""
        session = self._session
        return not session.hours or session.open_time_ns(open_ns, self.close_ns(open_ns)) > 0

    def _find(self, ts_ns: int) -> None:
        session, timeframe = self._session, self._timeframe
        end_ns = self._end_ns = session.bar_open_ns(ts_ns - self._wait_ns, timeframe)
        self._from_ns = end_ns + self._wait_ns
        self._until_ns = session.bar_close_ns(end_ns, timeframe) + self._wait_ns
        self._is_traded = self.has_trading(session.bar_open_ns(end_ns - 1, timeframe))


@functools.cache
def ends_of(venue: str, session: str, timeframe: str, wait_ns: int) -> Ends:
    """Those of a calendar, by its name; venues, whose times differ, do not share what was found last."""
    del venue
    return Ends(session_named(session), timeframe, wait_ns)


class Series(Generic[M]):
    """Messages of one topic, one per candle.

    Args:
        keep: Candles to keep.
        ends: Of its timeframe.
    """

    def __init__(self, keep: int, ends: Ends) -> None:
        self.ends = ends
        self._keep = keep
        self._queue: collections.deque[M] = collections.deque(maxlen=MOST_QUEUED)
        self.heard_end_ns = 0
        """End of the newest candle that was said, taken or not; 0: none."""
        self.taken: list[M] = []
        """Oldest first, up to the last `advance`; at most so many as are kept."""
        self.end_ns = 0
        """End of the newest one taken; 0: none."""

    def add(self, message: M) -> None:
        """Take what came; candles that still run are not heard, nor those of hours in which the market is closed:
        they are there if anybody sends prices, so nobody can wait for them.
        """
        if message.revision and self.ends.has_trading(message.ts_open_ns):
            self._queue.append(message)
            self.heard_end_ns = max(self.heard_end_ns, self.ends.close_ns(message.ts_open_ns))

    def advance(self, until_ns: int) -> None:
        """Take everything up to the close of the newest candle that ends by then; nothing behind a later candle."""
        if self.heard_end_ns <= self.end_ns:
            return
        last, end_ns = -1, self.end_ns
        for place, message in enumerate(self._queue):
            close_ns = self.ends.close_ns(message.ts_open_ns)
            if close_ns > until_ns:
                break
            if close_ns > end_ns:
                last, end_ns = place, close_ns
        for _ in range(last + 1):
            self._put(self._queue.popleft())
        self.end_ns = end_ns

    def _put(self, message: M) -> None:
        taken = self.taken
        if not taken or message.ts_open_ns > taken[-1].ts_open_ns:
            taken.append(message)
            del taken[: -self._keep]
            return
        for place in range(len(taken) - 1, -1, -1):
            if taken[place].ts_open_ns == message.ts_open_ns:
                if message.revision > taken[place].revision:
                    taken[place] = message
                return

    def state(self) -> tuple[list[M], list[M]]:
        """What is remembered: taken and queued."""
        return self.taken, list(self._queue)

    def restore(self, taken: Sequence[M], queued: Iterable[M]) -> None:
        """Go on from it."""
        self.taken = list(taken)[-self._keep :]
        self._queue = collections.deque(queued, maxlen=MOST_QUEUED)
        self.end_ns = self.ends.close_ns(self.taken[-1].ts_open_ns) if self.taken else 0
        queued_ns = (self.ends.close_ns(one.ts_open_ns) for one in self._queue)
        self.heard_end_ns = max(self.end_ns, max(queued_ns, default=0))
