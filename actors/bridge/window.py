"""What is on its way to the stream and not confirmed yet, in order. Pure.

The stream takes a message only if its last one has the number and the name that we expect, so messages can be under way by
the thousand and still are stored in order, each once, or not at all from the first one on that fails.
"""

from __future__ import annotations

import collections
from collections.abc import Mapping
from typing import NamedTuple

from protocol.nats.faults import NatsRefused
from protocol.nats.jetstream import PubAck
from protocol.replay import Position


class Sent(NamedTuple):
    """One message under way."""

    seq: int
    """The number that it gets in the stream."""
    bytes: int
    mono_ns: int
    """When it was handed to the socket."""
    positions: Mapping[str, Position] | None
    """What it says of us, if it does."""


class Window:
    """Messages under way.

    Args:
        stream: Its name.
        last_seq: Of the newest message in the stream.
        max_messages: More than so many are too many.
        max_bytes: So are more bytes.
    """

    def __init__(self, stream: str, last_seq: int, max_messages: int, max_bytes: int) -> None:
        self.last_seq = last_seq
        """Given out last."""
        self.stored_seq = last_seq
        """Confirmed last."""
        self.bytes = 0
        self._stream = stream
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._sent: collections.deque[Sent] = collections.deque()

    def __len__(self) -> int:
        return len(self._sent)

    def add(self, size_bytes: int, mono_ns: int, positions: Mapping[str, Position] | None = None) -> int:
        """Note one more message; returns the number that the stream must have before it."""
        before = self.last_seq
        self.last_seq += 1
        self.bytes += size_bytes
        self._sent.append(Sent(self.last_seq, size_bytes, mono_ns, positions))
        return before

    def confirm(self, ack: PubAck) -> Sent:
        """The stream has one; it must be the oldest.

        Raises:
            NatsRefused: it is another one, of another stream, or was known: what is under way cannot be trusted.
        """
        if ack.duplicate:
            raise NatsRefused(f"the stream {ack.stream} knew a message already, as its number {ack.seq}")
        if ack.stream != self._stream:
            raise NatsRefused(f"stream {ack.stream} takes our subjects, not {self._stream}")
        if not self._sent or self._sent[0].seq != ack.seq:
            wanted = self._sent[0].seq if self._sent else "nothing"
            raise NatsRefused(f"{wanted} was to be confirmed, the stream says {ack.seq}")
        sent = self._sent.popleft()
        self.bytes -= sent.bytes
        self.stored_seq = sent.seq
        return sent

    @property
    def is_full(self) -> bool:
        """Whether no more should be added."""
        return len(self._sent) >= self._max_messages or self.bytes >= self._max_bytes

    @property
    def has_room(self) -> bool:
        """Whether it is worth going on after it was full."""
        return len(self._sent) * 2 <= self._max_messages and self.bytes * 2 <= self._max_bytes

    def oldest_ns(self) -> int:
        """When the oldest message under way was sent; 0: there is none."""
        return self._sent[0].mono_ns if self._sent else 0
