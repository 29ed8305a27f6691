"""The gateway's TCP side without a network: bytes into uvicorn's protocol and ours, a hub in the same process behind them."""

from __future__ import annotations

import asyncio
import struct
from random import Random
from typing import Any, Final
from urllib.parse import quote

import msgspec
from uvicorn.server import ServerState

from actors.hub.history import Deeper
from protocol.client.questions import Question
from protocol.errors import HubTimeout, Overloaded
from protocol.requests import Reply, Request, decode_reply, encode_request
from scripts.mutations import Mutator
from scripts.socket_fuzz.stage import NOW_NS, Topology
from scripts.socket_fuzz.targets import GOOD_SHARE, RequestTarget, StageTarget, Wrong
from scripts.socket_fuzz.trees import ODD_TEXTS, TreeMutator

PATIENCE_S: Final = 1.0
TURNS: Final = 300
SAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "symbol": ("BTC_USDT", "BTC_USDT.PERP", "BTC-USDT"), "tf": ("1m", "5m", "session"), "timeframe": ("1m",), "limit": ("3", "100"),
    "n": ("3",), "depth": ("5",), "venue": ("binance", "push.mt5"), "from": ("2026-09-21T00:00:00Z", str(NOW_NS)), "kind": ("trade", "bar"),
    "to": ("2026-09-22T00:00:00Z", str(NOW_NS)), "cursor": ("", "abc"), "window": ("60", "0"), "format": ("json", "csv", "arrow"),
    "name": ("hub.1", "nobody"), "table": ("trades", "bars"), "gap_id": ("collector.binance.1-1-1",), "state": ("open",), "order": ("asc",),
}  # fmt: skip
ACCEPTS: Final = (
    "application/json",
    "text/csv",
    "application/x-ndjson",
    "application/vnd.apache.arrow.stream",
    "application/msgpack",
    "*/*",
)
STATIC: Final = (
    "/", "/health", "/metrics", "/docs", "/openapi.json", "/index.html", "/market-data", "/symbols", "/exchanges", "/detectors",
    "/storage", "/config", "/api/signals", "/market-data/BTC_USDT", "/app/main.js", "/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
)  # fmt: skip
BODIES: Final = (
    b'{"symbol":"EURUSD","bid":1.1515,"ask":1.1516,"ts_event_ns":1790000000000000000}',
    b'{"sql":"select 1"}', b'[{"symbol":"EURUSD","bid":1.1,"ask":1.2,"timestamp":1790000000}]', b"", b"{}",
)  # fmt: skip
SLOW_WORDS: Final = (
    "/api/v1/export/",
    "/api/v1/replay",
    "/api/v1/query",
    ":restart",
    "/api/v1/logs",
    "/api/v1/storage",
    "/config",
)
"""They start processes, read files in threads, or go on for ever: those are for the live run."""
ASKS: Final = (
    {"op": "subscribe", "id": 1, "channels": [{"name": "quotes", "symbols": ["BTC_USDT"]}]},
    {"op": "subscribe", "id": "x", "channels": [{"name": "book", "symbols": ["*"], "depth": 5, "mode": "delta", "conflate_ms": 100}], "n": 5},
    {"op": "subscribe", "channels": [{"name": "bars", "symbols": ["BTC_USDT"], "timeframes": ["1m"]}, {"name": "trades"}], "snapshot": False},
    {"op": "subscribe", "channels": [{"name": "flow", "windows": [60.0, 10.0]}, {"name": "alerts"}, {"name": "news", "symbols": ["BTC_USDT"]}]},
    {"op": "unsubscribe", "id": 2, "channels": [{"name": "quotes"}]}, {"op": "unsubscribe"}, {"op": "ping", "id": 7},
    {"op": "resume", "stream": "gateway.1-1", "topics": {"quote.binance.BTC_USDT": 5}, "channels": [{"name": "quotes"}]},
)  # fmt: skip


