"""`tapehub scan`: a recording through the scanner, without a running system."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tapehub.cli import context, exit_codes
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson
from tapehub.cli.output import note, print_json, say, utc_text
from tapehub.cli.recordings import configured_catalog, readable

if TYPE_CHECKING:
    from protocol.messages import Signal

SETTLED_S = 5.0
"""Venue time after the newest event: more than candles, order flow and the scanner wait for what is late."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("scan")(scan)


def scan(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="Recording of a venue, also .gz and .zst.")],
    venue: Annotated[
        str, typer.Option("--venue", metavar="VENUE", help="Whose recording it is; see tapehub decode.")
    ],
    strategy: Annotated[
        list[str] | None,
        typer.Option("--strategy", help="Only this one of the configuration's.", show_default=False),
    ] = None,
    symbol: Annotated[
        str, typer.Option("--symbol", help="Only this canonical symbol.", show_default=False)
    ] = "",
    named: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="VENUE",
            help="Say this venue of it, as a live system that hears it there.",
            show_default=False,
        ),
    ] = "",
    why: Annotated[bool, typer.Option("--why", help="Also why strategies said nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Signals of a recording: strategies, shield and the life of signals are the code of the live scanner.

    Each revision is one line, with --json one JSON object. The same recording gives the same output. Settings are those of
    the configuration's first aggregator, orderflow and scanner, default values without one.

      tapehub scan eurusd.csv.gz --venue fx

      tapehub scan day.gz --venue binance --strategy trend_pullback --json
    """
    from actors.collector.recorded.decode import UnknownVenue
    from actors.collector.recorded.decoders import decoder_of
    from actors.runtime.clock import SystemClock
    from protocol.instruments import Catalog
    from tapehub.cli.progress import Progress
    from tapehub.rows import json_line
    from tapehub.scanners import scan_of

    catalog = configured_catalog()
    loaded = context.current().loaded if catalog is not None else None
    catalog = catalog or Catalog([])
    try:
        decoder = decoder_of(venue, catalog)
    except UnknownVenue as fault:
        raise Failure(str(fault), "tapehub scan --help", exit_codes.USAGE) from None
    run = scan_of(loaded, catalog, strategy or [], lambda first: named or first)
    progress = Progress(SystemClock(), "messages")
    count = 0

    def show(signals: list[Signal]) -> None:
        nonlocal count
        for signal in signals:
            count += 1
            if as_json:
                sys.stdout.buffer.write(json_line({"type": "signal", **signal.to_dict()}))
            else:
                say(_line(signal))

    with readable(source):
        for message in decoder.messages(source):
            if not symbol or getattr(message, "symbol", "") == symbol:
                show(run.take(message))
                progress.show(run.count)
        show(run.end(SETTLED_S))
    progress.close()
    if not run.count:
        raise Failure(f"{source} holds no message of {venue} {symbol}", "another --venue, or another file")
    if why:
        reasons = run.reasons()
        if as_json:
            print_json({"type": "why", "reasons": reasons})
        else:
            for name, counted in reasons.items():
                say(
                    f"{name}: "
                    + (
                        ", ".join(f"{number:,} {reason}" for reason, number in counted.items())
                        or "never asked"
                    )
                )
    note(f"% {run.count:,} messages, {count} revisions of signals")


def _line(signal: Signal) -> str:
    side = "buy " if signal.side > 0 else "sell"
    reasons = f"  [{'; '.join(signal.reasons)}]" if signal.reasons else ""
    prices = f"{signal.entry:g} stop {signal.stop:g} target {signal.target:g}"
    ended = f"  at {signal.exit_price:g}" if signal.exit_price else ""
    return (
        f"{utc_text(signal.ts_event_ns)}  {signal.state:<8} {side} {signal.symbol}  {signal.strategy}  {prices}{ended}  "
        f"{signal.confidence:.2f}x{signal.score:.2f}  {signal.text}{reasons}"
    )
