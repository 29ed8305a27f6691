"""What there is: instruments, configured or heard of, found by any name; and topics."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from actors.gateway.api import parameters as par
from actors.gateway.api.answering import Viewed, many, one, replied
from actors.gateway.api.described import about
from actors.gateway.api.values import decoded
from actors.gateway.context import Context
from actors.gateway.rendering.envelopes import many_head
from actors.gateway.rendering.row_types import InstrumentRow, TopicRow
from actors.gateway.rendering.tables import RowTable
from protocol.client.results import SymbolInfo, TopicInfo
from protocol.instruments import Catalog, currencies_of
from protocol.naming import Names, folded
from protocol.requests import Request as Question

INSTRUMENTS: Final = "Instruments"
_symbols: Final = msgspec.msgpack.Decoder(dict[str, SymbolInfo]).decode
_topics: Final = msgspec.msgpack.Decoder(list[TopicInfo]).decode


def rows_of(catalog: Catalog, heard: dict[str, SymbolInfo]) -> dict[str, InstrumentRow]:
    """Every instrument, by symbol."""
    return {symbol: _row(catalog, symbol, info) for symbol, info in sorted(heard.items())}


def _row(catalog: Catalog, symbol: str, info: SymbolInfo) -> InstrumentRow:
    known: dict[str, Any] = {"heard": info.venues, "session": info.session}
    if info.age_s >= 0:
        known["age_s"] = info.age_s
    if symbol not in catalog:
        return InstrumentRow(symbol=symbol, is_configured=False, **known)
    found = catalog.get(symbol)
    base, quote = currencies_of(found)
    return InstrumentRow(
        symbol=symbol, base=base, quote=quote, asset_class=found.asset_class, tick_size=found.tick_size,
        pip_size=found.pip_size, contract_size=found.contract_size, bars_from=found.bars_from,
        inverse_of=found.inverse_of, flow_for=found.flow_for, aliases=list(found.aliases), venues=found.venues,
        providers=found.providers, **known,
    )  # fmt: skip


def matching(rows: dict[str, InstrumentRow], query: str, venue: str) -> list[InstrumentRow]:
    """Those at a venue whose symbol or another name holds the text; whole names first, then beginnings, then the rest."""
    at_venue = [row for row in rows.values() if not venue or venue in row.venues or venue in row.heard]
    if not query:
        return at_venue
    wanted = folded(query)
    ranked = [(_rank(row, wanted), row.symbol, row) for row in at_venue]
    return [row for rank, _, row in sorted(ranked, key=lambda one: one[:2]) if rank < _NONE]


_NONE: Final = 3


def _rank(row: InstrumentRow, wanted: str) -> int:
    names = [row.symbol, *row.aliases, *row.venues.values(), *row.providers.values()]
    found = [folded(name.rpartition(":")[2]) for name in names]
    if wanted in found:
        return 0
    if any(name.startswith(wanted) for name in found):
        return 1
    return 2 if any(wanted in name for name in found) else _NONE


def add_routes(router: APIRouter, context: Context) -> None:
    """The routes."""
    names = Names(context.catalog)

    @router.get("/instruments", **about("instruments_list", INSTRUMENTS, InstrumentRow))
    async def instruments(
        request: Request, view: Viewed,
        query: Annotated[
            str | None, Query(description="Part of the symbol or of another name of it.", max_length=64, examples=["btc"])
        ] = None,
        venue: par.VenueFilter = None,
    ) -> Response:  # fmt: skip
        """Every instrument that is configured or was heard of."""
        reply = await replied(context, request, Question(op="symbols"))
        rows = rows_of(context.catalog, decoded(_symbols, reply))
        found = matching(rows, query or "", venue or "")
        return await many(request, view, RowTable(found, InstrumentRow), many_head(reply))

    @router.get("/instruments/{symbol}", **about("instruments_get", INSTRUMENTS, InstrumentRow, shape="one"))
    async def instrument(request: Request, view: Viewed, symbol: par.Symbol) -> Response:
        """One instrument, by its symbol or any name that a venue, a provider or a person has for it."""
        reply = await replied(context, request, Question(op="symbols"))
        heard = decoded(_symbols, reply)
        found = symbol if symbol in heard else names.resolve(symbol).symbol
        row = _row(context.catalog, found, heard.get(found, SymbolInfo()))
        return await one(view, row, reply)

    @router.get("/topics", **about("topics_list", INSTRUMENTS, TopicRow))
    async def topics(
        request: Request, view: Viewed,
        prefix: Annotated[
            str, Query(description="How they begin.", max_length=200, examples=["trade.binance"])
        ] = "",
    ) -> Response:  # fmt: skip
        """Every topic of the bus that the hub has heard: counts, rate, age."""
        reply = await replied(context, request, Question(op="topics", topic=prefix))
        rows = decoded(_topics, reply)
        return await many(request, view, RowTable(rows, TopicRow), many_head(reply))
