"""Windows of the week in a time zone, as the clock on the wall there shows it. Pure.

Where clocks go forward, a window's part in the missing hour does not come; where they go back, what the clock shows
twice is in the window twice. `16:00` stays 16:00 there, summer and winter.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any, Final, Literal, NamedTuple

import msgspec

from actors.scanner.shield.spelling import DAY_MIN, DAYS, WEEK_MIN, Clock, Zone, clock_of
from protocol.sessions import NS_PER_S

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_EVERY_DAY: Final = tuple(range(7))


class Window(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From a time on, to before another: on some days, or once a week from a day to another."""

    start: Clock = msgspec.field(name="from")
    """`16:00`, or with its day: `fri 16:00`."""
    end: Clock = msgspec.field(name="to")
    """The same; not later than `from`: on the next day (or in the next week)."""
    days: tuple[Day, ...] = ()
    """On which it begins, where the times have no day; none: every day."""

    @classmethod
    def complaints(cls, data: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong with its keys together, of the file's own data."""
        try:
            has_days = {clock_of(data[key])[0] is not None for key in ("from", "to")}
        except (KeyError, ValueError, TypeError):
            return  # told at its own place
        if len(has_days) > 1:
            yield "from and to: give both a day (fri 16:00), or none"
        elif True in has_days and data.get("days"):
            yield "days and a day in from and to: one of the two is enough"

    @property
    def text(self) -> str:
        """As people write it: `mon,fri 08:00 to 16:30`."""
        return f"{','.join(self.days)} {self.start} to {self.end}".lstrip()


class Session(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Windows with a name, used by it wherever windows are asked for."""

    windows: tuple[Window, ...]
    zone: Zone = "UTC"


class Stretch(NamedTuple):
    """A window, in minutes since Monday 00:00."""

    start_min: int
    length_min: int
    text: str


class Hours:
    """Windows in one time zone.

    Args:
        zone: IANA name.
        windows: In force there.
        name: What reasons call them; empty: by their times.
    """

    def __init__(self, zone: str, windows: Iterable[Window], name: str = "") -> None:
        self.zone = zone
        self.stretches = tuple(_stretches(windows))
        self.name = name or ", ".join(dict.fromkeys(stretch.text for stretch in self.stretches))

    def window_at(self, ts_ns: int) -> str:
        """Text of the first window that holds a moment; empty: none does."""
        local = local_time(ts_ns, self.zone)
        minute = local.weekday() * DAY_MIN + local.hour * 60 + local.minute
        for start_min, length_min, text in self.stretches:
            if (minute - start_min) % WEEK_MIN < length_min:
                return text
        return ""


def local_time(ts_ns: int, zone: str) -> datetime:
    """What clock and calendar on the wall show, to the second."""
    return datetime.fromtimestamp(ts_ns // NS_PER_S, zone_named(zone))


def shown_time(ts_ns: int, zone: str) -> str:
    """`fri 16:05 Europe/London`."""
    local = local_time(ts_ns, zone)
    return f"{DAYS[local.weekday()]} {local:%H:%M} {zone}"


@functools.cache
def zone_named(zone: str) -> tzinfo:
    """A time zone that the file's check has found to be one."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - only a file with windows needs it

    return ZoneInfo(zone)


def _stretches(windows: Iterable[Window]) -> Iterator[Stretch]:
    for window in windows:
        (start_day, start), (end_day, end) = clock_of(window.start), clock_of(window.end)
        if start_day is not None and end_day is not None:
            first = start_day * DAY_MIN + start
            length = (end_day * DAY_MIN + end - first) % WEEK_MIN or WEEK_MIN
            yield Stretch(first, length, window.text)
            continue
        length = (end - start) % DAY_MIN or DAY_MIN
        for day in [DAYS.index(day) for day in window.days] or _EVERY_DAY:
            yield Stretch(day * DAY_MIN + start, length, window.text)
