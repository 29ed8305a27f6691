"""Stored rows of one kind in order of time, from one of the two stores, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any, NamedTuple

import pyarrow as pa

from actors.persistence.parquet_schema import KIND_OF, column_names
from actors.persistence.tables import STORED, key_of
from tapehub.database_rows import Scope, batches
from tapehub.query_session import open_session
from tapehub.stores import DATABASE, QueryError, Stores
from tapehub.stretches import Stretch


class Wanted(NamedTuple):
    """Which rows; empty means all."""

    table: str
    symbol: str
    venue: str
    timeframe: str
    stretch: Stretch

    def __str__(self) -> str:
        """For messages."""
        words = [self.table, *(word for word in (self.symbol, self.venue, self.timeframe) if word)]
        return f"{' '.join(words)}{self.stretch}"


def stored_rows(stack: ExitStack, stores: Stores, source: str, wanted: Wanted) -> Iterable[pa.RecordBatch]:
    """The rows.

    Args:
        stack: Closes what is opened here.
        stores: Where rows are.
        source: Which of them, `parquet` or `db`.
        wanted: Which rows.

    Raises:
        QueryError: the table has no such column to choose by, or there is no such store.
        ParquetError, Overloaded: the store cannot be read.
    """
    stored = STORED[KIND_OF[wanted.table]]
    names = column_names(stored.table)
    chosen = {name: getattr(wanted, name) for name in ("symbol", "venue", "timeframe")}
    chosen = {name: value for name, value in chosen.items() if value}
    for name in chosen:
        if name not in names:
            raise QueryError(f"{wanted.table} have no {name} to choose by", "the same without it")
    if source == DATABASE:
        if not stores.has_database(wanted.table):
            raise QueryError(
                f"there is no database {stores.shown_url}", "--source parquet, or --database URL"
            )
        reader = stores.reader(wanted.table)
        stack.callback(reader.close)
        scope = Scope(wanted.symbol, wanted.venue, wanted.timeframe, wanted.stretch)
        return batches(reader, stored, scope, is_ordered=True)
    sql = _statement(wanted.table, stored.time, list(chosen), key_of(stored.table))
    asked = open_session(stack, sql, stores, stretch=wanted.stretch, source=source)
    values: dict[str, Any] = chosen
    return asked.session.batches(sql, values)


def _statement(table: str, time: str, chosen: list[str], key: tuple[str, ...]) -> str:
    """In order of time; of one time in the order that the database has."""
    where = " AND ".join(f"{name} = ${name}" for name in chosen) or "true"
    order = [time, *(name for name in ("venue", "symbol", *key, "publisher", "epoch", "seq", "k"))]
    known = [name for name in dict.fromkeys(order) if name in _columns(table)]
    return f"SELECT * FROM {table} WHERE {where} ORDER BY {', '.join(known)}"  # noqa: S608 - names of ours


def _columns(table: str) -> list[str]:
    return column_names(STORED[KIND_OF[table]].table)
