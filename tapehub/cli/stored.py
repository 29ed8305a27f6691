"""What the commands that read stored rows share: where the rows are, and where an answer goes. Not a command."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from tapehub.cli import exit_codes
from tapehub.cli.failures import Failure
from tapehub.cli.options import usage

if TYPE_CHECKING:
    from tapehub.cli.context import Context
    from tapehub.stores import Stores
    from tapehub.stretches import Stretch

From = Annotated[
    str, typer.Option("--from", metavar="TIME", help="Rows from then on, e.g. 1h.", show_default=False)
]
To = Annotated[str, typer.Option("--to", metavar="TIME", help="Rows before then.", show_default=False)]
Source = Annotated[str, typer.Option("--source", metavar="STORE", help="auto, parquet or db.")]
Database = Annotated[
    str, typer.Option("--database", metavar="URL", help="Database.", show_default="as configured")
]
Folder = Annotated[
    Path | None,
    typer.Option("--parquet", metavar="DIR", help="Parquet folder.", show_default="RUN_DIR/parquet"),
]
Force = Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")]
STDOUT = Path("-")


def stores_of(here: Context, database: str, folder: Path | None, source: str) -> Stores:
    """The stores of the configuration, or those named.

    Raises:
        Failure: an option is wrong.
    """
    from actors.persistence.failures import StoreError
    from tapehub.stores import SOURCES, Stores, database_setting, database_settings

    if source not in SOURCES:
        raise Failure(f"store {source!r} is none of {', '.join(SOURCES)}", "--source auto", exit_codes.USAGE)
    try:
        if database:
            return Stores(here.run_dir, database, folder)
        actors = here.loaded.common.actors
        return Stores(here.run_dir, database_setting(actors), folder, database_settings(actors))
    except StoreError as fault:
        raise Failure(fault.what, fault.fix, exit_codes.USAGE) from None


def stretch_of(start: str, end: str) -> Stretch:
    """The stretch of time that `--from` and `--to` name.

    Raises:
        Failure: one of them is no moment, or there is nothing between them.
    """
    from actors.runtime.clock import SystemClock
    from tapehub.stretches import parse_stretch

    now_ns = SystemClock().now_ns()
    return usage(lambda ends: parse_stretch(*ends, now_ns), (start, end))


@contextmanager
def installed() -> Iterator[None]:
    """Turns the absence of the libraries that these commands need, and no other, into words."""
    try:
        yield
    except ModuleNotFoundError as fault:
        if fault.name not in ("pyarrow", "duckdb", "sqlalchemy"):
            raise
        what = f"this needs {fault.name}, which is not installed"
        raise Failure(what, "pip install --upgrade tapehub") from None


@contextmanager
def readable(stores: Stores) -> Iterator[None]:
    """Turns what a store raises that cannot be read, or be asked so, into words."""
    from actors.persistence.parquet_commit import ParquetError
    from protocol.errors import Overloaded
    from tapehub.stores import QueryError

    try:
        yield
    except QueryError as fault:
        raise Failure(str(fault), fault.fix, exit_codes.USAGE) from None
    except Overloaded as fault:
        fix = "tapehub db current says whether it answers; --source parquet asks the files"
        raise Failure(fault.message, fix) from None
    except ParquetError as fault:
        raise Failure(str(fault), f"{stores.folder} holds the files") from None


def nothing_stored(stores: Stores) -> Failure:
    """Neither store has anything."""
    what = f"nothing is stored: no files in {stores.folder}, no database {stores.shown_url}"
    fix = "add persistence.1 to the actors, or name --database URL or --parquet DIR"
    return Failure(what, fix, exit_codes.NO_DATA)


@contextmanager
def destination(target: Path, *, replace: bool, is_binary: bool = False) -> Iterator[BinaryIO]:
    """A stream that becomes the file `target` when the block ends well, and leaves nothing if not; `-` is stdout.

    Raises:
        Failure: it exists and may not be replaced, or cannot be written.
    """
    if target == STDOUT:
        if is_binary and sys.stdout.isatty():
            raise Failure("the format is binary", "-o FILE, or a pipe", exit_codes.USAGE)
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if target.exists() and not replace:
        raise Failure(f"{target} exists", "another name, or --force to replace it", exit_codes.USAGE)
    part = target.with_name(target.name + ".part")
    try:
        with _removed_on_failure(part), part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as fault:
        what = f"cannot write {part}: {fault.strerror}"
        raise Failure(what, "free some space or name another file") from fault


@contextmanager
def _removed_on_failure(part: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
