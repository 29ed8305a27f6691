"""Rows of one symbol: candles, trades, indicators, footprints, order flow and everything stored."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from actors.gateway.api import pages
from actors.gateway.api import parameters as par
from actors.gateway.api.answering import Viewed, many, replied
from actors.gateway.api.cursors import cursor_of
from actors.gateway.api.described import about
from actors.gateway.api.fetching import Page, ended, filtered_page, page
from actors.gateway.api.pages import Wanted
from actors.gateway.api.values import FLOW, MARKET, decoded
from actors.gateway.context import Context
from actors.gateway.rendering.envelopes import many_head
from actors.gateway.rendering.row_types import ROWS, BarRow
from actors.gateway.rendering.tables import BarTable, MessageTable, chosen
from protocol.errors import InvalidRequest
from protocol.history import HISTORY_KINDS, SERIES_KINDS
from protocol.messages import Feature, Flow, Footprint, Trade
from protocol.requests import Request as Question
from protocol.windows import BarData

HISTORY: Final = "History"
_bars: Final = msgspec.msgpack.Decoder(BarData).decode
_trades: Final = msgspec.msgpack.Decoder(list[Trade]).decode
_features: Final = msgspec.msgpack.Decoder(list[Feature]).decode
_footprints: Final = msgspec.msgpack.Decoder(list[Footprint]).decode
TIMED: Final = ("bar", *SERIES_KINDS)
"""Kinds that have a timeframe."""
Kind = Literal[
    "bar",
    "trade",
    "quote",
    "gap",
    "feature",
    "footprint",
    "flow",
    "alert",
    "signal",
    "liquidation",
    "sweep",
    "verdict",
]


def add_routes(router: APIRouter, context: Context) -> None:  # noqa: C901 - one function per route
    """The routes."""
    has_store = any(name.startswith("persistence.") for name in context.common.actors)

    async def past(request: Request, view: Viewed, found: Page) -> Response:
        return await many(request, view, found.table, found.head, found.closed, context.reads.blocks)

    @router.get("/bars/{symbol}", **about("bars_list", MARKET, BarRow, is_live=True, has_ranges=True))
    async def bars(
        request: Request, view: Viewed, symbol: par.Symbol, span: par.Spanned, tf: par.Timeframe = "1m",
        allow_stale: par.AllowStale = "false",
    ) -> Response:  # fmt: skip
        """Candles, oldest first. Without a range the newest `limit`, the running one last; older ones by cursor."""
        if span.is_past:
            wanted = _wanted("bar", symbol, tf, span)
            return await past(request, view, await page(context, request, wanted))
        question = Question(
            op="candles", symbol=symbol, venue=span.venue, timeframe=tf, n=span.limit, allow_stale=allow_stale == "true"
        )  # fmt: skip
        reply = await replied(context, request, question)
        table = BarTable(decoded(_bars, reply))
        may_have_more = len(table) > 0 and (len(table) >= span.limit or has_store)  # the hub keeps few
        text = pages.bars_cursor(table, is_older=True) if may_have_more else None
        head = many_head(reply, table.identity, text)
        return await many(request, view, table, head, blocks=context.reads.blocks)

    @router.get(
        "/trades/{symbol}", **about("trades_list", MARKET, ROWS[Trade], is_live=True, has_ranges=True)
    )
    async def trades(
        request: Request, view: Viewed, symbol: par.Symbol, span: par.Spanned,
        allow_stale: par.AllowStale = "false",
    ) -> Response:  # fmt: skip
        """Trades, oldest first. Without a range the newest `limit`; older ones by cursor."""
        if span.is_past:
            wanted = _wanted("trade", symbol, "", span)
            return await past(request, view, await page(context, request, wanted))
        question = Question(
            op="trades", symbol=symbol, venue=span.venue, n=span.limit, allow_stale=allow_stale == "true"
        )
        reply = await replied(context, request, question)
        rows, text = sorted(decoded(_trades, reply), key=lambda one: one.ts_event_ns), None
        if rows and (len(rows) >= span.limit or has_store):
            wanted = Wanted("trade", symbol, limit=span.limit)
            rows, text = await ended(context, request, wanted, rows)
        table = MessageTable(rows, Trade, is_series=True)
        return await many(request, view, table, many_head(reply, table.identity, text))

    async def series(
        request: Request, view: Viewed, op: str, decode: Any, kind: type[Any], names: list[str], **asked: Any
    ) -> Response:
        reply = await replied(context, request, Question(op=op, **asked))
        rows = decoded(decode, reply)
        if names:
            try:
                rows = chosen(rows, names)
            except KeyError as missing:
                known = sorted({name for one in rows for name in one.values})
                raise InvalidRequest(
                    f"no indicator {missing.args[0]!r} here; there is {', '.join(known) or 'none yet'}", errors=["names"]
                ) from missing  # fmt: skip
        table = MessageTable(rows, kind, is_series=True)
        return await many(request, view, table, many_head(reply, table.identity))

    @router.get("/indicators/{symbol}", **about("indicators_list", MARKET, ROWS[Feature], is_live=True))
    async def indicators(
        request: Request, view: Viewed, symbol: par.Symbol, tf: par.Timeframe = "1m", limit: par.Limit = 500,
        names: par.Names = None, venue: par.Venue = None, allow_stale: par.AllowStale = "false",
    ) -> Response:  # fmt: skip
        """Indicator values of the newest candles, oldest first; `layout=columns` has a column per indicator, null
        where it had not warmed up. Older ones: `/history` with kind feature.
        """
        wanted = [name for name in (names or "").split(",") if name]
        return await series(
            request, view, "features_history", _features, Feature, wanted,
            symbol=symbol, timeframe=tf, n=limit, venue=venue or "", allow_stale=allow_stale == "true",
        )  # fmt: skip

    @router.get("/footprints/{symbol}", **about("footprints_list", FLOW, ROWS[Footprint], is_live=True))
    async def footprints(
        request: Request, view: Viewed, symbol: par.Symbol, tf: par.Timeframe = "1m", limit: par.Limit = 500,
        venue: par.Venue = None, allow_stale: par.AllowStale = "false",
    ) -> Response:  # fmt: skip
        """Volume by price and aggressor of the newest candles, oldest first. Older ones: `/history` with kind footprint."""
        return await series(
            request, view, "footprint", _footprints, Footprint, [],
            symbol=symbol, timeframe=tf, n=limit, venue=venue or "", allow_stale=allow_stale == "true",
        )  # fmt: skip

    @router.get("/orderflow/{symbol}/history", **about("orderflow_list", FLOW, ROWS[Flow], has_ranges=True))
    async def flows(
        request: Request, view: Viewed, symbol: par.Symbol, span: par.Spanned, window_s: par.WindowS = None,
    ) -> Response:  # fmt: skip
        """Stored order flow, oldest first; of one window length, or of all. A page may be short and not the last."""
        wanted = _wanted("flow", symbol, "", span)
        if window_s is None:
            return await past(request, view, await page(context, request, wanted))
        found = await filtered_page(context, request, wanted, lambda one: one.window_s == window_s)
        return await past(request, view, found)

    @router.get(
        "/history/{symbol}",
        **about(
            "history_list", HISTORY, *(ROWS[pages.TYPES[kind]] for kind in HISTORY_KINDS), has_ranges=True
        ),
    )
    async def history(
        request: Request, view: Viewed, symbol: par.Symbol, span: par.Spanned,
        kind: Annotated[Kind, Query(description="What of it.", examples=["trade"])] = "bar",
        tf: par.Timeframe = "1m",
    ) -> Response:  # fmt: skip
        """Everything stored of a symbol, and what the hub keeps, as one: page by page. `missing` names what is not there."""
        wanted = _wanted(kind, symbol, tf if kind in TIMED else "", span)
        return await past(request, view, await page(context, request, wanted))


def _wanted(kind: str, symbol: str, tf: str, span: par.Span) -> Wanted:
    found = cursor_of(span.cursor, kind) if span.cursor else None
    return Wanted(kind, symbol, tf, span.venue, span.from_ns, span.to_ns, span.limit, found)
