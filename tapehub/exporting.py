"""Stored rows into a file of another format, a batch at a time: memory stays the same however many there are."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Final, Protocol

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from tapehub.arrow_rows import Columns, StoredRows, columns_of, rows_of, with_moments
from tapehub.rows import Row, json_line

FORMATS: Final = ("csv", "ndjson", "parquet", "arrow", "msgpack")
BINARY: Final = ("parquet", "arrow", "msgpack")


class RowFile(Protocol):
    """Takes batches, writes them."""

    def add(self, batch: pa.RecordBatch) -> None:
        """Write the rows of a batch."""

    def finish(self) -> None:
        """Write what comes last; the stream stays open."""


class _RowsFile:
    """NDJSON and msgpack: one map a row, back to back."""

    def __init__(
        self,
        file: BinaryIO,
        encode: Callable[[Row], bytes],
        rows: Callable[[pa.RecordBatch], Iterator[Row]],
    ) -> None:
        self._file = file
        self._encode = encode
        self._rows = rows

    def add(self, batch: pa.RecordBatch) -> None:
        self._file.write(b"".join(map(self._encode, self._rows(batch))))

    def finish(self) -> None:
        self._file.flush()


class _CsvFile:
    """RFC 4180 with a header, also where there is no row; nested values as JSON."""

    def __init__(self, file: BinaryIO, columns: Callable[[pa.RecordBatch], Columns]) -> None:
        self._file = file
        self._columns = columns
        self._has_header = False

    def add(self, batch: pa.RecordBatch) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        columns = self._columns(batch)
        if not self._has_header:
            self._has_header = True
            writer.writerow(columns)
        writer.writerows(zip(*map(_cells, columns.values()), strict=True))
        self._file.write(text.getvalue().encode())

    def finish(self) -> None:
        self._file.flush()


def _cells(values: list[Any]) -> list[Any]:
    first = next((value for value in values if value is not None), None)
    if not isinstance(first, list | dict):
        return values
    return [None if value is None else msgspec.json.encode(value).decode() for value in values]


class _ParquetFile:
    """Parquet: columns as they are stored, row groups of at least `group_rows`."""

    def __init__(self, file: BinaryIO, *, has_iso_times: bool, group_rows: int = 131_072) -> None:
        self._file = file
        self._has_iso_times = has_iso_times
        self._group_rows = group_rows
        self._held: list[pa.RecordBatch] = []
        self._count = 0
        self._writer: Any = None

    def add(self, batch: pa.RecordBatch) -> None:
        self._held.append(with_moments(batch) if self._has_iso_times else batch)
        self._count += batch.num_rows
        if self._count >= self._group_rows:
            self._write()

    def finish(self) -> None:
        if self._held:
            self._write()
        if self._writer is not None:
            self._writer.close()

    def _write(self) -> None:
        table = pa.Table.from_batches(self._held).unify_dictionaries()
        self._held, self._count = [], 0
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._file, table.schema, compression="zstd")
        self._writer.write_table(table)


class _ArrowFile:
    """An Arrow IPC stream: columns as they are stored, dictionaries as plain values."""

    def __init__(self, file: BinaryIO, *, has_iso_times: bool) -> None:
        self._file = file
        self._has_iso_times = has_iso_times
        self._writer: Any = None

    def add(self, batch: pa.RecordBatch) -> None:
        plain = _plain(with_moments(batch) if self._has_iso_times else batch)
        if self._writer is None:
            self._writer = pa.ipc.new_stream(self._file, plain.schema)
        self._writer.write_batch(plain)

    def finish(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._file.flush()


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Without dictionaries: each batch has its own, and a stream of them is more than some readers take."""
    columns = [
        column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def row_file(file: BinaryIO, form: str, *, is_stored: bool, has_iso_times: bool = False) -> RowFile:
    """Writer of a format.

    Args:
        file: Where to.
        form: One of `FORMATS`.
        is_stored: Rows are those of a stored table, and shown as messages are; otherwise those of any answer.
        has_iso_times: Times as RFC 3339 text, in Parquet as moments; otherwise ns.
    """
    if form == "parquet":
        return _ParquetFile(file, has_iso_times=has_iso_times)
    if form == "arrow":
        return _ArrowFile(file, has_iso_times=has_iso_times)
    stored = StoredRows(has_iso_times=has_iso_times, is_flat=form == "csv") if is_stored else None
    if form == "csv":
        return _CsvFile(file, columns_of if stored is None else stored.columns)
    encode = json_line if form == "ndjson" else msgspec.msgpack.Encoder().encode
    return _RowsFile(file, encode, rows_of if stored is None else stored.rows)


def export(batches: Iterable[pa.RecordBatch], target: RowFile) -> Iterable[int]:
    """Write every batch; yields how many rows are written so far, after each."""
    rows = 0
    for batch in batches:
        target.add(batch)
        rows += batch.num_rows
        yield rows
    target.finish()
