"""The SQL store, write side: rows and positions in one transaction, or neither.

There is one way back from every failure: the transaction is undone, the connection closed, `StoreError` raised.
The caller forgets what it holds in RAM, asks `positions()` (which connects anew) and pulls from there again.

A second writer is noticed, not prevented: each transaction compares the stored positions with those that this
store wrote last, and gives up if somebody else has moved them.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar, Final, NamedTuple, TypeVar

from sqlalchemy import select
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from actors.persistence import schema, tables
from actors.persistence.batch import Batch
from actors.persistence.catalogue import Catalogue
from actors.persistence.database_url import shown
from actors.persistence.failures import StoreError, explain
from actors.persistence.sift import sift
from actors.persistence.statements import Statements, statements_for
from actors.persistence.tables import DEFAULT_KINDS, STORED, Row
from protocol.crash import crash_point
from protocol.replay import Position

T = TypeVar("T")
_BUG: Final = "this is a bug of the persistence actor"
_Errors = tuple[type[BaseException], ...]


class Saved(NamedTuple):
    """What one transaction stored."""

    rows: int
    """Rows given, less those refused; an older revision of a candle counts as stored."""
    refused_doubles: dict[str, int]
    """Kind to the rows that were refused because their key was there already."""
    dead_letters: int
    holes: int


class Store(abc.ABC):
    """One database and one connection to it. Used by one thread at a time.

    Args:
        url: Of `database_url.parse_url`.
        auto_upgrade: Bring an older schema (or an empty database) up to date when connecting.
    """

    dialect: ClassVar[str]
    driver_errors: ClassVar[_Errors]
    """What the driver raises where SQLAlchemy does not stand between."""
    data_errors: ClassVar[_Errors]
    """Of those, what says that a value cannot be stored."""

    def __init__(self, url: URL, *, auto_upgrade: bool = True) -> None:
        self.url = url
        self.engine: Engine = self._make_engine()
        self.catalogue = Catalogue()
        """Of what is stored, and what batches have given out since `positions()`."""
        self._auto_upgrade = auto_upgrade
        self._statements: Statements = statements_for(self.dialect)
        self._connection: Connection | None = None
        self._known: dict[str, Position] = {}
        self._left: dict[str, list[Position]] = {}
        self._errors: _Errors = (SQLAlchemyError, OSError, OverflowError, *self.driver_errors)
        self._data_errors: _Errors = (DataError, IntegrityError, *self.data_errors)

    @property
    def shown_url(self) -> str:
        """The URL without its password."""
        return shown(self.url)

    def positions(self) -> dict[str, Position]:
        """Connect anew, bring the schema up to date, and tell how far each publisher is stored.

        Raises:
            StoreError: the database cannot be had, or its schema is not ours.
        """
        self.disconnect()
        try:
            schema.prepare(self.engine, self.url, auto_upgrade=self._auto_upgrade)
            connection = self._connection = self.engine.connect()
            with connection.begin():
                self._prepare(connection)
                self.catalogue = _catalogue_of(connection)
                self._known = _positions_of(connection)
                self._left = _left_of(connection)
        except self._errors as error:
            self.disconnect()
            raise explain(error, self.url) from error
        return dict(self._known)

    def batch(self, kinds: Collection[str] = frozenset(DEFAULT_KINDS)) -> Batch:
        """An empty batch behind what is stored; further ones come from `Batch.following()`.

        Raises:
            StoreError: not connected: `positions()` comes first.
        """
        self._connected()
        return Batch(self.catalogue, self._known, kinds, self._left)

    def save(self, batch: Batch, now_ns: int) -> Saved:
        """Store a batch in one transaction.

        Values that the database cannot hold become dead letters. A row whose key is stored already is refused
        and counted, see `tables`.

        Raises:
            StoreError: nothing of it was stored (or the answer to the commit was lost: `positions()` tells).
        """
        if batch.catalogue is not self.catalogue:
            raise StoreError(
                f"database {self.shown_url}: the batch was begun before the last `positions()`", _BUG
            )
        try:
            try:
                return self._save(batch, now_ns)
            except self._data_errors:
                if not sift(batch):
                    raise
                return self._save(batch, now_ns)
        except self._errors as error:
            self.disconnect()
            raise explain(error, self.url) from error
        except StoreError:
            self.disconnect()
            raise

    def transact(self, work: Callable[[Connection], T]) -> T:
        """Do some other work on the tables in a transaction of its own, between two batches.

        Raises:
            StoreError: it is undone.
        """
        try:
            with self._connected().begin():
                return work(self._connected())
        except self._errors as error:
            self.disconnect()
            raise explain(error, self.url) from error

    def maintain(self) -> int:
        """Housekeeping between two batches; bytes of what waits to be merged into the database file."""
        return 0

    def disconnect(self) -> None:
        """Close the connection; an open transaction is undone."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def close(self) -> None:
        """Close the connection for good."""
        self.disconnect()
        self.engine.dispose()

    def _connected(self) -> Connection:
        if self._connection is None:
            raise StoreError(f"database {self.shown_url}: not connected", "ask for `positions()` first")
        return self._connection

    def _save(self, batch: Batch, now_ns: int) -> Saved:
        connection = self._connected()
        transaction = connection.begin()
        try:
            refused = self._write(connection, batch, now_ns)
            crash_point("store.commit.before")
            transaction.commit()
        except BaseException:
            if connection.in_transaction():
                _undo(connection)
            raise
        crash_point("store.commit.after")
        self._known.update(batch.positions)
        rows = batch.row_count - sum(refused.values())
        return Saved(rows, refused, len(batch.dead_letters), len(batch.holes))

    def _write(self, connection: Connection, batch: Batch, now_ns: int) -> dict[str, int]:
        self._lock(connection)
        self._fence(connection, batch)
        sql = self._statements
        self._many(connection, sql.publishers, batch.fresh.publishers)
        self._many(connection, sql.instruments, batch.fresh.instruments)
        refused: dict[str, int] = {}
        for kind, rows in batch.rows.items():
            if rows:
                missing = len(rows) - self._write_rows(connection, kind, rows)
                if missing and not STORED[kind].newest:
                    refused[kind] = missing
        self._many(connection, sql.holes, [(*row, now_ns) for row in batch.holes])
        self._many(connection, sql.orphans, [(*row, now_ns) for row in batch.orphans])
        self._many(connection, sql.dead_letters, [(*row, now_ns) for row in batch.dead_letters])
        self._many(connection, sql.refused, [(kind, count, now_ns) for kind, count in refused.items()])
        publisher = self.catalogue.publisher
        self._many(
            connection,
            sql.positions,
            [(publisher(name), *position, now_ns) for name, position in batch.positions.items()],
        )
        return refused

    def _fence(self, connection: Connection, batch: Batch) -> None:
        """Nobody else may have moved a position of this batch, and no position goes back."""
        stored = _positions_of(connection)
        for name, position in batch.positions.items():
            there, known = stored.get(name), self._known.get(name)
            if there != known:
                what = f"database {self.shown_url}: {name} stands at {there}, this writer left it at {known}"
                raise StoreError(what, "only one persistence actor may write a database: stop the other one")
            if known is not None and position < known:
                what = f"database {self.shown_url}: {name} would go back from {known} to {position}"
                raise StoreError(what, _BUG)

    def _many(self, connection: Connection, sql: str, rows: list[Any]) -> None:
        if rows:
            connection.exec_driver_sql(sql, rows)

    @abc.abstractmethod
    def _make_engine(self) -> Engine:
        """The engine; it connects later."""

    def _prepare(self, connection: Connection) -> None:  # noqa: B027 - SQLite needs nothing
        """Make a new connection ready for `_write_rows`."""

    def _lock(self, connection: Connection) -> None:  # noqa: B027 - BEGIN IMMEDIATE has done it
        """Keep a second writer out until the end of the transaction."""

    @abc.abstractmethod
    def _write_rows(self, connection: Connection, kind: str, rows: list[Row]) -> int:
        """Insert or upsert the rows of one kind; how many the statement counts as written."""