class Line(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.is_over = False
        self.protocol: Any = None

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Where from, and where to."""
        return {"peername": ("127.0.0.1", 50_000), "sockname": ("127.0.0.1", 9800)}.get(name, default)

    def write(self, data: Any) -> None:
        """Keep it."""
        self.written += data

    def is_closing(self) -> bool:
        """Whether it has been closed."""
        return self.is_over

    def close(self) -> None:
        """End it."""
        self.is_over = True

    def abort(self) -> None:
        """End it at once."""
        self.is_over = True

    def set_protocol(self, protocol: Any) -> None:
        """It becomes a WebSocket."""
        self.protocol = protocol

    def get_protocol(self) -> Any:
        """Who reads."""
        return self.protocol

    def pause_reading(self) -> None:
        """All has been read."""

    def resume_reading(self) -> None:
        """All has been read."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is room."""

    def get_write_buffer_size(self) -> int:
        """Nothing waits."""
        return 0


class Backend:
    """In the place of the gateway's `Reads`: the hub of this process answers."""

    def __init__(self, real: Any, hub: Any) -> None:
        self._hub = hub
        self.kept, self.blocks, self.status = real.kept, real.blocks, real.status

    async def ask(self, request: Request) -> Reply:
        """The hub's reply."""
        try:
            return decode_reply(self._hub.answers.answer(encode_request(request)))
        except Deeper:
            raise Overloaded("the store is not asked here") from None

    async def result(self, question: Question[Any]) -> Any:
        """The hub's answer to a typed question."""
        return question.result(await self.ask(question.request))

    async def nobody(self, *_: Any, **__: Any) -> Reply:
        """Nobody else is here."""
        raise HubTimeout("nobody answers", timeout_s=0.1)

    ask_ctl = ask_query = ask_ingest = nobody


class WebTarget(StageTarget):
    """Base of the gateway's two."""

    def __init__(self, random: Random, topology: Topology) -> None:
        self._hub = RequestTarget(random, topology, "hub.1", "query")
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        super().__init__(random, topology, "gateway.1")
        self._wire()

    def _wire(self) -> None:
        actor: Any = self.stage.actor
        backend = Backend(actor.context.reads, self._hub.stage.actor)
        for name in ("ask", "result", "ask_ctl", "ask_query", "ask_ingest"):
            setattr(actor.context.reads, name, getattr(backend, name))
        self._config = actor._server.config
        if not self._config.loaded:
            self._config.load()
        self._state = ServerState()

    def connect(self) -> Line:
        """A new connection."""
        line = Line()
        line.protocol = self._config.http_protocol_class(
            config=self._config, server_state=self._state, app_state={}, _loop=self.loop
        )
        line.protocol.connection_made(line)
        return line

    async def settled(self, line: Line, had: int) -> None:
        """Wait until something is written or it is closed, or nothing more will come."""
        for turn in range(TURNS):
            if len(line.written) > had or line.is_over:
                return
            if turn > 20 and not self._is_busy(line):
                return
            await asyncio.sleep(0)
        end = self.loop.time() + PATIENCE_S
        while len(line.written) == had and not line.is_over and self._is_busy(line):
            if self.loop.time() > end:
                raise Wrong("no answer, and none under way")
            await asyncio.sleep(0.001)

    @staticmethod
    def _is_busy(line: Line) -> bool:
        cycle = getattr(line.protocol, "cycle", None)
        return cycle is not None and not cycle.response_complete

    def hang_up(self, line: Line) -> None:
        """The client has gone."""
        line.protocol.connection_lost(None)

    def renew(self) -> None:
        """See `Target`."""
        super().renew()
        self._wire()

    def close(self) -> None:
        """See `Target`."""
        super().close()
        self._hub.close()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()
        asyncio.set_event_loop(None)


class HttpTarget(WebTarget):
    """Requests to every route."""

    name = "http gateway.1"

    def __init__(self, random: Random, topology: Topology) -> None:
        super().__init__(random, topology)
        self._bytes = Mutator(random)
        self._paths = self._routes()

    def _routes(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """(method, path, parameters) of all routes, from the gateway's own description."""
        line = self.connect()
        line.protocol.data_received(b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1:9800\r\n\r\n")
        self.loop.run_until_complete(self.settled(line, 0))
        self.loop.run_until_complete(asyncio.sleep(0.05))
        document = msgspec.json.decode(bytes(line.written).partition(b"\r\n\r\n")[2])
        self.hang_up(line)
        self._warm_up()
        found: list[tuple[str, str, tuple[str, ...]]] = [("GET", path, ()) for path in STATIC]
        for path, methods in document["paths"].items():
            for method, one in methods.items():
                names = tuple(each["name"] for each in one.get("parameters", ()) if each.get("in") == "query")
                if not any(word in path for word in SLOW_WORDS):
                    found.append((method.upper(), path, names))
        return found

    def _warm_up(self) -> None:
        """Have it import what its forms need: that is slow once."""
        for accept in ACCEPTS:
            line = self.connect()
            line.protocol.data_received(
                f"GET /api/v1/alerts HTTP/1.1\r\nHost: 127.0.0.1:9800\r\nAccept: {accept}\r\n\r\n".encode()
            )
            for _ in range(2000):
                if line.written:
                    break
                self.loop.run_until_complete(asyncio.sleep(0.01))
            self.hang_up(line)

    def _good(self) -> bytes:
        random = self.random
        method, path, names = random.choice(self._paths)
        while "{" in path:
            head, _, rest = path.partition("{")
            name, _, tail = rest.partition("}")
            path = head + self._value(name) + tail
        asked = [name for name in names if random.random() < 0.4]
        if asked:
            path += "?" + "&".join(f"{name}={self._value(name)}" for name in asked)
        body = random.choice(BODIES) if method == "POST" else b""
        head_lines = [
            f"{method} {path} HTTP/1.1",
            "Host: 127.0.0.1:9800",
            f"Accept: {random.choice(ACCEPTS)}",
        ]
        if body:
            head_lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", "X-Source: mt5"]
        return "\r\n".join(head_lines).encode("utf-8", "replace") + b"\r\n\r\n" + body

    def _value(self, name: str) -> str:
        known = SAMPLES.get(name, ("1",))
        return quote(self.random.choice(known if self.random.random() < 0.7 else ODD_TEXTS)[:3000])

    def one(self) -> str:
        """See `Target`."""
        self.pass_time()
        data = self._good()
        if self.random.random() > GOOD_SHARE + 0.3:
            data = self._bytes.mutate(data)
        self.input = data
        line = self.connect()
        try:
            if self.random.random() < 0.2:
                cut = self.random.randrange(len(data) + 1)
                line.protocol.data_received(data[:cut])
                data = data[cut:]
            if not line.is_over:
                line.protocol.data_received(data)
            self.loop.run_until_complete(self.settled(line, 0))
        finally:
            self.hang_up(line)
        return self._status(bytes(line.written[:200]))

    @staticmethod
    def _status(answer: bytes) -> str:
        if not answer:
            return "(waits for more)"
        code = int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") and answer[9:12].isdigit() else 0
        if code in (0, 500):
            raise Wrong(f"answered with {answer[:60]!r}")
        return "accepted" if code < 400 else f"({code})"


class SocketTarget(WebTarget):
    """Messages of WebSocket clients, good and wrong frames around them."""

    name = "socket gateway.1"
    PER_LINE: Final = 100

    def __init__(self, random: Random, topology: Topology) -> None:
        super().__init__(random, topology)
        self._trees = TreeMutator(random)
        self._text = Mutator(random)
        self._blind = Mutator(random, is_text=False)
        self._line: Line | None = None
        self._left = 0

    def _open(self) -> Line:
        line = self.connect()
        path = self.random.choice(("/ws/v1", "/ws/v1?encoding=msgpack", "/ws"))
        line.protocol.data_received(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:9800\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self.loop.run_until_complete(self.settled(line, 0))
        for _ in range(20):
            self.loop.run_until_complete(asyncio.sleep(0))
        self._left = self.PER_LINE
        return line

    def one(self) -> str:
        """See `Target`."""
        self.pass_time()
        if self._line is None or self._line.is_over or not self._left:
            if self._line is not None:
                self.hang_up(self._line)
            self._line = self._open()
        line = self._line
        self._left -= 1
        good = self.random.choice(ASKS)
        chance, is_text = self.random.random(), self.random.random() < 0.7
        data = msgspec.json.encode(good) if is_text else msgspec.msgpack.encode(good)
        if chance > GOOD_SHARE:
            data = self._text.mutate(data) if is_text else self._trees.mutate(data)
        frame = framed(data[:70_000], 1 if is_text else 2)
        if chance > 0.97:
            frame = self._blind.mutate(frame)
        self.input = frame
        had = len(line.written)
        line.protocol.data_received(frame)
        for _ in range(6):
            self.loop.run_until_complete(asyncio.sleep(0))
        said = bytes(line.written[had : had + 200])
        if had > 1_000_000:
            self._left = 0
        if line.is_over:
            return "(closed)"
        return "(error)" if b"error" in said else "accepted"

    def renew(self) -> None:
        """See `Target`."""
        self._line = None
        super().renew()

    def close(self) -> None:
        """See `Target`."""
        if self._line is not None:
            self.hang_up(self._line)
        super().close()


def framed(data: bytes, opcode: int) -> bytes:
    """A client's frame, masked."""
    mask = b"\x01\x02\x03\x04"
    size = len(data)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
    elif size < 65_536:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
    key = (mask * (size // 4 + 1))[:size]
    return head + mask + (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
