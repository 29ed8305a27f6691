"""The Parquet files of a table as one Arrow dataset, while the sink writes, merges and deletes them.

A merged hour stays as it is; one still in parts, or one that may get another part, can become one file at any
moment. So the files of those hours are opened here and now: an open file can be read to its end whatever becomes
of its name. All others are opened when they are read, or a month of them would be too many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import fs

from actors.persistence.parquet_commit import ParquetError
from actors.persistence.parquet_folder import live_files
from actors.persistence.parquet_schema import KIND_OF, arrow_schema
from actors.persistence.tables import STORED

_ATTEMPTS: Final = 20
"""How often an hour may be merged between the listing and the opening; once is rare."""
_NEWEST_HOURS: Final = 3
"""Hours of a table that may get another part yet."""


class StoredFiles:
    """What the Parquet folder holds of one table now.

    Args:
        folder: The Parquet folder.
        table: Name of the table.
        from_ns: Rows stored in hours before it are of no interest.

    Raises:
        ParquetError: a file cannot be opened; says which.
    """

    def __init__(self, folder: Path, table: str, from_ns: int | None = None) -> None:
        self.schema: pa.Schema = arrow_schema(STORED[KIND_OF[table]].table)
        for _ in range(_ATTEMPTS):
            self.paths = live_files(folder, table, from_ns)
            try:
                self.dataset = _opened(self.paths, self.schema)
            except FileNotFoundError:
                continue  # merged between the listing and the opening
            except OSError as fault:
                raise ParquetError(
                    f"cannot open {fault.filename or folder / table}: {fault.strerror or fault}"
                ) from fault
            return
        raise ParquetError(f"{folder / table} changes faster than it can be read: try again")

    def damaged(self) -> list[Path]:
        """Files that cannot be read, looked at one by one: for the message after a reading has failed."""
        return [path for path in self.paths if path.exists() and not _is_whole(path)]


def _opened(paths: Sequence[Path], schema: pa.Schema) -> ds.Dataset:
    in_hour = Counter(path.parent for path in paths)
    unsettled = {*sorted(in_hour)[-_NEWEST_HOURS:], *(hour for hour, count in in_hour.items() if count > 1)}
    words = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    form = ds.ParquetFileFormat(dictionary_columns=words)
    disk = fs.LocalFileSystem()
    fragments = [
        form.make_fragment(pa.OSFile(str(path)))
        if path.parent in unsettled
        else form.make_fragment(str(path), filesystem=disk)
        for path in paths
    ]
    return ds.FileSystemDataset(fragments, schema, form)


def _is_whole(path: Path) -> bool:
    try:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                file.read_row_group(group)
    except (OSError, pa.ArrowException):
        return False
    return True
