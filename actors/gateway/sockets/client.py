"""One WebSocket client: in its audience while it keeps up, with a queue of its own while it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from actors.gateway.sockets.audience import Audience
from actors.gateway.sockets.counts import Counts
from actors.gateway.sockets.dialects import Dialect
from actors.gateway.sockets.outbox import Outbox
from actors.gateway.sockets.settings import SocketSettings
from actors.gateway.sockets.view import Piece, View
from actors.gateway.sockets.wishes import Wishes

CHUNK_BYTES: Final = 65_536
"""Written at once to a client that catches up."""


class Line(Protocol):
    """The way to a client: writing never waits."""

    is_paused: bool
    """Whether more waits in it than it likes."""

    def write(self, data: bytes) -> None:
        """Send whole WebSocket frames."""

    def waiting_bytes(self) -> int:
        """What the system has not taken yet."""

    def end(self, code: int, reason: str) -> None:
        """Close it; what waits is thrown away if it is not read soon."""


class Client:
    """One client.

    Args:
        line: The way to it.
        dialect: How it is spoken to.
        settings: Bounds.
        counts: Where to count.
        whole: A snapshot of a view that has changes only.
        name: Of its token, for the log.
    """

    def __init__(
        self, line: Line, dialect: Dialect, settings: SocketSettings, counts: Counts,
        whole: Callable[[View], bytes], name: str = "",
    ) -> None:  # fmt: skip
        self.line = line
        self.dialect = dialect
        self.name = name
        self.audience: Audience | None = None
        self.place = 0
        self.outbox = Outbox(settings.queue_messages, settings.queue_bytes, whole)
        self.is_slow = False
        self.is_gone = False
        self._counts = counts
        self._left_bytes = 0
        self._moved_ns = 0
        """When it was seen to read something last, while it is slow; monotonic."""

    @property
    def wishes(self) -> Wishes:
        """What it wants."""
        return self.audience.wishes if self.audience is not None else {}

    def say(self, value: dict[str, Any]) -> None:
        """Answer it."""
        self.send(self.dialect.plain(value))

    def send(self, *frames: bytes) -> None:
        """Send frames for it alone, after everything that waits for it already."""
        if self.is_gone:
            return
        if self.audience is not None and not self.is_slow:
            self.audience.seal()
            self.catch_up()
        for frame in frames:
            if self.is_slow or self.line.is_paused:
                self._fall_behind()
                self.outbox.say(frame)
            elif frame:
                self._write(frame, 1)

    def catch_up(self) -> None:
        """Write what its audience has for it."""
        audience = self.audience
        if audience is None or self.is_slow or self.is_gone or self.place == audience.end:
            return
        batches = audience.since(self.place)
        self.place = audience.end
        for batch in batches:
            if self.is_slow or self.line.is_paused:
                self._fall_behind()
                for piece in batch.pieces:
                    self.queue(piece)
            else:
                self._write(batch.data, len(batch.pieces))

    def queue(self, piece: Piece) -> None:
        """Keep a message until it reads again."""
        self.outbox.put(piece)
        if self.outbox.dropped:
            self._counts.dropped.update(self.outbox.dropped)
            self.outbox.dropped.clear()

    def _write(self, data: bytes, count: int) -> None:
        self.line.write(data)
        self._counts.messages_out += count
        self._counts.bytes_out += len(data)

    def _fall_behind(self) -> None:
        if not self.is_slow:
            self.is_slow = True
            self._moved_ns = 0
            if self.audience is not None:
                self.audience.members.pop(self, None)
                self.audience.slow[self] = None

    def drain(self) -> None:
        """It reads again: write what waits; once that is all it keeps up with its audience."""
        while self.is_slow and not self.is_gone and not self.line.is_paused:
            if not len(self.outbox):
                self.is_slow = False
                if self.audience is not None:
                    self.audience.seal()
                    self.place = self.audience.end
                    del self.audience.slow[self]
                    self.audience.members[self] = None
                return
            data, count = self.outbox.take(CHUNK_BYTES)
            if not data and len(self.outbox):
                return  # a book is to come whole, and is not known now
            if data:
                self._write(data, count)

    def stuck_ns(self, mono_ns: int) -> int:
        """For how long something has waited for it without being read."""
        if not self.is_slow:
            return 0
        left_bytes = self.line.waiting_bytes()
        if not self._moved_ns or left_bytes < self._left_bytes or not left_bytes:
            self._moved_ns = mono_ns
        self._left_bytes = left_bytes
        return mono_ns - self._moved_ns
