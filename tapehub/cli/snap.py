"""`tapehub snap`: what the hub knows now, as an engine would get it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tapehub.cli import context, exit_codes
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson, TimeoutS, usage
from tapehub.cli.output import note, painted, print_json

if TYPE_CHECKING:
    from tapehub.rowformats import RowFormat
    from tapehub.snapshots import Snapshot

_FORMATS: Final = ("table", "json", "ndjson", "csv", "msgpack")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("snap")(snap)


def snap(  # noqa: PLR0913, PLR0917 - one parameter per option
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="tick ticks bbo candles book trades flow features footprint profile alerts sweeps verdicts signals "
            "liquidations news gaps status symbols",
        ),
    ],
    symbols: Annotated[list[str] | None, typer.Argument(metavar="SYMBOL", show_default=False)] = None,
    timeframe: Annotated[
        str, typer.Option("--tf", "--timeframe", metavar="TF", help="1s 1m 5m 15m 1h 4h 1d")
    ] = "1m",
    count: Annotated[int, typer.Option("-n", min=0, help="Rows at most, the newest; 0 is all.")] = 500,
    window: Annotated[
        float | None,
        typer.Option(
            "--window",
            min=0,
            metavar="SECONDS",
            help="Of flow; 0: since the session began.",
            show_default="shortest",
        ),
    ] = None,
    depth: Annotated[int, typer.Option("--depth", min=0, help="Levels of a book's side; 0 is all.")] = 20,
    venue: Annotated[
        str,
        typer.Option("--venue", help="Only this venue; of book * for all as one.", show_default="the newest"),
    ] = "",
    allow_stale: Annotated[bool, typer.Option("--allow-stale", "--stale", help="Old values too.")] = False,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FORMAT", help="table, json, ndjson, csv or msgpack.")
    ] = "table",
    fields: Annotated[
        str, typer.Option("--fields", metavar="A,B", help="Only these fields.", show_default=False)
    ] = "",
    timeout: TimeoutS = 3.0,
    as_json: AsJson = False,
) -> None:
    """Ask the hub for its newest values, one round trip, as an engine does.

    Times are ns since 1970 UTC, sizes base units, candles oldest first with the running one last. A value
    that is too old is refused: exit code 3, and --allow-stale shows it. 4: no hub, 5: no data or unknown
    symbol, 6: no answer in time.

      tapehub snap candles BTC_USDT --tf 1m -n 10

      tapehub snap ticks -o csv --fields symbol,bid,ask,age_s
    """
    from protocol.client import Hub
    from protocol.errors import StaleData
    from tapehub.snapping import Wanted, ask
    from tapehub.snapshots import KINDS, LISTS

    form = "json" if as_json else output
    if form not in _FORMATS:
        raise Failure(f"format {form!r} is none of {', '.join(_FORMATS)}", "-o table", exit_codes.USAGE)
    if kind not in KINDS:
        raise Failure(f"{kind!r} is none of {', '.join(KINDS)}", "tapehub snap --help", exit_codes.USAGE)
    named = _checked(kind, symbols or [])
    try:
        with Hub(context.current().hub_endpoints, timeout_s=timeout) as hub:
            shot = ask(hub, kind, Wanted(named, timeframe, count, window, depth, venue, allow_stale))
    except StaleData as error:
        fix = "--allow-stale shows it; tapehub why " + " ".join(named)
        raise Failure(error.message, fix, exit_codes.DEGRADED) from None
    _show(shot, kind, form, fields)
    if not shot.rows and kind not in LISTS:
        raise typer.Exit(exit_codes.NO_DATA)


def _checked(kind: str, symbols: list[str]) -> list[str]:
    from tapehub.snapshots import NO_SYMBOL, ONE_SYMBOL

    if kind in ONE_SYMBOL and len(symbols) != 1:
        what = f"{kind} is of one symbol, {len(symbols)} named"
        raise Failure(what, f"tapehub snap {kind} BTC_USDT; tapehub symbols lists them", exit_codes.USAGE)
    if (kind in NO_SYMBOL and symbols) or (kind != "ticks" and len(symbols) > 1):
        raise Failure(f"{kind} takes no {' '.join(symbols)}", f"tapehub snap {kind}", exit_codes.USAGE)
    return symbols


def _show(shot: Snapshot, kind: str, form: str, fields: str) -> None:
    from tapehub.rowformats import TableFormat, fields_of, row_format
    from tapehub.snapshots import COLUMNS

    names = fields_of(fields)
    if form == "json":
        from tapehub.rowformats import selected

        rows = [selected(row, names) for row in shot.rows]
        print_json({"kind": kind, "data": rows} if names else shot.document)
        return
    lines: RowFormat
    if form == "table" and not names:
        lines = TableFormat(kind, columns=COLUMNS[shot.table or kind])
    else:
        lines = usage(lambda name: row_format(name, kind, names), form)
    out = sys.stdout.buffer
    if lines.header and shot.rows:
        header = lines.header.decode().rstrip("\n")
        out.write((painted(header, "bold") if form == "table" else header).encode() + b"\n")
    out.writelines(lines.line(row) for row in shot.rows)
    out.flush()
    if shot.remark:
        note(f"% {shot.remark}")
