"""The commit of a flush: one small file says which parts belong to it and how far each publisher is with them.

A flush writes several files, one per table, and they count together or not at all:

    1. every part under a draft's name, bytes and names on the medium
    2. `positions.json` replaced by the new commit: **from here on the flush has happened**
    3. every draft renamed to its final name

A start finds the last commit, does what is left of its step 3, and deletes drafts that no commit names. Each part
carries its commit as well, so that a lost `positions.json` is made again from the newest one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from actors.persistence.parquet_folder import Hour, drafts_of, hours_of, live_names, merged_of
from actors.persistence.parquet_names import draft_name, span_of
from actors.persistence.parquet_schema import KIND_OF
from actors.persistence.parquet_write import COMMIT_KEY
from protocol.errors import DECODE_ERRORS
from protocol.journal.disk import Disk, write_whole
from protocol.replay import Position

FILE_NAME: Final = "positions.json"
VERSION: Final = 1


class ParquetError(Exception):
    """The Parquet folder cannot be written or made sense of; says which file, and what to do."""


class Commit(msgspec.Struct, frozen=True):
    """What is stored once a flush has happened."""

    flush: int
    """Number of the flush; 0 before the first."""
    positions: dict[str, tuple[int, int]]
    """Publisher to the (epoch, seq) up to which every row is stored."""
    parts: list[str]
    """Files of this flush, relative to the Parquet folder."""
    version: int = VERSION

    def reached(self) -> dict[str, Position]:
        """The positions."""
        return {name: Position(*place) for name, place in self.positions.items()}


class Recovered(NamedTuple):
    """What a start found."""

    commit: Commit
    is_fresh: bool
    """Nothing was ever stored here."""
    finished: int
    """Parts of the last commit that still had a draft's name."""
    deleted: int
    """Half-written files, and parts that had been merged into another file."""


_encode: Final = msgspec.json.Encoder().encode
_decoder: Final = msgspec.json.Decoder(Commit)


def encode_commit(commit: Commit) -> bytes:
    """The commit as it stands in `positions.json` and in every part."""
    return _encode(commit)


def write_commit(disk: Disk, folder: Path, commit: Commit) -> None:
    """Make a commit the last one, whole and on the medium.

    Raises:
        OSError: it could not be written; the one before may still be the last one.
    """
    write_whole(disk, folder / FILE_NAME, encode_commit(commit))


def read_commit(folder: Path) -> Commit | None:
    """The last commit; None where there is none that can be read.

    Raises:
        ParquetError: a newer program wrote it, or the folder cannot be read.
    """
    path = folder / FILE_NAME
    try:
        commit = _decoder.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise ParquetError(f"cannot read {path}: {fault.strerror}") from fault
    except DECODE_ERRORS:
        return None  # the parts know it too
    if commit.version > VERSION:
        raise ParquetError(
            f"{path} has version {commit.version}, this program writes {VERSION}: "
            "start the newer program, or give the sink another folder"
        )
    return commit


def recover(disk: Disk, folder: Path) -> Recovered:
    """Bring a folder into order after whatever ended its last writer.

    Raises:
        OSError: as the system says.
        ParquetError: the last commit cannot be told.
    """
    hours = [hour for table in KIND_OF for hour in hours_of(disk, folder, table)]
    told = read_commit(folder)
    newest = _newest_part(disk, hours)
    commit = told or Commit(0, {}, [])
    if newest is not None and newest[0] > commit.flush:
        commit = _commit_of(newest[1])
    finished = _finish(disk, folder, commit)
    deleted = 0
    for hour in hours:
        for path in [*drafts_of(disk, hour), *merged_of(disk, hour)]:
            disk.remove(path)
            deleted += 1
    return Recovered(commit, told is None and newest is None, finished, deleted)


def rename_parts(disk: Disk, folder: Path, parts: list[str]) -> int:
    """Give drafts their final names, on the medium; returns how many there were.

    Raises:
        OSError: as the system says; what is left is done by the next start.
    """
    renamed = 0
    touched = set()
    for part in parts:
        path = folder / part
        draft = path.with_name(draft_name(path.name))
        if draft.exists():
            disk.rename(draft, path)
            renamed += 1
        if path.parent.is_dir():
            touched.add(path.parent)
    for parent in sorted(touched):
        disk.sync_folder(parent)
    return renamed


def _finish(disk: Disk, folder: Path, commit: Commit) -> int:
    """Step 3 of a flush, as far as it is not done; a part that is merged or expired meanwhile has no draft."""
    return rename_parts(disk, folder, commit.parts)


def _newest_part(disk: Disk, hours: list[Hour]) -> tuple[int, Path] | None:
    """(last flush in it, path) of the part with the newest rows."""
    best: tuple[int, Path] | None = None
    for hour in hours:
        for name in live_names(disk, hour.path):
            span = span_of(name)
            if span is not None and (best is None or span.last > best[0]):
                best = (span.last, hour.path / name)
    return best


def _commit_of(path: Path) -> Commit:
    """The commit that a part carries."""
    try:
        metadata = pq.read_schema(path).metadata or {}
        return _decoder.decode(metadata[COMMIT_KEY])
    except (OSError, pa.ArrowException, KeyError, msgspec.DecodeError) as fault:
        raise ParquetError(
            f"{path.parents[3] / FILE_NAME} is lost or older than {path}, and that file does not say how far "
            f"it reaches ({fault}): move it away, and its rows are read again from the journal"
        ) from fault
