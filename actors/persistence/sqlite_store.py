"""The store in an SQLite file: write-ahead log, one writer, readers that never wait for it."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Any, ClassVar, Final, Literal

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.pool import NullPool

from actors.persistence.database_url import file_of
from actors.persistence.statements import SQLITE
from actors.persistence.store import Store
from actors.persistence.tables import Row

Synchronous = Literal["normal", "full"]
BUSY_TIMEOUT_MS: Final = 5000
_CHECKPOINT_PAGES: Final = 4000
"""16 MB of log: at that size a commit moves it into the file."""
_CACHE_KIB: Final = 65_536


class SqliteStore(Store):
    """See `Store`.

    Args:
        url: `sqlite:///file`.
        auto_upgrade: See `Store`.
        synchronous: `normal`: a power cut may undo the last transactions, whole ones, positions with them.
            `full`: it does not, for one fsync a transaction. A killed process loses nothing either way.
    """

    dialect: ClassVar[str] = SQLITE
    driver_errors: ClassVar[tuple[type[BaseException], ...]] = (sqlite3.Error,)
    data_errors: ClassVar[tuple[type[BaseException], ...]] = (OverflowError,)

    def __init__(self, url: URL, *, auto_upgrade: bool = True, synchronous: Synchronous = "normal") -> None:
        self._synchronous = synchronous
        super().__init__(url, auto_upgrade=auto_upgrade)

    def maintain(self) -> int:
        """Move the log into the file and begin it anew if no reader is in the way; bytes of the log now.

        A reader that stays in one transaction keeps the log growing: the number tells.
        """
        connection = self._connection
        if connection is not None and not connection.in_transaction():
            driver: Any = connection.connection.driver_connection
            with contextlib.suppress(
                sqlite3.OperationalError
            ):  # a reader is in the way: the next turn does it
                driver.execute("PRAGMA busy_timeout=50")
                driver.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
            driver.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        path = file_of(self.url)
        log = path.with_name(path.name + "-wal") if path is not None else None
        return log.stat().st_size if log is not None and log.exists() else 0

    def _make_engine(self) -> Engine:
        return make_engine(self.url, self._synchronous)

    def _write_rows(self, connection: Connection, kind: str, rows: list[Row]) -> int:
        return connection.exec_driver_sql(self._statements.rows[kind], rows).rowcount


def make_engine(url: URL, synchronous: Synchronous = "normal", *, is_reader: bool = False) -> Engine:
    """An engine whose transactions take the write lock at once, so that none dies half-way of a busy file.

    A reader's take none, and can write nothing.
    """
    engine = create_engine(
        url,
        poolclass=NullPool,
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
    )

    @event.listens_for(engine, "do_connect")
    def _make_folder(*_: object) -> None:
        path = file_of(url)
        if path is not None and not is_reader and not str(url.database).startswith("file:"):
            path.parent.mkdir(parents=True, exist_ok=True)

    @event.listens_for(engine, "connect")
    def _set_up(driver: Any, _record: object) -> None:
        driver.isolation_level = None
        if is_reader:
            driver.execute("PRAGMA query_only=1")
            return
        driver.execute("PRAGMA journal_mode=WAL")
        driver.execute(f"PRAGMA synchronous={synchronous}")
        driver.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        driver.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if is_reader else "BEGIN IMMEDIATE")

    return engine