def _undo(connection: Connection) -> None:
    """Roll back; where even that fails the server does it when the connection ends."""
    try:
        connection.rollback()
    except Exception:  # noqa: BLE001 - the first error is the one that tells
        connection.invalidate()


def _positions_of(connection: Connection) -> dict[str, Position]:
    query = select(tables.publishers.c.name, tables.positions.c.epoch, tables.positions.c.seq).join_from(
        tables.positions, tables.publishers, tables.publishers.c.id == tables.positions.c.publisher_id
    )
    return {name: Position(epoch, seq) for name, epoch, seq in connection.execute(query)}


def _left_of(connection: Connection) -> dict[str, list[Position]]:
    """Ends of epochs that were left without knowing where their journal ended: holes without an end say so."""
    holes = tables.holes
    query = (
        select(tables.publishers.c.name, holes.c.epoch, holes.c.first_seq)
        .join_from(holes, tables.publishers, tables.publishers.c.id == holes.c.publisher_id)
        .where(holes.c.last_seq == 0)
    )
    found: dict[str, list[Position]] = {}
    for name, epoch, first_seq in connection.execute(query):
        found.setdefault(name, []).append(Position(epoch, first_seq - 1))
    return found


def _catalogue_of(connection: Connection) -> Catalogue:
    instruments: Mapping[tuple[str, str], int] = {
        (venue, symbol): number for number, venue, symbol in connection.execute(select(tables.instruments))
    }
    publishers = {name: number for number, name in connection.execute(select(tables.publishers))}
    return Catalogue(instruments, publishers)
