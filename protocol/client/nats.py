"""`Nats`: the stream of a hub, read out of a NATS server that a bridge fills. docs/howto/nats.md."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from protocol.client.joining import Joint, Missing
from protocol.codec import decode_events
from protocol.errors import InvalidRequest
from protocol.messages import Message
from protocol.nats import jetstream, mirror
from protocol.nats.faults import MESSAGE_NOT_FOUND, NatsRefused
from protocol.nats.reading import MirrorReader, Place
from protocol.nats.secrets import login_of, tls_of
from protocol.nats.servers import parse_servers
from protocol.nats.session import Session
from protocol.record import Frame, RecordKind, is_fetched_bar

DEFAULT: Final = "nats://127.0.0.1:4222"
POLL_S: Final = 0.5
_NEWEST_BY: Final = {"bar": "ts_open_ns"}
"""Kinds of which a later message replaces an earlier one, and the field that they have in common."""


class Nats:
    """Reads what a bridge has mirrored. A login comes from the environment (`TAPEHUB_NATS_TOKEN` and others), see there.

        with Nats("nats://mirror.example:4222") as nats:
            for trade in nats.stream("trade.binance.BTC_USDT$", snapshot=100):
                ...

    Args:
        servers: `nats://host:port` or `tls://host:port`, one or several, tried in this order.
        stream: Name of the stream, as the bridge has it.
        subjects: How its subjects begin.
        timeout_s: Longest time to connect to one server, and for one of its answers.

    Raises:
        InvalidRequest: an address, or the login in the environment, is not in order.
    """

    def __init__(
        self,
        servers: str | Sequence[str] = DEFAULT,
        *,
        stream: str = "TAPEHUB",
        subjects: str = "tapehub",
        timeout_s: float = 5.0,
    ) -> None:
        try:
            addresses = parse_servers(servers)
        except ValueError as fault:
            raise InvalidRequest(str(fault), errors=["servers"]) from None
        self.place = Place(addresses, stream, subjects, login_of(os.environ), tls_of(os.environ), timeout_s)
        self._is_closed = False

    def stream(
        self,
        topic: str,
        snapshot: int = 0,
        *,
        on_gap: Callable[[Missing], None] | None = None,
        idle_s: float = 0.0,
    ) -> Iterator[Message]:
        """As `Hub.stream`: the last `snapshot` events of each topic, then live ones, none twice, none left out.

        Over cut lines and restarts of the server it goes on behind the last message. What the stream has dropped meanwhile
        (`max_age_s`, `max_bytes` of the bridge) is told by `on_gap`.

        Args:
            topic: A prefix (`trade.binance.`), or an exact topic with a `$` behind it (`trade.binance.BTC_USDT$`). Whole
                tokens and exact topics are cheap; of `trade.bin` all trades travel, and most are left out here.
            snapshot: Events per topic to begin with, as far as the stream has them; 0: live only.
            on_gap: Told of frames that are not in the stream, before the next message.
            idle_s: End the iteration when nothing came for so long; 0: wait for ever.

        Raises:
            HubUnreachable: no server answers at the beginning; later it is waited for.
            NoData: there is no such stream.
            Unauthorized: the server refuses the login.
        """
        for message in self.messages(topic, snapshot, on_gap, idle_s, lambda: False):
            if message is not None:
                yield message

    def messages(
        self,
        topic: str,
        snapshot: int,
        on_gap: Callable[[Missing], None] | None,
        idle_s: float,
        is_over: Callable[[], bool],
    ) -> Iterator[Message | None]:
        """As `stream`; None whenever nothing waits, at least each half second, and the end once `is_over` says so."""
        following = MirrorFollowing(self.place, topic, on_gap)
        try:
            yield from following.begin(snapshot)
            idle_since_s = time.monotonic()
            while not self._is_closed and (not idle_s or time.monotonic() - idle_since_s < idle_s):
                yield None
                if is_over():
                    return
                for message in following.take(min(POLL_S, idle_s or POLL_S)):
                    yield message
                    idle_since_s = time.monotonic()
        finally:
            following.close()

    def status(self) -> dict[str, Any]:
        """What the stream holds, and how far the bridge was when it last said so.

        Raises:
            HubError: as `stream`.
        """
        place = self.place
        with Session(place.servers, place.login, place.tls, "tapehub status", place.timeout_s) as session:
            info = jetstream.stream_of(session.ask(jetstream.stream_info(place.stream)))
            subject = f"{place.prefix}.{mirror.POSITION}.>"
            said: mirror.Positions | None = None
            try:
                found = jetstream.message_of(session.ask(jetstream.last_message(place.stream, subject)))
                said = mirror.decode_positions(found.data)
            except NatsRefused as fault:
                if fault.number != MESSAGE_NOT_FOUND:
                    raise
            state = info.state
            return {
                "server": str(session.connection.server),
                "stream": place.stream,
                "messages": state.messages,
                "bytes": state.bytes,
                "first_seq": state.first_seq,
                "last_seq": state.last_seq,
                "bridge": said.bridge if said else "",
                "topics": said.topics if said else [],
                "position_age_s": round((time.time_ns() - said.ts_ns) / 1e9, 3) if said else None,
                "positions": said.positions if said else {},
            }

    def close(self) -> None:
        """End its streams, within a second."""
        self._is_closed = True

    def __enter__(self) -> Nats:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class MirrorFollowing:
    """What a stream makes of a mirror's frames: the newest events first, then every message once, losses told in their place.

    Args:
        place: Of the mirror.
        topic: As `Nats.stream` has it.
        on_gap: Told of each loss, before the message behind it.
    """

    def __init__(self, place: Place, topic: str, on_gap: Callable[[Missing], None] | None) -> None:
        self._reader = MirrorReader(place, topic)
        self._joint = Joint(self._note)
        self._on_gap = on_gap
        self._items: list[Message | Missing] = []

    def begin(self, snapshot: int) -> Iterator[Message]:
        """Connect; the newest events of each topic."""
        state = self._reader.open()
        if snapshot:
            tails = self._reader.tails(state, lambda frames: len(newest_events(frames)) >= snapshot)
            for frames in tails.values():
                found: list[Message] = []
                for frame in frames:
                    found += self._joint.take(frame)
                self._items.clear()  # between messages that nobody was promised nothing is missing
                yield from merged(frames[0].topic, found)[-snapshot:]

    def take(self, timeout_s: float) -> Iterator[Message]:
        """The next messages; waits for the first."""
        for frame in self._reader.take(timeout_s):
            self._items += self._joint.take(frame)
        items, self._items = self._items, []
        for item in items:
            if not isinstance(item, Missing):
                yield item
            elif self._on_gap is not None:
                self._on_gap(item)

    def _note(self, missing: Missing) -> None:
        self._items.append(missing)

    def close(self) -> None:
        """Close the line."""
        self._reader.close()


def newest_events(frames: list[Frame]) -> list[Message]:
    """Events of one topic's frames, as a snapshot has them."""
    found: list[Message] = []
    for frame in frames:
        if frame.kind in (RecordKind.DATA, RecordKind.UPSTREAM_GAP) and not is_fetched_bar(frame):
            found += decode_events(frame)
    return merged(frames[0].topic, found) if frames else []


def merged(topic: str, messages: list[Message]) -> list[Message]:
    """Messages without those that a later one replaces: of a candle its newest revision."""
    field = _NEWEST_BY.get(topic.partition(".")[0])
    if field is None:
        return messages
    newest = {getattr(message, field): message for message in messages}
    return [newest[key] for key in sorted(newest)]
