"""Which venue times are believed by who hears a collector. Pure.

A time far ahead of our clock is a fault of the venue's, or our clock has been set back: the collector, which judges by
the monotonic clock, has let it through. So what goes on from what is known is believed, whatever our clock says.
"""

from __future__ import annotations

from typing import Final

from protocol.marks import Watermark

TRUST_NS: Final = 120_000_000_000
"""So far beyond what is known a venue's time is believed even where our clock is behind it."""


def is_believed(mark: Watermark, ts_pub_ns: int, newest_ns: int, max_ahead_ns: int) -> bool:
    """Whether to believe a watermark.

    Args:
        mark: It.
        ts_pub_ns: When it was published.
        newest_ns: The newest one of its publisher that was believed, 0 before the first.
        max_ahead_ns: How far it may be ahead of its publication.
    """
    return mark.ts_event_ns - ts_pub_ns <= max_ahead_ns or mark.ts_event_ns <= newest_ns + TRUST_NS
