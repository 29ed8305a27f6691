"""Waiting for sockets and file descriptors at once."""

from __future__ import annotations

from typing import Any

import zmq

from protocol.transport.flags import NOT_POLLOUT, POLLOUT


class Poller:
    """Waits for sockets and file descriptors at once."""

    def __init__(self) -> None:
        self._poller = zmq.Poller()

    def watch(self, item: zmq.Socket[bytes] | int, *, readable: bool = True, writable: bool = False) -> None:
        """Wait for this item too, or change what for."""
        self._poller.register(item, (zmq.POLLIN if readable else 0) | (zmq.POLLOUT if writable else 0))

    def unwatch(self, item: zmq.Socket[bytes] | int) -> None:
        """Wait for this item no longer."""
        self._poller.unregister(item)

    def poll(self, timeout_s: float) -> dict[Any, tuple[bool, bool]]:
        """Wait at most `timeout_s`; returns item -> (readable, writable). Errors count as readable."""
        events = self._poller.poll(max(0, int(timeout_s * 1000 + 0.999)))
        return {
            item: (bool(mask & NOT_POLLOUT), bool(mask & POLLOUT))  # broken counts as readable
            for item, mask in events
        }
