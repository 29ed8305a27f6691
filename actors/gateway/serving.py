"""The HTTP server: uvicorn without its own signals, logs and start-up, on a socket that is bound already."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from typing import Any, Final

import uvicorn

from actors.gateway.sockets.line import SocketProtocol
from actors.gateway.stuck import KERNEL_BYTES, Unstuck
from protocol.endpoints import EXIT_CANNOT_BIND
from protocol.errors import StartError

BACKLOG: Final = 2048
HEAD_S: Final = 10.0
"""Time for the head of a request, from the connection or its first byte on."""
PING_S: Final = 20.0
MAX_SOCKET_MESSAGE_BYTES: Final = 64 * 1024
GOODBYE_S: Final = 2
"""Time for answers under way when the gateway ends."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 is any free one.

    Raises:
        StartError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)  # of every connection
        listener.bind((host, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)  # noqa: FBT003 - its only argument
    except OSError as fault:
        listener.close()
        text = f"cannot listen at {host}:{port}: {fault.strerror or fault}; set actors.gateway.1.port"
        raise StartError(text, EXIT_CANNOT_BIND) from fault
    return listener


def url_of(listener: socket.socket) -> str:
    """What to type into a browser."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """Signals are the actor's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Catch none."""
        yield


class Connection(Unstuck):
    """One connection; who does not finish the head of a request in time is hung up on."""

    _too_slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio."""
        super().connection_made(transport)
        self._too_slow = self.loop.call_later(HEAD_S, transport.close)

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if self._too_slow is None and (self.cycle is None or self.cycle.response_complete):
            self._too_slow = self.loop.call_later(HEAD_S, self.transport.close)
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """See httptools."""
        self._in_time()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._in_time()
        super().connection_lost(exc)

    def _in_time(self) -> None:
        if self._too_slow is not None:
            self._too_slow.cancel()
            self._too_slow = None


def server_of(app: Any, max_connections: int) -> Server:
    """A server for an ASGI application."""
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # it has two lines for each WebSocket
    return Server(
        uvicorn.Config(
            app,
            http=Connection,
            ws=SocketProtocol,
            ws_max_size=MAX_SOCKET_MESSAGE_BYTES,
            ws_ping_interval=PING_S,
            ws_ping_timeout=PING_S,
            ws_per_message_deflate=False,
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=max_connections,
            timeout_graceful_shutdown=GOODBYE_S,
        )
    )
