"""Clients that ask and do not read: what is kept for each is bounded, and who takes nothing for long is hung up on.

uvicorn stops an answer while more than the transport's high-water mark waits, so a slow reader holds one piece of an
answer and nobody up. It gives a client that never reads any time, though, even after it has closed the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

STUCK_S: Final = 15.0
"""A client that takes nothing for this long, while something waits for it, is cut off."""
KERNEL_BYTES: Final = 256 * 1024
"""What the system may keep for one connection; without a bound it is megabytes for each who does not read."""
_AT_ONCE: Final = struct.pack("ii", 1, 0)


class Unstuck(HttpToolsProtocol):
    """A connection that is watched while its client does not keep up."""

    _look: asyncio.TimerHandle | None = None
    _left_bytes = 0

    def pause_writing(self) -> None:
        """See asyncio."""
        super().pause_writing()
        self._left_bytes = self.transport.get_write_buffer_size()
        self._watch()

    def resume_writing(self) -> None:
        """See asyncio."""
        self._unwatch()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._unwatch()
        super().connection_lost(exc)

    def _watch(self) -> None:
        self._look = self.loop.call_later(STUCK_S, self._check)

    def _unwatch(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def _check(self) -> None:
        left_bytes = self.transport.get_write_buffer_size()
        if left_bytes >= self._left_bytes:
            self._cut()
            return
        self._left_bytes = left_bytes
        self._watch()

    def _cut(self) -> None:
        """Hang up, and have the system throw away what it keeps: else it would go on offering it for minutes."""
        line = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError, AttributeError):  # gone this moment
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.transport.abort()
