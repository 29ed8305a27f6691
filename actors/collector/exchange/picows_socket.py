"""A connection whose frames picows cuts out; for everything else it is the socket of websocket-client.

Handshake, TLS, proxies, sending, pings, close frames, fragments and the rules about them stay where they are: a
frame that is not a whole text is handed to websocket-client, and so is everything from the first byte on that
picows refuses. Both transports therefore do the same with the same bytes.
"""

from __future__ import annotations

from typing import Any, ClassVar

from actors.collector.exchange.frame_cutter import FrameCutter
from actors.collector.exchange.stream_socket import TEXT_AND_FIN, StreamSocket


class PicowsSocket(StreamSocket):
    """See `StreamSocket`. `fill` cuts all frames of what has arrived, `take` hands them out."""

    transport: ClassVar[str] = "picows"

    def __init__(self, max_frame_bytes: int, **options: Any) -> None:
        super().__init__(max_frame_bytes, **options)
        self._cutter = FrameCutter(max_frame_bytes)
        self._ready: list[bytes] = []
        """Text frames in their order, handed out up to `_given`."""
        self._given = 0

    @property
    def has_more(self) -> bool:
        """See `StreamSocket`."""
        return bool(self._ready) or super().has_more

    def take(self, limit: int) -> list[bytes]:
        """See `StreamSocket`."""
        if not self._ready:
            return super().take(limit)
        frames = self._ready[self._given : self._given + limit]
        self._given += len(frames)
        if self._given == len(self._ready):
            self._ready, self._given = [], 0
        self.frames_received += len(frames)
        return frames

    def _take_in(self, data: bytes) -> None:
        cutter = self._cutter
        if cutter.is_broken or self._pending is not None:
            super()._take_in(data)
            return
        self.bytes_received += len(data)
        frames, firsts = cutter.feed(data)
        if firsts.count(TEXT_AND_FIN) == len(frames):
            self._ready += frames
        else:
            self._sort_out(frames, firsts)
        if cutter.rest:
            self._hold(cutter.rest)

    def _sort_out(self, frames: list[bytes], firsts: bytes) -> None:
        """Keep whole texts, let the library judge the others in their turn."""
        for payload, first in zip(frames, firsts, strict=True):
            if first == TEXT_AND_FIN:
                self._ready.append(payload)
                continue
            self._held = _frame(first, payload)
            self._at, self._frame_end = 0, len(self._held)
            try:
                self._ask_library(self._ready)
            except Exception as fault:  # noqa: BLE001 - whatever it is: `take` raises it behind what came before it
                self._pending = fault
                return
            finally:
                self._held, self._at = b"", 0


def _frame(first: int, payload: bytes) -> bytes:
    """A frame as the server has sent it."""
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65_536:
        return bytes((first, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload
