"""A server on real loopback sockets, with a loop and a clock that the test turns itself."""

import json
import selectors
import socket
from collections import Counter
from collections.abc import Callable

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from actors.simulator.channels import Channels
from actors.simulator.exchange import Exchange
from actors.simulator.faults import Faults
from actors.simulator.listing import listings_of
from actors.simulator.rest import Rest
from actors.simulator.rest_data import ExchangeData
from actors.simulator.server import Server
from actors.simulator.settings import SimulatorSettings
from protocol.instruments import Instrument

START_MS = 1_795_168_800_000
INSTRUMENTS = [
    Instrument(symbol="BTC_USDT", venues={"binance": "spot:BTCUSDT"}),
    Instrument(symbol="BTC_USDT.PERP", venues={"binance": "usdm:BTCUSDT"}),
]


class Turner:
    """An actor's poller without the actor."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._calls: dict[int, tuple[Callable[[], None], Callable[[], None] | None]] = {}

    def watch(
        self, fd: int, on_readable: Callable[[], None], on_writable: Callable[[], None] | None = None
    ) -> None:
        self._calls[fd] = (on_readable, on_writable)
        self._selector.register(fd, selectors.EVENT_READ)

    def want_write(self, fd: int, wanted: bool) -> None:
        self._selector.modify(fd, selectors.EVENT_READ | (selectors.EVENT_WRITE if wanted else 0))

    def unwatch(self, fd: int) -> None:
        if self._calls.pop(fd, None) is not None:
            self._selector.unregister(fd)

    def turn(self, wait_s: float) -> bool:
        """One poll; whether anything was ready."""
        ready = self._selector.select(wait_s)
        for key, events in ready:
            on_readable, on_writable = self._calls.get(key.fd, (None, None))
            if events & selectors.EVENT_WRITE and on_writable is not None:
                on_writable()
            if events & selectors.EVENT_READ and on_readable is not None and key.fd in self._calls:
                on_readable()
        return bool(ready)

    def close(self) -> None:
        self._selector.close()


class Peer:
    """A client on the other end: the websockets client protocol over a socket."""

    def __init__(self, venue: "Venue", target: str) -> None:
        self.venue = venue
        self.sock = socket.create_connection(("127.0.0.1", venue.server.port))
        self.sock.settimeout(0)
        self.protocol = ClientProtocol(parse_uri(f"ws://localhost{target}"), max_size=None)
        self.is_gone = False
        self.frames: list[Frame] = []
        self.response: Response | None = None
        self.protocol.send_request(self.protocol.connect())
        self.pump()

    def pump(self) -> None:
        """Let both sides work until nothing moves."""
        while True:
            for data in self.protocol.data_to_send():
                if data and not self.is_gone:
                    self.sock.sendall(data)
            moved = self.venue.loop.turn(0.002)
            try:
                data = self.sock.recv(1 << 20)
            except BlockingIOError:
                if not moved:
                    return
                continue
            except ConnectionError:
                data = b""
            if not data:
                self.is_gone = True
                return
            self.protocol.receive_data(data)
            for event in self.protocol.events_received():
                if isinstance(event, Response):
                    self.response = event
                elif isinstance(event, Frame):
                    self.frames.append(event)

    def say(self, text: str) -> None:
        if self.protocol.state is State.OPEN:
            self.protocol.send_text(text.encode())
        self.pump()

    @property
    def texts(self) -> list[dict]:
        return [json.loads(bytes(frame.data)) for frame in self.frames if frame.opcode is Opcode.TEXT]

    def of(self, opcode: Opcode) -> list[Frame]:
        return [frame for frame in self.frames if frame.opcode is opcode]


class Venue:
    """A server with its exchange, on a clock of the test."""

    def __init__(self, **settings: object) -> None:
        self.now_ns = 1_000_000_000_000
        self.loop = Turner()
        self.counters: Counter[str] = Counter()
        self.faults = Faults()
        self.exchange = Exchange(listings_of(INSTRUMENTS), seed=1, start_ms=START_MS, rate_per_s=1_000)
        self.channels = Channels(self.exchange, self.faults)
        limits = {"spot": 6_000, "usdm": 2_400, "coinm": 2_400}
        rest = Rest(ExchangeData(self.exchange), limits, lambda: self.now_ns)
        given = SimulatorSettings(port=0, **settings)  # type: ignore[arg-type]
        self.server = Server(self.loop, given, self.channels, rest, lambda: self.now_ns, self.counters)
        self.server.listen()
        self.peers: list[Peer] = []

    def peer(self, target: str) -> Peer:
        self.peers.append(Peer(self, target))
        return self.peers[-1]

    def advance(self, seconds: float) -> None:
        """Time goes by in steps of a second at most, with sweeps; the peers answer what they hear."""
        left_ns = round(seconds * 1e9)
        while left_ns > 0:
            step_ns = min(left_ns, 1_000_000_000)
            left_ns -= step_ns
            self.now_ns += step_ns
            self.exchange.advance(self.exchange.now_ms + step_ns // 1_000_000)
            self.server.flush()
            self.server.sweep()
            for peer in self.peers:
                peer.pump()

    def get(self, target: str, more: str = "") -> tuple[int, dict[str, str], bytes]:
        """One REST request with a plain socket; returns status, headers, body."""
        with socket.create_connection(("127.0.0.1", self.server.port)) as sock:
            sock.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode())
            sock.settimeout(0)
            data = b""
            while True:
                self.loop.turn(0.05)
                try:
                    part = sock.recv(1 << 20)
                except BlockingIOError:
                    continue
                if not part:
                    break
                data += part
        self.loop.turn(0.05)
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        return int(lines[0].split(" ")[1]), headers, body

    def close(self) -> None:
        for peer in self.peers:
            peer.sock.close()
        self.server.close()
        self.loop.close()
