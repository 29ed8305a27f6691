"""`tapehub symbols`: search, show, map."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated

import typer

from tapehub.cli import exit_codes
from tapehub.cli.context import current
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson
from tapehub.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from protocol.instruments import Catalog, Instrument


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="Instruments and their names at each venue.", no_args_is_help=True)
    group.command("search")(search)
    group.command("show")(show)
    group.command("map")(map_name)
    app.add_typer(group, name="symbols")


def search(
    text: Annotated[str, typer.Argument(help="Part of a name; all by default.", show_default=False)] = "",
    as_json: AsJson = False,
) -> None:
    """Instruments whose name, alias or venue name holds the text. Exit 5 if none does.

    tapehub symbols search btc

    tapehub symbols search --json
    """
    catalog = _catalog()
    wanted = text.upper()
    found = [row for row in map(catalog.get, catalog.symbols) if any(wanted in name for name in _names(row))]
    if not found:
        near = difflib.get_close_matches(wanted, catalog.symbols, n=3, cutoff=0.4)
        hint = f"; near it: {', '.join(near)}" if near else ""
        raise Failure(f"no instrument holds {text!r}{hint}", "tapehub symbols search", exit_codes.NO_DATA)
    if as_json:
        print_json(found)
        return
    cells = [
        [
            row.symbol,
            row.base,
            row.quote,
            f"{row.tick_size:g}",
            row.bars_from,
            _venues(row),
            " ".join(row.aliases),
        ]
        for row in found
    ]
    print_table(["SYMBOL", "BASE", "QUOTE", "TICK", "BARS FROM", "VENUES", "ALIASES"], cells, right=("TICK",))


def show(
    symbol: Annotated[str, typer.Argument(help="Canonical name or alias.")], as_json: AsJson = False
) -> None:
    """Everything configured of one instrument; an unknown name is told the nearest ones."""
    import msgspec

    row = _catalog().get(symbol)
    if as_json:
        print_json(row)
        return
    for name, value in msgspec.to_builtins(row).items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        say(f"{name:<13} {_venues(row) if name == 'venues' else text}")


def map_name(
    name: Annotated[str, typer.Argument(help="BTC_USDT, or VENUE:MARKET:RAW like binance:usdm:BTCUSDT.")],
    as_json: AsJson = False,
) -> None:
    """Translate a name: canonical to each venue's, or a venue's to the canonical one. Exit 5 if nobody mapped it.

    tapehub symbols map BTC_USDT.PERP

    tapehub symbols map binance:usdm:BTCUSDT
    """
    catalog = _catalog()
    if ":" not in name:
        row = catalog.get(name)
        result: object = {"symbol": row.symbol, "venues": row.venues}
        text = "\n".join(f"{venue}:{raw}" for venue, raw in sorted(row.venues.items()))
    else:
        venue, _, rest = name.partition(":")
        market, _, raw = rest.rpartition(":")
        symbol = catalog.canonical(venue, market, raw)
        if symbol is None:
            what = f"{name} is mapped to no instrument"
            raise Failure(what, "add it to symbols.yaml, or tapehub symbols search", exit_codes.NO_DATA)
        result, text = {"symbol": symbol}, symbol
    if as_json:
        print_json(result)
    else:
        say(text)


def _catalog() -> Catalog:
    from protocol.instruments import Catalog

    return Catalog(current().loaded.instruments)


def _names(row: Instrument) -> list[str]:
    return [
        row.symbol,
        *(alias.upper() for alias in row.aliases),
        *(raw.upper() for raw in row.venues.values()),
    ]


def _venues(row: Instrument) -> str:
    return ", ".join(f"{venue} {raw}" for venue, raw in sorted(row.venues.items()))
