"""One value: quote, best bid and offer, book, order flow, volume profile; and the list of quotes."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from actors.gateway.api import parameters as par
from actors.gateway.api.answering import Viewed, many, one, replied
from actors.gateway.api.described import about
from actors.gateway.context import Context
from actors.gateway.problems import problem_body
from actors.gateway.rendering.envelopes import age_of, many_head
from actors.gateway.rendering.row_types import (
    ROWS,
    BboRow,
    DepthRow,
    ListedQuoteRow,
    QuoteRow,
    bbo_row,
    depth_row,
    maker_of,
)
from actors.gateway.rendering.tables import RowTable
from protocol.across import ALL_VENUES, Consolidated, ConsolidatedDepth
from protocol.errors import DECODE_ERRORS, NoData, PayloadError, error_from_code
from protocol.messages import SESSION, Book, Flow, Footprint, Quote
from protocol.requests import Reply
from protocol.requests import Request as Question

MARKET: Final = "Market"
FLOW: Final = "Order flow"
_quote: Final = msgspec.msgpack.Decoder(Quote).decode
_book: Final = msgspec.msgpack.Decoder(Book).decode
_flow: Final = msgspec.msgpack.Decoder(Flow).decode
_footprints: Final = msgspec.msgpack.Decoder(list[Footprint]).decode
_bbo: Final = msgspec.msgpack.Decoder(Consolidated).decode
_depth: Final = msgspec.msgpack.Decoder(ConsolidatedDepth).decode
_replies: Final = msgspec.msgpack.Decoder(list[Reply]).decode


def decoded(decode: Any, reply: Reply) -> Any:
    """What is in a reply.

    Raises:
        PayloadError: the hub sent something else.
    """
    try:
        return decode(reply.data)
    except DECODE_ERRORS as fault:
        raise PayloadError(f"the hub's answer cannot be read: {fault}") from fault


def quote_row(reply: Reply) -> Any:
    """The row in a reply to `tick`."""
    return maker_of(Quote)([decoded(_quote, reply)])[0]


def listed_quotes(names: list[str], reply: Reply) -> tuple[list[Any], dict[str, dict[str, Any]]]:
    """Rows and refusals by symbol in a reply to `ticks`."""
    rows: list[Any] = []
    errors: dict[str, dict[str, Any]] = {}
    make: Any = ListedQuoteRow
    for index, part in enumerate(decoded(_replies, reply)):
        if part.ok:
            values = msgspec.structs.astuple(quote_row(part))
            rows.append(
                make(
                    *values, age_s=age_of(part), state=part.state, source=part.source, epoch=part.source_epoch,
                    seq=part.seq,
                )
            )  # fmt: skip
        else:
            name = names[index] if names else str(part.details.get("symbol", index))
            errors[name] = problem_body(error_from_code(part.code, part.message, part.details))
    return rows, errors


def add_routes(router: APIRouter, context: Context) -> None:
    """The routes."""

    @router.get("/quotes", **about("quotes_list", MARKET, ListedQuoteRow, is_live=True))
    async def quotes(
        request: Request,
        view: Viewed,
        symbols: Annotated[
            str | None,
            Query(
                description="Canonical symbols or aliases, commas between; without it all that have a quote.",
                pattern=par.SYMBOLS,
                max_length=par.MAX_SYMBOLS_LENGTH,
                examples=["BTC_USDT,ETH_USDT"],
            ),
        ] = None,
        venue: par.Venue = None,
        allow_stale: par.AllowStale = "false",
    ) -> Response:
        """Best bid and ask of many symbols. Those that are refused are in `errors`, each with its problem."""
        names = [name.strip() for name in (symbols or "").split(",") if name.strip()]
        question = Question(op="ticks", symbols=names, venue=venue or "", allow_stale=allow_stale == "true")
        reply = await replied(context, request, question)
        rows, errors = listed_quotes(names, reply)
        head = msgspec.structs.replace(many_head(reply, errors=errors), asked=len(names))
        return await many(request, view, RowTable(rows, ListedQuoteRow), head)

    @router.get("/quotes/{symbol}", **about("quotes_get", MARKET, QuoteRow, shape="one", is_live=True))
    async def quote(
        request: Request, view: Viewed, symbol: par.Symbol, venue: par.Venue = None,
        allow_stale: par.AllowStale = "false",
    ) -> Response:  # fmt: skip
        """Best bid and ask."""
        reply = await replied(context, request, _asked("tick", symbol, venue, allow_stale))
        return await one(view, quote_row(reply), reply)

    @router.get("/bbo/{symbol}", **about("bbo_get", MARKET, BboRow, shape="one"))
    async def bbo(request: Request, view: Viewed, symbol: par.Symbol) -> Response:
        """The best bid and offer over all venues, and what each venue says; old ones are left out, and named."""
        reply = await replied(context, request, Question(op="bbo", symbol=symbol))
        return await one(view, bbo_row(decoded(_bbo, reply)), reply)

    @router.get(
        "/book/{symbol}", **about("book_get", MARKET, ROWS[Book], DepthRow, shape="one", is_live=True)
    )
    async def book(
        request: Request, view: Viewed, symbol: par.Symbol, venue: par.Venue = None, depth: par.Depth = 20,
        allow_stale: par.AllowStale = "false",
    ) -> Response:  # fmt: skip
        """Order book, best level first; `venue=*`: those of all venues as one, each level with its venue."""
        question = msgspec.structs.replace(_asked("book", symbol, venue, allow_stale), depth=depth)
        reply = await replied(context, request, question)
        if venue == ALL_VENUES:
            return await one(view, depth_row(decoded(_depth, reply)), reply)
        return await one(view, maker_of(Book)([decoded(_book, reply)])[0], reply)

    @router.get("/orderflow/{symbol}", **about("orderflow_get", FLOW, ROWS[Flow], shape="one", is_live=True))
    async def orderflow(
        request: Request, view: Viewed, symbol: par.Symbol, window_s: par.WindowS = None,
        venue: par.Venue = None, allow_stale: par.AllowStale = "false",
    ) -> Response:  # fmt: skip
        """Delta, imbalance, vwap and the other metrics of order flow over one window, and how complete they are."""
        question = _asked("order_flow", symbol, venue, allow_stale)
        if window_s is not None:
            question = msgspec.structs.replace(question, args={"window_s": window_s})
        reply = await replied(context, request, question)
        return await one(view, maker_of(Flow)([decoded(_flow, reply)])[0], reply)

    @router.get("/profile/{symbol}", **about("profile_get", FLOW, ROWS[Footprint], shape="one", is_live=True))
    async def profile(
        request: Request, view: Viewed, symbol: par.Symbol, venue: par.Venue = None,
        allow_stale: par.AllowStale = "false",
    ) -> Response:  # fmt: skip
        """Volume by price and aggressor since the session began."""
        question = _asked("footprint", symbol, venue, allow_stale)
        question = msgspec.structs.replace(question, timeframe=SESSION, n=1)
        reply = await replied(context, request, question)
        found = decoded(_footprints, reply)
        if not found:
            raise NoData(f"the hub keeps no volume profile of {symbol}", symbol=symbol)
        return await one(view, maker_of(Footprint)(found[-1:])[0], reply)


def _asked(op: str, symbol: str, venue: str | None, allow_stale: str) -> Question:
    return Question(op=op, symbol=symbol, venue=venue or "", allow_stale=allow_stale == "true")
