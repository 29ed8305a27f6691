"""Scheduled events: once, or each week at the same local time. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from actors.scanner.shield.spelling import Currency, Moment, Weekly, Zone, clock_of, moment_of
from actors.scanner.shield.week import local_time, zone_named
from protocol.sessions import NS_PER_S


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the calendar."""

    name: str
    at: Moment = ""
    """When, with its zone: `2026-11-22T13:30:00Z`."""
    weekly: Weekly = ""
    """Or when each week: `thu 08:30`, in `zone`."""
    zone: Zone = "UTC"
    currencies: tuple[Currency, ...] = ()
    """Whom it moves: instruments with one of these as base or quote."""
    symbols: tuple[str, ...] = ()
    """And those that fit one of these patterns. Neither: all."""

    @classmethod
    def complaints(cls, data: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong with its keys together, of the file's own data."""
        if ("at" in data) == ("weekly" in data):
            yield "an event has either `at` or `weekly`"
        if "at" in data and "zone" in data:
            yield "zone: `at` has its own, zone is for `weekly`"

    def moves(self, symbol: str, base: str, quote: str) -> bool:
        """Whether it is about this instrument."""
        if not self.currencies and not self.symbols:
            return True
        is_named = any(fnmatchcase(symbol, pattern) for pattern in self.symbols)
        return is_named or any(currency in (base, quote) for currency in self.currencies)

    def nearest_ns(self, ts_ns: int) -> int:
        """When it is: of a weekly one the occurrence nearest to a moment."""
        return moment_of(self.at) if self.at else min(self._near(ts_ns), key=lambda ns: (abs(ns - ts_ns), ns))

    def _near(self, ts_ns: int) -> Iterator[int]:
        day, minute = clock_of(self.weekly)
        assert day is not None
        today = local_time(ts_ns, self.zone).date()
        this = today + timedelta(days=day - today.weekday())
        for week in (-1, 0, 1):
            # by the wall, not by adding hours: 08:30 stays 08:30 where clocks change; 24:00 is the next day's 00:00
            date = this + timedelta(weeks=week, days=minute // (24 * 60))
            local = time(minute // 60 % 24, minute % 60)
            at = datetime.combine(date, local, zone_named(self.zone))
            yield int(at.timestamp()) * NS_PER_S
