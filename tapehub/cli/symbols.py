"""`tapehub symbols`: search, show, map."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tapehub.cli import exit_codes
from tapehub.cli.context import current
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson
from tapehub.cli.output import note, print_json, print_table, say

if TYPE_CHECKING:
    from protocol.instruments import Instrument
    from protocol.naming import Names, Reading, Spelling

OWNER = "VENUE|PROVIDER|BROKER"


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        help="Instruments and their names at each venue, provider and broker.", no_args_is_help=True
    )
    group.command("search")(search)
    group.command("show")(show)
    group.command("map")(map_name)
    app.add_typer(group, name="symbols")


def search(
    text: Annotated[str, typer.Argument(help="Part of a name; all by default.", show_default=False)] = "",
    as_json: AsJson = False,
) -> None:
    """Instruments that are called so, or have the text in any of their names. Exit 5 if none does.

    tapehub symbols search btc

    tapehub symbols search EURUSD.m

    tapehub symbols search --json
    """
    names = _names()
    symbols = names.catalog.symbols
    wanted, meant = text.upper(), _meant(names, text)
    found = [
        names.catalog.get(symbol)
        for symbol in symbols
        if symbol in meant or any(wanted in name.upper() for name in _all_names(names, symbol))
    ]
    if not found:
        near = difflib.get_close_matches(wanted, symbols, n=3, cutoff=0.4)
        hint = f"; near it: {', '.join(near)}" if near else ""
        raise Failure(f"no instrument holds {text!r}{hint}", "tapehub symbols search", exit_codes.NO_DATA)
    if as_json:
        print_json(found)
        return
    titles = ["SYMBOL", "CLASS", "BASE", "QUOTE", "TICK", "BARS FROM", "VENUES", "PROVIDERS", "ALIASES"]
    cells = [
        [
            row.symbol,
            row.asset_class or "-",
            row.base,
            row.quote,
            f"{row.tick_size:g}",
            row.bars_from,
            _listed(row.venues),
            _listed(row.providers),
            " ".join(row.aliases),
        ]
        for row in found
    ]
    print_table(titles, cells, right=("TICK",))


def show(
    symbol: Annotated[str, typer.Argument(help="Any name of it; see `map`.")], as_json: AsJson = False
) -> None:
    """Everything configured of one instrument; an unknown name is told the nearest ones."""
    import msgspec

    names = _names()
    row = names.catalog.get(_read(names, symbol).symbol)
    if as_json:
        print_json(row)
        return
    for name, value in msgspec.to_builtins(row).items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        say(f"{name:<13} {_listed(value) if isinstance(value, dict) else text}".rstrip())


def map_name(
    name: Annotated[
        str,
        typer.Argument(
            help="Any name: BTC_USDT, EURUSD=X, EURUSD.m; or with its owner, binance:usdm:BTCUSDT."
        ),
    ],
    to: Annotated[
        str, typer.Option("--to", metavar=OWNER, help="What this one calls it.", show_default=False)
    ] = "",
    source: Annotated[
        str, typer.Option("--from", metavar=OWNER, help="Who uses the name.", show_default=False)
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Translate a name: one of ours to everybody's, somebody else's to ours, any to that of --to.

    What it was taken for stands on stderr. Exit 5: nothing is called so, or --to has no name for it; 1: it may mean
    several instruments, all of which are named; 2: no such venue, provider or broker.

    tapehub symbols map BTC_USDT.PERP

    tapehub symbols map binance:usdm:BTCUSDT

    tapehub symbols map EURUSD.m --to ig

    tapehub symbols map BTCUSDT --from bybit --json
    """
    names = _names()
    for owner in filter(None, (to, source)):
        if owner not in names.owners:
            what = f"no venue, provider or broker {owner!r}; there are: {', '.join(names.owners)}"
            raise Failure(what, "name one of these, or add it to symbols.yaml", exit_codes.USAGE)
    reading = _read(names, name, source, as_json=as_json)
    found = names.spellings(reading.symbol, to)
    if to and not found:
        what = f"{to} has no name for {reading.symbol}"
        raise Failure(what, "add it to symbols.yaml, or tapehub symbols show", exit_codes.NO_DATA)
    if as_json:
        print_json(_document(name, reading, found))
        return
    if name != reading.symbol:
        note(f"{name}: {reading.symbol}, known as {reading}")
    if to:
        lines = [one.name for one in found]
    elif reading.spelling.owner:
        lines = [reading.symbol]
    else:
        lines = [str(one) for one in found]
    say("\n".join(lines))


def _document(name: str, reading: Reading, found: list[Spelling]) -> dict[str, Any]:
    known = reading.spelling
    document: dict[str, Any] = {
        "name": name,
        "symbol": reading.symbol,
        "known_from": {
            "kind": known.kind,
            "owner": known.owner,
            "name": known.name,
            "how": reading.how,
            "broker": reading.broker,
        },
        "venues": {one.owner: one.name for one in found if one.kind == "venue"},
        "providers": {one.owner: one.name for one in found if one.kind == "provider"},
        "brokers": {},
    }
    for one in found:
        if one.kind == "broker":
            document["brokers"].setdefault(one.owner, []).append(one.name)
    return document


def _read(names: Names, name: str, source: str = "", *, as_json: bool = False) -> Reading:
    """What a name means; several meanings are a failure that lists them."""
    from protocol.errors import InvalidRequest

    try:
        return names.resolve(name, source)
    except InvalidRequest as error:
        if as_json:
            print_json({"name": name, "error": error.code, "candidates": error.details["candidates"]})
        fix = "name one of them, or say who uses the name: --from VENUE, or VENUE:MARKET:NAME"
        raise Failure(error.message, fix, exit_codes.FAILURE) from None


def _meant(names: Names, text: str) -> list[str]:
    """Symbols that a whole name may mean."""
    from protocol.errors import InvalidRequest, UnknownSymbol

    try:
        return [names.resolve(text).symbol]
    except InvalidRequest as error:
        return list(error.details["candidates"])
    except UnknownSymbol:
        return []


def _names() -> Names:
    from protocol.instruments import Catalog
    from protocol.naming import Names

    loaded = current().loaded
    return Names(Catalog(loaded.instruments), loaded.brokers)


def _all_names(names: Names, symbol: str) -> list[str]:
    row: Instrument = names.catalog.get(symbol)
    others = [
        name for entry in names.brokers.values() for name, meant in entry.names.items() if meant == symbol
    ]
    return [symbol, *row.aliases, *row.venues.values(), *row.providers.values(), *others]


def _listed(rows: dict[str, str]) -> str:
    return ", ".join(f"{owner} {name}" for owner, name in sorted(rows.items()))
