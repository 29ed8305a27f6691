"""Is a venue's time believable? Pure.

One wild time would carry the whole market's event time away, so a message from too far in the future is refused. But
ours may be the clock that is wrong: it may be set back while we run. Then the venue's time as the monotonic clock
carries it on is the better measure; and where nothing is known yet, several messages in a row that agree with each
other are believed.
"""

from __future__ import annotations

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
