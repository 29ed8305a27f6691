"""The store in PostgreSQL: binary COPY into a temporary table, from there one upsert a kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.pool import NullPool
from sqlalchemy.types import BigInteger, Boolean, Double, Integer, LargeBinary, SmallInteger, TypeEngine

from actors.persistence.statements import POSTGRESQL, stage_name
from actors.persistence.store import Store
from actors.persistence.tables import STORED, Row, Stored, columns_of

CONNECT_TIMEOUT_S: Final = 5
_SESSION: Final = "-c lock_timeout=10s -c client_min_messages=warning -c timezone=UTC"
_COPY_TYPES: Final[tuple[tuple[type[TypeEngine[Any]], str], ...]] = (
    (SmallInteger, "int2"),
    (BigInteger, "int8"),
    (Integer, "int4"),
    (Double, "float8"),
    (Boolean, "bool"),
    (LargeBinary, "bytea"),
)
"""Derived types before their base."""


class PostgresStore(Store):
    """See `Store`. A commit answers when the server has it on disk (unless the server's settings say otherwise)."""

    dialect: ClassVar[str] = POSTGRESQL
    driver_errors: ClassVar[tuple[type[BaseException], ...]] = (psycopg.Error,)
    data_errors: ClassVar[tuple[type[BaseException], ...]] = (psycopg.DataError, OverflowError)

    def _make_engine(self) -> Engine:
        self._copies = {kind: _Copy(one) for kind, one in STORED.items()}
        return make_engine(self.url)

    def _prepare(self, connection: Connection) -> None:
        for copy in self._copies.values():
            connection.exec_driver_sql(copy.make_stage)

    def _lock(self, connection: Connection) -> None:
        # two writers take turns, and the second one sees what the first one moved; readers go on
        connection.exec_driver_sql("LOCK TABLE positions IN SHARE ROW EXCLUSIVE MODE")

    def _write_rows(self, connection: Connection, kind: str, rows: list[Row]) -> int:
        copy = self._copies[kind]
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor:
            copy.write(cursor, rows)
            cursor.execute(self._statements.rows[kind])
            count: int = cursor.rowcount
        return count


class _Copy:
    """COPY of one kind of rows into its stage."""

    def __init__(self, one: Stored) -> None:
        name, table = stage_name(one), one.table
        names = ", ".join(f'"{column}"' for column in columns_of(table))
        self.make_stage: str = (
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} (LIKE {table.name}) ON COMMIT DELETE ROWS"
        )
        self._sql = f"COPY {name} ({names}) FROM STDIN (FORMAT BINARY)"
        self._types = [_copy_type(column.type) for column in table.columns]

    def write(self, cursor: Any, rows: Sequence[Row]) -> None:
        """Send all rows."""
        with cursor.copy(self._sql) as copy:
            copy.set_types(self._types)
            write_row = copy.write_row
            for row in rows:
                write_row(row)


def _copy_type(of: TypeEngine[Any]) -> str:
    return next((name for kind, name in _COPY_TYPES if isinstance(of, kind)), "text")


def make_engine(url: URL) -> Engine:
    """An engine that gives up on a server that does not answer."""
    return create_engine(
        url,
        poolclass=NullPool,
        use_native_hstore=False,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": _SESSION,
            "application_name": "tapehub persistence",
        },
    )
