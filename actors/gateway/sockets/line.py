"""uvicorn's WebSocket protocol with a way past ASGI: frames made once are written as they are, and nothing waits.

`send` of ASGI makes each frame anew and waits for a client that does not read; here the transport says when it is full.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from asyncio.transports import BaseTransport
from collections.abc import Callable
from typing import Any, Final, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

LINE: Final = "tapehub.line"
"""Key of the scope's extensions under which a route finds the protocol."""
HIGH_WATER_BYTES: Final = 64 * 1024
KERNEL_BYTES: Final = 256 * 1024
"""What the system may keep for a client: more would only be older."""
GOODBYE_S: Final = 1.0
"""Time for the last words; then the connection is cut."""


class SocketProtocol(WebSocketsSansIOProtocol):
    """One connection; see `actors.gateway.sockets.client.Line`."""

    is_paused = False
    on_resume: Callable[[], None] | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """A connection has become a WebSocket."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(HIGH_WATER_BYTES)
        raw = transport.get_extra_info("socket")
        if raw is not None:
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)

    def pause_writing(self) -> None:
        """The client reads more slowly than we write."""
        self.is_paused = True
        super().pause_writing()

    def resume_writing(self) -> None:
        """It has read most of it."""
        self.is_paused = False
        super().resume_writing()
        if self.on_resume is not None:
            self.on_resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self.on_resume = None
        super().connection_lost(exc)

    async def run_asgi(self) -> None:
        """Let the application find this connection."""
        extensions = cast(dict[str, Any], self.scope["extensions"])
        extensions[LINE] = self
        await super().run_asgi()

    def write(self, data: bytes) -> None:
        """Send whole frames; after the end nothing is sent."""
        if not self.close_sent and self.conn.state is State.OPEN and not self.transport.is_closing():
            self.transport.write(data)

    def waiting_bytes(self) -> int:
        """What the system has not taken yet."""
        transport = cast(asyncio.WriteTransport, self.transport)
        return 0 if self.disconnected else transport.get_write_buffer_size()

    def end(self, code: int, reason: str) -> None:
        """Send a close frame behind what waits; cut the connection if that is not answered soon."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.stop_keepalive()
        if self.conn.state is State.OPEN:
            self.conn.send_close(code, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(GOODBYE_S, self.transport.abort)
