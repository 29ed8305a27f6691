"""Connects, sees to the stream, and asks it how far the mirror is. Blocks: it runs in a thread.

the newest position message in the stream, and the names of all messages behind it
none (the stream dropped it, or is new): what the journals know that we have stored
nothing there either: the heads of the journals, or their beginnings (`begins`)
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from actors.bridge.checks import Checked
from actors.bridge.journals import Journals
from actors.bridge.settings import BridgeSettings
from protocol.errors import HubTimeout
from protocol.nats import headers, jetstream, mirror
from protocol.nats.connection import Connection
from protocol.nats.faults import MESSAGE_NOT_FOUND, STREAM_NOT_FOUND, NatsRefused
from protocol.nats.jetstream import StreamConfig, StreamInfo
from protocol.nats.mirror import Positions
from protocol.nats.ordered import Ordered
from protocol.nats.session import Session
from protocol.replay import Position

TAIL_S: Final = 30.0
"""Longest time to read the names behind the newest position."""
_LIMITS: Final = ("max_age", "max_bytes", "num_replicas", "duplicate_window")
"""What we change of a stream that is there."""
_BEGINNING: Final = Position(0, 0)


class Opened(NamedTuple):
    """A line, and where the mirror goes on."""

    connection: Connection
    last_seq: int
    """Of the newest message in the stream."""
    positions: dict[str, Position]
    """Of every publisher; empty where there is no journal to go back to."""
    state: jetstream.StreamState
    told_by: str
    """Who said so: `stream`, `journals`, or `begins`."""
    other: str
    """Name of another bridge that wrote the newest position; empty: it was ours, or nobody."""


class Opening:
    """Opens the mirror, again after each fault.

    Args:
        name: Of the bridge.
        settings: Its section.
        checked: Addresses and secrets.
        publishers: Whose messages are mirrored.
        journals: Asks the journal servers; None: there is none.
    """

    def __init__(
        self,
        name: str,
        settings: BridgeSettings,
        checked: Checked,
        publishers: Sequence[str],
        journals: Journals | None,
    ) -> None:
        self._name = name
        self._settings = settings
        self._checked = checked
        self._publishers = list(publishers)
        self._journals = journals
        self._turn = 0

    def open(self) -> Opened:
        """All of it; the line is the caller's afterwards.

        Raises:
            HubError: it does not work now.
            OSError: a certificate has become unreadable.
        """
        servers = self._checked.servers
        first = self._turn % len(servers)
        self._turn += 1
        session = Session(
            servers[first:] + servers[:first],
            self._checked.login,
            self._checked.tls,
            f"tapehub {self._name}",
            self._settings.connect_timeout_s,
        )
        try:
            return self._look(session)
        except BaseException:
            session.close()
            raise

    def _look(self, session: Session) -> Opened:
        info, is_new = self._stream(session)
        newest, seq = self._newest_position(session)
        found = {name: Position(*place) for name, place in newest.positions.items()} if newest else {}
        last_seq = self._read_on(session, max(seq + 1, info.state.first_seq), info.state.last_seq, found)
        told_by = "stream"
        if newest is None:
            known, told_by = self._without_position(is_new or not info.state.last_seq)
            found = {**known, **found}
        if self._journals is not None:
            for name in self._publishers:  # one that is new: from the beginning of its journal
                found.setdefault(name, _BEGINNING)
        other = newest.bridge if newest is not None and newest.bridge != self._name else ""
        return Opened(session.connection, last_seq, found, info.state, told_by, other)

    # the stream

    def _wanted(self) -> StreamConfig:
        wanted = self._settings
        return StreamConfig(
            name=wanted.stream,
            subjects=[f"{wanted.subjects}.>"],
            storage=wanted.storage,
            max_age=round(wanted.max_age_s * 1e9),
            max_bytes=wanted.max_bytes or -1,
            num_replicas=wanted.replicas,
            duplicate_window=round(
                min(wanted.duplicate_window_s, wanted.max_age_s or wanted.duplicate_window_s) * 1e9
            ),
        )

    def _stream(self, session: Session) -> tuple[StreamInfo, bool]:
        """The stream, made or changed if it is ours to do so, and whether it was made."""
        wanted = self._wanted()
        try:
            info = jetstream.stream_of(session.ask(jetstream.stream_info(wanted.name)))
        except NatsRefused as fault:
            if fault.number != STREAM_NOT_FOUND or not self._settings.manages_stream:
                raise
            return jetstream.stream_of(session.ask(jetstream.create_stream(wanted))), True
        there = info.config.get("subjects", [])
        if sorted(there) != sorted(wanted.subjects):
            raise NatsRefused(
                f"stream {wanted.name} has subjects {', '.join(there)}, not {wanted.subjects[0]}: "
                "take another name for `stream`, or for `subjects`"
            )
        limits = {name: getattr(wanted, name) for name in _LIMITS}
        if self._settings.manages_stream and any(info.config.get(name) != limits[name] for name in _LIMITS):
            info = jetstream.stream_of(session.ask(jetstream.update_stream({**info.config, **limits})))
        return info, False

    def _newest_position(self, session: Session) -> tuple[Positions | None, int]:
        """What the newest position message says, and its number."""
        subject = f"{self._settings.subjects}.{mirror.POSITION}.>"
        try:
            found = jetstream.message_of(session.ask(jetstream.last_message(self._settings.stream, subject)))
        except NatsRefused as fault:
            if fault.number != MESSAGE_NOT_FOUND:
                raise
            return None, 0
        return mirror.decode_positions(found.data), found.seq

    def _read_on(self, session: Session, begin: int, last_seq: int, found: dict[str, Position]) -> int:
        """Take the names of all messages from a number on into `found`; returns the number of the last one."""
        if begin > last_seq:
            return last_seq
        connection, stream = session.connection, self._settings.stream
        inbox = f"{connection.inbox}.tail"
        sid = connection.subscribe(inbox)
        reader = Ordered(sid, connection.publish, time.monotonic_ns())
        ask = jetstream.create_consumer(stream, inbox, begin, headers_only=True)
        consumer = jetstream.consumer_of(session.ask(ask))
        pending = consumer.num_pending
        deadline_s = time.monotonic() + TAIL_S
        while pending:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or reader.broken:
                raise HubTimeout(
                    f"reading {stream} from {begin} on: {reader.broken or 'it takes too long'}",
                    timeout_s=TAIL_S,
                )
            for message in session.take(left_s):
                origin = reader.take(message, time.monotonic_ns())
                if origin is None:
                    continue
                pending = origin.pending
                said = headers.decode(message.headers).values if message.headers else {}
                named = mirror.parse_msg_id(said.get(jetstream.MSG_ID, ""))
                if named is not None:
                    found[named.publisher] = max(named.position, found.get(named.publisher, _BEGINNING))
            reader.tick(time.monotonic_ns())
        connection.unsubscribe(sid)
        jetstream.check(session.ask(jetstream.delete_consumer(stream, consumer.name)))
        return max(last_seq, reader.stream_seq)

    # where the stream does not say

    def _without_position(self, is_new: bool) -> tuple[Mapping[str, Position], str]:
        """Positions of all publishers, and who told them."""
        if self._journals is None:
            return {}, "begins"
        if is_new and self._settings.begins == "oldest":
            return dict.fromkeys(self._publishers, _BEGINNING), "begins"
        heads, stored = self._journals.ask(self._publishers, self._name)
        if stored:
            return stored, "journals"
        return heads if self._settings.begins == "now" else dict.fromkeys(
            self._publishers, _BEGINNING
        ), "begins"
