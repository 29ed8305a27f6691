"""`tapehub decode`: a recording through the live path, as messages and as a summary."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tapehub.cli import exit_codes
from tapehub.cli.failures import Failure
from tapehub.cli.options import MESSAGES_HELP
from tapehub.cli.output import warn
from tapehub.cli.recordings import configured_catalog, readable

if TYPE_CHECKING:
    from tapehub.rows import Row


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("decode")(decode)


def decode(
    venue: Annotated[
        str,
        typer.Argument(
            metavar="VENUE",
            help="binance, bybit, coinbase, okx, databento, ig, fx, news, liquidations, yahoo, alphavantage, twelvedata or polygon; of our own recordings it is "
            "ignored.",
        ),
    ],
    source: Annotated[Path, typer.Argument(metavar="FILE", help="Recording, also .gz and .zst.")],
    only_summary: Annotated[bool, typer.Option("--summary", help="The summary alone, on stdout.")] = False,
    kinds: Annotated[
        str,
        typer.Option(
            "--kind",
            metavar="A,B",
            help="Only these: trade,quote,book,liquidation,bar,news,gap.",
            show_default=False,
        ),
    ] = "",
    symbol: Annotated[
        str, typer.Option("--symbol", help="Only this canonical symbol.", show_default=False)
    ] = "",
    count: Annotated[int | None, typer.Option("-n", min=1, help=MESSAGES_HELP, show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="NDJSON, which it is anyway.")] = False,  # noqa: ARG001
) -> None:
    """Recorded frames in, normalised messages out: the parser and order-book rules are those of live data.

    Messages go to stdout, one JSON object a line; the summary (counts by kind and symbol, candles, final
    books, gaps, rejects) to stderr as one JSON line, or alone to stdout with --summary. A file may hold no
    message and still say something (definitions, answers to a login). Exit code 1: the file cannot be read
    to its end, or nothing in it is of that venue.

    databento reads DBN files, ig answers of its REST side and lines of its stream, fx quotes and candles of
    Lean, HistData and FXCM, news RSS, Atom and CryptoPanic, liquidations lines that name their exchange, yahoo, alphavantage,
    twelvedata and polygon answers with bars.

      tapehub decode binance day.gz --summary

      tapehub decode okx day.zst --kind trade -n 5

      tapehub decode databento es.mbo.dbn.zst --summary
    """
    from actors.runtime.clock import SystemClock
    from tapehub.cli.progress import Progress
    from tapehub.rowformats import fields_of
    from tapehub.rows import json_line

    wanted = frozenset(fields_of(kinds))
    progress = Progress(SystemClock(), "messages")
    out = sys.stdout.buffer
    shown = seen = 0
    with readable(source), _rows(venue, source) as (rows, summary):
        for row in rows():
            seen += 1
            progress.show(seen)
            if (wanted and row["type"] not in wanted) or (symbol and row.get("symbol") != symbol):
                continue
            if not only_summary:
                out.write(json_line(row))
            shown += 1
            if shown == count:
                break
        progress.close()
        out.flush()
        line = json_line(summary())
    if only_summary:
        out.write(line)
        out.flush()
    else:
        sys.stderr.write(line.decode())
    if not seen:
        if _is_understood(summary()):
            return
        what = f"{source} holds no message of {venue}: {_rejects(summary())}"
        raise Failure(what, "another VENUE, or another file")
    if not shown:
        warn(f"error: none of {seen} messages passed --kind and --symbol")
        raise typer.Exit(exit_codes.NO_DATA)


def _is_understood(summary: dict[str, Any]) -> bool:
    """Whether a recording without messages is one of the venue all the same."""
    if "rejects" not in summary or "ignored" not in summary:  # one of our own
        return False
    from actors.collector.recorded.decoders import is_understood

    return is_understood(summary)


def _rejects(summary: dict[str, Any]) -> str:
    rejects = ", ".join(f"{count} {reason}" for reason, count in summary["rejects"].items())
    frames = summary.get("frames", summary.get("records", 0))
    return f"{frames} frames, {rejects or 'nothing of use'}"


@contextmanager
def _rows(
    venue: str, source: Path
) -> Iterator[tuple[Callable[[], Iterator[Row]], Callable[[], dict[str, Any]]]]:
    """(rows, the summary of those read so far) of a recording of either sort."""
    from tapehub.capture import MAGIC_BYTES, CaptureReader, is_capture

    with source.open("rb") as file:
        if is_capture(file.read(MAGIC_BYTES)):
            from tapehub.decoding import CaptureSummary, capture_rows

            file.seek(0)
            ours = CaptureSummary()
            reader = CaptureReader(file, str(source))
            yield lambda: capture_rows(reader, ours), ours.to_dict
            return
    from actors.collector.recorded.decode import UnknownVenue
    from actors.collector.recorded.decoders import decoder_of

    try:
        decoder = decoder_of(venue, configured_catalog())
    except UnknownVenue as fault:
        raise Failure(str(fault), "tapehub decode --help", exit_codes.USAGE) from None

    def rows() -> Iterator[Row]:
        for message in decoder.messages(source):
            yield {"type": type(message).__name__.lower(), **message.to_dict()}

    def so_far() -> dict[str, Any]:
        return decoder.summary.to_dict()  # a decoder may begin a new one with the file

    yield rows, so_far
