"""The SQL of the write path: built by SQLAlchemy once, then handed to the driver as text. Pure.

SQLite takes the rows of a kind by `executemany`. PostgreSQL takes them by COPY into a temporary table of the
session (`stage_<table>`), from which one statement moves them: both keep the rules of `tables`.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, column, select, table, tuple_
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.engine import Dialect

from actors.persistence import tables
from actors.persistence.tables import RECORD, STORED, Stored, columns_of, key_of

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

    _Insert = sqlite.Insert | postgresql.Insert

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"


class Statements(NamedTuple):
    """All of one dialect; parameters are tuples in the order of the columns."""

    rows: dict[str, str]
    """Kind to its insert or upsert: of one row (SQLite), of all staged rows (PostgreSQL)."""
    instruments: str
    publishers: str
    positions: str
    holes: str
    orphans: str
    dead_letters: str
    refused: str


def statements_for(dialect: str) -> Statements:
    """The statements of one dialect, `sqlite` or `postgresql`."""
    return Statements(
        rows={kind: _stored(one, dialect) for kind, one in STORED.items()},
        instruments=_text(_into(tables.instruments, dialect), dialect),
        publishers=_text(_into(tables.publishers, dialect), dialect),
        positions=_replacing(tables.positions, dialect),
        holes=_refusing(tables.holes, dialect),
        orphans=_refusing(tables.orphans, dialect),
        dead_letters=_refusing(tables.dead_letters, dialect),
        refused=_counting(dialect),
    )


def stage_name(one: Stored) -> str:
    """Temporary table of a PostgreSQL session for the rows of one kind."""
    return f"stage_{one.table.name}"


def _stored(one: Stored, dialect: str) -> str:
    staged = _staged(one) if dialect == POSTGRESQL else None
    if one.newest:
        return _replacing(one.table, dialect, one.newest, staged)
    return _refusing(one.table, dialect, staged)


def _staged(one: Stored) -> Select[tuple[object, ...]]:
    """All staged rows; where a newer one wins only the newest of each key, as one statement cannot touch a row twice."""
    names = columns_of(one.table)
    stage = table(stage_name(one), *(column(name) for name in names))
    everything = select(*(stage.c[name] for name in names))
    if not one.newest:
        return everything
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - see _dialect

    key = [stage.c[name] for name in key_of(one.table)]
    order = dict.fromkeys((*one.newest, *RECORD[1:]))
    return everything.ext(postgresql.distinct_on(*key)).order_by(
        *key, *(stage.c[name].desc() for name in order)
    )


def _into(into: Table, dialect: str, source: Select[tuple[object, ...]] | None = None) -> _Insert:
    statement = _insert(into, dialect)
    return statement.from_select(list(columns_of(into)), source) if source is not None else statement


def _insert(into: Table, dialect: str) -> _Insert:
    if dialect == SQLITE:
        return sqlite.insert(into)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - see _dialect

    return postgresql.insert(into)


def _refusing(into: Table, dialect: str, source: Select[tuple[object, ...]] | None = None) -> str:
    """Insert; a row whose key is there is refused without an error: the row count tells."""
    return _text(_into(into, dialect, source).on_conflict_do_nothing(), dialect)


def _replacing(
    into: Table,
    dialect: str,
    newest: tuple[str, ...] = (),
    source: Select[tuple[object, ...]] | None = None,
) -> str:
    """Insert, or replace what has the key; with `newest` only if the new row is not older by those columns."""
    statement = _into(into, dialect, source)
    key = key_of(into)
    given = statement.excluded
    where: ColumnElement[bool] | None = None
    if newest:
        where = tuple_(*(given[name] for name in newest)) >= tuple_(*(into.c[name] for name in newest))
    statement = statement.on_conflict_do_update(
        index_elements=list(key),
        set_={name: given[name] for name in columns_of(into) if name not in key},
        where=where,
    )
    return _text(statement, dialect)


def _counting(dialect: str) -> str:
    """Add to the number of refused rows of a kind."""
    statement = _into(tables.refused, dialect)
    given = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["kind"],
        set_={"rows": tables.refused.c.rows + given.rows, "updated_ns": given.updated_ns},
    )
    return _text(statement, dialect)


def _text(statement: _Insert, dialect: str) -> str:
    return str(statement.compile(dialect=_dialect(dialect)))


@functools.cache
def _dialect(name: str) -> Dialect:
    """A dialect; that of PostgreSQL is imported only where such a database is: it takes 3 MiB."""
    if name == SQLITE:
        return SQLiteDialect(paramstyle="qmark")
    from sqlalchemy.dialects.postgresql.base import PGDialect  # noqa: PLC0415 - see above

    found: Dialect = PGDialect(paramstyle="format")  # type: ignore[no-untyped-call] # has no hints
    return found
