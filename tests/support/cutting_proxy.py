"""A TCP proxy that a test can cut, freeze, or have fall over in the middle of a message."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final

CHUNK: Final = 65536
POLL_S: Final = 0.05


class CuttingProxy:
    """Stands between clients and one port of this host.

    Args:
        port: Of the server.
    """

    def __init__(self, port: int) -> None:
        self.cuts = 0
        self.fell = threading.Event()
        """What was armed has happened."""
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"nats://127.0.0.1:{self.port}"
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._clients: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._left = -1
        self._strike: Callable[[], None] = lambda: None
        self._is_frozen = threading.Event()
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Reset every line."""
        with self._lock:
            for one in list(self._pairs):
                self._reset(one)
            self.cuts += 1

    def arm(self, after_bytes: int, strike: Callable[[], None]) -> None:
        """Once clients have sent so many more bytes: forward those and no more, call `strike`, reset every line."""
        with self._lock:
            self.fell.clear()
            self._strike, self._left = strike, after_bytes

    def freeze(self) -> None:
        """Forward nothing, and say nothing."""
        self._is_frozen.set()

    def thaw(self) -> None:
        """Forward again."""
        self._is_frozen.clear()

    def _run(self) -> None:
        while not self._is_closed.is_set():
            with self._lock:
                watched = [self._listener, *([] if self._is_frozen.is_set() else self._pairs)]
            try:
                readable, _, _ = select.select(watched, [], [], POLL_S)
            except (OSError, ValueError):
                continue  # one was reset meanwhile
            for one in readable:
                if one is self._listener:
                    self._accept()
                else:
                    self._forward(one)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            client, _ = self._listener.accept()
            try:
                server = socket.create_connection(self._target, 2.0)
            except OSError:
                client.close()
                return
            with self._lock:
                self._pairs[client], self._pairs[server] = server, client
                self._clients.add(client)

    def _forward(self, one: socket.socket) -> None:
        with self._lock:
            other = self._pairs.get(one)
            if other is None:
                return
            try:
                data = one.recv(CHUNK)
                is_client, strikes = one in self._clients, False
                if is_client and self._left >= 0:
                    strikes = len(data) >= self._left
                    data, self._left = data[: self._left] if strikes else data, self._left - len(data)
                if data:
                    other.sendall(data)
                elif not strikes:
                    raise ConnectionError("closed")
            except OSError:
                self._reset(one)
                return
            if strikes:
                self._left = -1
                self._strike()
                for pair in list(self._pairs):
                    self._reset(pair)
                self.cuts += 1
                self.fell.set()

    def _reset(self, one: socket.socket) -> None:
        for each in (one, self._pairs.pop(one, None)):
            if each is not None:
                self._pairs.pop(each, None)
                self._clients.discard(each)
                with contextlib.suppress(OSError):
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                each.close()

    def __enter__(self) -> CuttingProxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closed.set()
        self._thread.join()
        with self._lock:
            for one in list(self._pairs):
                self._reset(one)
        self._listener.close()
