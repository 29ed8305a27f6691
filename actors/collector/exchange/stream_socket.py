"""websocket-client's socket, read without blocking and in big pieces.

The library does the handshake, TLS, masking, pings, close frames, fragments and every rule about them. Only the
common case, a whole unmasked text frame, is cut out of the buffer here: asking the library for it costs ten
times as much (measured 2026-11: 6.6 us against 0.5 us), because it reads each header byte through four calls.
`picows_socket.py` lets picows do the cutting.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import Any, ClassVar, Final

import websocket
from websocket import (
    ABNF,
    WebSocketConnectionClosedException,
    WebSocketException,
    WebSocketProtocolException,
)

RECEIVE_BYTES: Final = 262_144
MAX_SKIPPED_BYTES: Final = 256 * 1024 * 1024
"""A frame that is too large is skipped, so that the stream goes on behind it; beyond this nobody waits for its end."""
TEXT_AND_FIN: Final = 0x81
"""First byte of a text frame that is a whole message."""
_LENGTH_16: Final = 126
_LENGTH_64: Final = 127


class FrameTooLarge(Exception):
    """A frame was longer than allowed and is being skipped."""


class StreamSocket(websocket.WebSocket):
    """One connection to a venue. `open` it in a thread, then read it from the loop.

    Args:
        max_frame_bytes: Longer frames are never held in memory.
    """

    transport: ClassVar[str] = "websocket-client"
    """Its name in the settings."""

    def __init__(self, max_frame_bytes: int, **options: Any) -> None:
        super().__init__(enable_multithread=False, skip_utf8_validation=True, **options)
        self._max_frame_bytes = max_frame_bytes
        self._held = b""
        self._at = 0
        """Where the next frame begins in `_held`."""
        self._chunks: list[bytes] = []
        """Received after `_held`; joined when a whole frame is there, so that a large one is not copied often."""
        self._chunks_bytes = 0
        self._needed_bytes = 0
        """Bytes from `_at` on without which there is no next frame; 0: not known."""
        self._skip_bytes = 0
        self._frame_end = 0
        self._pending: Exception | None = None
        self.bytes_received = 0
        self.frames_received = 0
        self.pings_received = 0
        self.oversize_frames = 0
        self.binary_frames = 0

    def open(self, url: str, timeout_s: float) -> None:
        """Connect and shake hands, blocking at most about `timeout_s`; never wait again after that.

        Raises:
            WebSocketException: the handshake was refused (WebSocketBadStatusException has status and headers).
            OSError: the address cannot be reached.
        """
        self.connect(url, timeout=timeout_s, suppress_origin=True, redirect_limit=0)  # type: ignore[no-untyped-call]  # the library's
        self.settimeout(0)

    @property
    def fd(self) -> int:
        """File descriptor to wait on."""
        return int(self.fileno())  # type: ignore[no-untyped-call]  # the library's

    def hang_up(self) -> None:
        """Say good-bye if that is possible without waiting, and close."""
        with contextlib.suppress(WebSocketException, OSError):
            if self.connected:
                self.send_close()
        self.shutdown()  # type: ignore[no-untyped-call]  # the library's

    def fill(self) -> None:
        """Receive what has arrived.

        Raises:
            WebSocketConnectionClosedException: the peer has closed the TCP connection.
            OSError: the connection broke.
        """
        sock = self.sock
        if sock is None:
            raise WebSocketConnectionClosedException("socket is already closed")
        while True:
            try:
                data = sock.recv(RECEIVE_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            if not data:
                raise WebSocketConnectionClosedException("the venue closed the connection")
            self._take_in(data)
            # a TLS record may be decrypted already: poll does not tell about that
            if not (isinstance(sock, ssl.SSLSocket) and sock.pending()):
                return

    def _take_in(self, data: bytes) -> None:
        self.bytes_received += len(data)
        if self._skip_bytes:
            skipped = min(self._skip_bytes, len(data))
            self._skip_bytes -= skipped
            data = data[skipped:]
        if data:
            self._hold(data)

    def _hold(self, data: bytes) -> None:
        self._chunks.append(data)
        self._chunks_bytes += len(data)

    @property
    def has_more(self) -> bool:
        """Whether `take` may have something without a `fill`."""
        if self._pending is not None:
            return True
        held_bytes = len(self._held) - self._at + self._chunks_bytes
        return held_bytes >= max(2, self._needed_bytes)

    def take(self, limit: int) -> list[bytes]:
        """The next whole text frames, at most `limit`; pings are answered on the way.

        Raises:
            FrameTooLarge: one was; the frames behind it come with the next call.
            WebSocketConnectionClosedException: the venue said good-bye.
            WebSocketException: it broke the protocol; the connection is to be closed.
        """
        if self._pending is not None:
            fault, self._pending = self._pending, None
            raise fault
        if not self.has_more:
            return []
        self._join()
        frames: list[bytes] = []
        try:
            self._cut(frames, limit)
        except Exception as fault:
            if not frames:
                raise
            self._pending = fault  # whatever it is: first what came before it, the next call raises it
        self.frames_received += len(frames)
        return frames

    def _join(self) -> None:
        if self._chunks:
            rest = self._held[self._at :]
            self._held = b"".join([rest, *self._chunks]) if rest or len(self._chunks) > 1 else self._chunks[0]
            self._at = 0
            self._chunks.clear()
            self._chunks_bytes = 0
        self._needed_bytes = 0

    def _cut(self, frames: list[bytes], limit: int) -> None:
        held, at = self._held, self._at
        size = len(held)
        max_frame_bytes = self._max_frame_bytes
        while len(frames) < limit and size - at >= 2:
            length = held[at + 1] & 0x7F
            begin = at + 2
            if length == _LENGTH_16:
                begin = at + 4
                length = int.from_bytes(held[at + 2 : begin], "big")
            elif length == _LENGTH_64:
                begin = at + 10
                length = int.from_bytes(held[at + 2 : begin], "big")
            if begin > size:
                self._needed_bytes = begin - at
                break
            if held[at + 1] & 0x80:  # masked: no server may, the library unmasks it all the same
                begin += 4
            if length > max_frame_bytes:
                self._skip(begin + length)
                raise FrameTooLarge(f"frame of {length} bytes, at most {max_frame_bytes} are taken")
            end = begin + length
            if end > size:
                self._needed_bytes = end - at
                break
            if held[at] == TEXT_AND_FIN and not held[at + 1] & 0x80:
                frames.append(held[begin:end])
            else:
                self._at, self._frame_end = at, end
                self._ask_library(frames)
            at = end
        self._at = at

    def _skip(self, end: int) -> None:
        self.oversize_frames += 1
        beyond_bytes = end - len(self._held)
        if beyond_bytes > MAX_SKIPPED_BYTES:
            raise WebSocketProtocolException(f"a frame announces {beyond_bytes} more bytes")
        self._at = min(end, len(self._held))
        self._skip_bytes = max(0, beyond_bytes)

    def _ask_library(self, frames: list[bytes]) -> None:
        """Let the library read exactly one frame: a ping, a close, a fragment, binary data, or rubbish."""
        try:
            opcode, frame = self.recv_data_frame(control_frame=True)
        except BlockingIOError:  # a fragment with more to come
            self._check_fragments()
            return
        if opcode == ABNF.OPCODE_CLOSE:
            raise WebSocketConnectionClosedException(f"the venue closed: {_close_reason(frame.data)}")
        if opcode == ABNF.OPCODE_TEXT:
            frames.append(bytes(frame.data))
        elif opcode == ABNF.OPCODE_BINARY:
            self.binary_frames += 1
        elif opcode == ABNF.OPCODE_PING:
            self.pings_received += 1

    def _check_fragments(self) -> None:
        parts = self.cont_frame.cont_data
        if parts is not None and len(parts[1]) > self._max_frame_bytes:
            raise WebSocketProtocolException(f"fragments add up to more than {self._max_frame_bytes} bytes")

    def _recv(self, bufsize: int) -> bytes:
        """Where the library gets its bytes from: the frame in hand, and no byte behind it."""
        end = min(self._at + bufsize, self._frame_end)
        if end <= self._at:
            raise BlockingIOError
        part = self._held[self._at : end]
        self._at = end
        return part


def _close_reason(data: bytes) -> str:
    """Code and reason of a close frame, in words."""
    if len(data) < 2:
        return "without a reason"
    return f"{int.from_bytes(data[:2], 'big')} {data[2:].decode('utf-8', 'replace')}".strip()
