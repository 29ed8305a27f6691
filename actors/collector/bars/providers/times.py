"""Times as providers write them, and their time zones. Pure.

A wall clock has an hour twice when summer time ends, and an hour never when it begins. A time that never was is no
time; of one that was twice the order of the rows tells which, and without an order nobody knows.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from typing import Final

SECOND_NS: Final = 1_000_000_000
DAY_S: Final = 86_400
MAX_NS: Final = 4_102_444_800 * SECOND_NS
"""2100: a later time is rubbish."""

_TEXT: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d:\d\d)?", re.ASCII)
_ZONE: Final = re.compile(r"[A-Za-z_]{1,20}(?:/[A-Za-z0-9_+-]{1,30}){0,2}", re.ASCII)
_OLD_NAMES: Final = {
    "us/eastern": "America/New_York",
    "us/central": "America/Chicago",
    "us/mountain": "America/Denver",
    "us/pacific": "America/Los_Angeles",
}
"""Names that hosts with a lean time zone database do not know any more."""
_UTC_NAMES: Final = frozenset({"utc", "gmt", "etc/utc", "z"})
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - compared with wall clocks, which have no zone
_ONE_S: Final = timedelta(seconds=1)
_MAX_DATE_CHARS: Final = 40


@functools.lru_cache(maxsize=32)
def zone_named(name: str) -> tzinfo | None:
    """A time zone by its name; None: nobody knows it here."""
    name = name.strip()
    if name.lower() in _UTC_NAMES:
        return UTC
    if not _ZONE.fullmatch(name):
        return None
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - only providers that tell the time of an exchange

    try:
        return ZoneInfo(_OLD_NAMES.get(name.lower(), name))
    except (KeyError, OSError, ValueError):  # KeyError: ZoneInfoNotFoundError
        return None


def local_ns(text: str, zone: tzinfo, after_ns: int | None = None) -> int | None:
    """A wall clock's time as ns since 1970 UTC.

    Args:
        text: `2026-11-20 09:55:00`, or a day alone, which is its midnight.
        zone: Where the clock hangs.
        after_ns: Time of the row before, of rows that go on in time: a time that was twice is the first one after it.
            None: the rows have no order, and such a time cannot be told.

    Returns:
        None for a time that nobody can read, that never was, that cannot be told, or not from 1970 to 2100.
    """
    if not _TEXT.fullmatch(text):
        return None
    try:
        wall = datetime.fromisoformat(text)
        seconds = (wall - _EPOCH) // _ONE_S
        if zone is not UTC:
            offset_s = _offset_s(wall.replace(tzinfo=zone), seconds, after_ns)
            if offset_s is None:
                return None
            seconds -= offset_s
    except (ValueError, OverflowError):
        return None
    return in_range(seconds * SECOND_NS)


def _offset_s(first: datetime, seconds: int, after_ns: int | None) -> int | None:
    """Seconds that the clock is ahead of UTC."""
    offset, second = first.utcoffset(), first.replace(fold=1).utcoffset()
    if offset is None or second is None:
        return None
    offset_s, second_s = offset // _ONE_S, second // _ONE_S
    if offset_s == second_s:
        return offset_s
    if offset_s < second_s or after_ns is None:  # it never was, or cannot be told
        return None
    return offset_s if (seconds - offset_s) * SECOND_NS > after_ns else second_s


def ordered_ns(texts: Sequence[str], zone: tzinfo) -> list[int | None]:
    """Wall clock times of rows that are in an order, newest or oldest first, each as `local_ns` does; in their order."""
    is_newest_first = len(texts) > 1 and texts[0] > texts[-1]
    found: list[int | None] = []
    before_ns = -1
    for text in reversed(texts) if is_newest_first else texts:
        ts_ns = local_ns(text, zone, before_ns)
        found.append(ts_ns)
        before_ns = before_ns if ts_ns is None else ts_ns
    return found[::-1] if is_newest_first else found


def in_range(ts_ns: int) -> int | None:
    """A time after 1970 and before 2100, else None."""
    return ts_ns if 0 < ts_ns < MAX_NS else None


def utc_text(ts_ns: int) -> str:
    """`2026-11-20 09:55:00`, in UTC."""
    return datetime.fromtimestamp(ts_ns // SECOND_NS, UTC).strftime("%Y-%m-%d %H:%M:%S")


def next_utc_day_s(now_ns: int) -> float:
    """Seconds until the next midnight UTC."""
    return DAY_S - now_ns / SECOND_NS % DAY_S


def next_minute_s(now_ns: int) -> float:
    """Seconds until the next full minute."""
    return 60.0 - now_ns / SECOND_NS % 60.0


def date_ns(text: str | None) -> int | None:
    """An HTTP date (`Thu, 20 Feb 2025 11:47:41 GMT`) as ns since 1970 UTC; None: it is none."""
    text = (text or "").strip()
    if not text or len(text) > _MAX_DATE_CHARS:
        return None
    try:
        return in_range(round(parsedate_to_datetime(text).timestamp()) * SECOND_NS)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def retry_after_s(text: str | None, now_ns: int) -> float | None:
    """Value of a `Retry-After` header, seconds or a date, in seconds, a week at most; None if it says nothing."""
    text = (text or "").strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:10])
    else:
        at_ns = date_ns(text)
        if at_ns is None:
            return None
        seconds = (at_ns - now_ns) / SECOND_NS
    return min(max(seconds, 0.0), 7.0 * DAY_S)
