"""Texts in `shield.yaml` that must be more than texts: times, zones, names. What is wrong with one, in words. Pure.

A field's type carries its check (`Meta(extra={"check": ...})`), so that a mistake is told at its own place, together with
all others of the file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from msgspec import Meta

from protocol.likeness import nearest
from protocol.sessions import SESSION_NAMES, timeframe_ns

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MIN: Final = 24 * 60
WEEK_MIN: Final = 7 * DAY_MIN

_CLOCK: Final = re.compile(rf"(?:({'|'.join(DAYS)}) )?([01]\d|2[0-3]|24):([0-5]\d)\Z")
_CURRENCY: Final = re.compile(r"[A-Z0-9]{1,20}\Z")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def clock_of(text: str) -> tuple[int | None, int]:
    """Day (0 is Monday, None: every day) and minute of the day of `fri 16:00` or `16:00`.

    Raises:
        ValueError: it is neither.
    """
    match = _CLOCK.match(text)
    minute = int(match[2]) * 60 + int(match[3]) if match else DAY_MIN + 1
    if match is None or minute > DAY_MIN:
        raise ValueError(f"expected a time like 16:00 or fri 16:00 (got {text!r})")
    return DAYS.index(match[1]) if match[1] else None, minute


def moment_of(text: str) -> int:
    """Nanoseconds since 1970 of an ISO 8601 time with a zone, `2026-11-22T13:30:00Z`.

    Raises:
        ValueError: it is none, or has no zone.
    """
    wanted = f"expected a time with its zone, like 2026-11-22T13:30:00Z (got {text!r})"
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(wanted) from None
    if found.tzinfo is None:
        raise ValueError(wanted)
    return (found - _EPOCH) // timedelta(microseconds=1) * 1000


def _moment(text: str, sessions: Collection[str]) -> str:  # noqa: ARG001 - all checks have the same arguments
    return _words(moment_of, text)


def _clock(text: str, sessions: Collection[str]) -> str:  # noqa: ARG001
    return _words(clock_of, text)


def _weekly(text: str, sessions: Collection[str]) -> str:  # noqa: ARG001
    try:
        has_day = clock_of(text)[0] is not None
    except ValueError:
        has_day = False
    return "" if has_day else f"expected a day and a time, like fri 08:30 (got {text!r})"


def _zone(text: str, sessions: Collection[str]) -> str:  # noqa: ARG001
    # what knows time zones is loaded when a file names one
    from zoneinfo import ZoneInfo, available_timezones  # noqa: PLC0415

    try:
        ZoneInfo(text)
    except (LookupError, ValueError, OSError):
        return f"no such time zone, like Europe/London (got {text!r}){_near(text, available_timezones())}"
    return ""


def _session(text: str, sessions: Collection[str]) -> str:
    if text in sessions:
        return ""
    there_is = ", ".join(sorted(sessions)) or "none"
    return f"no session {text!r} under `sessions`{_near(text, sessions) or f'; there is {there_is}'}"


def _calendar(text: str, sessions: Collection[str]) -> str:  # noqa: ARG001
    if text in SESSION_NAMES:
        return ""
    return f"expected one of {', '.join(SESSION_NAMES)} (got {text!r}){_near(text, SESSION_NAMES)}"


def _currency(text: str, sessions: Collection[str]) -> str:  # noqa: ARG001
    return "" if _CURRENCY.match(text) else f"expected a currency in capitals, like USD (got {text!r})"


def _timeframe(text: str, sessions: Collection[str]) -> str:  # noqa: ARG001
    return _words(timeframe_ns, text)


def _words(parse: object, text: str) -> str:
    assert callable(parse)
    try:
        parse(text)
    except ValueError as fault:
        return str(fault)
    return ""


def _near(word: str, known: Iterable[str]) -> str:
    near = nearest(word, sorted(known))
    return f"; did you mean {near[0]!r}?" if near else ""


Moment = Annotated[str, Meta(extra={"check": _moment})]
Clock = Annotated[str, Meta(extra={"check": _clock})]
Weekly = Annotated[str, Meta(extra={"check": _weekly})]
Zone = Annotated[str, Meta(extra={"check": _zone})]
SessionName = Annotated[str, Meta(extra={"check": _session})]
CalendarName = Annotated[str, Meta(extra={"check": _calendar})]
Currency = Annotated[str, Meta(extra={"check": _currency})]
Timeframe = Annotated[str, Meta(extra={"check": _timeframe})]
