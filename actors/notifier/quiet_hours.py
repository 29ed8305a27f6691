"""Hours of rest: is it quiet now for a message? Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from actors.notifier.settings import QuietHours

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_NS: Final = 86_400_000_000_000
_MINUTE_NS: Final = 60_000_000_000
_THURSDAY: Final = 3
"""1970-01-01 was one."""


def quiet(hours: Sequence[QuietHours], now_ns: int, severity: str) -> Literal["", "drop", "silent"]:
    """What becomes of a message now: empty, it is sent as ever; of several hours the stricter word counts.

    Args:
        hours: Those of the channel.
        now_ns: Wall clock, UTC.
        severity: Of the message.
    """
    actions = {one.action for one in hours if severity not in one.severities and is_within(one, now_ns)}
    return "drop" if "drop" in actions else "silent" if "silent" in actions else ""


def is_within(hours: QuietHours, now_ns: int) -> bool:
    """Whether these hours are on; equal times mean the whole day."""
    day, within_ns = divmod(now_ns, _DAY_NS)
    minute = within_ns // _MINUTE_NS
    start, end = _minute(hours.start), _minute(hours.end)
    if start < end:
        return start <= minute < end and _is_on(hours, day)
    if minute >= start:
        return _is_on(hours, day)
    return minute < end and _is_on(hours, day - 1)


def _is_on(hours: QuietHours, day: int) -> bool:
    return not hours.days or DAYS[(day + _THURSDAY) % 7] in hours.days


def _minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])
