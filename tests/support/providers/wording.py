"""How providers write numbers and times. Pure."""

from __future__ import annotations

import functools
from array import array
from collections.abc import Iterable, Sequence
from datetime import date, datetime, tzinfo
from typing import Final

import msgspec

_BARE: Final = frozenset({"NaN", "Infinity", "-Infinity"})
"""No JSON, and written all the same."""
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_CLOCKS: Final = tuple(f"{minute // 60:02}:{minute % 60:02}" for minute in range(1440))
Number = int | float | str | msgspec.Raw | None


class Garbage(float):
    """What stands where a number should: itself not a number."""

    text: str

    def __new__(cls, text: str) -> Garbage:
        made = super().__new__(cls, "nan")
        made.text = text
        return made


def number(value: float) -> Number:
    """As JSON has it: a whole one without a point."""
    if value != value:  # noqa: PLR0124 - only of garbage
        text = value.text if isinstance(value, Garbage) else "NaN"
        return msgspec.Raw(text.encode()) if text in _BARE else text
    return int(value) if value.is_integer() else value


def single(values: Sequence[float]) -> list[Number]:
    """As numbers of 32 bits, which is what Yahoo has: 1.1516 is written 1.1516000032424927."""
    widened = array("f", values).tolist()
    return [
        number(wide) if value == value else number(value)  # noqa: PLR0124 - only of garbage
        for value, wide in zip(values, widened, strict=True)
    ]


def text(value: float, decimals: int) -> str:
    """With so many decimals."""
    if value != value:  # noqa: PLR0124 - only of garbage
        return value.text if isinstance(value, Garbage) else "NaN"
    return f"{value:.{decimals}f}"


def local_times(starts_s: Iterable[int], zone: tzinfo) -> list[str]:
    """`2026-11-20 09:59:00` on the clocks of a zone."""
    clocks = (ts_s + _offset_s(zone, ts_s // 900) for ts_s in starts_s)
    return [f"{_date(clock // 86_400)} {_CLOCKS[clock // 60 % 1440]}:{clock % 60:02}" for clock in clocks]


@functools.lru_cache(maxsize=8192)
def _offset_s(zone: tzinfo, quarter: int) -> int:
    """Of a quarter of an hour since 1970."""
    offset = datetime.fromtimestamp(900 * quarter, zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0


@functools.lru_cache(maxsize=8192)
def _date(day: int) -> str:
    return date.fromordinal(_EPOCH_DAY + day).isoformat()


def utc_s(text: str, zone: tzinfo) -> int | None:
    """Seconds since 1970 of `2026-11-20`, `2026-11-20 09:59:00` or the same with a T; None: it is no such time."""
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())
    except ValueError:
        return None
