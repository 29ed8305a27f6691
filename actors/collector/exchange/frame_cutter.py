"""picows's parser of frames, fed from memory.

picows is a WebSocket client for asyncio. Its parser is an `asyncio.BufferedProtocol`, and to asyncio it is all the
same who gives a protocol its bytes. So `ws_connect` runs on a loop whose connections are memory: it asks for its
upgrade, gets it, and is done; the loop is closed. From then on whoever has bytes puts them into the parser's buffer.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from collections.abc import Callable
from typing import Any, Final

import picows

from actors.collector.exchange.stream_socket import RECEIVE_BYTES

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BEGUN_BYTES: Final = 140
"""picows refuses a frame for its header, or a close frame (at most 127 bytes) for what is in it."""
_SILENT: Final = logging.Logger("picows", logging.CRITICAL + 1)


class FrameCutter:
    """Cuts the frames of one connection out of its bytes, in the thread of its first `feed`.

    Args:
        max_frame_bytes: A longer one breaks it.
    """

    def __init__(self, max_frame_bytes: int) -> None:
        self.rest = b""
        """Once it is broken: all bytes behind the last whole frame."""
        self._max_frame_bytes = max_frame_bytes
        self._listener = _Listener()
        self._protocol: asyncio.BufferedProtocol | None = None
        self._transport: picows.WSTransport | None = None
        self._begun = b""
        """First bytes of a frame that is not whole yet, at most `_BEGUN_BYTES`."""

    @property
    def is_broken(self) -> bool:
        """Whether it has met something that it refuses; nothing comes out of it any more."""
        return self._transport is not None and self._transport.is_close_frame_sent

    def feed(self, data: bytes) -> tuple[list[bytes], bytes]:
        """Take in what has arrived.

        Returns:
            The payloads of all frames that are whole now, text or not, and the first byte of each.
        """
        frames, behind = self._parse(data)
        if not frames:
            if len(self._begun) < _BEGUN_BYTES:
                begun = self._begun + data
                self._begun = begun[:_BEGUN_BYTES]
                if self.is_broken:
                    self.rest = begun
            return [], b""
        first = (self._begun or data)[:1]
        firsts = first + bytes([data[-size] for size in behind[:-1]])
        end = len(data) - behind[-1]
        self._begun = data[end : end + _BEGUN_BYTES]
        if self.is_broken:
            self.rest = data[end:]
        return frames, firsts

    def _parse(self, data: bytes) -> tuple[list[bytes], list[int]]:
        """Payloads of the frames that are whole, and for each the number of bytes behind it."""
        protocol = self._protocol or self._begin()
        view, at = memoryview(data), 0
        frames: list[bytes] = []
        behind: list[int] = []
        while at < len(data) and not self.is_broken:
            room = memoryview(protocol.get_buffer(-1))
            piece = view[at : at + len(room)]
            room[: len(piece)] = piece
            at += len(piece)
            protocol.buffer_updated(len(piece))
            cut, tails = self._listener.collect()
            frames += cut
            behind += tails if at == len(data) else [size + len(data) - at for size in tails]
        return frames, behind

    def _begin(self) -> asyncio.BufferedProtocol:
        loop = _MemoryLoop()
        try:
            self._transport, _ = loop.run_until_complete(
                picows.ws_connect(
                    lambda *_: self._listener,
                    "ws://memory/",
                    websocket_handshake_timeout=None,
                    logger_name=_SILENT,
                    enable_auto_pong=False,
                    max_frame_size=self._max_frame_bytes,
                    read_buffer_init_size=2 * RECEIVE_BYTES,
                    use_aiofastnet=False,
                )
            )
        finally:
            loop.close()
        self._protocol = loop.protocol
        del loop.protocol  # which knows the loop
        return self._protocol


class _Listener(picows.WSListener):
    """Collects frames. What it is told is kept in closures: this is called for each of them."""

    def __init__(self) -> None:
        self._frames: list[bytes] = []
        self._behind: list[int] = []
        keep, tell = self._frames.append, self._behind.append

        def on_ws_frame(_transport: picows.WSTransport, frame: picows.WSFrame) -> None:
            keep(frame.get_payload_as_bytes())
            tell(frame.tail_size)

        self.on_ws_frame = on_ws_frame  # type: ignore[method-assign, assignment]  # no bound method for each frame

    def collect(self) -> tuple[list[bytes], list[int]]:
        """What has come since the last time: payloads, and the bytes behind each of them."""
        found = self._frames[:], self._behind[:]
        self._frames.clear()
        self._behind.clear()
        return found


class _MemoryLoop(asyncio.SelectorEventLoop):
    """Makes connections to nobody."""

    protocol: asyncio.BufferedProtocol
    """Of the last connection."""

    async def create_connection(  # type: ignore[override]  # the rest of the arguments is not looked at
        self, protocol_factory: Callable[[], asyncio.BufferedProtocol], *_: Any, **_options: Any
    ) -> tuple[asyncio.Transport, asyncio.BufferedProtocol]:
        """Connect a protocol with memory, and answer its request for an upgrade."""
        self.protocol, transport = protocol_factory(), _MemoryTransport()
        self.protocol.connection_made(transport)
        answer = _upgrade(transport.request)
        memoryview(self.protocol.get_buffer(-1))[: len(answer)] = answer
        self.protocol.buffer_updated(len(answer))
        return transport, self.protocol

    def call_later(  # type: ignore[override]  # variadic types in the library's
        self, delay: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        """Never: picows wants to hang up behind an error, and there is nothing to hang up."""
        return asyncio.TimerHandle(delay, callback, args, self, context)


class _MemoryTransport(asyncio.Transport):
    """Keeps the request for the upgrade, forgets whatever else is written."""

    request = b""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """There is a socket, with options that nobody reads."""
        return _NoSocket() if name == "socket" else default

    def get_write_buffer_size(self) -> int:
        """Never empty: else picows would write into the socket itself."""
        return 1

    def write(self, data: Any) -> None:
        """See the class."""
        self.request = self.request or bytes(data)

    def close(self) -> None:
        """Nothing to close."""

    def abort(self) -> None:
        """Nothing to close."""


class _NoSocket:
    def fileno(self) -> int:
        return -1

    def setsockopt(self, *_: Any) -> None:
        pass

    def getsockopt(self, *_: Any) -> int:
        return 0


def _upgrade(request: bytes) -> bytes:
    headers = dict(line.split(b": ", 1) for line in request.split(b"\r\n") if b": " in line)
    proof = base64.b64encode(hashlib.sha1(headers[b"Sec-WebSocket-Key"] + _GUID).digest())  # noqa: S324 - RFC 6455
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n"
    )
