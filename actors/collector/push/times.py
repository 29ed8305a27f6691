"""The time of a pushed item, however it is written: seconds, milli-, micro- or nanoseconds, or text. Pure.

    1795176000   1795176000.25   1795176000123   1795176000123456789      told apart by their size
    "2026-11-20T10:00:00Z"   "2026-11-20 10:00:00+02:00"                  with its zone: UTC, no offset applies
    "2026.11.20 10:00:00"    "2026-11-20T10:00:00"                        by the sender's clock, as all numbers are

Only the field `ts_event_ns` is always UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from actors.collector.push.showing import shown

UTC_FIELD: Final = "ts_event_ns"
FIELDS: Final = ("time_msc", "timestamp", "time", "ts")
"""In this order: a tick of MetaTrader has both `time` (s) and `time_msc`."""
_EARLIEST_NS: Final = 946_684_800 * 10**9
_LATEST_NS: Final = 4_102_444_800 * 10**9
_NS_PER_S: Final = 10**9
_MOST_DIGITS: Final = 40


class Moment(NamedTuple):
    """A time as it was written."""

    ns: int
    is_utc: bool
    """False: by the sender's clock, which may be hours from UTC."""


def moment_of(item: Mapping[str, Any]) -> Moment:
    """The time of an item.

    Raises:
        ValueError: there is none, or it cannot be one; says why.
    """
    exact = item.get(UTC_FIELD)
    if exact is not None:
        if type(exact) is not int or not _EARLIEST_NS <= exact < _LATEST_NS:
            raise ValueError(
                f"{UTC_FIELD} {shown(exact)} is not nanoseconds since 1970 (of the years 2000 to 2099)"
            )
        return Moment(exact, is_utc=True)
    for field in FIELDS:
        value = item.get(field)
        if value is not None:
            return moment(value, field)
    raise ValueError(f"there is no time: send one of {', '.join((UTC_FIELD, *FIELDS))}")


def moment(value: Any, field: str = "time") -> Moment:
    """The time that a value says.

    Raises:
        ValueError: none.
    """
    if type(value) is int or type(value) is float:
        ns = _of_number(value)
        is_utc = False
    elif isinstance(value, str) and len(value) <= 40:
        ns, is_utc = _of_text(value.strip(), field)
    else:
        raise ValueError(f"{field} {shown(value)} is neither a number nor a text")
    if not _EARLIEST_NS <= ns < _LATEST_NS:
        raise ValueError(f"{field} {shown(value)} is not a time of the years 2000 to 2099")
    return Moment(ns, is_utc)


def _of_number(value: float) -> int:
    """Nanoseconds; 0 where it can be none."""
    if type(value) is int:
        if value < 10**11:
            return value * _NS_PER_S
        if value < 10**14:
            return value * 1_000_000
        return value * 1000 if value < 10**17 else value
    if not 0.0 < value < 1e20:
        return 0
    if value < 1e11:
        return round(value * 1e6) * 1000
    if value < 1e14:
        return round(value * 1e3) * 1000
    return round(value) * 1000 if value < 1e17 else round(value)


def _of_text(text: str, field: str) -> tuple[int, bool]:
    try:
        number = Decimal(text)
    except InvalidOperation:
        pass
    else:
        if not number.is_finite() or number.adjusted() > _MOST_DIGITS:  # 1e9999999 takes minutes to write out
            raise ValueError(f"{field} {text!r} is not a time")
        return _of_number(int(number) if number == number.to_integral_value() else float(number)), False
    if text[4:5] == ".":  # as MetaTrader writes it: 2026.11.20 10:00:00
        text = text.replace(".", "-", 2)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{field} {text!r} is neither a number nor like 2026-11-20T10:00:00Z") from None
    is_utc = at.tzinfo is not None
    since = (at if is_utc else at.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000, is_utc
