"""`/ws/v1`, and `/ws` as clients of the old hub know it."""

from __future__ import annotations

import importlib
from typing import Any

from fastapi import APIRouter
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from actors.gateway.context import Context
from actors.gateway.sockets.channels import Row
from actors.gateway.sockets.dialects import JSON, MSGPACK, OLD
from actors.gateway.sockets.feed import Feed
from actors.gateway.sockets.joiner import Joiner
from actors.gateway.sockets.memories import Memories
from actors.gateway.sockets.old_session import OldSession
from actors.gateway.sockets.session import Session, connect, converse


def router_of(context: Context) -> APIRouter:
    """The routes."""
    broadcast = context.broadcast
    memories = Memories(context.reads, broadcast.feeds)
    joiner = Joiner(broadcast, memories)
    broadcast.actor_rows = lambda: _rows_of_actors(context)

    def mend(feed: Feed) -> None:
        memories.mend(feed, context.clock.now_ns, context.clock.mono_ns)

    broadcast.mend = mend

    async def ws_v1(socket: WebSocket) -> None:
        dialect = MSGPACK if socket.query_params.get("encoding") == "msgpack" else JSON
        joined = await connect(socket.scope, socket.receive, socket.send, broadcast, dialect)
        if joined is None:
            return
        client, caller = joined
        try:
            session = Session(broadcast, joiner, client, context.drop)
            session.hello(caller)
            await converse(socket.receive, session.take, client)
        finally:
            broadcast.dismiss(client)

    async def ws_old(socket: WebSocket) -> None:
        joined = await connect(socket.scope, socket.receive, socket.send, broadcast, OLD)
        if joined is None:
            return
        client, _ = joined
        try:
            session = OldSession(broadcast, joiner, client, context.drop)
            await session.begin()
            await converse(socket.receive, session.take, client)
        finally:
            broadcast.dismiss(client)

    router = APIRouter()
    router.routes += [WebSocketRoute("/ws/v1", ws_v1), WebSocketRoute("/ws", ws_old)]
    return router


def _rows_of_actors(context: Context) -> list[Row]:
    """As `GET /api/v1/actors` has them."""
    module: Any = importlib.import_module("actors.gateway.operations.actors")
    rows: list[Row] = module.rows(context)
    return rows
