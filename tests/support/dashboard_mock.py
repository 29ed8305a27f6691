"""A false gateway for the dashboard: the contract's answers from a market that is a function of time, and switches
for what a real one does rarely. `python -m tests.support.dashboard_mock [port]`.

POST /_control takes any of: {"token": "x", "down": ["binance"], "stale": ["BTC_USDT"], "is_silent": true,
"is_refusing": true, "drop": true, "updates_per_s": 20, "extra": 60, "headline": "text", "is_empty": true, "is_late": true, "new_stream": true, "holes": ["2026-11-20"]}; a
hole is a day of which no candle is stored; late: every third candle (of a second) comes after the one that follows it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.support.dashboard_answers import State, actors, answer, message_of, now_ns, problem

STATIC: Final = Path(__file__).parents[2] / "actors" / "gateway" / "static"
CSP: Final = (
    "default-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
SLOW: Final = {
    "quotes": 0.1,
    "trades": 0.2,
    "book": 0.1,
    "bars": 0.25,
    "features": 1.0,
    "flow": 1.0,
    "footprints": 1.0,
    "actors": 1.0,
}


class Session:
    """One WebSocket."""

    def __init__(self, state: State, socket: WebSocket) -> None:
        self.state, self.socket = state, socket
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def say(self, message: Mapping[str, Any]) -> None:
        """Send, unless we play dead."""
        if not self.state.is_silent:
            await self.socket.send_text(json.dumps(message))

    async def data(
        self, channel: Mapping[str, Any], topic: str, kind: str, rows: list[dict[str, Any]], **more: Any
    ) -> None:
        """One message of a channel."""
        seq = self.state.seqs[topic] = self.state.seqs.get(topic, 0) + 1
        await self.say(
            {
                "ch": channel["name"],
                "t": kind,
                "topic": topic,
                "seq": seq,
                "ts_ns": now_ns(),
                "data": rows,
                **more,
            }
        )

    async def serve(self, channel: Mapping[str, Any], *, snapshot: bool) -> None:
        """Send a channel until nobody wants it."""
        name, wanted = channel["name"], channel.get("symbols", ["*"])
        if name in ("news", "alerts", "signals", "gaps"):
            if snapshot:
                await self.data(channel, name, "snapshot", self.state.events(name, now_ns()))
            return
        pause_s = 1 / self.state.updates_per_s if name in ("quotes", "bars", "trades", "book") else SLOW[name]
        for number in itertools.count(1):
            if name == "actors":
                await self.data(channel, name, "update", actors(self.state))
            for one in self.state.listings():
                is_wanted = "*" in wanted or one.symbol in wanted
                if (
                    name == "actors"
                    or not is_wanted
                    or self.state.state_of(one) != "fresh"
                    or channel.get("venue", "") not in ("", one.venue)
                ):
                    continue
                timeframe = {"timeframe": channel["timeframes"][0]} if channel.get("timeframes") else {}
                rows = message_of(self.state, channel, one, number)
                if not rows:
                    continue
                topic = ".".join([name.rstrip("s"), one.venue, one.symbol, *timeframe.values()])
                await self.data(
                    channel, topic, "update", rows, symbol=one.symbol, venue=one.venue, **timeframe
                )
            await asyncio.sleep(pause_s)

    async def take(self, request: Mapping[str, Any]) -> None:
        """Answer one operation."""
        for channel in request.get("channels", []):
            key = json.dumps(channel, sort_keys=True)
            if task := self.tasks.pop(key, None):
                task.cancel()
            if request["op"] != "unsubscribe":
                serving = self.serve(channel, snapshot=request["op"] == "subscribe")
                self.tasks[key] = asyncio.create_task(serving)
        if request["op"] == "resume":
            topics = {name: {"is_complete": True, "from_seq": 1} for name in request.get("topics", {})}
            await self.say({"op": "resumed", "id": request.get("id"), "topics": topics})
        elif request["op"] == "subscribe":
            await self.say({"op": "subscribed", "id": request.get("id"), "channels": []})

    async def beat(self) -> None:
        """Heartbeats."""
        while True:
            await self.say({"op": "heartbeat", "ts_ns": now_ns()})
            await asyncio.sleep(1)


def app_of(state: State) -> Starlette:  # noqa: C901 - four small handlers around one state
    """The application."""

    async def get(request: Request) -> Response:
        if state.token and request.headers.get("authorization") != f"Bearer {state.token}":
            return problem(401, "unauthorized", "a token is wanted: Authorization: Bearer")
        if request.method == "POST":
            return JSONResponse({"ticket": "t1", "expires_s": 30})
        found = answer(state, request.path_params["path"], request.query_params)
        return problem(404, "unknown_symbol", "nothing there") if found is None else JSONResponse(found)

    async def control(request: Request) -> Response:
        orders = await request.json()
        if orders.pop("drop", False):
            for socket in list(state.sockets):
                await socket.close(1012)
        if orders.pop("new_stream", False):
            state.stream += "1"
            state.seqs.clear()
        if headline := orders.pop("headline", ""):
            state.headlines.append(headline)
        vars(state).update({key: value for key, value in orders.items() if key in vars(state)})
        return JSONResponse({"ok": True})

    async def connect(socket: WebSocket) -> None:
        if state.is_refusing or (state.token and socket.query_params.get("ticket") != "t1"):
            await socket.close(1008)
            return
        await socket.accept()
        state.sockets.add(socket)
        session = Session(state, socket)
        await session.say({"op": "hello", "stream": state.stream, "ts_ns": now_ns(), "heartbeat_s": 1, "version": "0.1.0", "ttl_s": {"quote": 5}, "scopes": ["read"]})  # fmt: skip
        session.tasks["beat"] = asyncio.create_task(session.beat())
        try:
            while True:
                await session.take(json.loads(await socket.receive_text()))
        except WebSocketDisconnect:
            pass
        finally:
            state.sockets.discard(socket)
            for task in session.tasks.values():
                task.cancel()
            await asyncio.gather(*session.tasks.values(), return_exceptions=True)

    routes = [
        Route("/_control", control, methods=["POST"]),
        Route("/api/v1/{path:path}", get, methods=["GET", "POST"]),
        WebSocketRoute("/ws/v1", connect),
        Mount("/", StaticFiles(directory=STATIC, html=True)),
    ]
    return Starlette(routes=routes)


class WithPolicy:
    """Adds the content security policy that the real gateway sends."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""

        async def with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"content-security-policy", CSP.encode()))
            await send(message)

        await self._app(scope, receive, with_policy)


def main() -> None:
    """Serve until interrupted."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9877
    uvicorn.run(
        WithPolicy(app_of(State())), host="127.0.0.1", port=port, log_level="warning", ws="websockets-sansio"
    )


if __name__ == "__main__":
    main()
