"""Writes a Parquet file so that it takes its name only when it is whole and on the medium."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from actors.persistence.parquet_schema import writer_options
from protocol.journal.disk import Disk

GROUP_ROWS: Final = 131_072
"""Rows of a row group at most: what a reader skips or reads at once, and what merging holds in memory."""
COMMIT_KEY: Final = b"tapehub.commit"
"""Key of the file's metadata that holds the commit its newest rows came with."""


class _Spool(io.RawIOBase):
    """Keeps what pyarrow writes until it is taken to the disk, so that no fault of the disk happens inside it."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self._size += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._size

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def write_draft(disk: Disk, path: Path, schema: pa.Schema, tables: Iterable[pa.Table], commit: bytes) -> int:
    """Write a whole file under a draft's name and have its bytes on the medium; returns its rows.

    Args:
        disk: File system.
        path: Name of the draft; one that is there is replaced.
        schema: Columns.
        tables: The rows, in order; each is one row group or a few.
        commit: What `COMMIT_KEY` holds.

    Raises:
        OSError: it could not be written; nothing of it stays.
    """
    disk.remove(path)
    fd = disk.create(path)
    try:
        rows = _write(disk, fd, schema.with_metadata({COMMIT_KEY: commit}), tables)
        disk.sync(fd)
    except Exception:
        disk.close(fd)
        with contextlib.suppress(OSError):
            disk.remove(path)
        raise
    disk.close(fd)
    return rows


def _write(disk: Disk, fd: int, schema: pa.Schema, tables: Iterable[pa.Table]) -> int:
    spool = _Spool()
    rows = 0
    with pq.ParquetWriter(spool, schema, **writer_options(schema)) as writer:
        for table in tables:
            # dictionaries of the pieces differ: a row group has one
            writer.write_table(table.combine_chunks().unify_dictionaries(), row_group_size=GROUP_ROWS)
            rows += table.num_rows
            _drain(disk, fd, spool)
    _drain(disk, fd, spool)
    return rows


def _drain(disk: Disk, fd: int, spool: _Spool) -> None:
    rest = memoryview(spool.take())
    while rest:
        rest = rest[disk.write(fd, rest) :]


def make_folders(disk: Disk, root: Path, path: Path) -> None:
    """Make a folder below `root`, with the names of all new ones on the medium.

    Raises:
        OSError: as the system says.
    """
    missing = []
    while path != root and not path.is_dir():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        disk.make_folder(folder)
        disk.sync_folder(folder.parent)
