"""Fills the engine of `querying` with what a statement mentions: files as they lie, rows of the database as copies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import pyarrow as pa

from actors.persistence.parquet_read import StoredFiles
from actors.persistence.parquet_schema import KIND_OF
from actors.persistence.tables import STORED
from tapehub.database_rows import Scope, batches
from tapehub.querying import TABLES, Session, mentioned, mentioned_plain
from tapehub.stores import AUTO, DATABASE, QueryError, Stores
from tapehub.stretches import ALWAYS, Stretch

MAX_ROWS: Final = 5_000_000
"""Rows that are copied from one table of the database at most."""


class Asked(NamedTuple):
    """An engine that may be asked."""

    session: Session
    sources: Mapping[str, str]
    """Plain name in the statement to the store it stands for."""


def open_session(
    stack: ExitStack,
    sql: str,
    stores: Stores,
    *,
    stretch: Stretch = ALWAYS,
    source: str = AUTO,
    max_rows: int = MAX_ROWS,
) -> Asked:
    """An engine that has what a statement may read, and nothing else.

    Args:
        stack: Closes what is opened here.
        sql: The statement.
        stores: Where the rows are.
        stretch: Rows outside of it are not seen.
        source: Which store a plain name stands for.
        max_rows: Rows that are copied from one table of the database at most.

    Raises:
        QueryError: more rows than that.
        ParquetError, Overloaded: a store cannot be read.
    """
    scratch = Path(stack.enter_context(TemporaryDirectory(prefix="tapehub-query-")))
    session = Session(scratch, stretch)
    stack.callback(session.close)
    sources = {table: stores.source_of(table, source) for table in TABLES}
    plain = mentioned_plain(sql)
    copied = mentioned(sql, DATABASE) | {table for table in plain if sources[table] == DATABASE}
    for table in TABLES:
        session.add_files(table, StoredFiles(stores.folder, table, stretch.from_ns))
        session.add_rows(table, _copied(stack, stores, table, stretch, max_rows) if table in copied else ())
    session.add_views(sources)
    session.lock()
    return Asked(session, {table: sources[table] for table in sorted(plain)})


def _copied(
    stack: ExitStack, stores: Stores, table: str, stretch: Stretch, max_rows: int
) -> Iterator[pa.RecordBatch]:
    if not stores.has_database(table):
        raise QueryError(f"there is no database {stores.shown_url}", "--source parquet, or --database URL")
    reader = stores.reader(table)
    stack.callback(reader.close)
    rows = 0
    for batch in batches(reader, STORED[KIND_OF[table]], Scope(stretch=stretch), is_ordered=False):
        rows += batch.num_rows
        if rows > max_rows:
            raise QueryError(
                f"{table} of the database has more than {max_rows:,} rows in that time",
                "a narrower --from and --to, a larger --max-rows, or the Parquet sink",
            )
        yield batch
