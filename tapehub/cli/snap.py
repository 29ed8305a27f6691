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
    from protocol.client import Hub
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
            help="tick ticks candles book trades order_flow features alerts signals news gaps status symbols",
        ),
    ],
    symbols: Annotated[list[str] | None, typer.Argument(metavar="SYMBOL", show_default=False)] = None,
    timeframe: Annotated[
        str, typer.Option("--tf", "--timeframe", metavar="TF", help="1s 1m 5m 15m 1h 4h 1d")
    ] = "1m",
    count: Annotated[int, typer.Option("-n", min=0, help="Rows at most, the newest; 0 is all.")] = 500,
    depth: Annotated[int, typer.Option("--depth", min=0, help="Levels of a book's side; 0 is all.")] = 20,
    venue: Annotated[str, typer.Option("--venue", help="Only this venue.", show_default="the newest")] = "",
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
    from tapehub.snapshots import KINDS

    form = "json" if as_json else output
    if form not in _FORMATS:
        raise Failure(f"format {form!r} is none of {', '.join(_FORMATS)}", "-o table", exit_codes.USAGE)
    if kind not in KINDS:
        raise Failure(f"{kind!r} is none of {', '.join(KINDS)}", "tapehub snap --help", exit_codes.USAGE)
    named = _checked(kind, symbols or [])
    try:
        with Hub(context.current().hub_endpoints, timeout_s=timeout) as hub:
            shot = _ask(hub, kind, named, timeframe, count, depth, venue, allow_stale)
    except StaleData as error:
        fix = "--allow-stale shows it; tapehub why " + " ".join(named)
        raise Failure(error.message, fix, exit_codes.DEGRADED) from None
    _show(shot, kind, form, fields)
    if not shot.rows and kind not in ("alerts", "signals", "news", "gaps"):
        raise typer.Exit(exit_codes.NO_DATA)


def _checked(kind: str, symbols: list[str]) -> list[str]:
    from tapehub.snapshots import NO_SYMBOL, ONE_SYMBOL

    if kind in ONE_SYMBOL and len(symbols) != 1:
        what = f"{kind} is of one symbol, {len(symbols)} named"
        raise Failure(what, f"tapehub snap {kind} BTC_USDT; tapehub symbols lists them", exit_codes.USAGE)
    if (kind in NO_SYMBOL and symbols) or (kind != "ticks" and len(symbols) > 1):
        raise Failure(f"{kind} takes no {' '.join(symbols)}", f"tapehub snap {kind}", exit_codes.USAGE)
    return symbols


def _ask(
    hub: Hub,
    kind: str,
    symbols: list[str],
    timeframe: str,
    count: int,
    depth: int,
    venue: str,
    allow_stale: bool,
) -> Snapshot:
    from tapehub import snapshots as shots

    symbol = symbols[0] if symbols else ""
    match kind:
        case "tick":
            return shots.of_tick(hub.tick(symbol, venue=venue, allow_stale=allow_stale))
        case "ticks":
            ticks = hub.ticks(symbols, venue=venue, allow_stale=allow_stale)
            return shots.of_ticks(ticks, ticks.errors)
        case "candles":
            return shots.of_candles(
                hub.candles(symbol, timeframe, count, venue=venue, allow_stale=allow_stale)
            )
        case "book":
            return shots.of_book(hub.book(symbol, depth, venue=venue, allow_stale=allow_stale))
        case "trades":
            return shots.of_trades(hub.trades(symbol, count, venue=venue, allow_stale=allow_stale))
        case "order_flow":
            return shots.of_values(kind, hub.order_flow(symbol, venue=venue, allow_stale=allow_stale))
        case "features":
            return shots.of_values(
                kind, hub.features(symbol, timeframe, venue=venue, allow_stale=allow_stale)
            )
        case "status":
            return shots.of_status(hub.status())
        case "symbols":
            return shots.of_symbols(hub.symbols())
        case "gaps":
            return shots.of_messages(kind, hub.gaps(count, symbol=symbol, venue=venue))
        case _:
            return shots.of_messages(kind, getattr(hub, kind)(count, symbol=symbol))


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
        lines = TableFormat(kind, columns=COLUMNS[kind])
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
