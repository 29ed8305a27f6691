"""One connection to `/ws/v1`: what the client says, and what it is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from actors.gateway.edge.guard import caller_of
from actors.gateway.edge.tokens import Caller
from actors.gateway.sockets.broadcast import Broadcast
from actors.gateway.sockets.client import Client
from actors.gateway.sockets.dialects import Dialect
from actors.gateway.sockets.inbound import Ask, read_ask, unwished, wishes_of
from actors.gateway.sockets.joiner import Joiner, Outcome
from actors.gateway.sockets.limits import Bucket
from actors.gateway.sockets.line import LINE
from actors.runtime.version import VERSION
from protocol.errors import HubError, InvalidRequest, Unauthorized

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Drop = Callable[[str, object], None]

REFUSED: Final = 1008
BUSY: Final = 1013


class TooMany(HubError):
    """The client says more than it may."""

    code = "rate_limited"


class Session:
    """One client's conversation.

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
        settings, mono_ns = broadcast.settings, broadcast.clock.mono_ns()
        self._rate = Bucket(settings.messages_per_s, settings.message_burst, mono_ns)
        self._faults = Bucket(1.0, settings.faults, mono_ns)

    def hello(self, caller: Caller) -> None:
        """The first message of each connection."""
        broadcast = self._broadcast
        self._client.say(
            {
                "op": "hello",
                "stream": broadcast.stream,
                "ts_ns": broadcast.clock.now_ns(),
                "heartbeat_s": broadcast.settings.heartbeat_s,
                "version": VERSION,
                "ttl_s": broadcast.ttl_s,
                "scopes": sorted(caller.scopes),
            }
        )

    async def take(self, data: str | bytes) -> None:
        """Do what the client says, or tell it what is wrong."""
        broadcast = self._broadcast
        broadcast.counts.messages_in += 1
        ident: Any = None
        try:
            limit = broadcast.settings.max_message_bytes
            if not self._rate.allow(broadcast.clock.mono_ns()):
                raise TooMany(
                    f"more than {broadcast.settings.messages_per_s:g} messages a second: wait a little"
                )
            if len(data) > limit:
                raise InvalidRequest(
                    f"a message of {len(data)} is longer than {limit} bytes: say it in several"
                )
            ask = read_ask(data)
            ident = ask.id
            await self._do(ask)
        except HubError as refusal:
            self._refuse(refusal, ident)

    def _refuse(self, refusal: HubError, ident: Any) -> None:
        details = {key: value for key, value in refusal.details.items() if key not in _OWN}
        ident = refusal.details.get("id") if ident is None else ident
        self._broadcast.counts.refused[refusal.code] += 1
        self._drop("socket_message", f"{refusal.code}: {refusal.message}")
        self._client.say(
            {"op": "error", "id": ident, "code": refusal.code, "detail": refusal.message, **details}
        )
        if not self._faults.allow(self._broadcast.clock.mono_ns()):
            text = f"more than {self._broadcast.settings.faults} messages were refused: mend the client, then connect again"
            self._broadcast.close_client(self._client, REFUSED, "too_many_errors", text)

    async def _do(self, ask: Ask) -> None:
        if ask.op == "ping":
            self._client.say({"op": "pong", "id": ask.id, "ts_ns": self._broadcast.clock.now_ns()})
        elif ask.op == "unsubscribe":
            self._unsubscribe(ask)
        else:
            await self._subscribe(ask)

    def _unsubscribe(self, ask: Ask) -> None:
        client, broadcast = self._client, self._broadcast
        left = unwished(ask.channels, client.wishes, broadcast.resolve) if ask.channels else {}
        broadcast.feeds.move(client, left, broadcast.clock.mono_ns())
        topics = len(client.audience.views) if client.audience is not None else 0
        client.say({"op": "unsubscribed", "id": ask.id, "topics_left": topics})

    async def _subscribe(self, ask: Ask) -> None:
        client, broadcast = self._client, self._broadcast
        limit = broadcast.settings.subscriptions
        new = wishes_of(ask.channels, broadcast.resolve, limit)
        if len({**client.wishes, **new}) > limit:
            raise InvalidRequest(
                f"more than {limit} subscriptions: use '*', or several connections", errors=["channels"]
            )
        count = min(ask.n, broadcast.settings.snapshot_rows) if ask.snapshot else 0
        is_resume = ask.op == "resume"
        if is_resume and not ask.stream:
            raise InvalidRequest("no stream: name the one of the hello", errors=["stream"])
        resume = ask.topics if is_resume else {}
        outcome = await self._joiner.join(client, new, count, resume, ask.stream)
        if not client.is_gone:
            self._begin(ask, outcome)

    def _begin(self, ask: Ask, outcome: Outcome) -> None:
        client = self._client
        if ask.op == "resume":
            for answer in outcome.resumed.values():
                name = "complete" if answer["is_complete"] else "incomplete"
                self._broadcast.counts.resumes[name] += 1
            client.say({"op": "resumed", "id": ask.id, "topics": outcome.resumed})
        channels = [{"name": name, "topics": count} for name, count in outcome.topics.items()]
        client.say({"op": "subscribed", "id": ask.id, "channels": channels})
        client.send(*outcome.frames)
        fault = outcome.fault
        if fault is not None:
            text = f"no snapshot: {fault.message or fault.code}; live messages come all the same"
            client.say({"op": "error", "id": ask.id, "code": fault.code, "detail": text})


_OWN: Final = frozenset(("op", "id", "code", "detail"))


async def connect(
    scope: Any, receive: Receive, send: Send, broadcast: Broadcast, dialect: Dialect
) -> tuple[Client, Caller] | None:
    """Let a client in; None: it was not."""
    await receive()
    caller = caller_of(scope)
    line = scope["extensions"].get(LINE)
    if line is None or not caller.may("read"):
        broadcast.counts.closed[Unauthorized.code] += 1
        await send({"type": "websocket.close", "code": REFUSED, "reason": "read scope needed"})
        return None
    await send({"type": "websocket.accept"})
    client = broadcast.admit(line, dialect, caller.name)
    if client is None:
        broadcast.counts.closed["too_many_clients"] += 1
        text = f"{broadcast.settings.clients} clients are connected already: try again later"
        line.write(dialect.plain({"op": "closing", "code": "too_many_clients", "detail": text}))
        line.end(BUSY, "too_many_clients")
        return None
    line.on_resume = client.drain
    return client, caller


async def converse(receive: Receive, take: Callable[[str | bytes], Awaitable[None]], client: Client) -> None:
    """Hand on what a client says until it has gone."""
    while not client.is_gone:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        text = event.get("text")
        await take(event["bytes"] if text is None else text)
