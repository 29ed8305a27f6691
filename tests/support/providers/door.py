"""A port with a server behind it that can be shut for a while, so that connections are refused."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

HOST: Final = "127.0.0.1"
_END_S: Final = 5.0


class _Connections:
    """Those that are open."""

    def __init__(self) -> None:
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()

    def add(self, connection: socket.socket) -> None:
        with self._changed:
            self._open.add(connection)

    def remove(self, connection: socket.socket) -> None:
        with self._changed:
            self._open.discard(connection)
            self._changed.notify_all()

    def cut(self) -> None:
        with self._changed:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def wait(self) -> None:
        """Until their threads have ended."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._open, _END_S), "a connection does not end"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_port = True

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler], connections: _Connections) -> None:
        self._connections = connections
        super().__init__((HOST, port), handler)

    def server_bind(self) -> None:
        """Without asking for the name of this host, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that it can be ended."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """It has ended."""
        super().shutdown_request(request)
        self._connections.remove(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients hang up."""


class Door:
    """Holds its port from the beginning; nobody else gets it while it is shut.

    Args:
        handler: Of each connection.
        port: 0: any that is free.
    """

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int = 0) -> None:
        self._handler = handler
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._connections = _Connections()
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._place.bind((HOST, port))
        self.port: int = self._place.getsockname()[1]

    @property
    def url(self) -> str:
        """Base address."""
        return f"http://{HOST}:{self.port}"

    @property
    def is_open(self) -> bool:
        """Whether connections are taken."""
        return self._server is not None

    def open(self) -> None:
        """Take connections."""
        self._server = _Server(self.port, self._handler, self._connections)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Refuse connections, and end those that are open."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._connections.cut()
        self._server = None

    def end(self) -> None:
        """Close, wait for the threads of connections, and give the port back."""
        self.close()
        self._connections.wait()
        self._place.close()


class QuietHandler(BaseHTTPRequestHandler):
    """Keeps connections open, and says nothing."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def send_whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Status, headers and body, with the length of the body."""
        self.send_head(status, headers, len(body))
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def send_head(self, status: int, headers: Mapping[str, str], size: int) -> None:
        """Status and headers."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""
