"""Event time of a feed: where the venue's clock must be by now. Pure.

It is the newest event time seen plus the monotonic time since, so it goes on while no event comes: candles close
on time, and a replay sees the same marks. It never goes back.
"""

from __future__ import annotations

from collections.abc import Iterable


class MarketClock:
    """The venue clock of one market, as far as its events tell."""

    __slots__ = ("_newest_ns", "_reached_ns", "_seen_mono_ns")

    def __init__(self) -> None:
        self._newest_ns = 0
        self._seen_mono_ns = 0
        self._reached_ns = 0

    @property
    def has_begun(self) -> bool:
        """Whether any event has been seen."""
        return self._newest_ns > 0

    def saw(self, ts_event_ns: int, mono_ns: int) -> None:
        """Take the newest event time of a batch."""
        if ts_event_ns > self._newest_ns:
            self._newest_ns = ts_event_ns
            self._seen_mono_ns = mono_ns

    def reached(self, mono_ns: int) -> int:
        """Event time now, 0 before the first event."""
        if self._newest_ns:
            self._reached_ns = max(self._reached_ns, self._newest_ns + mono_ns - self._seen_mono_ns)
        return self._reached_ns


class VenueClock:
    """One time for all markets of a venue: the slowest of those that are connected, so that none is cut short."""

    __slots__ = ("_reached_ns",)

    def __init__(self) -> None:
        self._reached_ns = 0

    def reached(self, markets: Iterable[tuple[MarketClock, bool]], mono_ns: int) -> int:
        """Event time now, 0 before the first event.

        Args:
            markets: Each market's clock and whether it is connected.
            mono_ns: Now, monotonic.
        """
        begun = [(clock, is_connected) for clock, is_connected in markets if clock.has_begun]
        times = [clock.reached(mono_ns) for clock, is_connected in begun if is_connected]
        times = times or [clock.reached(mono_ns) for clock, _ in begun]
        if times:
            self._reached_ns = max(self._reached_ns, min(times))
        return self._reached_ns
