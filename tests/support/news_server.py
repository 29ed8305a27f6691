"""A web server with feeds for a test to steer: what each path answers, and what it was asked.

Pages know their ETag and answer 304; anything else (a status, a redirect, an answer that drips or breaks off) is a
function of the test's.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit

Answer = Callable[[BaseHTTPRequestHandler], None]


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Clients hang up."""


class NewsServer:
    """Use as a context manager; `url(path)` is the address of a page."""

    def __init__(self) -> None:
        self.pages: dict[str, Answer] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        """(path with query, headers in lower case) of each request."""
        self.answers: Counter[tuple[str, int]] = Counter()
        """(path, status) to how often it was answered."""
        self.ended = threading.Event()
        """Set at the end: an answer that drips waits on it between two bytes."""
        self._server = _QuietServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def url(self, path: str) -> str:
        """Address of a page."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def page(
        self,
        path: str,
        body: str | bytes,
        content_type: str = "application/rss+xml; charset=utf-8",
        *,
        has_etag: bool = True,
        is_gzipped: bool = False,
    ) -> None:
        """Serve a document, and 304 to whoever has it."""
        data = body.encode() if isinstance(body, str) else body
        etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'

        def answer(handler: BaseHTTPRequestHandler) -> None:
            headers = {"ETag": etag, "Last-Modified": "Sat, 15 Aug 2026 17:26:43 GMT"} if has_etag else {}
            if has_etag and handler.headers.get("If-None-Match") == etag:
                send(handler, 304, b"", headers)
                return
            headers["Content-Type"] = content_type
            if is_gzipped:
                headers["Content-Encoding"] = "gzip"
            send(handler, 200, gzip.compress(data) if is_gzipped else data, headers)

        self.pages[path] = answer

    def refuse(self, path: str, status: int, **headers: str) -> None:
        """Answer with a status; `Retry_After="5"` becomes the header `Retry-After: 5`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = lambda handler: send(handler, status, b"no", named)

    def redirect(self, path: str, to: str, status: int = 302) -> None:
        """Send the client elsewhere."""
        self.refuse(path, status, Location=to)

    def drip(self, path: str, pause_s: float = 0.02) -> None:
        """Send a byte now and then, for ever."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            start(handler, 200, {"Content-Type": "application/rss+xml"})
            with contextlib.suppress(OSError):
                while not self.ended.wait(pause_s):
                    handler.wfile.write(b" ")
                    handler.wfile.flush()

        self.pages[path] = answer

    def flood(self, path: str, size: int) -> None:
        """Send more bytes than anybody wants."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            start(handler, 200, {"Content-Type": "application/rss+xml", "Content-Length": str(size)})
            with contextlib.suppress(OSError):
                for _ in range(0, size, 1 << 16):
                    handler.wfile.write(b"<rss>" + b" " * ((1 << 16) - 5))

        self.pages[path] = answer

    def break_off(self, path: str, body: bytes, promised: int) -> None:
        """Promise more bytes than are sent."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            start(handler, 200, {"Content-Type": "application/rss+xml", "Content-Length": str(promised)})
            handler.wfile.write(body)

        self.pages[path] = answer

    def __enter__(self) -> NewsServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def start(handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
    """Send status and headers."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]) -> None:
    """Send a whole answer."""
    size = {} if status == 304 else {"Content-Length": str(len(body))}
    start(handler, status, headers | size)
    if status != 304:
        handler.wfile.write(body)


def _handler(server: NewsServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            server.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            answer = server.pages.get(path)
            if answer is None:
                send(self, 404, b"nothing here", {})
            else:
                answer(self)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            server.answers[urlsplit(self.path).path, int(code)] += 1

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    return Handler
