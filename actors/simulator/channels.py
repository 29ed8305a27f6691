"""Streams that somebody listens to, and the clients that do: one event becomes bytes once, for all of them.

Pure but for the bytes it puts into clients' buffers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from actors.simulator.faults import Faults
from actors.simulator.streams import Stream

_SHORT_HEADERS: Final = [bytes((0x81, size)) for size in range(126)]


def text_frame(body: bytes) -> bytes:
    """One unmasked, unfragmented text frame (RFC 6455 section 5.2), as servers send them."""
    size = len(body)
    if size < 126:
        return _SHORT_HEADERS[size] + body
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + body
    return b"\x81\x7f" + size.to_bytes(8, "big") + body


def frame_of(body: bytes, *, is_text: bool) -> bytes:
    """A text or a binary frame."""
    frame = text_frame(body)
    return frame if is_text else b"\x82" + frame[1:]


def envelope(stream: str, body: bytes) -> bytes:
    """What a combined connection gets: `{"stream":..,"data":..}`."""
    return b'{"stream":"%b","data":%b}' % (stream.encode(), body)


class Listener(Protocol):
    """A client as a channel sees it."""

    is_combined: bool

    @property
    def is_backed_up(self) -> bool:
        """More waits for it than a player wants to add to."""

    def put(self, frame: bytes) -> None:
        """Queue bytes for it; never blocks."""


class Source(Protocol):
    """Where events come from: the generated exchange, or a recording."""

    def open(self, market: str, stream: Stream, channel: Channel) -> Callable[[], None]:
        """Begin to feed a channel; returns what ends it. Nothing comes where the stream does not exist."""


class Channel:
    """One stream by the name it was asked for, and its listeners."""

    def __init__(self, market: str, name: str, stream: Stream, faults: Faults) -> None:
        self.market = market
        self.name = name
        self.stream = stream
        self.sent = 0
        """Events sent to at least one listener."""
        self.listeners: list[Listener] = []
        self.close: Callable[[], None] = lambda: None
        self._faults = faults
        self._combined: list[Listener] = []
        self._raw: list[Listener] = []
        self._head = b'{"stream":"%b","data":' % name.encode()

    def join(self, listener: Listener) -> None:
        """Add a listener."""
        self.listeners.append(listener)
        self._sort()

    def leave(self, listener: Listener) -> None:
        """Remove a listener."""
        self.listeners.remove(listener)
        self._sort()

    def _sort(self) -> None:
        self._combined = [listener for listener in self.listeners if listener.is_combined]
        self._raw = [listener for listener in self.listeners if not listener.is_combined]

    def send(self, text: str) -> None:
        """Send one event, as the generator makes them."""
        self.send_body(text.encode())

    def send_body(self, body: bytes) -> None:
        """Send one event."""
        if self._faults.is_active:
            stream = self.stream
            for kept in self._faults.apply(self.market, stream.raw, stream.kind, self.name, body):
                self._deliver(kept)
        else:
            self._deliver(body)

    def _deliver(self, body: bytes) -> None:
        self.sent += 1
        if self._combined:
            frame = text_frame(self._head + body + b"}")
            for listener in self._combined:
                listener.put(frame)
        if self._raw:
            frame = text_frame(body)
            for listener in self._raw:
                listener.put(frame)


class Channels:
    """All channels with listeners, by market and stream name."""

    def __init__(self, source: Source, faults: Faults) -> None:
        self._source = source
        self._faults = faults
        self._open: dict[tuple[str, str], Channel] = {}
        self.sent_before = 0
        """Events of channels that have closed since."""

    def join(self, listener: Listener, market: str, name: str, stream: Stream) -> None:
        """Let a listener hear a stream; the first one opens it at the source."""
        channel = self._open.get((market, name))
        if channel is None:
            channel = self._open[market, name] = Channel(market, name, stream, self._faults)
            channel.close = self._source.open(market, stream, channel)
        channel.join(listener)

    def leave(self, listener: Listener, market: str, name: str) -> None:
        """Let a listener no longer hear a stream; the last one closes it at the source."""
        channel = self._open[market, name]
        channel.leave(listener)
        if not channel.listeners:
            channel.close()
            self.sent_before += channel.sent
            del self._open[market, name]

    def resort(self, listener: Listener) -> None:
        """Note that a listener now wants envelopes, or no longer does."""
        for channel in self._open.values():
            if listener in channel.listeners:
                channel.leave(listener)
                channel.join(listener)

    def sent(self) -> dict[str, int]:
        """Events sent on each open channel, by `market:name`."""
        return {f"{market}:{name}": channel.sent for (market, name), channel in self._open.items()}

    @property
    def events_sent(self) -> int:
        """Events sent since the start, each counted once however many listened."""
        return self.sent_before + sum(channel.sent for channel in self._open.values())
