"""Times as feeds write them, as ns since 1970 UTC. Pure.

ISO 8601 (Atom, CryptoPanic), with any number of decimals; RFC 822 with numbered or named zones (RSS); a bare date is
its midnight. A time without a zone is UTC: feeds that leave it out mostly mean that.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_ISO: Final = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:[T ]+(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,18})\d*)?)?)? ?(Z|[+-]\d\d:?\d\d|[+-]\d\d)?"
    r"(?: ?(?:UTC|GMT))?\Z",
    re.IGNORECASE | re.ASCII,
)
_RFC: Final = re.compile(
    r"(?:[a-z]{2,10}\.?,? +)?(\d\d?)[ -]([a-z]{3})[a-z]{0,6}\.?[ -](\d{4}|\d\d)"
    r"(?:,? +(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?(?: *([a-z]{1,5}|[+-]\d\d:?\d\d))?(?: *\([a-z ]{0,40}\))?\Z",
    re.IGNORECASE | re.ASCII,
)
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_ZONES_H: Final = {
    "": 0, "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "bst": 1, "cet": 1, "west": 1, "cest": 2, "eet": 2,
    "eest": 3, "msk": 3, "sgt": 8, "hkt": 8, "jst": 9, "kst": 9, "ast": -4, "adt": -3, "est": -5, "edt": -4,
    "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
}  # fmt: skip
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MAX_NS: Final = 4_102_444_800 * 1_000_000_000
"""2100: a later time is rubbish."""
_LONGEST: Final = 80
_SECOND_NS: Final = 1_000_000_000


def ns_of(text: str) -> int:
    """A feed's time; 0 if it is none that anybody could read, or beyond 2100."""
    text = text.strip()
    if len(text) > _LONGEST:
        return 0
    if found := _ISO.match(text):
        year, month, day, hour, minute, second, fraction, zone = found.groups()
        return _ns(int(year), int(month), int(day), (hour, minute, second, fraction), (zone or "").lower())
    if found := _RFC.match(text):
        day, name, year, hour, minute, second, fraction, zone = found.groups()
        number = _MONTHS.get(name.lower(), 0)
        full_year = int(year) + (0 if len(year) == 4 else 2000 if int(year) < 70 else 1900)
        return _ns(full_year, number, int(day), (hour, minute, second, fraction), (zone or "").lower())
    return 0


def _ns(year: int, month: int, day: int, clock: tuple[str | None, ...], zone: str) -> int:
    hour, minute, second, fraction = clock
    offset_min = _offset_min(zone)
    if offset_min is None:
        return 0
    seconds = int(second or 0)
    try:
        # a leap second is the last one of its minute: datetime has none
        moment = datetime(year, month, day, int(hour or 0), int(minute or 0), min(seconds, 59), tzinfo=UTC)
    except ValueError:
        return 0
    if seconds > 60:
        return 0
    whole = (moment - _EPOCH) // timedelta(seconds=1) - 60 * offset_min
    return in_range(whole * _SECOND_NS + int((fraction or "0")[:9].ljust(9, "0")))


def in_range(ts_ns: int) -> int:
    """A time from 1970 to 2100, else 0."""
    return ts_ns if 0 <= ts_ns <= MAX_NS else 0


def _offset_min(zone: str) -> int | None:
    """Minutes ahead of UTC; None if nobody knows the zone."""
    if zone[:1] in ("+", "-"):
        digits = zone[1:].replace(":", "").ljust(4, "0")
        minutes = int(digits[:2]) * 60 + int(digits[2:])
        return -minutes if zone[0] == "-" else minutes
    hours = _ZONES_H.get(zone)
    return None if hours is None else 60 * hours
