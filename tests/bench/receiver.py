"""A threaded HTTP receiver, as somebody would write it instead: the standard library's server, a thread for each connection.

`python -m tests.bench.receiver`: POST a JSON tick or a list of them; each is looked at, and the newest of a symbol is kept in a
dict under a lock. Nothing is journalled. Prints `ready PORT`.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

NEEDED: Final = ("symbol", "bid", "ask", "ts_event_ns")


class Ticks:
    """The newest of each symbol."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: dict[str, dict[str, Any]] = {}

    def take(self, rows: list[dict[str, Any]]) -> int:
        """Keep what is newer; how many were taken."""
        good = [row for row in rows if all(name in row for name in NEEDED) and row["bid"] <= row["ask"]]
        with self._lock:
            for row in good:
                held = self._newest.get(row["symbol"])
                if held is None or held["ts_event_ns"] < row["ts_event_ns"]:
                    self._newest[row["symbol"]] = row
        return len(good)


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    ticks: Ticks

    def do_POST(self) -> None:
        """Take what was posted."""
        found = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        taken = self.ticks.take(found if isinstance(found, list) else [found])
        body = json.dumps({"accepted": taken}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """With room for connections that come at once."""

    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    Handler.ticks = Ticks()
    server = Server(("127.0.0.1", 0), Handler)
    print("ready", server.server_address[1], flush=True)
    server.serve_forever()
