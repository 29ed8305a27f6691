"""Is a venue's time believable? Pure.

One wild time would carry the whole market's event time away, so a message from too far in the future is refused. But
ours may be the clock that is wrong: it may be set back while we run. Then the venue's time as the monotonic clock
carries it on is the better measure; and where nothing is known yet, several messages in a row that agree with each
other are believed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

AGREEING: Final = 5
"""Messages in a row, each too far ahead and near the one before, that say our clock is behind."""


class VenueTime:
    """Judges the times of one market.

    Args:
        max_ahead_ns: How far a time may be ahead of the measure.
    """

    def __init__(self, max_ahead_ns: int) -> None:
        self._max_ahead_ns = max_ahead_ns
        self.agreeing = 0
        """Refused in a row; whoever sees a believable time by itself sets it back."""
        self._suspect_ns = 0

    def admits(self, ts_event_ns: int, ts_recv_ns: int, reached_ns: int) -> bool:
        """Whether to believe a time.

        Args:
            ts_event_ns: The venue's time.
            ts_recv_ns: Our wall clock when it came.
            reached_ns: Where the venue's clock must be by the monotonic clock, 0 if that is not known.
        """
        if ts_event_ns - max(ts_recv_ns, reached_ns) <= self._max_ahead_ns:
            self.agreeing = 0
            return True
        is_near = abs(ts_event_ns - self._suspect_ns) <= self._max_ahead_ns
        self.agreeing = self.agreeing + 1 if is_near else 1
        self._suspect_ns = ts_event_ns
        return self.agreeing >= AGREEING


class EventTimes:
    """How far a market's event time has come, and which times are believed.

    Args:
        max_ahead_ns: How far the venue's clock may run ahead of ours before a message is refused.
        drop: Takes (reason, what) of what is refused.
    """

    __slots__ = ("_drop", "_judge", "_max_ahead_ns", "newest_local_ns", "newest_ns", "venue_now_ns")

    def __init__(self, max_ahead_ns: int, drop: Callable[[str, object], None]) -> None:
        self.newest_ns = 0
        """Newest event time by the venue's clock."""
        self.newest_local_ns = 0
        """Newest receive time that stood in for an event time."""
        self.venue_now_ns: Callable[[], int] = lambda: 0
        """Where the venue's clock must be now by the monotonic clock, 0 if that is not known."""
        self._max_ahead_ns = max_ahead_ns
        self._judge = VenueTime(max_ahead_ns)
        self._drop = drop

    def reach(self, ts_event_ns: int, ts_recv_ns: int, symbol: str) -> bool:
        """Note a new newest event time; False if it is too far ahead of our clock to be true."""
        if not self.is_true(ts_event_ns, ts_recv_ns):
            self._drop("clock_ahead", f"{symbol}: {(ts_event_ns - ts_recv_ns) / 1e9:.1f} s ahead of ours")
            return False
        self.newest_ns = ts_event_ns
        return True

    def is_true(self, ts_event_ns: int, ts_recv_ns: int) -> bool:
        """Whether a venue's time can be believed; our own clock may be the wrong one."""
        if ts_event_ns - ts_recv_ns <= self._max_ahead_ns:
            self._judge.agreeing = 0
            return True
        return self._judge.admits(ts_event_ns, ts_recv_ns, self.venue_now_ns())
