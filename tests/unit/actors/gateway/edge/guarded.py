"""A guard in front of an application of the test, without a server."""

from __future__ import annotations

import asyncio
import collections
import logging
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from actors.gateway.edge.guard import Guard, caller_of
from actors.gateway.edge.settings import EdgeSettings, TokenSettings
from actors.gateway.edge.tickets import Tickets
from actors.gateway.edge.tokens import Tokens

TOKENS = {
    "desk": TokenSettings(token="r" * 40),
    "mt5": TokenSettings(token="p" * 40, scopes=["push"], source="mt5"),
    "boss": TokenSettings(token="a" * 40, scopes=["admin"]),
    "old": TokenSettings(token="o" * 40, expires="2026-01-01"),
}
HOST = "127.0.0.1:9800"


class Clock:
    """Stands still until told otherwise."""

    def __init__(self) -> None:
        self.ns = 1_795_000_000_000_000_000

    def now_ns(self) -> int:
        return self.ns

    def mono_ns(self) -> int:
        return self.ns


class Guarded:
    """The guard, what it has counted, and ways to ask."""

    def __init__(self, tokens: Mapping[str, TokenSettings] | None = None, **edge: Any) -> None:
        self.counters: collections.Counter[str] = collections.Counter()
        self.clock = Clock()
        self.tickets = Tickets()
        self.seen: list[Any] = []
        context: Any = SimpleNamespace(
            settings=SimpleNamespace(edge=EdgeSettings(**edge)),
            clock=self.clock,
            counters=self.counters,
            log=logging.getLogger("test"),
            drop=lambda reason, what="": self.counters.update((f"dropped.{reason}",)),
        )
        routes = [
            Route(path, handler, methods=["GET", "POST"])
            for path, handler in {
                "/slow": _slow, "/broken": _broken, "/half": _half, "/echo": self._echo, "/{rest:path}": self._answer,
            }.items()
        ]  # fmt: skip
        app = Starlette(routes=routes, exception_handlers={413: _too_large})
        self.guard = Guard(app, context, Tokens(tokens or {}), self.tickets)

    async def _answer(self, request: Request) -> Response:
        self.seen.append(caller_of(request.scope))
        return PlainTextResponse("inside")

    async def _echo(self, request: Request) -> Response:
        return Response(await request.body())

    def ask(self, method: str = "GET", path: str = "/api/v1/quotes", **options: Any) -> httpx2.Response:
        """One request."""

        async def asked() -> httpx2.Response:
            transport = httpx2.ASGITransport(
                app=self.guard, raise_app_exceptions=False, client=("10.0.0.9", 4711)
            )
            async with httpx2.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
                return await client.request(method, path, **options)

        return asyncio.run(asked())

    def with_token(self, letter: str, method: str = "GET", path: str = "/api/v1/quotes", **more: Any) -> int:
        """Status of a request that shows one of `TOKENS`."""
        headers = {"Authorization": f"Bearer {letter * 40}", **more.pop("headers", {})}
        return self.ask(method, path, headers=headers, **more).status_code

    def handshake(self, path: str = "/ws/v1", query: str = "", **headers: str) -> int:
        """Status of the refusal of a WebSocket, 101 where it is let in."""
        pairs = [
            (b"host", HOST.encode()),
            *((name.encode(), text.encode()) for name, text in headers.items()),
        ]
        scope = {
            "type": "websocket", "path": path, "query_string": query.encode(), "headers": pairs,
            "client": ("10.0.0.9", 4711), "extensions": {"websocket.http.response": {}},
        }  # fmt: skip
        told: list[int] = []
        inside: list[bool] = []

        async def app(_scope: Any, _receive: Any, _send: Any) -> None:
            inside.append(True)

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            if message["type"] == "websocket.http.response.start":
                told.append(message["status"])

        kept, self.guard._app = self.guard._app, app
        asyncio.run(self.guard(scope, receive, send))
        self.guard._app = kept
        return 101 if inside else told[0]


async def _slow(_request: Request) -> Response:
    await asyncio.Event().wait()
    raise AssertionError("never")


async def _broken(_request: Request) -> Response:
    raise RuntimeError("our own bug")


async def _half(_request: Request) -> Any:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"the first", "more_body": True})
        raise RuntimeError("our own bug")

    return app


async def _too_large(_request: Request, _error: Exception) -> Response:
    return Response(status_code=413)
