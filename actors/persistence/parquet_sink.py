"""Rows into hourly Parquet files, each exactly once, readable while it runs.

Not for several threads: one worker thread makes every call. How a flush is made whole stands in `parquet_commit`,
how an hour becomes one file in `parquet_compaction`, what the names mean in `parquet_names`.

The sink has positions of its own, independent of the database's: pull from the smaller ones, acknowledge the
smaller ones. Rows that it has already are left out of a batch; a batch that begins behind its position would
leave a hole and is refused.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa

from actors.persistence.batch import Batch
from actors.persistence.parquet_commit import (
    Commit,
    ParquetError,
    Recovered,
    encode_commit,
    recover,
    rename_parts,
    write_commit,
)
from actors.persistence.parquet_compaction import Merged, merge
from actors.persistence.parquet_folder import hours_of
from actors.persistence.parquet_names import HOUR_NS, Span, draft_name, file_name, hour_folder
from actors.persistence.parquet_schema import Columns, Names
from actors.persistence.parquet_write import GROUP_ROWS, make_folders, write_draft
from actors.persistence.tables import DEFAULT_KINDS, STORED, Row, columns_of
from actors.runtime.clock import Clock
from protocol.crash import crash_point
from protocol.journal.disk import Disk
from protocol.replay import Position

_NOWHERE: Final = Position(0, 0)
_CHUNK_ROWS: Final = 16_384
"""Rows are turned into columns in pieces of this size: a tuple takes ten times the memory."""
_LOCK_NAME: Final = ".lock"


class _Buffer:
    """Rows of one table that no flush has taken yet."""

    def __init__(self, kind: str) -> None:
        table = STORED[kind].table
        self.table_name = table.name
        self.columns = Columns(table)
        self._key = [columns_of(table).index(name) for name in ("publisher_id", "epoch", "seq")]
        self._rows: list[Row] = []
        self._names: Names | None = None
        self._batches: list[pa.RecordBatch] = []
        self.row_count = 0

    def add(self, rows: Sequence[Row], names: Names, known: Mapping[int, Position]) -> None:
        """Take rows, but for those of publishers in `known` up to their position there."""
        if known:
            publisher, epoch, seq = self._key
            rows = [row for row in rows if (row[epoch], row[seq]) > known.get(row[publisher], _NOWHERE)]
        if names is not self._names:
            self._turn()
            self._names = names
        self._rows += rows
        self.row_count += len(rows)
        if len(self._rows) >= _CHUNK_ROWS:
            self._turn()

    def take(self) -> pa.Table:
        """All rows as columns; the buffer is empty then."""
        self._turn()
        table = pa.Table.from_batches(self._batches, self.columns.schema)
        self.clear()
        return table

    def clear(self) -> None:
        """Forget what is in it."""
        self._rows, self._batches, self.row_count = [], [], 0

    def _turn(self) -> None:
        if self._rows and self._names is not None:
            self._batches.append(self.columns.batch(self._rows, self._names))
            self._rows = []


class ParquetSink:
    """The Parquet folder and the rows on their way into it.

    Args:
        folder: The Parquet folder; made if it is not there.
        clock: Hours go by its wall clock, the age of what is buffered by its monotonic one.
        kinds: Kinds of messages that are stored, keys of `tables.STORED`.
        flush_s: What is buffered is stored after so long.
        max_rows: Or when there are so many rows.
        begin: Positions that a folder which has none begins behind.
        disk: File system.

    Raises:
        ParquetError: the folder cannot be used; says why and what to do.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        kinds: Collection[str] = DEFAULT_KINDS,
        flush_s: float = 60.0,
        max_rows: int = 500_000,
        begin: Mapping[str, Position] | None = None,
        disk: Disk | None = None,
    ) -> None:
        self.folder = folder
        self._clock = clock
        self._flush_ns = round(flush_s * 1e9)
        self._max_rows = max_rows
        self._disk = disk or Disk()
        self._buffers = {kind: _Buffer(kind) for kind in kinds}
        self._names: Names | None = None
        self._since_mono_ns = 0
        self._since_ns = 0
        self._has_news = False
        self._is_broken = False
        self._settled: set[Path] = set()
        """Hours that need no merging, or cannot be merged."""
        self._looked_ns = 0
        """Every hour before it has been looked at."""
        self._lock_fd = _locked(self._disk, folder)
        try:
            self.recovered = self._open(begin or {})
        except BaseException:
            os.close(self._lock_fd)
            raise

    def _open(self, begin: Mapping[str, Position]) -> Recovered:
        try:
            found = recover(self._disk, self.folder)
            if found.is_fresh:
                # at once: a folder that begins anew at each start would forget what came between two of them
                places = {name: (place.epoch, place.seq) for name, place in begin.items()}
                found = found._replace(commit=Commit(0, places, []))
                write_commit(self._disk, self.folder, found.commit)
        except OSError as fault:
            raise _refused(self.folder, fault) from fault
        self._commit = found.commit
        self._reached = found.commit.reached()
        return found

    def positions(self) -> dict[str, Position]:
        """Up to where every row is stored, per publisher."""
        return self._commit.reached()

    @property
    def row_count(self) -> int:
        """Rows that are buffered."""
        return sum(buffer.row_count for buffer in self._buffers.values())

    @property
    def is_due(self) -> bool:
        """Whether it is time to flush: by age, by size, or because another hour has begun."""
        if not self._has_news:
            return False
        return (
            self._clock.mono_ns() - self._since_mono_ns >= self._flush_ns
            or self._clock.now_ns() // HOUR_NS != self._since_ns // HOUR_NS
            or self.row_count >= self._max_rows
        )

    def add(self, batch: Batch) -> None:
        """Take the rows of a batch and its positions; nothing is written yet.

        Raises:
            ParquetError: the batch begins behind our position, or an earlier call failed: `reopen` first.
        """
        self._check_usable()
        known = self._known(batch)
        if not self._has_news:
            self._has_news = True
            self._since_mono_ns, self._since_ns = self._clock.mono_ns(), self._clock.now_ns()
        if self._names is None or self._names.catalogue is not batch.catalogue:
            self._names = Names(batch.catalogue)
        for kind, rows in batch.rows.items():
            buffer = self._buffers.get(kind)
            if buffer is not None and rows:
                buffer.add(rows, self._names, known)
        for name, place in batch.positions.items():
            self._reached[name] = max(place, self._reached.get(name, _NOWHERE))

    def _known(self, batch: Batch) -> dict[int, Position]:
        """Publishers, by id, of which we may have part of this batch, and up to where."""
        known: dict[int, Position] = {}
        for name in batch.positions:
            ours = self._reached.get(name, _NOWHERE)
            since = batch.since.get(name, _NOWHERE)
            if since > ours:
                raise ParquetError(
                    f"{self.folder} has {name} up to {ours.epoch}/{ours.seq}, and the next rows begin behind "
                    f"{since.epoch}/{since.seq}: those between would be missing; pull from positions()"
                )
            if since < ours and name in batch.catalogue.publishers:
                known[batch.catalogue.publishers[name]] = ours
        return known

    def flush(self) -> dict[str, Position]:
        """Store what is buffered, all of it or nothing; returns the positions that are durable now.

        Raises:
            ParquetError: it could not be stored. What was buffered is forgotten: `reopen`, and pull again.
        """
        self._check_usable()
        if not self._has_news:
            return self.positions()
        try:
            self._store()
        except OSError as fault:
            self.forget()
            self._is_broken = True
            raise _refused(self.folder, fault) from fault
        self._has_news = False
        return self.positions()

    def _store(self) -> None:
        number = self._commit.flush + 1
        name = file_name(Span(number, number))
        full = [buffer for buffer in self._buffers.values() if buffer.row_count]
        paths = [f"{hour_folder(buffer.table_name, self._since_ns)}/{name}" for buffer in full]
        places = {publisher: (place.epoch, place.seq) for publisher, place in self._reached.items()}
        commit = Commit(number, places, paths)
        encoded = encode_commit(commit)
        for buffer, path in zip(full, map(self.folder.joinpath, paths), strict=True):
            self._settled.discard(path.parent)
            self._looked_ns = min(self._looked_ns, self._since_ns)
            make_folders(self._disk, self.folder, path.parent)
            table = buffer.take()
            pieces = [table.slice(start, GROUP_ROWS) for start in range(0, table.num_rows, GROUP_ROWS)]
            draft = path.with_name(draft_name(name))
            write_draft(self._disk, draft, buffer.columns.schema, pieces, encoded)
            self._disk.sync_folder(path.parent)
        crash_point("parquet.commit.before")
        write_commit(self._disk, self.folder, commit)
        crash_point("parquet.commit.after")
        rename_parts(self._disk, self.folder, paths)
        self._commit = commit

    def forget(self) -> None:
        """Drop what is buffered; `positions` say from where to pull it again."""
        for buffer in self._buffers.values():
            buffer.clear()
        self._reached = self._commit.reached()
        self._has_news = False

    def reopen(self) -> dict[str, Position]:
        """Bring the folder into order after a failure; returns the positions to pull from.

        Raises:
            ParquetError: it still cannot be used.
        """
        self.forget()
        self.recovered = self._open({})
        self._is_broken = False
        return self.positions()

    def compact(self) -> Merged | None:
        """Make one file of the oldest hour that is over and still in parts; None if there is none left.

        One hour of one table a call, so that there is time to flush between two; with nothing left to do it costs
        nothing. An hour with a damaged part is told once and then left alone.

        Raises:
            ParquetError: it could not be merged; its parts still count.
        """
        now_ns = min(self._clock.now_ns(), self._since_ns) if self._has_news else self._clock.now_ns()
        hour_ns = now_ns - now_ns % HOUR_NS
        if hour_ns <= self._looked_ns:
            return None
        for buffer in self._buffers.values():
            for hour in hours_of(self._disk, self.folder, buffer.table_name):
                if hour.start_ns + HOUR_NS > now_ns or hour.path in self._settled:
                    continue
                try:
                    merged = merge(self._disk, hour, buffer.columns.schema)
                except OSError as fault:
                    raise _refused(hour.path, fault) from fault
                except ParquetError:
                    self._settled.add(hour.path)
                    raise
                self._settled.add(hour.path)
                if merged is not None:
                    return merged
        self._looked_ns = hour_ns
        return None

    def drop_before(self, kind: str, ts_ns: int) -> int:
        """Delete the hours of a kind that ended before a moment; returns how many files went.

        Raises:
            ParquetError: a file could not be deleted.
        """
        dropped = 0
        try:
            for hour in hours_of(self._disk, self.folder, STORED[kind].table.name):
                if hour.start_ns + HOUR_NS > ts_ns:
                    break
                for name in self._disk.names(hour.path):
                    self._disk.remove(hour.path / name)
                    dropped += 1
                hour.path.rmdir()
                if not self._disk.names(hour.path.parent):
                    hour.path.parent.rmdir()
        except OSError as fault:
            raise _refused(self.folder, fault) from fault
        return dropped

    def close(self) -> None:
        """Store what is buffered and let go of the folder.

        Raises:
            ParquetError: it could not be stored.
        """
        try:
            if not self._is_broken:
                self.flush()
        finally:
            os.close(self._lock_fd)

    def _check_usable(self) -> None:
        if self._is_broken:
            raise ParquetError(f"{self.folder}: an earlier write failed; reopen it first")


def _locked(disk: Disk, folder: Path) -> int:
    """Descriptor of the folder's lock, held as long as it is open."""
    try:
        disk.make_folder(folder)
        fd = os.open(folder / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as fault:
        raise _refused(folder, fault) from fault
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        os.close(fd)
        raise ParquetError(
            f"{folder} is being written by another process: give this one another folder"
        ) from fault
    return fd


def _refused(path: Path, fault: OSError) -> ParquetError:
    return ParquetError(
        f"cannot write {path}: {fault.strerror or fault}: free some space or correct its rights; the journal "
        "keeps what is not stored"
    )
