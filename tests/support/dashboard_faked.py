"""The dashboard in a browser without any server: its files from the folder, answers and messages from the test."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from actors.gateway.edge.headers import POLICY
from tests.support.paths import ROOT

STATIC: Final = ROOT / "actors" / "gateway" / "static"
URL: Final = "http://dashboard.test"
TYPES: Final = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".svg": "image/svg+xml",
}
Answer = Callable[[Mapping[str, str], Any], Any]
"""(query, body) -> what is answered; a tuple (status, body) for a refusal."""


def actor(name: str, **changes: Any) -> dict[str, Any]:
    """A row of /api/v1/actors."""
    row = {
        "name": name, "kind": name.partition(".")[0], "host": "here", "pid": 1, "state": "RUNNING", "is_alive": True,
        "beat_age_s": 0.1, "epoch": 7, "uptime_s": 600.0, "restarts": 0, "rss_bytes": 30_000_000, "frames_in_per_s": 10.0,
        "frames_out_per_s": 5.0, "lag_p50_s": 0.001, "lag_p99_s": 0.01, "dropped": {}, "gaps_open": 0, "journal": None,
        "note": "", "supervisor": {"state": "RUNNING", "exit_code": None, "spawn_error": ""},
    }  # fmt: skip
    return {**row, **changes}


class FakedGateway:
    """Answers a page. Paths below /api/v1/ are keys of `answers`; what is not there is an empty list.

    Args:
        page: Of Playwright.
    """

    def __init__(self, page: Any) -> None:
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        """Method, path, query, body of every question."""
        self.sent: list[dict[str, Any]] = []
        """Messages of the page's WebSockets."""
        self.answers: dict[str, Answer] = {
            "whoami": lambda *_: {"name": "me", "scopes": ["admin", "push", "read"], "needs_token": False},
            "storage": lambda *_: {"database": {}, "parquet": {}, "disk": {}, "journals": []},
            "coverage": lambda *_: {"days": [], "rows": []},
        }
        self._sockets: list[Any] = []
        self._seq = 0
        page.route("**/*", self._route)
        page.route_web_socket("**/ws/v1", self._connect)

    def of(self, method: str, path: str) -> list[tuple[dict[str, str], Any]]:
        """Query and body of the questions of a path."""
        return [(query, body) for how, where, query, body in self.asked if (how, where) == (method, path)]

    def push(self, channel: str, rows: list[dict[str, Any]], kind: str = "update") -> None:
        """Send a message of a channel to every WebSocket."""
        self._seq += 1
        message = {
            "ch": channel,
            "t": kind,
            "topic": channel,
            "seq": self._seq,
            "ts_ns": time.time_ns(),
            "data": rows,
        }
        for socket in self._sockets:
            socket.send(json.dumps(message))

    def _connect(self, socket: Any) -> None:
        self._sockets.append(socket)
        socket.on_message(lambda text: self.sent.append(json.loads(text)))
        hello = {
            "op": "hello",
            "stream": "gateway.1-1",
            "ts_ns": time.time_ns(),
            "heartbeat_s": 600,
            "scopes": ["read"],
        }
        socket.send(json.dumps(hello))

    def _route(self, route: Any) -> None:
        request = route.request
        parts = urlsplit(request.url)
        if not parts.path.startswith("/api/v1/"):
            self._file(route, parts.path)
            return
        path, query = parts.path.removeprefix("/api/v1/"), dict(parse_qsl(parts.query))
        body = json.loads(request.post_data) if request.post_data else None
        self.asked.append((request.method, path, query, body))
        found = self.answers.get(path, _nothing)(query, body)
        status, document = found if isinstance(found, tuple) else (200, found)
        text = document if isinstance(document, str) else json.dumps(document)
        route.fulfill(status=status, body=text, content_type="application/json")

    def _file(self, route: Any, path: str) -> None:
        file = STATIC / (path.lstrip("/") or "index.html")
        if not file.is_file():
            route.fulfill(status=404, body="")
            return
        headers = {"content-type": TYPES.get(file.suffix, "text/plain"), "content-security-policy": POLICY}
        route.fulfill(status=200, body=file.read_bytes(), headers=headers)


def _nothing(_query: Mapping[str, str], _body: Any) -> Any:
    return {"data": []}
