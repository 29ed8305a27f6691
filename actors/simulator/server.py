"""The listening socket and everybody connected to it: handshakes, REST, pings, limits, disconnections."""

from __future__ import annotations

import email.utils
import http
import socket
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from websockets.datastructures import Headers
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import OPEN

from actors.simulator.client import Client
from actors.simulator.commands import MOST_STREAMS, answer
from actors.simulator.refusals import Refusals
from actors.simulator.rest import Answer, Rest
from actors.simulator.session import Session
from actors.simulator.streams import Route, parse_route

if TYPE_CHECKING:
    from actors.simulator.channels import Channels
    from actors.simulator.settings import SimulatorSettings

NS: Final = 1_000_000_000
CLOSE_TIMEOUT_NS: Final = 5 * NS
BACKLOG: Final = 512
ACCEPT_BATCH: Final = 64


class Loop(Protocol):
    """What of an actor the server uses."""

    def watch(
        self, fd: int, on_readable: Callable[[], None], on_writable: Callable[[], None] | None = None
    ) -> None:
        """Call back when a file descriptor is readable, or writable where that is wanted."""

    def want_write(self, fd: int, wanted: bool) -> None:
        """Start or stop waiting for room to write."""

    def unwatch(self, fd: int) -> None:
        """Forget a file descriptor."""


class Server:
    """One port for all markets, WebSocket and REST."""

    def __init__(
        self,
        loop: Loop,
        settings: SimulatorSettings,
        channels: Channels,
        rest: Rest,
        mono_ns: Callable[[], int],
        counters: Counter[str],
    ) -> None:
        self.clients: dict[int, Client] = {}
        self.refusals = Refusals(mono_ns)
        self.counters = counters
        self.port = 0
        """Port listened on, after `listen`."""
        self._loop = loop
        self._settings = settings
        self._channels = channels
        self._rest = rest
        self._mono_ns = mono_ns
        self._dirty: list[Client] = []
        self._listener: socket.socket | None = None

    def listen(self) -> None:
        """Begin to listen.

        Raises:
            OSError: the address is taken or not ours.
        """
        listener = socket.create_server((self._settings.host, self._settings.port), backlog=BACKLOG)
        listener.settimeout(0)
        self._listener = listener
        self.port = listener.getsockname()[1]
        self._loop.watch(listener.fileno(), self._accept)

    def close(self) -> None:
        """End everything at once."""
        for client in list(self.clients.values()):
            self.lost(client)
        if self._listener is not None:
            self._loop.unwatch(self._listener.fileno())
            self._listener.close()
            self._listener = None

    def _accept(self) -> None:
        assert self._listener is not None
        for _ in range(ACCEPT_BATCH):
            try:
                sock, _peer = self._listener.accept()
            except OSError:  # nobody left, or gone while waiting
                return
            if self.refusals.take("tcp", "") is not None:
                self.counters["refused"] += 1
                sock.close()
                continue
            sock.settimeout(0)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = Client(sock, self, self._dirty, self._mono_ns())
            self.clients[client.fd] = client
            self._loop.watch(client.fd, self._receiver(client), client.flush)

    def _receiver(self, client: Client) -> Callable[[], None]:
        def receive() -> None:
            client.receive()
            if client.protocol.eof_sent:  # it broke the protocol, said good-bye, or has its REST answer
                self._end(client)
            self.flush()

        return receive

    def _end(self, client: Client) -> None:
        """No more data for a client whose end has begun."""
        client.closing_since_ns = client.closing_since_ns or self._mono_ns()
        if client.session is not None:
            client.session.close()

    # what clients do

    def received(self, client: Client, event: Request | Frame) -> None:
        """A client has asked for something, or sent a frame."""
        if isinstance(event, Request):
            self._requested(client, event)
        elif client.session is not None and not client.closing_since_ns:
            self._said(client, client.session, event)

    def _requested(self, client: Client, request: Request) -> None:
        client.has_asked = True
        route = parse_route(request.path)
        what = "ws" if route is not None else "rest"
        refusal = self.refusals.take(what, request.path)
        if refusal is not None:
            self.counters["refused"] += 1
            self._respond(client, Answer.refused(refusal.status, refusal.retry_after_s))
        elif route is not None and len(route.streams) > MOST_STREAMS:
            self._respond(client, Answer.error(2, f"Invalid request: more than {MOST_STREAMS} streams"))
        elif route is not None:
            self._shake_hands(client, request, route)
        elif request.method != "GET":
            self._respond(client, Answer.error(-1000, "Only GET is served here.", 405))
        else:
            self.counters["rest_requests"] += 1
            self._rest.answer(request.path, lambda given: self._respond(client, given))

    def _shake_hands(self, client: Client, request: Request, route: Route) -> None:
        response = client.protocol.accept(request)
        client.protocol.send_response(response)
        client.collect()
        if client.protocol.state is OPEN:
            self.counters["connects"] += 1
            client.session = Session(client, route, self._channels, self._mono_ns())

    def _respond(self, client: Client, given: Answer) -> None:
        """Answer a REST request, now or after it was held; the connection ends with it."""
        if self.clients.get(client.fd) is not client or client.protocol.eof_sent:
            return  # it did not wait
        status = http.HTTPStatus(given.status)
        headers = Headers(
            {
                "Date": email.utils.formatdate(usegmt=True),
                "Content-Type": "application/json;charset=UTF-8",
                "Content-Length": str(len(given.body)),
                "Connection": "close",
                **given.headers,
            }
        )
        client.protocol.send_response(Response(status.value, status.phrase, headers, given.body))
        client.collect()
        self._end(client)

    def _said(self, client: Client, session: Session, frame: Frame) -> None:
        now_ns = self._mono_ns()
        if client.protocol.state is not OPEN:  # this frame or one behind it ended the connection
            self._end(client)
            return
        settings, market = self._settings, session.route.market
        limit = settings.spot_messages_per_s if market == "spot" else settings.futures_messages_per_s
        if session.said_too_much(now_ns, limit):
            self.counters["closed_too_many_messages"] += 1
            self._close(client, CloseCode.POLICY_VIOLATION, "Too many requests")
        elif frame.opcode is Opcode.PONG:
            session.pong(bytes(frame.data))
        elif frame.opcode is Opcode.TEXT:
            client.protocol.send_text(answer(session, bytes(frame.data), market))

    # what the venue does

    def sweep(self) -> None:
        """Send the pings that are due, end connections that are too old, deaf or unfinished."""
        now_ns, settings = self._mono_ns(), self._settings
        for client in list(self.clients.values()):
            if client.closing_since_ns:
                if now_ns - client.closing_since_ns > CLOSE_TIMEOUT_NS:
                    self.lost(client)
            elif client.session is not None:
                self._sweep_session(client, client.session, now_ns)
            elif not client.has_asked and now_ns - client.opened_ns > settings.handshake_timeout_s * NS:
                self.lost(client)
        self.flush()

    def _sweep_session(self, client: Client, session: Session, now_ns: int) -> None:
        settings = self._settings
        is_spot = session.route.market == "spot"
        ping_s = settings.spot_ping_s if is_spot else settings.futures_ping_s
        timeout_s = settings.spot_pong_timeout_s if is_spot else settings.futures_pong_timeout_s
        if now_ns - session.opened_ns > settings.max_age_s * NS:
            self.counters["closed_too_old"] += 1
            self._close(client, CloseCode.GOING_AWAY, "24 hours are over")
        elif session.is_deaf(now_ns, timeout_s):
            self.counters["closed_no_pong"] += 1
            self.lost(client)
        elif now_ns - session.pinged_ns > ping_s * NS:
            self.counters["pings"] += 1
            client.protocol.send_ping(session.ping(now_ns))
            client.collect()

    def _close(self, client: Client, code: int, reason: str) -> None:
        client.protocol.fail(code, reason)
        client.collect()
        self._end(client)

    def flush(self) -> None:
        """Send what has been queued since the last time; call at the end of each turn."""
        dirty = self._dirty[:]
        self._dirty.clear()
        for client in dirty:
            if self.clients.get(client.fd) is not client:
                continue
            client.flush()
            if client.queued_bytes > self._settings.client_buffer_bytes:
                self.counters["closed_too_slow"] += 1
                self.lost(client, is_abrupt=True)

    def want_write(self, fd: int, wanted: bool) -> None:
        """Start or stop waiting for room to write."""
        self._loop.want_write(fd, wanted)

    def lost(self, client: Client, *, is_abrupt: bool = False) -> None:
        """Forget a client and close its socket."""
        if self.clients.pop(client.fd, None) is None:
            return
        if client.session is not None:
            self.counters["disconnects"] += 1
            client.session.close()
        self._loop.unwatch(client.fd)
        client.close(is_abrupt=is_abrupt)

    # what tests ask for

    def sessions(self, path: str = "") -> list[Client]:
        """Clients with a stream connection whose path starts so."""
        return [
            client
            for client in self.clients.values()
            if client.session is not None and client.session.route.path.startswith(path)
        ]

    def disconnect(
        self, path: str = "", *, is_abrupt: bool = True, code: int = 1001, reason: str = ""
    ) -> int:
        """End stream connections, abruptly or with a close frame; returns how many."""
        clients = self.sessions(path)
        for client in clients:
            if is_abrupt:
                self.lost(client, is_abrupt=True)
            else:
                self._close(client, code, reason)
        self.flush()
        return len(clients)

    def inject(self, frame: bytes, path: str = "") -> int:
        """Put a ready-made frame into stream connections; returns how many."""
        clients = self.sessions(path)
        for client in clients:
            client.put(frame)
        self.flush()
        return len(clients)
