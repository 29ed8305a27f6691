"""How complete the stored candles are: a share per series and day. Counted by persistence, kept for a minute."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from actors.gateway.context import Context
from actors.gateway.operations.sql import Sql, SqlQuestion
from protocol.errors import HubError, NoData, error_from_code
from protocol.messages import Bar
from protocol.requests import Request
from protocol.sessions import DAY_NS, Session, session_named, timeframe_ns
from protocol.stores import store_of, stores

ASK_S: Final = 15.0
"""Patience with persistence: it reads every candle of these days."""
LATE_NS: Final = 120_000_000_000
"""A candle that ended less long ago may still be on its way to the disk."""
_decode: Final = msgspec.msgpack.Decoder(list[tuple[str, str, list[tuple[int, int, int]]]]).decode


class Series(NamedTuple):
    """What is stored of one series."""

    symbol: str
    venue: str
    complete: dict[int, int]
    """Day since 1970 UTC to the complete candles in it."""


def table(
    series: Iterable[Series], days: range, now_ns: int, length_ns: int, sessions: Any
) -> dict[str, Any]:
    """Days, and of each series the share of each day: complete candles of those that the market's hours promise.

    None: the market was closed all day, or nothing of the series was stored yet.

    Args:
        series: What is stored.
        days: Days since 1970 UTC.
        now_ns: Wall clock: what is to come, or may still be on its way, is not missing.
        length_ns: Of a candle.
        sessions: Symbol to its calendar.
    """
    rows = []
    for one in sorted(series, key=lambda one: (one.symbol, one.venue)):
        first = min(one.complete, default=days.stop)
        calendar = sessions(one.symbol)
        expected = {day: _expected(calendar, day, now_ns - LATE_NS, length_ns) for day in days}
        share = [
            None if day < first or not expected[day] else _share(one.complete.get(day, 0), expected[day])
            for day in days
        ]
        rows.append({"symbol": one.symbol, "venue": one.venue, "share": share})
    names = [f"{datetime.fromtimestamp(day * 86_400, UTC):%Y-%m-%d}" for day in days]
    return {"days": names, "rows": rows}


def _expected(calendar: Session, day: int, until_ns: int, length_ns: int) -> int:
    start_ns = day * DAY_NS
    return calendar.open_time_ns(start_ns, min(start_ns + DAY_NS, until_ns)) // length_ns


def _share(complete: int, expected: int) -> float:
    return round(min(1.0, complete / expected), 4)


class Coverage:
    """Counts, and keeps what was counted.

    Args:
        context: The gateway.
        sql: Asks the Parquet files where there is no database.
    """

    def __init__(self, context: Context, sql: Sql) -> None:
        self._context = context
        self._sql = sql
        self._known: dict[tuple[str, int], tuple[int, asyncio.Task[list[Series]]]] = {}

    async def answer(self, timeframe: str, days: int, symbol: str, venue: str) -> dict[str, Any]:
        """The table of the last days, today included.

        Raises:
            HubError: nobody can say.
        """
        now_ns = self._context.clock.now_ns()
        today = now_ns // DAY_NS
        found = await self._counted(timeframe, today - days + 1)
        wanted = [
            one for one in found if (not symbol or one.symbol == symbol) and (not venue or one.venue == venue)
        ]
        span = range(today - days + 1, today + 1)
        length_ns = timeframe_ns(timeframe)
        return await asyncio.to_thread(table, wanted, span, now_ns, length_ns, self._session_of)

    def _session_of(self, symbol: str) -> Session:
        catalog = self._context.catalog
        return session_named(catalog.get(symbol).session if symbol in catalog else "crypto")

    async def _counted(self, timeframe: str, first: int) -> list[Series]:
        mono_ns = self._context.clock.mono_ns()
        keep_ns = round(self._context.settings.operations.coverage_s * 1e9)
        self._known = {
            key: one for key, one in self._known.items() if mono_ns - one[0] < keep_ns and not _failed(one[1])
        }
        key = timeframe, first
        if key not in self._known:
            self._known[key] = mono_ns, asyncio.create_task(self._count(timeframe, first))
        return await asyncio.shield(self._known[key][1])

    async def _count(self, timeframe: str, first: int) -> list[Series]:
        names = stores(self._context.common.actors)
        first_asked = store_of(self._context.common.actors, Bar.KIND)
        names.sort(key=lambda name: name != first_asked)
        request = Request(op="coverage", timeframe=timeframe, from_ns=first * DAY_NS)
        trouble: HubError = NoData("nothing is stored here: add persistence.1 to the actors")
        for name in names:
            try:
                reply = await self._context.reads.ask_query(name, request, ASK_S)
            except HubError as fault:
                trouble = fault
                continue
            if reply.ok:
                return [_series(*one) for one in _decode(reply.data)]
            trouble = error_from_code(reply.code, reply.message, reply.details)
        if names and isinstance(trouble, NoData):
            return await self._count_files(timeframe, first)
        raise trouble

    async def _count_files(self, timeframe: str, first: int) -> list[Series]:
        """There is no database: the Parquet files can be asked in SQL."""
        statement = (
            f"SELECT symbol, venue, ts_open_ns // {DAY_NS} AS day, count(*), "  # noqa: S608 - numbers and a checked word
            "count(*) FILTER (WHERE status IN ('closed', 'quiet')) FROM bars "
            f"WHERE timeframe = '{timeframe}' AND ts_open_ns >= {first * DAY_NS} GROUP BY ALL"
        )
        limit = self._context.settings.operations.query_rows
        answer = await self._sql.answer(SqlQuestion(statement, limit), ("--source", "parquet"))
        found: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
        for symbol, venue, *day in answer["rows"]:
            found.setdefault((symbol, venue), []).append((day[0], day[1], day[2]))
        return [_series(symbol, venue, days) for (symbol, venue), days in found.items()]


def _failed(task: asyncio.Task[Any]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _series(symbol: str, venue: str, days: Sequence[tuple[int, int, int]]) -> Series:
    return Series(symbol, venue, {day: complete for day, _, complete in days})
