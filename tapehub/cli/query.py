"""`tapehub query`: SQL over what is stored."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from tapehub.cli import context, exit_codes
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson
from tapehub.cli.output import note, table_lines
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
    nothing_stored,
    readable,
    stores_of,
    stretch_of,
)
from tapehub.columns import number_text

if TYPE_CHECKING:
    import pyarrow as pa

    from tapehub.rows import Row

_FORMATS: Final = ("table", "csv", "json", "ndjson", "parquet")
_TABLE_ROWS: Final = 1000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("query")(query)


def query(  # noqa: PLR0913, PLR0917 - one parameter per option
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One statement; - reads it from stdin.")],
    output: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="table, csv, json, ndjson or parquet.")
    ] = "table",
    target: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to.", show_default="stdout")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", min=0, help="Rows at most; 0 is all.", show_default=f"{_TABLE_ROWS} of a table"
        ),
    ] = None,
    start: From = "",
    end: To = "",
    source: Source = "auto",
    database: Database = "",
    folder: Folder = None,
    max_rows: Annotated[
        int, typer.Option("--max-rows", min=1, help="Rows copied from a table of the database at most.")
    ] = 5_000_000,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Ask the stored data in SQL; works while the system runs, changes nothing, needs no internet.

    The SQL is DuckDB's. Tables: trades quotes books liquidations bars features flows footprints news alerts signals sweeps verdicts
    gaps; of bars, features, footprints and gaps the newest version of each. A plain name is read from the Parquet files
    where there are any, else from the database; parquet.trades and db.trades name one of them. Rows of the database
    are copied into memory first: --from and --to keep that small. Times are ns since 1970 UTC: utc(ts_event_ns)
    shows one, ns('2026-11-21 09:00:00') makes one. Exit 5: nothing is stored.

      tapehub query "SELECT symbol, count(*), max(utc(ts_event_ns)) FROM trades GROUP BY ALL" --from 1h

      tapehub query "FROM bars WHERE symbol = 'BTC_USDT' AND timeframe = '1h'" --format csv > bars.csv
    """
    form = "json" if as_json else output
    if form not in _FORMATS:
        raise Failure(f"format {form!r} is none of {', '.join(_FORMATS)}", "--format table", exit_codes.USAGE)
    with installed():
        from tapehub.query_session import open_session
        from tapehub.querying import TABLES, check

    text = sys.stdin.read() if sql == "-" else sql
    stretch = stretch_of(start, end)
    stores = stores_of(context.current(), database, folder, source)
    most = (_TABLE_ROWS if form == "table" else 0) if limit is None else limit
    with readable(stores):
        check(text)
        if stores.is_empty(TABLES):
            raise nothing_stored(stores)
        with ExitStack() as stack:
            asked = open_session(stack, text, stores, stretch=stretch, source=source, max_rows=max_rows)
            answer = Answer(asked.session.batches(text), most)
            rows = _show(answer, form, target or STDOUT, asked.sources, is_replaced=force)
    note(
        "".join(
            [
                f"% {rows:,} row{'' if rows == 1 else 's'}",
                *(f", {table} from {store}" for table, store in asked.sources.items()),
            ]
        )
    )
    if answer.is_cut:
        note(f"% there are more than {most:,}: --limit 0 shows all")


class Answer:
    """Batches of an answer, not more than `limit` rows; 0 is all."""

    def __init__(self, batches: Iterable[pa.RecordBatch], limit: int) -> None:
        self._batches = batches
        self._limit = limit
        self.is_cut = False
        """Whether there was more."""

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        left = self._limit
        for batch in self._batches:
            if self._limit and batch.num_rows > left:
                self.is_cut = True
                if left:
                    yield batch.slice(0, left)
                return
            yield batch
            left -= batch.num_rows


def _show(answer: Answer, form: str, target: Path, sources: Mapping[str, str], *, is_replaced: bool) -> int:
    """Write the answer; returns its rows."""
    from tapehub.arrow_rows import rows_of
    from tapehub.exporting import export, row_file

    with destination(target, replace=is_replaced, is_binary=form == "parquet") as file:
        if form not in ("table", "json"):
            return max(export(answer, row_file(file, form, is_stored=False)), default=0)
        # a table needs all its widths, a document its end
        held = list(answer)
        names = held[0].schema.names
        rows = [row for batch in held for row in rows_of(batch)]
        if form == "table":
            file.write("".join(f"{line}\n" for line in _lines(names, rows)).encode())
        else:
            types = [str(kind) for kind in held[0].schema.types]
            document = {
                "columns": names, "types": types, "rows": rows, "is_cut": answer.is_cut, "sources": sources,
            }  # fmt: skip
            data = msgspec.json.encode(document)
            file.write((msgspec.json.format(data, indent=2) if file.isatty() else data) + b"\n")
    return len(rows)


def _lines(names: list[str], rows: list[Row]) -> list[str]:
    if "explain_value" in names:
        return [str(row["explain_value"]) for row in rows]
    cells = [[number_text(row[name]) for name in names] for row in rows]
    numbers = [
        name for name in names if rows and all(isinstance(row[name], int | float | None) for row in rows)
    ]
    return table_lines(names, cells, right=numbers)
