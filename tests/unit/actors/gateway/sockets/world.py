"""WebSocket clients without sockets in front of a hub without a process; each hears the bus when the test says so."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import msgspec

from actors.gateway.sockets.broadcast import TTL_S, Broadcast
from actors.gateway.sockets.client import Client
from actors.gateway.sockets.dialects import JSON, Dialect
from actors.gateway.sockets.joiner import Joiner
from actors.gateway.sockets.memories import Memories
from actors.gateway.sockets.session import Session
from actors.gateway.sockets.settings import SocketSettings
from protocol.client.questions import Question
from protocol.errors import HubUnreachable
from protocol.messages import Message
from protocol.record import Frame
from protocol.requests import decode_reply, encode_request
from tests.unit.actors.hub.desks import FakeHub
from tests.unit.actors.hub.samples import Pen

A, B = "collector.binance.1", "collector.binance.2"
TRADE, QUOTE, BOOK = (f"{kind}.binance.BTC_USDT" for kind in ("trade", "quote", "book"))


def frames_of(data: bytes) -> list[tuple[int, bytes]]:
    """(opcode byte, body) of whole frames that lie back to back."""
    found, offset = [], 0
    while offset < len(data):
        size, head = data[offset + 1], 2
        if size == 126:
            size, head = int.from_bytes(data[offset + 2 : offset + 4], "big"), 4
        elif size == 127:
            size, head = int.from_bytes(data[offset + 2 : offset + 10], "big"), 10
        body = data[offset + head : offset + head + size]
        assert len(body) == size, "half a frame"
        found.append((data[offset], body))
        offset += head + size
    return found


class FakeLine:
    """The way to a client: what was written is kept, `is_paused` is the test's to set."""

    def __init__(self) -> None:
        self.is_paused = False
        self.data = bytearray()
        self.left_bytes = 0
        self.ended: tuple[int, str] | None = None

    def write(self, data: bytes) -> None:
        if self.ended is None:
            self.data += data

    def waiting_bytes(self) -> int:
        return self.left_bytes

    def end(self, code: int, reason: str) -> None:
        self.ended = (code, reason)

    def take(self) -> list[Any]:
        """Messages since the last look."""
        found = [
            msgspec.json.decode(body) if opcode == 0x81 else msgspec.msgpack.decode(body)
            for opcode, body in frames_of(bytes(self.data))
        ]
        self.data.clear()
        return found


class HubReads:
    """Questions to the hub of the test."""

    def __init__(self, hub: FakeHub) -> None:
        self.hub = hub
        self.is_down = False
        self.asked: Counter[str] = Counter()
        self.on_ask: list[Any] = []
        """Called one after the other, before as many questions of the kind `tail` or `book`."""

    async def result(self, question: Question[Any]) -> Any:
        request = question.request
        self.asked[request.op] += 1
        await asyncio.sleep(0)
        if self.is_down:
            raise HubUnreachable("no hub answered")
        if request.op in ("tail", "book") and self.on_ask:
            self.on_ask.pop(0)()
        return question.result(decode_reply(self.hub.answers.answer(encode_request(request))))


class World:
    """A gateway's sockets, a hub, publishers."""

    def __init__(self, **settings: Any) -> None:
        self.hub = FakeHub()
        self.clock = self.hub.clock
        self.reads = HubReads(self.hub)
        made = SocketSettings(**{"join_s": 20.0, **settings})
        self.broadcast = Broadcast(made, "gateway.1-1", self.hub.catalog, self.clock, TTL_S)
        self.memories = Memories(self.reads, self.broadcast.feeds)  # type: ignore[arg-type]
        self.joiner = Joiner(self.broadcast, self.memories)
        self.pens: dict[str, Pen] = {}
        self.drops: Counter[str] = Counter()
        self.broadcast.mend = lambda feed: self.memories.mend(feed, self.clock.now_ns, self.clock.mono_ns)

    def frame(self, topic: str, *events: Message, publisher: str = A) -> Frame:
        """A frame on its way."""
        pen = self.pens.setdefault(publisher, Pen(publisher, epoch=5))
        return pen.frame(topic, events, ts_pub_ns=self.clock.ns)

    def publish(self, topic: str, *events: Message, publisher: str = A) -> None:
        """Everybody hears it at once."""
        frame = self.frame(topic, *events, publisher=publisher)
        self.hub.store.ingest(frame)
        self.broadcast.take(frame)

    def client(self, dialect: Dialect = JSON) -> Peer:
        """A client that has been let in."""
        line = FakeLine()
        broadcast = self.broadcast
        client = Client(line, dialect, broadcast.settings, broadcast.counts, broadcast.whole)
        broadcast.clients[client] = None
        session = Session(
            broadcast, self.joiner, client, lambda reason, _what="": self.drops.update([reason])
        )
        return Peer(self, line, client, session)

    def flush(self) -> None:
        """One round of sending."""
        self.broadcast.release_due(self.clock.mono_ns())
        for _ in self.broadcast.feeds.flush(100, self.broadcast.note_sent):
            pass


class Peer:
    """One client, as the test sees it."""

    def __init__(self, world: World, line: FakeLine, client: Client, session: Session) -> None:
        self.world = world
        self.line = line
        self.client = client
        self.session = session

    async def say(self, **message: Any) -> list[Any]:
        """Say something; returns what was answered."""
        await self.session.take(msgspec.json.encode(message).decode())
        return self.take()

    async def subscribe(self, *channels: dict[str, Any], **more: Any) -> list[Any]:
        return await self.say(op="subscribe", id=1, channels=list(channels), **more)

    def take(self) -> list[Any]:
        """What has come, after a round of sending."""
        self.world.flush()
        return self.line.take()

    def pause(self) -> None:
        """It reads nothing any more."""
        self.line.is_paused = True

    def resume(self) -> list[Any]:
        """It reads again; returns what has come."""
        self.line.is_paused = False
        self.client.drain()
        return self.take()


def ids(messages: list[Any]) -> list[int]:
    """Trade ids of all rows, in order."""
    return [row["trade_id"] for one in messages if one.get("ch") == "trades" for row in one.get("data", ())]
