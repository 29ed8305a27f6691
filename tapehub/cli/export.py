"""`tapehub export`: stored rows into a file."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from tapehub.cli import context, exit_codes
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson
from tapehub.cli.output import note
from tapehub.cli.stored import (
    STDOUT,
    Database,
    Folder,
    Force,
    From,
    Source,
    To,
    destination,
    installed,
    readable,
    stores_of,
    stretch_of,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from tapehub.stored_rows import Wanted


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export")(export)


def export(  # noqa: PLR0913, PLR0917 - one parameter per option
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="trades quotes books liquidations bars features flows footprints news alerts signals sweeps "
            "verdicts gaps",
        ),
    ],
    symbol: Annotated[
        str, typer.Argument(metavar="SYMBOL", help="Canonical name or alias.", show_default="all")
    ] = "",
    target: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Where to; - is stdout.")
    ] = STDOUT,
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="csv, ndjson, parquet, arrow or msgpack.")
    ] = "csv",
    start: From = "",
    end: To = "",
    timeframe: Annotated[
        str,
        typer.Option(
            "--tf",
            "--timeframe",
            metavar="TF",
            help="Of bars, features, footprints: only this.",
            show_default="all",
        ),
    ] = "",
    venue: Annotated[str, typer.Option("--venue", help="Only this venue.", show_default="all")] = "",
    times: Annotated[
        str, typer.Option("--times", metavar="FORM", help="ns, or iso: RFC 3339 in UTC.")
    ] = "ns",
    source: Source = "auto",
    database: Database = "",
    folder: Folder = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Write stored rows to a file, in order of time, however many there are; works while the system runs.

    Rows look like those of tap and decode: `side` is a word, nested values are nested but in csv. Parquet keeps
    the columns as they are stored. Of bars, features, footprints and gaps the newest version of each. From the Parquet
    files where there are any, else from the database. The file takes its name when it is complete. --json: a
    summary, on stderr where the rows go to stdout. Exit code 5: no rows.

      tapehub export trades BTC_USDT --from 1h -o trades.csv

      tapehub export bars BTC_USDT --tf 1m --times iso --format ndjson | head
    """
    from actors.runtime.clock import SystemClock
    from tapehub.cli.progress import Progress

    with installed():
        from tapehub.exporting import BINARY, FORMATS, row_file
        from tapehub.exporting import export as write_all
        from tapehub.stored_rows import Wanted, stored_rows

    if form not in FORMATS:
        raise Failure(f"format {form!r} is none of {', '.join(FORMATS)}", "--format csv", exit_codes.USAGE)
    if times not in ("ns", "iso"):
        raise Failure(f"times {times!r} is none of ns, iso", "--times iso", exit_codes.USAGE)
    wanted = Wanted(_table(kind), _canonical(symbol), venue, timeframe, stretch_of(start, end))
    stores = stores_of(context.current(), database, folder, source)
    store = stores.source_of(wanted.table, source)
    progress = Progress(SystemClock(), "rows")
    rows = 0
    with (
        readable(stores),
        ExitStack() as stack,
        destination(target, replace=force, is_binary=form in BINARY) as file,
    ):
        batches = _some(stored_rows(stack, stores, store, wanted), wanted, store)
        writer = row_file(file, form, is_stored=True, has_iso_times=times == "iso")
        for rows in write_all(batches, writer):
            progress.show(rows)
    progress.close()
    summary = {
        "kind": wanted.table,
        "symbol": wanted.symbol,
        "rows": rows,
        "source": store,
        "file": str(target),
        "format": form,
        "from_ns": wanted.stretch.from_ns,
        "to_ns": wanted.stretch.to_ns,
    }
    _tell(summary, is_document=as_json, is_stdout_free=target != STDOUT)


def _tell(summary: dict[str, Any], *, is_document: bool, is_stdout_free: bool) -> None:
    if is_document:
        line = msgspec.json.encode(summary).decode() + "\n"
        (sys.stdout if is_stdout_free else sys.stderr).write(line)
    else:
        where = f" in {summary['file']}" if is_stdout_free else ""
        note(f"% {summary['rows']:,} rows of {summary['kind']} from {summary['source']}{where}")


def _some(batches: Iterable[pa.RecordBatch], wanted: Wanted, store: str) -> Iterable[pa.RecordBatch]:
    """The batches that have rows; if none has, no file is made."""
    is_empty = True
    for batch in batches:
        if batch.num_rows:
            is_empty = False
            yield batch
    if is_empty:
        what = f"no {wanted} in {store}"
        raise Failure(
            what, "a wider --from and --to; tapehub query 'FROM ...' looks around", exit_codes.NO_DATA
        )


def _table(kind: str) -> str:
    """Name of the table of a kind, which may be named in the singular."""
    from actors.persistence.tables import STORED

    tables = [str(one.table.name) for one in STORED.values()]
    names = {**dict(zip(tables, tables, strict=True)), **dict(zip(STORED, tables, strict=True))}
    if kind not in names:
        known = ", ".join(tables)
        raise Failure(f"{kind!r} is none of {known}", "tapehub export --help", exit_codes.USAGE)
    return names[kind]


def _canonical(symbol: str) -> str:
    """Canonical name of a configured symbol; one that is not configured any more may still be stored."""
    from protocol.errors import UnknownSymbol
    from protocol.instruments import Catalog

    if not symbol:
        return ""
    try:
        return Catalog(context.current().loaded.instruments).get(symbol).symbol
    except UnknownSymbol:
        return symbol
