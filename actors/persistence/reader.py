"""Reads what is stored: a range at a time, in short read-only transactions that see one moment of the database."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import URL, Connection, Engine, Select, and_, create_engine, event, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from actors.persistence.tables import instruments, positions, publishers
from protocol.errors import Overloaded
from protocol.replay import Position

RETRY_AFTER_S: Final = 1.0
BUSY_S: Final = 2.0
"""How long SQLite waits for a lock; in WAL mode a reader is not locked out by the writer."""
Row = Sequence[Any]


class Instrument(NamedTuple):
    """Whose rows are read."""

    id: int
    venue: str
    symbol: str


class Reader:
    """Read-only access to the store; safe in threads, each transaction has a connection of its own.

    Args:
        url: Of the database; SQLite: `sqlite:///path`, opened so that nothing can be written.
    """

    def __init__(self, url: str | URL) -> None:
        self.url = make_url(url)
        self.shown_url = self.url.render_as_string(hide_password=True)
        """For messages: the password is `***`."""
        self._engine = _engine_of(self.url)

    @contextlib.contextmanager
    def moment(self) -> Iterator[Moment]:
        """One transaction: everything read in it is of the same moment.

        Raises:
            Overloaded: the database cannot be read now; says why, and never the password.
        """
        try:
            with self._engine.connect() as connection, connection.begin():
                yield Moment(connection)
        except SQLAlchemyError as fault:
            cause = str(getattr(fault, "orig", None) or fault).strip().partition("\n")[0]
            raise Overloaded(
                f"the database {self.shown_url} cannot be read: {self._without_password(cause)}",
                retry_after_s=RETRY_AFTER_S,
            ) from None

    def _without_password(self, text: str) -> str:
        password = self.url.password
        return text.replace(str(password), "***") if password else text

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


class Moment:
    """The database at one moment."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def rows(self, statement: Select[Any], **values: Any) -> list[Row]:
        """The driver's own tuples of a SELECT: wrapping each of them would double the cost."""
        cursor = self.connection.execute(statement, values).cursor
        assert cursor is not None
        return list(cursor.fetchall())

    def positions(self) -> dict[str, Position]:
        """Publisher to the last record that is stored of it."""
        columns = (publishers.c.name, positions.c.epoch, positions.c.seq)
        rows = self.rows(select(*columns).join(publishers, publishers.c.id == positions.c.publisher_id))
        return {name: Position(epoch, seq) for name, epoch, seq in rows}

    def publishers(self) -> dict[int, str]:
        """Publishers by their key."""
        rows = self.rows(select(publishers.c.id, publishers.c.name))
        return {row[0]: row[1] for row in rows}

    def instruments(self, symbol: str = "", venue: str = "", above: int = 0) -> list[Instrument]:
        """Instruments in the order of their keys: of one symbol or venue where named, those above a key."""
        wanted = [instruments.c.id > above]
        if symbol:
            wanted.append(instruments.c.symbol == symbol)
        if venue:
            wanted.append(instruments.c.venue == venue)
        columns = (instruments.c.id, instruments.c.venue, instruments.c.symbol)
        found = self.rows(select(*columns).where(and_(*wanted)).order_by(instruments.c.id))
        return [Instrument(*row) for row in found]


def _engine_of(url: URL) -> Engine:
    """An engine whose transactions read one moment and write nothing."""
    if url.get_backend_name() != "sqlite":
        return create_engine(
            url, pool_pre_ping=True, isolation_level="REPEATABLE READ", execution_options={"postgresql_readonly": True}
        )  # fmt: skip
    if url.database and not url.database.startswith("file:"):
        url = url.set(database=f"file:{url.database}", query={"mode": "ro", "uri": "true"})
    engine = create_engine(url, connect_args={"timeout": BUSY_S})
    event.listen(engine, "connect", _leave_transactions_to_us)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _leave_transactions_to_us(connection: Any, _record: object) -> None:
    """Python's driver begins a transaction before writes only: two SELECTs would see two moments."""
    connection.isolation_level = None
