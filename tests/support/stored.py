"""A database with the rows of frames, written without the store: what readers are tested against."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event

from actors.persistence.catalogue import Catalogue
from actors.persistence.rows import rows_of
from actors.persistence.tables import METADATA, STORED, columns_of
from protocol.record import Frame, RecordKind
from protocol.replay import Position


class Stored:
    """A SQLite file; `write` adds frames and moves the positions in one transaction."""

    def __init__(self, path: Path) -> None:
        self.url = f"sqlite:///{path}"
        self._engine = create_engine(self.url)
        self._catalogue = Catalogue()
        event.listen(self._engine, "connect", _prepare)
        METADATA.create_all(self._engine)

    def write(self, frames: Iterable[Frame]) -> None:
        """Store frames as the persistence actor would; the newest row of a key wins."""
        reached: dict[str, Position] = {}
        with self._engine.begin() as connection:
            for frame in frames:
                reached[frame.publisher] = Position(frame.epoch, frame.seq)
                publisher_id = self._catalogue.publisher(frame.publisher)
                if frame.kind not in (RecordKind.DATA, RecordKind.UPSTREAM_GAP):
                    continue
                kind, rows, dead = rows_of(frame, publisher_id, self._catalogue)
                assert dead is None, dead
                if not rows:
                    continue
                columns = columns_of(STORED[kind].table)
                marks = ", ".join("?" * len(columns))
                into = f"INSERT OR REPLACE INTO {STORED[kind].table.name} ({', '.join(columns)}) VALUES ({marks})"
                connection.exec_driver_sql(into, rows)
            fresh = self._catalogue.take_fresh()
            for instrument in fresh.instruments:
                connection.exec_driver_sql(
                    "INSERT INTO instruments (id, venue, symbol) VALUES (?, ?, ?)", instrument
                )
            for publisher in fresh.publishers:
                connection.exec_driver_sql("INSERT INTO publishers (id, name) VALUES (?, ?)", publisher)
            for name, position in reached.items():
                key = self._catalogue.publisher(name)
                connection.exec_driver_sql(
                    "INSERT OR REPLACE INTO positions (publisher_id, epoch, seq, updated_ns) VALUES (?, ?, ?, 0)",
                    (key, *position),
                )

    def clear(self) -> None:
        """Forget everything."""
        with self._engine.begin() as connection:
            for table in METADATA.sorted_tables:
                connection.execute(table.delete())
        self._catalogue = Catalogue()

    def close(self) -> None:
        """Close its connections."""
        self._engine.dispose()


def _prepare(connection: Any, _record: object) -> None:
    """As the store has it, but a test does not wait for the disk."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=OFF")
