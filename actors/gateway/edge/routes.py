"""Who am I, and tickets for WebSockets."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.gateway.context import Context
from actors.gateway.edge.guard import caller_of
from actors.gateway.edge.tickets import LIFE_S, Tickets
from actors.gateway.edge.tokens import Tokens


def router_of(context: Context, tokens: Tokens, tickets: Tickets) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1", tags=["access"])

    @router.get("/whoami", operation_id="whoami", summary="Whose token it is, and what it may do")
    async def whoami(request: Request) -> Response:
        caller = caller_of(request.scope)
        found = {"name": caller.name, "scopes": sorted(caller.scopes), "needs_token": bool(tokens)}
        return _json(found)

    @router.post(
        "/ws-ticket", operation_id="ws_ticket", summary="A ticket for one WebSocket handshake of a browser"
    )
    async def ws_ticket(request: Request) -> Response:
        ticket = tickets.issue(caller_of(request.scope), context.clock.mono_ns())
        return _json({"ticket": ticket, "expires_s": LIFE_S})

    return router


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
