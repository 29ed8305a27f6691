"""One connection to `/ws`, as clients of the old hub expect it; on top of the same machinery."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from actors.gateway.sockets.broadcast import Broadcast
from actors.gateway.sockets.channels import BOOK_DEPTH
from actors.gateway.sockets.client import Client
from actors.gateway.sockets.dialects import TEXT, frame_of
from actors.gateway.sockets.joiner import Joiner
from actors.gateway.sockets.session import Drop
from actors.gateway.sockets.view import Shape
from actors.gateway.sockets.wishes import ALL, Wish
from protocol.errors import HubError

CHANNELS: Final = {
    "trade": "trades", "orderbook": "book", "liquidation": "liquidations", "news": "news", "alert": "alerts",
}  # fmt: skip
"""The old names to ours."""
BOOK: Final = Shape(conflate_ns=1_000_000_000, depth=BOOK_DEPTH)
"""Books come once a second."""


class OldAsk(msgspec.Struct, frozen=True):
    """What an old client says; what it says besides is not read."""

    type: str = ""
    action: str = ""
    channels: list[str] = []
    symbols: list[str] = []


_read: Final = msgspec.json.Decoder(OldAsk).decode


class OldSession:
    """One old client's conversation: it has everything until it subscribes.

    Args:
        broadcast: Where it subscribes.
        joiner: Who begins its subscriptions.
        client: It.
        drop: Counts and logs what a peer sent wrong.
    """

    def __init__(self, broadcast: Broadcast, joiner: Joiner, client: Client, drop: Drop) -> None:
        self._broadcast = broadcast
        self._joiner = joiner
        self._client = client
        self._drop = drop

    async def begin(self) -> None:
        """Everything."""
        await self._subscribe(list(CHANNELS), [])

    async def take(self, data: str | bytes) -> None:
        """Answer a ping, or subscribe; anything else is refused."""
        self._broadcast.counts.messages_in += 1
        if data == "ping":
            self._client.send(frame_of(TEXT, b"pong"))
            return
        try:
            ask = _read(data)
            if ask.type == "ping" or ask.action == "ping":
                self._client.say({"type": "pong"})
            elif ask.action == "subscribe":
                self._broadcast.feeds.move(self._client, {}, self._broadcast.clock.mono_ns())
                await self._subscribe(ask.channels or list(CHANNELS), ask.symbols)
            else:
                self._refuse("neither a ping nor an action that is known: subscribe")
        except HubError as refusal:
            self._refuse(refusal.message)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as fault:
            self._refuse(f"not a message: {fault}")

    def _refuse(self, text: str) -> None:
        self._broadcast.counts.refused["invalid_request"] += 1
        self._drop("socket_message", text)
        self._client.say({"type": "error", "message": text})

    async def _subscribe(self, channels: list[str], symbols: list[str]) -> None:
        resolve: Any = self._broadcast.resolve
        names = [ALL] if not symbols or ALL in symbols else [resolve(symbol) for symbol in symbols]
        wishes: dict[Wish, Shape] = {}
        for channel in channels:
            name = CHANNELS.get(channel)
            if name is None:
                text = f"no channel {channel[:40]!r}; there is {', '.join(CHANNELS)}"
                self._refuse(text)
            elif name == "news":
                wishes[Wish(name)] = Shape()
            else:
                wishes |= {Wish(name, symbol): BOOK if name == "book" else Shape() for symbol in names}
        if wishes:
            outcome = await self._joiner.join(self._client, wishes, 0)
            self._client.send(*outcome.frames)
