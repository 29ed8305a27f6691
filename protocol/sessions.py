"""When an instrument trades, and where its candles begin. Pure.

Candles are aligned to the session's day: `1d` is that day (23 or 25 hours long where the clocks change),
`1h` and `4h` count from its start and the last one of a day ends with it. Shorter ones need no calendar:
every time zone here is a whole number of quarter hours away from UTC.

    crypto      always open, the day starts at midnight UTC
    fx          Sunday 17:00 to Friday 17:00 New York, the day starts at 17:00
    cme         Sunday 17:00 to Friday 16:00 Chicago, closed from 16:00 to 17:00, the day starts at 17:00
    us_equity   09:30 to 16:00 New York on weekdays, the day starts at 09:30

No calendar knows holidays: a holiday looks like a quiet day.
"""

from __future__ import annotations

import functools
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final, NamedTuple

NS_PER_S: Final = 1_000_000_000
DAY_NS: Final = 86_400 * NS_PER_S
FOREVER_NS: Final = (1 << 63) - 1
"""Later than any time stamp."""

_QUARTER_HOUR_NS: Final = 900 * NS_PER_S
_UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_MON, _TUE, _WED, _THU, _FRI, _SUN = 0, 1, 2, 3, 4, 6


class Span(NamedTuple):
    """A stretch of time in which a market is open, or closed, throughout."""

    start_ns: int
    end_ns: int
    is_open: bool


class Hours(NamedTuple):
    """One weekly opening, in local time; days count from Monday = 0."""

    open_day: int
    opens: time
    close_day: int
    closes: time


_ALWAYS: Final = Span(-FOREVER_NS, FOREVER_NS, is_open=True)


@functools.cache
def timeframe_ns(timeframe: str) -> int:
    """Nominal length of a timeframe such as `1s`, `15m`, `4h`, `1d`, in nanoseconds.

    Raises:
        ValueError: not a number and a unit, or the day is no multiple of it.
    """
    number, unit = timeframe[:-1], timeframe[-1:]
    if not (number.isascii() and number.isdigit() and unit in _UNIT_S):
        raise ValueError(f"timeframe {timeframe!r} is not a number and one of s, m, h, d (like 1m)")
    length_ns = int(number) * _UNIT_S[unit] * NS_PER_S
    if length_ns == 0 or DAY_NS % length_ns:
        raise ValueError(f"timeframe {timeframe!r} does not divide a day")
    return length_ns


