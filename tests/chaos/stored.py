"""Reads a database as a stranger would: plain SQL by the plain drivers, nothing of the code that wrote it."""

from __future__ import annotations

import importlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from protocol.replay import Position
from tests.chaos.candles import Bars, bars_of
from tests.chaos.keys import Keys, keys_of
from tests.chaos.trades import Trades, joined, trades_of

_CHUNK: Final = 100_000
Row = tuple[Any, ...]


def driver_url(url: str) -> str:
    """An SQLAlchemy URL as the PostgreSQL driver wants it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def sqlite_path(url: str) -> Path:
    """File of an SQLite URL."""
    return Path(url.removeprefix("sqlite:///"))


class StoredError(Exception):
    """The database does not answer; says why, without its URL."""


class Stored:
    """A database of market data.

    Args:
        url: `sqlite:///FILE` or `postgresql://...`.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._faults: tuple[type[Exception], ...] = (sqlite3.Error,)
        if not url.startswith("sqlite"):
            self._faults = (importlib.import_module("psycopg").Error,)

    def chunks(self, sql: str) -> Iterator[list[Row]]:
        """Rows of a query, many at a time.

        Raises:
            StoredError: the database is away, or has no such table (yet).
        """
        try:
            with self._cursor() as cursor:
                cursor.execute(sql)
                while rows := cursor.fetchmany(_CHUNK):
                    yield rows
        except self._faults as fault:
            raise StoredError(str(fault).strip()) from fault

    def rows(self, sql: str) -> list[Row]:
        """All rows of a query."""
        return [row for chunk in self.chunks(sql) for row in chunk]

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        if self.url.startswith("sqlite"):
            connection: Any = sqlite3.connect(f"file:{sqlite_path(self.url)}?mode=ro", uri=True, timeout=5.0)
            try:
                yield connection.cursor()
            finally:
                connection.close()
            return
        psycopg: Any = importlib.import_module("psycopg")
        with (
            psycopg.connect(driver_url(self.url), connect_timeout=5) as connection,
            connection.cursor(name="chaos") as cursor,
        ):
            yield cursor

    def instruments(self) -> dict[str, int]:
        """Symbol to its key."""
        return {symbol: number for number, symbol in self.rows("SELECT id, symbol FROM instruments")}

    def positions(self) -> dict[str, Position]:
        """How far each publisher is stored."""
        sql = "SELECT p.name, x.epoch, x.seq FROM positions x JOIN publishers p ON p.id = x.publisher_id"
        return {name: Position(epoch, seq) for name, epoch, seq in self.rows(sql)}

    def trades(self, instrument: int) -> Trades:
        """Every trade of an instrument."""
        sql = (
            "SELECT trade_id, ts_event_ns, price, size, side, count FROM trades"
            f" WHERE instrument_id = {instrument:d}"
        )
        return joined([trades_of(rows) for rows in self.chunks(sql)])

    def newest_trade_id(self, instrument: int) -> int:
        """Id of the newest trade of an instrument, 0 if there is none."""
        sql = (
            f"SELECT trade_id FROM trades WHERE instrument_id = {instrument:d}"
            " ORDER BY ts_event_ns DESC, trade_id DESC LIMIT 1"
        )
        rows = self.rows(sql)
        return int(rows[0][0]) if rows else 0

    def bars(self, instrument: int, timeframe: str) -> Bars:
        """Every candle of an instrument and timeframe."""
        sql = (
            "SELECT ts_open_ns, open, high, low, close, volume, buy_volume, count, revision FROM bars"
            f" WHERE instrument_id = {instrument:d} AND timeframe = '{timeframe}'"
        )
        return bars_of(self.rows(sql))

    def quote_keys(self, publisher: str) -> Keys:
        """(epoch, seq, k) of every quote of a publisher."""
        sql = (
            "SELECT q.epoch, q.seq, q.k FROM quotes q JOIN publishers p ON p.id = q.publisher_id"
            f" WHERE p.name = '{publisher}'"
        )
        parts = [keys_of(rows) for rows in self.chunks(sql)]
        return np.concatenate(parts) if parts else keys_of([])

    def gaps(self) -> list[Row]:
        """(gap_id, kind, state, cause, reason) of every gap."""
        return self.rows("SELECT gap_id, kind, state, cause, reason FROM gaps")

    def holes(self) -> list[Row]:
        """(publisher, epoch, first_seq, last_seq, reason) of what nobody could have."""
        return self.rows(
            "SELECT p.name, h.epoch, h.first_seq, h.last_seq, h.reason FROM holes h"
            " JOIN publishers p ON p.id = h.publisher_id"
        )

    def orphans(self, publisher: str) -> list[tuple[int, int, int]]:
        """(epoch, first_seq, last_seq) of records that are stored here and lost in their journal."""
        rows = self.rows(
            "SELECT o.epoch, o.first_seq, o.last_seq FROM orphans o JOIN publishers p ON p.id = o.publisher_id"
            f" WHERE p.name = '{publisher}'"
        )
        return [(int(epoch), int(first), int(last)) for epoch, first, last in rows]

    def dead_letters(self) -> int:
        """Records that could not be stored."""
        return int(self.rows("SELECT COUNT(*) FROM dead_letters")[0][0])
