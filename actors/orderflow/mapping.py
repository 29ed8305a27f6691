"""Which instruments may flow into which pair: one per venue, and not into one that the venue has itself. Pure."""

from __future__ import annotations

from protocol.errors import UnknownSymbol
from protocol.instruments import REST, Catalog
from protocol.sessions import session_named


def mapping_problems(catalog: Catalog) -> list[str]:
    """What is wrong with sessions and `flow_for` of the instruments; empty if nothing is."""
    found: list[str] = []
    sources: dict[tuple[str, str], str] = {}
    for symbol in catalog.symbols:
        instrument = catalog.get(symbol)
        try:
            session_named(instrument.session).is_open(0)
        except ValueError as fault:
            found.append(f"symbols: {symbol}: {fault}")
        if not instrument.flow_for:
            continue
        try:
            pair = catalog.get(instrument.flow_for)
        except UnknownSymbol as fault:
            found.append(f"symbols: {symbol}: flow_for: {fault}")
            continue
        if instrument.inverse_of and instrument.inverse_of != pair.symbol:
            found.append(
                f"symbols: {symbol}: flow_for {pair.symbol} is not inverse_of {instrument.inverse_of}"
            )
        for venue in instrument.venues:
            if venue == REST:
                continue  # bars only: no trades flow from there
            other = sources.setdefault((venue, pair.symbol), symbol)
            if other != symbol or venue in pair.venues or pair.symbol == symbol:
                rival = other if other != symbol else pair.symbol
                found.append(
                    f"symbols: {symbol}: flow_for {pair.symbol}, which {venue} has from {rival} already"
                )
    return found
