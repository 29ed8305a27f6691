"""One WebSocket connection in the actor's loop: connected in a thread, read when the system says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

from websocket import WebSocketBadStatusException, WebSocketException

from actors.collector.exchange.stream_socket import FrameTooLarge, StreamSocket
from actors.runtime.clock import Clock

T = TypeVar("T")

FRAMES_PER_TURN: Final = 256
"""Frames taken in one turn of the loop: timers and control get their turn after it."""


class Loop(Protocol):
    """What a connection needs of the actor around it."""

    clock: Clock

    def submit(self, work: Callable[[], T], done: Callable[[T | Exception], None]) -> None:
        """Run `work` in a thread, then `done` in the loop."""

    def watch(self, fd: int, on_readable: Callable[[], None]) -> None:
        """Call when the descriptor has something."""

    def unwatch(self, fd: int) -> None:
        """Forget the descriptor."""

    def soon(self, handler: Callable[[], None]) -> None:
        """Call in the next turn."""

    def drop(self, reason: str, what: object = "") -> None:
        """Count and log something bad."""


class Listener(Protocol):
    """Who hears of a connection."""

    def on_open(self, connection: Connection) -> None:
        """The handshake is done."""

    def on_frames(self, connection: Connection, frames: list[bytes], ts_recv_ns: int) -> None:
        """Text frames in the order in which they came."""

    def on_closed(self, connection: Connection, end: Ending) -> None:
        """It is over, or never began. Not called after `close`."""


class Ending:
    """Why a connection ended."""

    def __init__(self, reason: str, status: int = 0, retry_after_s: float | None = None) -> None:
        self.reason = reason
        self.status = status
        """HTTP status of a refused handshake."""
        self.retry_after_s = retry_after_s


class Connection:
    """One connection; it is opened once and closed once.

    Args:
        loop: The actor.
        url: `ws://` or `wss://` address.
        timeout_s: For connect and handshake.
        max_frame_bytes: Longer frames are skipped.
        listener: Hears what happens.
        make_socket: Makes its socket, given `max_frame_bytes`.
    """

    def __init__(
        self,
        loop: Loop,
        url: str,
        timeout_s: float,
        max_frame_bytes: int,
        listener: Listener,
        make_socket: Callable[[int], StreamSocket] = StreamSocket,
    ) -> None:
        self.url = url
        self.state = "connecting"
        """connecting, open, closed."""
        self.opened_mono_ns = 0
        self.is_flowing = False
        """Set by the listener once market data has come."""
        self.frames_received = 0
        self._loop = loop
        self._timeout_s = timeout_s
        self._max_frame_bytes = max_frame_bytes
        self._listener = listener
        self._make_socket = make_socket
        self._socket: StreamSocket | None = None
        self._fd = -1
        self._binary_told = 0
        self._received_ns = 0

    @property
    def transport(self) -> str:
        """What cuts its frames; empty while it is not open."""
        return self._socket.transport if self._socket else ""

    @property
    def bytes_received(self) -> int:
        """Bytes after the handshake."""
        return self._socket.bytes_received if self._socket else 0

    @property
    def pings_received(self) -> int:
        """Pings of the venue, each answered."""
        return self._socket.pings_received if self._socket else 0

    def open(self) -> None:
        """Begin to connect; `on_open` or `on_closed` follows."""
        self._loop.submit(self._connect, self._on_connected)

    def _connect(self) -> StreamSocket:
        """Blocking, runs in a thread."""
        socket = self._make_socket(self._max_frame_bytes)
        socket.open(self.url, self._timeout_s)
        return socket

    def _on_connected(self, result: StreamSocket | Exception) -> None:
        if isinstance(result, Exception):
            if not isinstance(result, (WebSocketException, OSError)):
                raise result
            if self.state != "closed":
                self.state = "closed"
                self._listener.on_closed(self, _ending(result))
            return
        if self.state == "closed":  # nobody wants it any more
            result.hang_up()
            return
        self._socket = result
        self.state = "open"
        self.opened_mono_ns = self._loop.clock.mono_ns()
        self._fd = result.fd
        self._loop.watch(self._fd, self._on_readable)
        self._listener.on_open(self)

    def _on_readable(self) -> None:
        socket = self._socket
        if socket is None:
            return
        if socket.has_more:  # `_drain` is promised for the next turn; the system keeps the rest until then
            return
        self._received_ns = self._loop.clock.now_ns()
        try:
            socket.fill()
        except (WebSocketException, OSError) as fault:
            self._fail(fault)
            return
        self._drain()

    def _drain(self) -> None:
        socket = self._socket
        if socket is None:
            return
        try:
            frames = socket.take(FRAMES_PER_TURN)
        except FrameTooLarge as fault:
            self._loop.drop("oversize_frame", fault)
            frames = []
        except (WebSocketException, OSError) as fault:
            self._fail(fault)
            return
        if socket.binary_frames > self._binary_told:
            self._loop.drop("binary_frame", f"{socket.binary_frames} of {self.url}")
            self._binary_told = socket.binary_frames
        if frames:
            self.frames_received += len(frames)
            self._listener.on_frames(self, frames, self._received_ns)
        if self._socket is not None and socket.has_more:
            self._loop.soon(self._drain)

    def send(self, text: str) -> None:
        """Send one text frame; a connection that cannot take it at once is not worth keeping."""
        if self._socket is None:
            return
        try:
            self._socket.send(text)
        except (WebSocketException, OSError) as fault:
            self._fail(fault)

    def close(self) -> None:
        """End it without a word to the listener."""
        self.state = "closed"
        socket, self._socket = self._socket, None
        if socket is not None:
            self._loop.unwatch(self._fd)
            socket.hang_up()

    def _fail(self, fault: Exception) -> None:
        self.close()
        self._listener.on_closed(self, _ending(fault))


def _ending(fault: Exception) -> Ending:
    reason = str(fault).strip() or type(fault).__name__
    if isinstance(fault, WebSocketBadStatusException):
        headers: dict[str, Any] = fault.resp_headers or {}
        return Ending(
            f"HTTP {fault.status_code}", fault.status_code, retry_after_s(headers.get("retry-after"))
        )
    return Ending(f"{type(fault).__name__}: {reason}"[:300])


def retry_after_s(text: str | None) -> float | None:
    """Value of a `Retry-After` header in seconds; a date or rubbish counts as none."""
    try:
        seconds = float(text) if text else -1.0
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
