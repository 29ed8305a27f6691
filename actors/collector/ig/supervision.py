"""Connected, kept alive, and yet nothing comes: is a stream dead, or is its market closed? Pure.

The failure that IG's users report: about two hours after the begin the stream is silent, its keepalives go on, and no
error is ever told. A dead stream is one without an update of any item although the calendar says that some of them
trade. Where IG said itself that all of these are closed (a holiday) there is more patience, not none: that word may
be the last one of a stream that died on the weekend.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from actors.collector.ig.epic_tape import EpicTape

_MAX_DOUBLINGS: Final = 5


class Watchman:
    """Judges one stream, about once a second.

    Args:
        dead_after_s: Patience in market hours.
        closed_patience_s: Patience where IG says that the markets are closed.
    """

    def __init__(self, dead_after_s: float, closed_patience_s: float) -> None:
        self.strikes = 0
        """Times in a row that it was found dead; each doubles the patience."""
        self._dead_after_s = dead_after_s
        self._closed_patience_s = closed_patience_s
        self._since_ns: int | None = None

    def heard(self, mono_ns: int, *, is_snapshot: bool) -> None:
        """An update has come; one that only repeats what was is no sign that the stream works."""
        self._since_ns = mono_ns
        if not is_snapshot:
            self.strikes = 0

    def rest(self) -> None:
        """Nothing is to be expected: it is down, or its markets are closed."""
        self._since_ns = None

    def silent_s(self, tapes: Iterable[EpicTape], now_ns: int, mono_ns: int) -> float | None:
        """Seconds without an update if that makes the stream dead, else None; asking arms it.

        Args:
            tapes: Items of the stream that the server has not refused.
            now_ns: Wall clock, for the calendars.
            mono_ns: Now, monotonic.
        """
        trading = [tape for tape in tapes if tape.calendar.is_open(now_ns)]
        if not trading:
            self.rest()
            return None
        if self._since_ns is None:
            self._since_ns = mono_ns
        is_closed = all(tape.is_closed_by_venue for tape in trading)
        limit_s = self._closed_patience_s if is_closed else self._dead_after_s
        idle_s = (mono_ns - self._since_ns) / 1e9
        if idle_s < limit_s * 2.0 ** min(self.strikes, _MAX_DOUBLINGS):
            return None
        self.strikes += 1
        self._since_ns = None
        return idle_s
