"""What happened, of all instruments or of one: news, alerts, signals, liquidations, sweeps, verdicts, gaps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from actors.gateway.api import parameters as par
from actors.gateway.api.answering import Viewed, many, replied
from actors.gateway.api.described import about
from actors.gateway.api.values import decoded
from actors.gateway.context import Context
from actors.gateway.rendering.envelopes import many_head
from actors.gateway.rendering.row_types import ROWS
from actors.gateway.rendering.tables import MessageTable
from protocol.client import questions
from protocol.derived import SIGNAL_STATES
from protocol.messages import Alert, Gap, Liquidation, News, Signal, Sweep, Verdict
from protocol.requests import Request as Question

EVENTS: Final = "Events"
_LISTS: Final[dict[str, tuple[type[Any], str]]] = {
    "news": (News, "Headlines, oldest first."),
    "alerts": (Alert, "What was unusual, with the numbers that caused it, oldest first."),
    "liquidations": (Liquidation, "Forced orders, oldest first; venues send a sample of them."),
    "sweeps": (Sweep, "Aggressive orders that took several price levels at once, oldest first."),
    "verdicts": (
        Verdict,
        "What became of provider's candles that were not taken as they came, oldest first.",
    ),
}
STRATEGY: Final = r"^[A-Za-z0-9_.-]{1,64}$"
_MORE: Final = " The newest `limit`; those of one symbol from earlier: `/history`."
SignalState = Literal["open", "vetoed", "target", "stopped", "expired", "cancelled"]
GapKind = Literal["trade", "quote", "book", "bar"]
GapState = Literal["open", "filling", "filled", "unfillable"]
SymbolFilter = Annotated[
    str | None,
    Query(description="Only of this symbol or alias.", min_length=1, max_length=64, examples=["BTC_USDT"]),
]


def chosen_of(
    strategy: Annotated[
        str | None, Query(description="Only of this strategy.", pattern=STRATEGY, examples=["ema_cross"])
    ] = None,
    state: Annotated[
        SignalState | None, Query(description="Only those that are in it now.", examples=["open"])
    ] = None,
    min_confidence: Annotated[
        float,
        Query(
            description="Least confidence of its strategy.", ge=0, le=1, allow_inf_nan=False, examples=[0.6]
        ),
    ] = 0.0,
    include_vetoed: Annotated[
        Literal["true", "false"],
        Query(
            description="Those that the shield refused too; `state=vetoed`: only those.", examples=["true"]
        ),
    ] = "false",
) -> dict[str, Any]:
    """What the parameters say, as `questions.signals` has it."""
    states = [state] if state else list(SIGNAL_STATES) if include_vetoed == "true" else []
    return {"strategy": strategy or "", "states": states, "min_confidence": min_confidence}


Chosen = Annotated[dict[str, Any], Depends(chosen_of)]


def add_routes(router: APIRouter, context: Context) -> None:
    """The routes."""
    for op, (kind, text) in _LISTS.items():
        router.get(f"/{op}", description=text + _MORE, **about(f"{op}_list", EVENTS, ROWS[kind]))(
            _listing(context, op, kind)
        )

    decode_signals = msgspec.msgpack.Decoder(list[Signal]).decode

    @router.get("/signals", **about("signals_list", EVENTS, ROWS[Signal]))
    async def signals(
        request: Request, view: Viewed, chosen: Chosen, limit: par.Limit = 500, symbol: SymbolFilter = None,
        venue: par.VenueFilter = None,
    ) -> Response:  # fmt: skip
        """What strategies say and what became of it: one row per signal, its newest revision, oldest first; the newest
        `limit`. Every revision, also of long ago: `/history` with kind signal.
        """
        asked = questions.signals(limit, symbol=symbol or "", venue=venue or "", **chosen)
        reply = await replied(context, request, asked.request)
        table = MessageTable(decoded(decode_signals, reply), Signal)
        return await many(request, view, table, many_head(reply))

    decode_gaps = msgspec.msgpack.Decoder(list[Gap]).decode

    @router.get("/gaps", **about("gaps_list", EVENTS, ROWS[Gap]))
    async def gaps(
        request: Request, view: Viewed, limit: par.Limit = 500, symbol: SymbolFilter = None,
        venue: par.VenueFilter = None,
        kind: Annotated[GapKind | None, Query(description="Which messages are missing.", examples=["trade"])] = None,
        state: Annotated[GapState | None, Query(description="What became of it.", examples=["open"])] = None,
    ) -> Response:  # fmt: skip
        """Holes in the feeds, in order of announcement; the newest `limit`."""
        question = Question(
            op="gaps", n=limit, symbol=symbol or "", venue=venue or "", kind=kind or "",
            args={"state": state} if state else {},
        )  # fmt: skip
        reply = await replied(context, request, question)
        table = MessageTable(decoded(decode_gaps, reply), Gap)
        return await many(request, view, table, many_head(reply))


def _listing(context: Context, op: str, kind: type[Any]) -> Callable[..., Any]:
    decode = msgspec.msgpack.Decoder(list[kind]).decode  # type: ignore[valid-type]

    async def listing(
        request: Request, view: Viewed, limit: par.Limit = 500, symbol: SymbolFilter = None,
        venue: par.VenueFilter = None,
    ) -> Response:  # fmt: skip
        question = Question(op=op, n=limit, symbol=symbol or "", venue=venue or "")
        reply = await replied(context, request, question)
        table = MessageTable(decoded(decode, reply), kind)
        return await many(request, view, table, many_head(reply))

    listing.__name__ = op
    return listing