class Session:
    """Calendar of one kind of market.

    Args:
        name: What `symbols.yaml` calls it.
        zone: IANA time zone; empty: UTC, without loading the time zone database.
        day_start: Local time at which its day begins.
        hours: Weekly openings, in order of their opening; none: always open.
    """

    def __init__(
        self, name: str, zone: str = "", day_start: time = time(0), hours: tuple[Hours, ...] = ()
    ) -> None:
        self.name = name
        self.zone = zone
        self.day_start = day_start
        self.hours = hours
        self._day = (0, 0)
        self._span = _ALWAYS if not hours else Span(0, 0, is_open=False)

    def __repr__(self) -> str:
        return f"Session({self.name!r})"

    def bar_open_ns(self, ts_ns: int, timeframe: str) -> int:
        """Start of the candle that holds a moment."""
        length_ns = timeframe_ns(timeframe)
        if not self.zone or _QUARTER_HOUR_NS % length_ns == 0:
            return ts_ns - ts_ns % length_ns
        day_ns = self.day_ns(ts_ns)[0]
        return day_ns if length_ns == DAY_NS else ts_ns - (ts_ns - day_ns) % length_ns

    def bar_close_ns(self, open_ns: int, timeframe: str) -> int:
        """End of the candle that starts at `open_ns`: the first moment that is no longer in it."""
        length_ns = timeframe_ns(timeframe)
        if not self.zone or _QUARTER_HOUR_NS % length_ns == 0:
            return open_ns + length_ns
        end_ns = self.day_ns(open_ns)[1]
        return end_ns if length_ns == DAY_NS else min(open_ns + length_ns, end_ns)

    def is_open(self, ts_ns: int) -> bool:
        """Whether the market trades at this moment."""
        return self.span(ts_ns).is_open

    def next_open_ns(self, ts_ns: int) -> int:
        """This moment if the market trades, else the next one at which it opens."""
        span = self.span(ts_ns)
        return ts_ns if span.is_open else span.end_ns

    def open_time_ns(self, from_ns: int, to_ns: int) -> int:
        """How much of an interval the market trades, in nanoseconds."""
        if not self.hours:
            return max(0, to_ns - from_ns)
        total_ns = 0
        while from_ns < to_ns:
            span = self.span(from_ns)
            end_ns = min(span.end_ns, to_ns)
            if span.is_open:
                total_ns += end_ns - from_ns
            from_ns = end_ns
        return total_ns

    def day_ns(self, ts_ns: int) -> tuple[int, int]:
        """Start and end of the session's day that holds a moment."""
        if not self.zone:
            start_ns = ts_ns - ts_ns % DAY_NS
            return start_ns, start_ns + DAY_NS
        known = self._day  # as in `span`
        if not known[0] <= ts_ns < known[1]:
            local = datetime.fromtimestamp(ts_ns // NS_PER_S, self._tz)
            day = local.date() - timedelta(days=local.time() < self.day_start)
            known = self._at(day, self.day_start), self._at(day + timedelta(days=1), self.day_start)
            self._day = known
        return known

    def span(self, ts_ns: int) -> Span:
        """The stretch of open or closed market that holds a moment."""
        span = self._span  # threads share a calendar: each looks at what it has in hand
        if not span.start_ns <= ts_ns < span.end_ns:
            span = self._span = self._find_span(ts_ns)
        return span

    def _find_span(self, ts_ns: int) -> Span:
        today = datetime.fromtimestamp(ts_ns // NS_PER_S, self._tz).date()
        monday = today - timedelta(days=today.weekday())
        closed_since_ns = -FOREVER_NS
        for week in (-1, 0, 1):
            for hours in self.hours:
                start_ns, end_ns = self._opening(monday + timedelta(weeks=week), hours)
                if ts_ns < start_ns:
                    return Span(closed_since_ns, start_ns, is_open=False)
                if ts_ns < end_ns:
                    return Span(start_ns, end_ns, is_open=True)
                closed_since_ns = end_ns
        raise AssertionError(f"{self!r} never opens again after {ts_ns}")

    def _opening(self, monday: date, hours: Hours) -> tuple[int, int]:
        days_open = (hours.close_day - hours.open_day) % 7
        first = monday + timedelta(days=hours.open_day)
        return self._at(first, hours.opens), self._at(first + timedelta(days=days_open), hours.closes)

    def _at(self, day: date, local: time) -> int:
        return int(datetime.combine(day, local, self._tz).timestamp()) * NS_PER_S

    @functools.cached_property
    def _tz(self) -> tzinfo:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - only markets with a time zone

        try:
            return ZoneInfo(self.zone)
        except ZoneInfoNotFoundError as fault:
            raise ValueError(
                f"session {self.name} needs the time zone {self.zone}, which this host does not know: "
                "install its tzdata package"
            ) from fault


def _new_york(name: str, day_start: time, hours: tuple[Hours, ...]) -> Session:
    return Session(name, "America/New_York", day_start, hours)


_FIVE: Final = time(17)
_SESSIONS: Final = {
    session.name: session
    for session in (
        Session("crypto"),
        _new_york("fx", _FIVE, (Hours(_SUN, _FIVE, _FRI, _FIVE),)),
        Session(
            "cme",
            "America/Chicago",
            _FIVE,
            tuple(Hours(day, _FIVE, (day + 1) % 7, time(16)) for day in (_MON, _TUE, _WED, _THU, _SUN)),
        ),
        _new_york(
            "us_equity",
            time(9, 30),
            tuple(Hours(day, time(9, 30), day, time(16)) for day in range(_MON, _FRI + 1)),
        ),
    )
}
SESSION_NAMES: Final = tuple(_SESSIONS)


def session_named(name: str) -> Session:
    """The calendar of that name.

    Raises:
        ValueError: there is none; names those there are.
    """
    try:
        return _SESSIONS[name]
    except KeyError:
        raise ValueError(f"session {name!r} is none of {', '.join(SESSION_NAMES)}") from None
