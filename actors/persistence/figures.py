"""Figures about what is stored, small however much that is: complete candles per day, bytes on the disk."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, case, func, select

from actors.persistence.database_url import file_of
from actors.persistence.reader import Moment
from actors.persistence.stats import size_of
from actors.persistence.tables import bars
from protocol.sessions import DAY_NS

COMPLETE: Final = ("closed", "quiet")
"""Statuses of candles of which nothing is missing."""
_day: Final = bars.c.ts_open_ns // bindparam("day_ns")
_per_day: Final = (
    select(_day, func.count(), func.sum(case((bars.c.status.in_(COMPLETE), 1), else_=0)))
    .where(
        bars.c.instrument_id == bindparam("instrument_id"),
        bars.c.timeframe == bindparam("timeframe"),
        bars.c.ts_open_ns >= bindparam("from_ns"),
    )
    .group_by(_day)
)


class DaysOf(NamedTuple):
    """One series."""

    symbol: str
    venue: str
    days: list[tuple[int, int, int]]
    """Day since 1970 UTC, candles stored, those of them that are complete."""


def coverage(moment: Moment, timeframe: str, from_ns: int) -> list[DaysOf]:
    """Candles of each series by day, from a moment on; series without any are left out."""
    found = []
    for one in moment.instruments():
        rows = moment.rows(
            _per_day, instrument_id=one.id, timeframe=timeframe, from_ns=from_ns, day_ns=DAY_NS
        )
        days = sorted((int(day), int(stored), int(complete)) for day, stored, complete in rows)
        if days:
            found.append(DaysOf(one.symbol, one.venue, days))
    return found


def size(moment: Moment) -> dict[str, Any]:
    """Bytes of the database, its log of transactions included, and bytes of that log (null: not told)."""
    url = moment.connection.engine.url
    path = file_of(url)
    wal = path.with_name(f"{path.name}-wal") if path is not None else None
    return {
        "bytes": size_of(moment.connection, url),
        "wal_bytes": None if wal is None else wal.stat().st_size if wal.exists() else 0,
    }
