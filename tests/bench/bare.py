"""A bare Starlette application that answers constant bytes, by uvicorn with the gateway's options.

`python -m tests.bench.bare FILE...`: each file is served at `/<its name>`, as JSON; `/ws` is a WebSocket whose clients
all get the bytes of `socket` (one of the files) as often as `?per_s=` of the first one says (0: as fast as it goes), with
the time of sending in place of its first `ts_recv_ns`, which must be nineteen zeros. Prints `ready URL`.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from pathlib import Path
from typing import Any, Final

import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from actors.gateway.serving import bind, server_of, url_of

MAX_CONNECTIONS: Final = 4000
STAMP: Final = '"ts_recv_ns":0000000000000000000'


def route_of(path: Path) -> Route:
    """Answers the bytes of a file."""
    body = path.read_bytes()

    async def answer(_request: Request) -> Response:
        return Response(body, media_type="application/json")

    return Route(f"/{path.name}", answer)


class FanOut:
    """Sends the same text to every client, one after the other."""

    def __init__(self, text: str) -> None:
        self._before, _, self._after = text.partition(STAMP)
        self._clients: set[WebSocket] = set()
        self._task: asyncio.Task[None] | None = None

    async def serve(self, socket: WebSocket) -> None:
        """One client, until it goes."""
        await socket.accept()
        self._clients.add(socket)
        if self._task is None:
            self._task = asyncio.create_task(self._send(float(socket.query_params.get("per_s", "0"))))
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await socket.receive_text()
        self._clients.discard(socket)

    async def _send(self, per_s: float) -> None:
        due_s = time.monotonic()
        while True:
            text = f'{self._before}"ts_recv_ns":{time.time_ns():019d}{self._after}'
            for client in list(self._clients):
                with contextlib.suppress(Exception):
                    await client.send_text(text)
            due_s = max(due_s + 1 / per_s, time.monotonic() - 1.0) if per_s else 0.0
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))


async def serve(paths: list[Path]) -> None:
    """Serve for ever."""
    routes: list[Any] = [route_of(path) for path in paths if path.name != "socket"]
    routes += [
        WebSocketRoute("/ws", FanOut(path.read_text()).serve) for path in paths if path.name == "socket"
    ]
    listener = bind("127.0.0.1", 0)
    with contextlib.closing(listener):
        print(f"ready {url_of(listener)}", flush=True)
        server = server_of(Starlette(routes=routes), MAX_CONNECTIONS)
        server.config.http, server.config.ws = "httptools", "websockets-sansio"  # uvicorn's own
        await server.serve([listener])


if __name__ == "__main__":
    uvloop.run(serve([Path(name) for name in sys.argv[1:]]))
