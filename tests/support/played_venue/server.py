"""The local server that plays a recording: WebSockets and REST in threads, the recording's frames in their order."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection

from tests.support.played_venue.binance import BinanceDialect
from tests.support.played_venue.dialect import Dialect, NotYet, Session
from tests.support.played_venue.reel import Frame
from tests.support.two_sided import TwoSidedServer

DEADLINE_S: Final = 40.0
_REFUSED: Final = b'{"code":-1,"msg":"not here"}'


class Cut(NamedTuple):
    """All connections end without a word, and some frames are never sent."""

    at: int
    """Frames before it."""
    lost: int
    """Frames that nobody gets."""


class Client:
    """One connection of the collector."""

    def __init__(self, connection: ServerConnection, path: str) -> None:
        self.connection = connection
        self.session = Session(path)

    def send(self, message: bytes) -> None:
        """One text frame; a client that has gone does not mind."""
        with contextlib.suppress(ConnectionClosed):
            self.connection.send(message, text=True)

    def flush(self) -> None:
        """Wait until it has taken everything that was sent."""
        with contextlib.suppress(ConnectionClosed):
            assert self.connection.ping().wait(DEADLINE_S), "a client does not answer a ping"

    def drop(self) -> None:
        """Cut the TCP connection."""
        with contextlib.suppress(OSError):
            self.connection.socket.shutdown(2)


class PlayedVenue(TwoSidedServer):
    """Use as a context manager; addresses are in `ws_url` and `rest_url`.

    Args:
        dialect: How the venue speaks.
        frames: What it sends, once it has been asked.
        wanted: Keys of streams; the play begins, and goes on after a cut, when somebody has subscribed to all of them.
        has_past_trades: Whether trades can be had over REST.
    """

    def __init__(
        self,
        dialect: Dialect,
        frames: Sequence[Frame],
        wanted: Collection[str],
        *,
        has_past_trades: bool = True,
    ) -> None:
        self.clients: list[Client] = []
        self.connects = 0
        self.asked: list[str] = []
        """Targets of REST requests."""
        self.is_done = False
        self.fault: Exception | None = None
        """What ended the play before its end."""
        self._dialect = dialect
        self._frames = frames
        self._wanted = set(wanted)
        self._has_past_trades = has_past_trades
        self._is_over = False
        super().__init__(self.clients)

    def _release(self) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    # playing

    def start(self, cut: Cut | None = None, holes: Collection[int] = ()) -> None:
        """Play in a thread; `is_done` or `fault` tell its end.

        Args:
            cut: Where the connections are cut.
            holes: Numbers of frames that nobody gets, though the connections live.
        """
        thread = threading.Thread(target=self._play, args=(cut, frozenset(holes)), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _play(self, cut: Cut | None, holes: frozenset[int]) -> None:
        try:
            self._wait(self._is_wanted, f"subscriptions to {sorted(self._wanted)}")
            for number, frame in enumerate(self._frames):
                if cut is not None and number == cut.at:
                    self._cut(self._frames[cut.at : cut.at + cut.lost])
                if cut is not None and cut.at <= number < cut.at + cut.lost:
                    continue
                if cut is not None and number == cut.at + cut.lost:
                    self._wait(self._is_wanted, f"subscriptions anew to {sorted(self._wanted)}")
                self._send(frame, number, is_heard=number not in holes)
            self.is_done = True
        except Exception as fault:  # noqa: BLE001 - told to whoever waits for the end
            self.fault = fault

    def _is_wanted(self) -> bool:
        return self._wanted <= {key for client in self.clients for key in client.session.keys}

    def _wait(self, condition: Callable[[], Any], what: str) -> None:
        with self._changed:
            met = self._changed.wait_for(lambda: self._is_over or condition(), DEADLINE_S)
            assert met, f"waited {DEADLINE_S:g} s for {what}"
            assert not self._is_over, "the server was closed"

    def _send(self, frame: Frame, number: int, *, is_heard: bool) -> None:
        with self._changed:
            self._dialect.enter(frame)
            for client in self.clients:
                session = client.session
                if frame.key in session.keys:
                    data = self._dialect.dressed(session, frame.data)
                    if is_heard:
                        client.send(data)
                for beat in self._dialect.alive(session, number):
                    client.send(beat)
            if frame.kind == "rest":
                self._changed.notify_all()
        dialect = self._dialect
        if frame.kind == "rest" and isinstance(dialect, BinanceDialect):  # the recorder asked for it here
            asked = dialect.asked
            self._wait(lambda: frame.raw in asked, f"somebody to ask for the book of {frame.raw}")

    def _cut(self, lost: Sequence[Frame]) -> None:
        """End all connections; `lost` happens before anybody can subscribe again, however slow this machine is."""
        for client in list(self.clients):
            client.flush()
        with self._changed:
            for client in self.clients:
                client.session.keys.clear()
                client.drop()
            for frame in lost:
                self._dialect.enter(frame)
            self._changed.notify_all()

    # serving

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if urlsplit(request.path).path in self._dialect.paths:
            return None
        return connection.respond(HTTPStatus.NOT_FOUND, "no such address")

    def _serve(self, connection: ServerConnection) -> None:
        client = Client(connection, urlsplit(connection.request.path).path if connection.request else "")
        with self._changed:
            self.clients.append(client)
            self.connects += 1
        try:
            for text in connection:
                with self._changed:
                    for message in self._dialect.answer(client.session, str(text)):
                        client.send(message)
                    self._changed.notify_all()
        except (ConnectionClosed, OSError):
            pass
        finally:
            with self._changed:
                self.clients.remove(client)
                self._changed.notify_all()

    def _answer(self, target: str) -> bytes | None:
        parts = urlsplit(target)
        path, query = unquote(parts.path), dict(parse_qsl(parts.query))
        with self._changed:
            self.asked.append(target)
            past = self._dialect.past_trades(path, query)
            if past is not None:
                return past if self._has_past_trades else None
            while not self._is_over:
                try:
                    body = self._dialect.get(path, query)
                except NotYet:
                    self._changed.wait(DEADLINE_S)
                else:
                    self._changed.notify_all()
                    return body
        return None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            """Answers as the dialect does; 404 for anything else."""

            def do_GET(self) -> None:
                """One answer."""
                body = server._answer(self.path)
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Length", str(len(body if body is not None else _REFUSED)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body if body is not None else _REFUSED)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Say nothing."""

        return Handler
