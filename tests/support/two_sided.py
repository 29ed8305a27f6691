"""A local venue with two sides, WebSockets and REST, in threads: what all those to test against have in common."""

from __future__ import annotations

import abc
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Protocol, Self

from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

CLOSING_S: Final = 10.0


class Droppable(Protocol):
    """A connection."""

    def drop(self) -> None:
        """Cut it without a word."""


class TwoSidedServer(abc.ABC):
    """Use as a context manager; addresses are in `ws_url` and `rest_url`.

    Args:
        clients: Filled by `_serve`; they are cut at the end.
    """

    def __init__(self, clients: Iterable[Droppable]) -> None:
        self._changed = threading.Condition()
        self._droppable = clients
        self._ws = serve(
            self._serve, "127.0.0.1", 0, process_request=self._admit, compression=None, max_size=2**20
        )
        self._rest = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._rest.daemon_threads = True
        self._threads = [
            threading.Thread(target=self._ws.serve_forever, daemon=True),
            threading.Thread(target=self._rest.serve_forever, args=(0.01,), daemon=True),
        ]

    @property
    def ws_url(self) -> str:
        """Base address of the WebSocket side."""
        return f"ws://127.0.0.1:{self._ws.socket.getsockname()[1]}"

    @property
    def rest_url(self) -> str:
        """Base address of the REST side."""
        return f"http://127.0.0.1:{self._rest.server_port}"

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()
        for client in list(self._droppable):
            client.drop()
        self._ws.shutdown()
        self._rest.shutdown()
        self._rest.server_close()
        for thread in self._threads:
            thread.join(CLOSING_S)

    @abc.abstractmethod
    def _release(self) -> None:
        """Let go of everybody who waits for something here."""

    @abc.abstractmethod
    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """What a handshake is refused with; None: it is taken."""

    @abc.abstractmethod
    def _serve(self, connection: ServerConnection) -> None:
        """Live through one connection."""

    @abc.abstractmethod
    def _handler(self) -> type[BaseHTTPRequestHandler]:
        """Answers the requests of the REST side."""
