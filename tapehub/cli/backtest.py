"""`tapehub backtest`: stored data or recordings through the scanner, and what would have come of its signals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec.structs import replace

from tapehub.cli import context, exit_codes
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson, usage
from tapehub.cli.output import note, print_json, print_table, say
from tapehub.cli.recordings import configured_catalog
from tapehub.cli.recordings import readable as readable_file
from tapehub.cli.stored import (
    Database,
    Folder,
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

if TYPE_CHECKING:
    from actors.runtime.settings import Loaded
    from protocol.instruments import Catalog
    from protocol.messages import Message
    from tapehub.backtesting.runs import Result
    from tapehub.backtesting.sources import Selection
    from tapehub.backtesting.strategies import Asked


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backtest")(backtest)


def backtest(  # noqa: PLR0913, PLR0917 - one parameter per option
    strategy: Annotated[
        str, typer.Argument(metavar="STRATEGY", help="Of the configuration's scanner, or a plugin.")
    ],
    files: Annotated[
        list[Path] | None,
        typer.Option("--file", metavar="FILE", help="A recording instead of what is stored; again for more."),
    ] = None,
    venue: Annotated[
        str, typer.Option("--venue", metavar="VENUE", help="Whose data; of a file see tapehub decode.")
    ] = "",
    symbol: Annotated[
        list[str] | None, typer.Option("--symbol", help="Only this one; again for more.", show_default="all")
    ] = None,
    start: From = "",
    end: To = "",
    data: Annotated[
        str, typer.Option("--data", metavar="WHAT", help="ticks, minutes, or auto: ticks if there are.")
    ] = "auto",
    cost_pips: Annotated[
        float, typer.Option("--cost-pips", min=0.0, help="Of each trade, there and back.")
    ] = 0.0,
    spread_pips: Annotated[
        float, typer.Option("--spread-pips", min=0.0, help="Of minutes that have one price.")
    ] = 0.0,
    pip_size: Annotated[
        float, typer.Option("--pip-size", min=0.0, help="Of the symbols.", show_default="as configured")
    ] = 0.0,
    params: Annotated[
        list[str] | None,
        typer.Option(
            "--param", metavar="NAME=VALUE", help="Of the strategy, for this run.", show_default=False
        ),
    ] = None,
    no_shield: Annotated[bool, typer.Option("--no-shield", help="Without the rules of shield.yaml.")] = False,
    is_end: Annotated[
        bool, typer.Option("--times-are-ends", help="Times in a CSV of minutes are the ends of the minutes.")
    ] = False,
    named: Annotated[
        str, typer.Option("--as", metavar="VENUE", help="Say this venue of it.", show_default=False)
    ] = "",
    trades: Annotated[bool, typer.Option("--trades", help="Also every trade.")] = False,
    target: Annotated[
        Path | None,
        typer.Option(
            "--plot", metavar="FILE.svg", help="Where to draw it.", show_default="backtest-STRATEGY.svg"
        ),
    ] = None,
    no_plot: Annotated[bool, typer.Option("--no-plot", help="Draw nothing.")] = False,
    source: Source = "auto",
    database: Database = "",
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """What would have come of a strategy: the code of the live scanner, fills at touched prices, costs in pips.

    From the stores of the configuration, or from recordings (--file). Quotes and trades where there are any, else candles of
    one minute: a candle is known at its end, what it causes is entered at the next one's open, and where stop and target lie
    in one minute the stop counts. Past results are no promise.

      tapehub backtest trend_pullback --from 7d --symbol EUR_USD --cost-pips 0.5

      tapehub backtest mean_reversion --file bid.csv.gz --file ask.csv.gz --venue fx --trades

      tapehub backtest trend_pullback --file 6E.csv.gz --venue cme --symbol 6E.FUT --pip-size 0.0001 --spread-pips 0.5
    """
    with installed():
        from tapehub.backtesting.runs import Backtest, Costs
        from tapehub.backtesting.sources import DATA, Selection

    if data not in DATA:
        raise Failure(f"data {data!r} is none of {', '.join(DATA)}", "--data auto", exit_codes.USAGE)
    if target is not None and target.suffix != ".svg":  # it is replaced without asking
        raise Failure(f"{target} is no name of an SVG file", "--plot FILE.svg", exit_codes.USAGE)
    catalog, loaded = _catalog(is_needed=not files)
    asked = _asked(loaded, strategy, params or [], has_shield=not no_shield)
    chosen = Selection(_canonical(catalog, symbol or []), stretch_of(start, end))
    catalog = _with_pips(catalog, chosen.symbols, pip_size)
    test = Backtest(asked, catalog, Costs(cost_pips, spread_pips), chosen.stretch)
    with ExitStack() as stack, _words(files or []):
        if files:
            messages = _recorded(files, venue, catalog, chosen, is_end=is_end)
        else:
            stores = stores_of(context.current(), database, folder, source)
            stack.enter_context(readable(stores))
            if stores.is_empty(("quotes", "trades", "bars")):
                raise nothing_stored(stores)
            from tapehub.backtesting.stored import stored

            messages = stored(stack, stores, source, venue, chosen, data)
        result = _played(test, messages, data, named, f"{' '.join(chosen.symbols)}{chosen.stretch}")
    _show(result, has_trades=trades, as_json=as_json)
    if not no_plot:
        _draw(result, target, Path(f"backtest-{strategy}.svg"))


def _catalog(*, is_needed: bool) -> tuple[Catalog, Loaded | None]:
    """Instruments, and the configuration if there is one: without stored data none is needed."""
    from protocol.instruments import Catalog

    if is_needed:
        loaded = context.current().loaded
        return Catalog(loaded.instruments), loaded
    catalog = configured_catalog()
    return (Catalog([]), None) if catalog is None else (catalog, context.current().loaded)


def _asked(loaded: Loaded | None, strategy: str, params: list[str], *, has_shield: bool) -> Asked:
    from tapehub.backtesting.strategies import UnknownStrategy, asked_of, param_of

    given = usage(lambda texts: dict(map(param_of, texts)), params)
    try:
        return asked_of(loaded, strategy, given, has_shield=has_shield)
    except UnknownStrategy as fault:
        raise Failure(str(fault), "docs/howto/backtest.md says how to add one", exit_codes.USAGE) from None


def _canonical(catalog: Catalog, symbols: list[str]) -> list[str]:
    """Canonical names; one that nobody configured may be in the data all the same."""
    from protocol.errors import UnknownSymbol
    from protocol.topics import is_symbol

    found = []
    for symbol in symbols:
        try:
            found.append(catalog.get(symbol).symbol)
        except UnknownSymbol:
            if not is_symbol(symbol):
                raise Failure(f"{symbol!r} is no symbol", "such as EUR_USD", exit_codes.USAGE) from None
            found.append(symbol)
    return found


def _with_pips(catalog: Catalog, symbols: list[str] | Any, pip_size: float) -> Catalog:
    """The catalog with another size of a pip for some symbols."""
    from protocol.instruments import Catalog
    from tapehub.scanning import unknown_instrument

    if not pip_size:
        return catalog
    if not symbols:
        raise Failure("--pip-size of which symbol?", "--symbol with it", exit_codes.USAGE)
    rows = {name: catalog.get(name) for name in catalog.symbols}
    for name in symbols:
        rows[name] = replace(rows.get(name) or unknown_instrument(name, "quote"), pip_size=pip_size)
    return Catalog(rows.values())


def _recorded(
    files: list[Path], venue: str, catalog: Catalog, chosen: Selection, *, is_end: bool
) -> Iterator[Message]:
    from tapehub.backtesting.sources import recorded

    if not venue:
        raise Failure("whose recording is it?", "--venue; tapehub decode --help names them", exit_codes.USAGE)
    return recorded(files, venue, catalog, chosen, is_end=is_end)


def _played(test: Any, messages: Iterator[Message], data: str, named: str, wanted: str) -> Result:
    from actors.runtime.clock import SystemClock
    from tapehub.backtesting.sources import played
    from tapehub.cli.progress import Progress

    found = played(messages, data, named)
    if found is None:
        what = f"no data{' of' if wanted.strip() else ''} {wanted}".rstrip()
        raise Failure(what, "a wider --from and --to, or another --symbol or --venue", exit_codes.NO_DATA)
    progress = Progress(SystemClock(), "messages")
    result: Result = test.run(found, progress.show)
    progress.close()
    return result


@contextmanager
def _words(files: list[Path]) -> Iterator[None]:
    """Turns what is wrong with the data into words."""
    from tapehub.backtesting.sources import SourceError

    try:
        with readable_file(files[0] if files else Path("-")):
            yield
    except SourceError as fault:
        raise Failure(str(fault), fault.fix, exit_codes.USAGE) from None
    except ValueError as fault:
        raise Failure(f"the data cannot be played: {fault}", "sort it, or name one file only") from fault


def _show(result: Result, *, has_trades: bool, as_json: bool) -> None:
    from tapehub.backtesting.report import document_of
    from tapehub.backtesting.words import TITLES, TRADE_TITLES, head_lines, rows, trade_rows

    report, ledger = result
    if as_json:
        import msgspec

        document = document_of(report)
        if has_trades:
            document["trades"] = msgspec.to_builtins(ledger.trades)
        print_json(document)
        return
    if has_trades:
        print_table(
            TRADE_TITLES, trade_rows(ledger.trades), right=("entry", "stop", "target", "exit", "pips", "R")
        )
        say()
    for line in head_lines(report):
        say(line)
    say()
    print_table(TITLES, rows(report), right=TITLES[1:])
    if not report.signals and not report.why:
        note(
            "% the strategy was asked about nothing: see its symbols and venues in the settings, or say --as VENUE"
        )


def _draw(result: Result, target: Path | None, default: Path) -> None:
    from tapehub.backtesting.plot import plot

    path = target or default
    with destination(path, replace=True) as file:
        file.write(plot(*result).encode())
    note(f"% plot in {path}")
