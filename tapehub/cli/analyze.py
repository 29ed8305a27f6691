"""`tapehub analyze`: a recording through candles, indicators, order flow and detectors, without a running system."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tapehub.cli import context, exit_codes
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson
from tapehub.cli.output import print_json, print_table, say, utc_text
from tapehub.cli.recordings import configured_catalog, readable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FLOW: Final = (
    "delta",
    "cvd",
    "ofi",
    "vwap",
    "buy_volume",
    "sell_volume",
    "count",
    "book_imbalance",
    "microprice",
)
"""Values shown of each window; --json has all."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("analyze")(analyze)


def analyze(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="Recording of a venue, also .gz and .zst.")],
    venue: Annotated[str, typer.Option("--venue", metavar="VENUE", help="Whose recording it is.")],
    symbol: Annotated[
        str, typer.Option("--symbol", help="Only this canonical symbol.", show_default=False)
    ] = "",
    timeframe: Annotated[
        str, typer.Option("--tf", "--timeframe", metavar="TF", help="Of candles and footprints.")
    ] = "1m",
    as_json: AsJson = False,
) -> None:
    """Final values of a recording: candles, indicators, order flow, footprints, sweeps and alerts.

    The code is that of the live actors, time is the recording's. Settings are those of the configuration's first
    aggregator, orderflow and detector, default values without one. Exit code 1: the file cannot be read to its end.

      tapehub analyze day.gz --venue binance

      tapehub analyze day.gz --venue binance --json
    """
    from actors.collector.recorded.decode import Decoder, UnknownVenue
    from actors.runtime.clock import SystemClock
    from protocol.instruments import Catalog
    from tapehub.analysing import Analysis
    from tapehub.cli.progress import Progress
    from tapehub.folds import folds_of

    catalog = configured_catalog()
    loaded = context.current().loaded if catalog is not None else None
    catalog = catalog or Catalog([])
    try:
        decoder = Decoder(venue, catalog)
    except UnknownVenue as fault:
        raise Failure(str(fault), "tapehub analyze --help", exit_codes.USAGE) from None
    analysis = Analysis(venue, catalog, folds_of(loaded, catalog))
    progress = Progress(SystemClock(), "messages")
    with readable(source):
        for message in decoder.messages(source):
            if not symbol or getattr(message, "symbol", "") == symbol:
                analysis.take(message)
                progress.show(analysis.messages.total())
        analysis.end()
    progress.close()
    if not analysis.messages:
        raise Failure(f"{source} holds no message of {venue} {symbol}", "another --venue, or another file")
    found = {"venue": venue, "file": str(source), **analysis.to_dict(timeframe)}
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: dict[str, Any]) -> None:
    counts = ", ".join(f"{count:,} {kind}" for kind, count in found["messages"].items())
    say(f"{found['file']}: {counts}")
    for symbol, values in found["symbols"].items():
        say()
        say(f"{symbol}, order flow")
        print_table(
            ("WINDOW", "COMPLETE", *(name.upper() for name in _FLOW)),
            [
                [window, flow["reason"] or "yes", *_numbers(flow["values"], _FLOW)]
                for window, flow in [
                    *values["flows"].items(),
                    *(("session", one) for one in values["sessions"]),
                ]
            ],
            right=[name.upper() for name in _FLOW],
        )
        for timeframe, feature in values["features"].items():
            say()
            say(f"{symbol}, indicators of the {timeframe} candle of {utc_text(feature['ts_open_ns'])}")
            names = sorted(feature["values"])
            print_table(
                ("NAME", "VALUE"),
                [[name, *_numbers(feature["values"], [name])] for name in names],
                right=("VALUE",),
            )
        say()
        candles, footprints, sweeps = (len(values[name]) for name in ("bars", "footprints", "sweeps"))
        say(
            f"{symbol}: {candles} candles, {footprints} footprints, {sweeps} sweeps, {len(values['alerts'])} alerts"
        )
        for alert in values["alerts"]:
            say(f"  {utc_text(alert['ts_event_ns'])}  {alert['severity']}  {alert['rule']}: {alert['text']}")


def _numbers(values: Mapping[str, float], names: Sequence[str]) -> list[str]:
    return [f"{values[name]:.10g}" if name in values else "-" for name in names]
