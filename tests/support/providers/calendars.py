"""The minutes in which a market trades, as numbers: those of a stretch, and how many there were before. Pure."""

from __future__ import annotations

import functools
from copy import copy
from datetime import UTC, datetime
from typing import Final

import numpy as np

from protocol.sessions import session_named
from tests.support.providers.hashing import Ints

MINUTE_NS: Final = 60_000_000_000
FIRST_MINUTE: Final = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp()) // 60
LAST_MINUTE: Final = int(datetime(2033, 1, 1, tzinfo=UTC).timestamp()) // 60
"""There is a market between these two, in minutes since 1970."""
_PAUSE_MINUTES: Final = 60
"""Minutes of trading that a night or a weekend is worth: so far do prices move in it."""


class Calendar:
    """Openings of one kind of market, in minutes since 1970."""

    def __init__(self, name: str) -> None:
        session = copy(session_named(name))  # it keeps its last answer, and others ask it in other threads
        opens, closes = [], []
        at_ns = FIRST_MINUTE * MINUTE_NS
        while at_ns < LAST_MINUTE * MINUTE_NS:
            span = session.span(at_ns)
            if span.is_open:
                opens.append(max(span.start_ns, at_ns) // MINUTE_NS)
                closes.append(min(span.end_ns // MINUTE_NS, LAST_MINUTE))
            at_ns = span.end_ns
        self._opens = np.array(opens, np.int64)
        self._closes = np.array(closes, np.int64)
        lengths = self._closes - self._opens + _PAUSE_MINUTES
        self._before = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)[:-1]))

    def minutes(self, first: int, last: int) -> Ints:
        """Minutes of trading in `[first, last)`.

        Raises:
            ValueError: the market has no such times.
        """
        if first < last and not FIRST_MINUTE <= first <= last <= LAST_MINUTE:
            raise ValueError(f"minutes {first} to {last} are outside of the years 2020 to 2032")
        begin = int(np.searchsorted(self._closes, first, "right"))
        end = int(np.searchsorted(self._opens, last, "left"))
        spans = [
            np.arange(max(first, self._opens[n]), min(last, self._closes[n]), dtype=np.int64)
            for n in range(begin, end)
        ]
        return np.concatenate(spans) if spans else np.zeros(0, np.int64)

    def trading_time(self, minutes: Ints) -> Ints:
        """Minutes of trading before each of these, a pause counting for some."""
        spans = np.searchsorted(self._opens, minutes, "right") - 1
        found: Ints = self._before[spans] + (minutes - self._opens[spans])
        return found

    def is_open(self, minute: int) -> bool:
        """Whether it is a minute of trading."""
        span = int(np.searchsorted(self._opens, minute, "right")) - 1
        return span >= 0 and minute < int(self._closes[span])

    def last_close(self, minute: int) -> int:
        """End of the newest opening that has ended: the first minute that is not in it."""
        return int(self._closes[int(np.searchsorted(self._closes, minute, "right")) - 1])

    def last_open(self, minute: int) -> int:
        """Start of the newest opening."""
        return int(self._opens[int(np.searchsorted(self._opens, minute, "right")) - 1])


@functools.cache
def calendar_named(name: str) -> Calendar:
    """The openings of a session of protocol/sessions.py."""
    return Calendar(name)
