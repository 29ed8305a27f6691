"""The fast way of the three reads that are asked most: everything, one tick, candles.

Behind the guard, in front of the framework: a plain request is understood by `plans`, asked, and answered with bytes that
all who share the hub's reply share as well. The routes of the document give the very same answers, and take whatever
is not plain; so speed is all that is different.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from actors.gateway.api import pages
from actors.gateway.api.answering import View, many, one
from actors.gateway.api.values import decoded, quote_row
from actors.gateway.context import Context
from actors.gateway.edge.headers import Pairs
from actors.gateway.hot.plans import Plan, accepts_json, plan_of
from actors.gateway.legacy.market_data import MarketData
from actors.gateway.rendering.envelopes import many_head
from actors.gateway.rendering.row_types import BarRow
from actors.gateway.rendering.tables import BarTable, RowTable
from actors.gateway.tracing import HUB_NS
from protocol.errors import HubError, error_from_code
from protocol.requests import Reply, Request
from protocol.windows import BarData

MOST_WAYS: Final = 256
_bars: Final = msgspec.msgpack.Decoder(BarData).decode
_encode: Final = msgspec.json.Encoder().encode
_VIEW: Final = View()
_MARKET_DATA: Final = ("all", "feed")
Refusal = Callable[[HttpRequest, Exception], Awaitable[Response]]


class Route(NamedTuple):
    """Stands for the framework's route in the scope: the metrics ask for its template."""

    path: str


class Way:
    """One plain request, and the newest answer to it."""

    __slots__ = ("body", "headers", "judged", "key", "merged", "plan", "reply", "request", "route", "status")

    def __init__(self, plan: Plan, request: Request) -> None:
        self.plan = plan
        self.request = request
        self.key = (plan, "rows")
        self.route = Route(plan.route)
        self.reply: Reply | None = None
        """The hub's reply that the answer was made of."""
        self.status = 200
        self.headers: Pairs = []
        self.body: bytes | memoryview = b""
        self.merged: dict[tuple[tuple[bytes, bytes], ...], Pairs] = {}
        """Request headers to all headers of this answer."""
        self.judged: dict[tuple[tuple[bytes, bytes], ...], Pairs | None] = {}
        """Request headers to what the guard adds; None: it is to look each time."""


class Hot:
    """ASGI: answers plain reads itself, hands everything else on.

    Args:
        app: Everything else.
        context: The gateway.
        refusal: Makes the answer of an error, as the framework's routes do.
    """

    def __init__(self, app: Any, context: Context, refusal: Refusal) -> None:
        self._app = app
        self._reads = context.reads
        self.refusal = refusal
        self._market = MarketData(context)
        self._has_store = any(name.startswith("persistence.") for name in context.common.actors)
        self._ways: dict[tuple[str, bytes], Way] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""
        way = self.way(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        if way is None:
            await self._app(scope, receive, send)
            return
        try:
            await self.fill(way, scope)
        except HubError as error:
            refused = await self.refusal(HttpRequest(scope), error)
            await refused(scope, receive, send)
            return
        status, headers, body = way.status, way.headers, way.body
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def fill(self, way: Way, scope: Any) -> None:
        """Let a way have the answer of now.

        Raises:
            HubError: there is none.
        """
        scope["route"] = way.route
        began_ns = time.monotonic_ns()
        try:
            reply = await self._reads.ask(way.request)
        finally:
            scope[HUB_NS] = time.monotonic_ns() - began_ns
        if way.reply is not reply:
            await self._make(way, reply, scope)

    def way(self, scope: Any) -> Way | None:
        """The plain GET that a request is; None: it is none."""
        path, query = scope["path"], scope["query_string"]
        way = self._ways.get((path, query))
        if way is None:
            plan = plan_of(path, query)
            if plan is None:
                return None
            way = Way(plan, self._question(plan))
            while len(self._ways) >= MOST_WAYS:
                del self._ways[next(iter(self._ways))]
            self._ways[path, query] = way
        if way.plan.kind not in _MARKET_DATA and not accepts_json(scope["headers"]):
            return None
        return way

    def _question(self, plan: Plan) -> Request:
        if plan.kind == "all":
            return self._market.ALL
        if plan.kind == "bars":
            return Request(
                op="candles", symbol=plan.symbol, venue=plan.venue, timeframe=plan.timeframe, n=plan.limit,
                allow_stale=plan.allow_stale,
            )  # fmt: skip
        return Request(op="tick", symbol=plan.symbol, venue=plan.venue, allow_stale=plan.allow_stale)

    async def _make(self, way: Way, reply: Reply, scope: Any) -> None:
        """Write the answer that everybody with this reply gets."""
        if not reply.ok:
            raise error_from_code(reply.code, reply.message, reply.details)
        plan = way.plan
        if plan.kind == "all":
            answer = Response(self._market.all_of(reply), media_type="application/json")
        elif plan.kind == "feed":
            answer = Response(self._market.feed_of(reply), media_type="application/json")
        elif plan.kind == "quote":
            answer = await one(_VIEW, quote_row(reply), reply)
        else:
            answer = await self._candles(way, reply, scope)
        way.status, way.headers, way.body = answer.status_code, answer.raw_headers, answer.body
        way.merged.clear()
        way.reply = reply

    async def _candles(self, way: Way, reply: Reply, scope: Any) -> Response:
        """Candles: their rows are written once per change, what is said of them for each reply."""
        table = BarTable(decoded(_bars, reply))
        count = len(table)
        rows = self._reads.kept.of_data(
            way.key, reply, lambda _: b'{"data":[' + _encode(table.part(0, count))[1:-1] + b"],"
        )
        is_more = count and (count >= way.plan.limit or self._has_store)
        head = many_head(reply, table.identity, pages.bars_cursor(table, is_older=True) if is_more else None)
        answer = await many(HttpRequest(scope), _VIEW, RowTable([], BarRow), head)
        answer.body = rows + _encode(head)[1:]
        answer.headers["content-length"] = str(len(answer.body))
        return answer
