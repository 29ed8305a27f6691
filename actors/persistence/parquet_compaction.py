"""Merges the parts of an hour that is over into one file.

The merged file takes its name at once, whole; its name covers those of its parts, so from that moment on they do
not count (see `parquet_names`); then they are deleted. A reader that has them open reads on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from actors.persistence.parquet_commit import ParquetError
from actors.persistence.parquet_folder import Hour, live_names, merged_of
from actors.persistence.parquet_names import Span, draft_name, file_name, span_of
from actors.persistence.parquet_write import COMMIT_KEY, GROUP_ROWS, write_draft
from protocol.journal.disk import Disk


class Merged(NamedTuple):
    """One hour of one table that became one file."""

    path: Path
    parts: int
    rows: int


def merge(disk: Disk, hour: Hour, schema: pa.Schema) -> Merged | None:
    """Make one file of those of an hour; None if there is only one, or none.

    Raises:
        OSError: it could not be written; the parts still count.
        ParquetError: a part cannot be read; says which.
    """
    names = live_names(disk, hour.path)
    spans = [span for name in names if (span := span_of(name))]
    if len(spans) < 2:
        return None
    path = hour.path / file_name(Span(spans[0].first, max(span.last for span in spans)))
    parts = [_open(hour.path / name) for name in names]
    try:
        newest = max(zip(spans, parts, strict=True), key=lambda one: one[0].last)[1]
        commit = (newest.schema_arrow.metadata or {}).get(COMMIT_KEY, b"")
        expected = sum(part.metadata.num_rows for part in parts)
        draft = hour.path / draft_name(path.name)
        rows = write_draft(disk, draft, schema, _groups(parts, schema, hour), commit)
    finally:
        for part in parts:
            part.close()
    if rows != expected:
        disk.remove(draft)
        raise ParquetError(f"{hour.path}: merged {rows} rows of {expected}: the parts stay as they are")
    disk.rename(draft, path)
    disk.sync_folder(hour.path)
    delete_merged(disk, hour)
    return Merged(path, len(parts), rows)


def delete_merged(disk: Disk, hour: Hour) -> None:
    """Delete the files of an hour that no longer count.

    Raises:
        OSError: as the system says.
    """
    for path in merged_of(disk, hour):
        disk.remove(path)


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as fault:
        raise _damaged(path, fault) from fault


def _damaged(path: Path | str, fault: Exception) -> ParquetError:
    return ParquetError(f"{path} cannot be read ({fault}): move it away; the other files are good")


def _groups(parts: list[pq.ParquetFile], schema: pa.Schema, hour: Hour) -> Iterator[pa.Table]:
    """The rows of all parts in order, in tables of about the size of a row group."""
    held: list[pa.Table] = []
    count = 0
    for part in parts:
        for number in range(part.num_row_groups):
            try:
                table = part.read_row_group(number)
            except (OSError, pa.ArrowException) as fault:
                raise _damaged(hour.path, fault) from fault
            held.append(fitted(table, schema))
            count += table.num_rows
            if count >= GROUP_ROWS:
                yield pa.concat_tables(held)
                held, count = [], 0
    if held:
        yield pa.concat_tables(held)


def fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table with exactly the columns of a schema: those that an older program did not write are empty."""
    columns = [
        table.column(field.name).cast(field.type)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)
