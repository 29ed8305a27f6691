"""A venue to test a collector against: a WebSocket server and a REST server in threads, steered by the test.

It speaks just enough of Binance's control protocol (SUBSCRIBE, UNSUBSCRIBE, acks) and sends what the test tells
it to, on whatever connections have asked for the stream.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection

from tests.support.two_sided import TwoSidedServer

DEADLINE_S: Final = 40.0


class Client:
    """One connection of the collector."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.path = connection.request.path if connection.request else ""
        self.streams: set[str] = set()
        self.requests: list[dict[str, Any]] = []

    def send(self, message: str | bytes) -> None:
        """Send one frame; a client that has gone does not mind."""
        with contextlib.suppress(ConnectionClosed):
            self.connection.send(message)

    def drop(self) -> None:
        """Cut the TCP connection without a word."""
        with contextlib.suppress(OSError):
            self.connection.socket.shutdown(2)


class VenueServer(TwoSidedServer):
    """Use as a context manager; addresses are in `ws_url` and `rest_url`."""

    def __init__(self) -> None:
        self.clients: list[Client] = []
        self.all_clients: list[Client] = []
        """Also those that have gone."""
        self.snapshots: dict[str, bytes] = {}
        """Raw symbol to REST body; 404 for others."""
        self.snapshot_requests: list[str] = []
        self.history: dict[str, list[dict[str, Any]]] = {}
        """Raw symbol to rows of trades by id, in the venue's words; 400 for others."""
        self.history_requests: list[tuple[str, str, int, int]] = []
        """(path, raw symbol, fromId, limit) of each request for trades by id."""
        self.history_status: tuple[int, dict[str, str]] = (200, {})
        """What requests for trades by id are answered with, and with which headers."""
        self.history_gate = threading.Event()
        """Such requests wait until it is set."""
        self.history_gate.set()
        self.rest_status: tuple[int, dict[str, str]] = (200, {})
        """What the REST side answers, and with which headers."""
        self.is_mute = False
        """Do not answer control messages."""
        self.refusal: tuple[int, dict[str, str]] | None = None
        """HTTP status and headers with which handshakes are refused."""
        self.refused = 0
        super().__init__(self.clients)

    def _release(self) -> None:
        self.history_gate.set()

    # steering

    def wait(self, condition: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
        """Wait until something that clients do has happened."""
        with self._changed:
            assert self._changed.wait_for(condition, deadline_s), f"waited {deadline_s:g} s for {what}"
            return condition()

    def client(self, stream: str, number: int = 1) -> Client:
        """The `number`-th connection of all time that has subscribed to a stream."""

        def found() -> Client | None:
            having = [client for client in self.all_clients if stream in client.streams]
            return having[number - 1] if len(having) >= number else None

        client: Client = self.wait(found, f"subscription {number} to {stream}")
        return client

    def send(self, stream: str, **data: Any) -> None:
        """Send one combined-stream message to everybody who has asked for it."""
        text = json.dumps({"stream": stream, "data": data})
        for client in list(self.clients):
            if stream in client.streams:
                client.send(text)

    def set_snapshot(self, raw: str, last: int, bids: Any = (), asks: Any = ()) -> None:
        """What the REST side answers for one symbol from now on."""
        body = {"lastUpdateId": last, "bids": list(bids), "asks": list(asks)}
        self.snapshots[raw] = json.dumps(body).encode()

    def set_history(self, raw: str, ids: Iterable[int], at_ms: int) -> None:
        """What the REST side knows of one symbol's trades, as spot's `historicalTrades` has them."""
        self.history[raw] = [
            {"id": number, "price": "100.5", "qty": "2", "time": at_ms, "isBuyerMaker": False}
            for number in ids
        ]

    # serving

    def _admit(self, connection: ServerConnection, _request: Request) -> Response | None:
        if self.refusal is None:
            return None
        status, headers = self.refusal
        with self._changed:
            self.refused += 1
            self._changed.notify_all()
        response = connection.respond(HTTPStatus(status), "no")
        for name, value in headers.items():
            response.headers[name] = value
        return response

    def _serve(self, connection: ServerConnection) -> None:
        client = Client(connection)
        with self._changed:
            self.clients.append(client)
            self.all_clients.append(client)
            self._changed.notify_all()
        try:
            for text in connection:
                self._obey(client, json.loads(text))
        except (ConnectionClosed, OSError):
            pass
        finally:
            with self._changed:
                self.clients.remove(client)
                self._changed.notify_all()

    def _obey(self, client: Client, request: dict[str, Any]) -> None:
        with self._changed:
            client.requests.append(request)
        if not self.is_mute:
            client.send(json.dumps({"result": None, "id": request["id"]}))
        with self._changed:  # after the answer: whoever waits for the subscription sends behind it
            if request["method"] == "SUBSCRIBE":
                client.streams.update(request["params"])
            else:
                client.streams.difference_update(request["params"])
            self._changed.notify_all()

    def _page(self, target: str) -> tuple[int, dict[str, str], bytes]:
        """One page of trades by id: status, headers, body."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        raw, first, limit = query["symbol"], int(query["fromId"]), int(query["limit"])
        with self._changed:
            self.history_requests.append((parts.path, raw, first, limit))
            self._changed.notify_all()
        self.history_gate.wait(DEADLINE_S)
        status, headers = self.history_status
        if status != 200 or raw not in self.history:
            return (400 if status == 200 else status), headers, b'{"code":-1121,"msg":"no"}'
        rows = [row for row in self.history[raw] if row.get("id", row.get("a", 0)) >= first][:limit]
        return 200, headers, json.dumps(rows).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            """Answers the depth snapshot and trades by id."""

            def do_GET(self) -> None:
                """Answer from `snapshots` and `history`."""
                if "rades?" in self.path:
                    self._answer(*server._page(self.path))
                    return
                raw = self.path.partition("symbol=")[2].partition("&")[0]
                status, headers = server.rest_status
                body = server.snapshots.get(raw, b'{"code":-1121,"msg":"Invalid symbol."}')
                if status == 200 and raw not in server.snapshots:
                    status = 400
                with server._changed:
                    server.snapshot_requests.append(raw)
                    server._changed.notify_all()
                self._answer(status, headers, body)

            def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Say nothing."""

        return Handler
