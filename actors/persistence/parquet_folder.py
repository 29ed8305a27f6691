"""The Parquet folder as it lies on the disk: which files count, and which are left over.

Nothing here opens a Parquet file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from actors.persistence.parquet_names import HOUR_NS, hour_of, is_draft, split_live
from protocol.journal.disk import Disk

CLOCK_MARGIN_NS: Final = HOUR_NS
"""How far a venue's clock may be ahead of ours before a search by event time overlooks its rows."""


class Hour(NamedTuple):
    """One folder: rows of one table stored in one hour."""

    path: Path
    start_ns: int


def hours_of(disk: Disk, folder: Path, table: str) -> Iterator[Hour]:
    """Folders of a table, oldest first."""
    for date_name in disk.names(folder / table):
        if hour_of(date_name, "hour=00") is None:
            continue
        for hour_name in disk.names(folder / table / date_name):
            start_ns = hour_of(date_name, hour_name)
            if start_ns is not None:
                yield Hour(folder / table / date_name / hour_name, start_ns)


def live_names(disk: Disk, path: Path) -> list[str]:
    """Files of one folder that count, in order, while the sink may be merging them.

    A listing is not one moment: it can miss a merged file that came and still miss the parts that went. So it
    counts when two in a row are the same.
    """
    names = disk.names(path)
    while (again := disk.names(path)) != names:
        names = again
    return split_live(names)[0]


def live_files(folder: Path, table: str, from_ns: int | None = None, disk: Disk | None = None) -> list[Path]:
    """Files of a table that count, oldest first: what a reader reads.

    Args:
        folder: The Parquet folder.
        table: Name of the table.
        from_ns: Leave out hours that ended before it: nothing is stored before it happens, but for an hour that
            a venue's clock may be ahead.
        disk: File system.
    """
    disk = disk or Disk()
    found = []
    for hour in hours_of(disk, folder, table):
        if from_ns is not None and hour.start_ns + HOUR_NS <= from_ns - CLOCK_MARGIN_NS:
            continue
        found += [hour.path / name for name in live_names(disk, hour.path)]
    return found


def drafts_of(disk: Disk, hour: Hour) -> list[Path]:
    """Half-written files of a folder."""
    return [hour.path / name for name in disk.names(hour.path) if is_draft(name)]


def merged_of(disk: Disk, hour: Hour) -> list[Path]:
    """Files of a folder whose rows are in another file beside them: to be deleted."""
    return [hour.path / name for name in split_live(disk.names(hour.path))[1]]
