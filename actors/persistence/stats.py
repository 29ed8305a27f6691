"""What a database holds: rows and bytes of each table, positions, holes; and the check that nothing is doubled."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import Table, func, literal_column, select, text
from sqlalchemy.engine import URL, Connection, Engine

from actors.persistence import schema, tables, timescale
from actors.persistence.database_url import file_of, shown
from actors.persistence.tables import METADATA, RECORD, STORED

_ESTIMATE_FROM: Final = 5_000_000
"""Rows from which PostgreSQL's own estimate is good enough."""


class TableStats(msgspec.Struct, frozen=True):
    """One table."""

    table: str
    rows: int
    is_estimate: bool
    bytes: int | None
    """With its indexes; None where the database does not tell (SQLite tells only of the whole)."""
    is_hypertable: bool


class PublisherStats(msgspec.Struct, frozen=True):
    """How far one publisher is stored."""

    publisher: str
    epoch: int
    seq: int
    updated_ns: int


class Stats(msgspec.Struct, frozen=True):
    """One database."""

    database: str
    """URL without its password."""
    version: str
    bytes: int
    timescaledb: str
    """Version of the extension, empty without it."""
    tables: list[TableStats]
    positions: list[PublisherStats]
    holes: int
    """Ranges of records that can never be had."""
    orphans: int
    dead_letters: int
    refused_doubles: dict[str, int]
    """Kind to the rows that were refused since the beginning because their key was there."""


class Doubled(msgspec.Struct, frozen=True):
    """Something that is stored twice."""

    kind: str
    what: str
    """`record`: two rows came from one event of one record; `trade_id`: one id at two times."""
    count: int


def stats_of(engine: Engine, url: URL) -> Stats:
    """Count everything, in one read transaction."""
    with engine.connect() as connection, connection.begin():
        known = timescale.hypertables(connection)
        return Stats(
            shown(url),
            schema.current(connection),
            size_of(connection, url),
            timescale.features(connection).version,
            [_table(connection, table, table.name in known) for table in METADATA.sorted_tables],
            _publishers(connection),
            _count(connection, tables.holes),
            _count(connection, tables.orphans),
            _count(connection, tables.dead_letters),
            _refused(connection),
        )


def doubled(engine: Engine) -> list[Doubled]:
    """Look at every row for what is there twice; minutes on a large database."""
    found: list[Doubled] = []
    with engine.connect() as connection, connection.begin():
        for kind, one in STORED.items():
            count = _repeated(connection, one.table, RECORD)
            if count:
                found.append(Doubled(kind, "record", count))
        count = _repeated(connection, tables.trades, ("instrument_id", "trade_id", "trade_ref"))
        if count:
            found.append(Doubled("trade", "trade_id", count))
    return found


def _repeated(connection: Connection, table: Table, names: tuple[str, ...]) -> int:
    """How many values of these columns stand in more than one row."""
    columns = [table.c[name] for name in names]
    more = (
        select(literal_column("1")).select_from(table).group_by(*columns).having(func.count() > 1).subquery()
    )
    return int(connection.execute(select(func.count()).select_from(more)).scalar_one())


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _refused(connection: Connection) -> dict[str, int]:
    query = select(tables.refused.c.kind, tables.refused.c.rows).order_by(tables.refused.c.kind)
    return {str(kind): int(rows) for kind, rows in connection.execute(query)}


def _table(connection: Connection, table: Table, is_hypertable: bool) -> TableStats:
    name = str(table.name)  # SQLAlchemy has a kind of text of its own
    if connection.dialect.name != "postgresql":
        return TableStats(name, _count(connection, table), is_estimate=False, bytes=None, is_hypertable=False)
    estimate = "approximate_row_count(CAST(:name AS regclass))" if is_hypertable else _REL_TUPLES
    size = "hypertable_size(CAST(:name AS regclass))" if is_hypertable else _REL_SIZE
    query = text(f"SELECT {estimate}, {size}")
    rows, size_bytes = connection.execute(query, {"name": name}).one()
    is_estimate = int(rows) >= _ESTIMATE_FROM
    return TableStats(
        name,
        int(rows) if is_estimate else _count(connection, table),
        is_estimate,
        int(size_bytes or 0),
        is_hypertable,
    )


_REL_TUPLES: Final = "(SELECT CAST(reltuples AS bigint) FROM pg_class WHERE oid = CAST(:name AS regclass))"
_REL_SIZE: Final = "pg_total_relation_size(CAST(:name AS regclass))"


def size_of(connection: Connection, url: URL) -> int:
    """Bytes of a database, its log of transactions included."""
    path = file_of(url)
    if path is None:
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    names = (path, path.with_name(path.name + "-wal"))
    return sum(name.stat().st_size for name in names if name.exists())


def _publishers(connection: Connection) -> list[PublisherStats]:
    found = select(
        tables.publishers.c.name,
        tables.positions.c.epoch,
        tables.positions.c.seq,
        tables.positions.c.updated_ns,
    ).join_from(
        tables.positions, tables.publishers, tables.publishers.c.id == tables.positions.c.publisher_id
    )
    rows = connection.execute(found.order_by(tables.publishers.c.name))
    return [PublisherStats(*row) for row in rows]
