"""Lengths of time and moments as people type them. Pure.

`500ms`, `3s`, `10m`, `1h30m`, a bare number is seconds. Moments are UTC: RFC 3339, or a length counted from
a start that the caller names.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

NS_PER_S: Final = 1_000_000_000
_UNITS_S: Final = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|ms|s|m|h|d)")
_WHOLE: Final = re.compile(rf"(?:{_PART.pattern})+\Z")
_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?\Z")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse_duration(text: str) -> float:
    """Length of time in seconds.

    Raises:
        ValueError: the text is not one; says what one looks like.
    """
    wanted = text.strip().lower()
    if _NUMBER.match(wanted):
        return float(wanted)
    if not _WHOLE.match(wanted):
        raise ValueError(f"{text!r} is not a length of time; write 500ms, 3s, 10m or 1h30m")
    return sum(float(part[1]) * _UNITS_S[part[2]] for part in _PART.finditer(wanted))


def parse_moment(text: str, start_ns: int) -> int:
    """Moment in ns since 1970: RFC 3339 (UTC where it names no zone), or a length after `start_ns`.

    Raises:
        ValueError: neither of the two.
    """
    try:
        return start_ns + round(parse_duration(text) * NS_PER_S)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f"{text!r} is not a moment; write 2026-11-01T12:00:00Z, or a length after the start such as 90s"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def format_clock(ts_ns: int) -> str:
    """Time of day in UTC with microseconds, `12:00:01.123456`; `-` where there is no time."""
    if ts_ns <= 0:
        return "-"
    seconds, ns = divmod(ts_ns, NS_PER_S)
    minutes, second = divmod(seconds % 86400, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}.{ns // 1000:06d}"
