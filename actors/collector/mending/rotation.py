"""Which minutes of which symbol are compared with the venue's own candles next: each symbol in turn, no minute twice. Pure."""

from __future__ import annotations

import bisect
from collections.abc import Collection
from typing import Final, NamedTuple

MINUTE_NS: Final = 60_000_000_000
SETTLE_NS: Final = 30_000_000_000
"""A minute is asked for so long after its end: late trades are in our candle then, and the venue's is final."""
MOST_MINUTES: Final = 15
"""Minutes of one request; what is older is not compared."""


class Stretch(NamedTuple):
    """Minutes of one symbol to ask for."""

    symbol: str
    first_minute: int
    """Since 1970."""
    minutes: int


class Rotation:
    """Whose turn it is.

    Args:
        most: Minutes of one request.
    """

    def __init__(self, most: int = MOST_MINUTES) -> None:
        self._most = most
        self._last: dict[str, int] = {}
        """Symbol to the newest minute that was had, or was over when it came."""
        self._turn = ""
        """Whose turn was the last."""

    def next(self, symbols: Collection[str], event_ns: int) -> Stretch | None:
        """What to ask for now; None if nobody has a minute to ask for.

        Args:
            symbols: Those of which there are candles of ours.
            event_ns: The venue's time; it never goes back.
        """
        newest = (event_ns - SETTLE_NS) // MINUTE_NS - 1
        for gone in self._last.keys() - symbols:
            del self._last[gone]
        ordered = sorted(symbols)
        at = bisect.bisect_right(ordered, self._turn)
        for symbol in (*ordered[at:], *ordered[:at]):
            last = self._last.setdefault(symbol, newest)
            first = max(last, newest - self._most) + 1
            if first <= newest:
                return Stretch(symbol, first, newest - first + 1)
        return None

    def asked(self, symbol: str) -> None:
        """It had its turn, whatever comes of it."""
        self._turn = symbol

    def had(self, symbol: str, minute: int) -> None:
        """Everything up to this minute has come."""
        if symbol in self._last:
            self._last[symbol] = minute
