"""Heartbeats of the guarded actors, taken now and then: when their loops turned."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from protocol.codec import decode_events
from protocol.endpoints import Endpoints
from protocol.errors import FrameError
from protocol.messages import Beat
from protocol.record import RecordKind
from protocol.topics import beat_topic
from protocol.transport import Empty, Subscriber, Wire

MOST: Final = 1000
"""Frames of one actor taken in one look."""


class Beats:
    """One subscriber for each actor.

    Args:
        wire: Makes the sockets.
        endpoints: Addresses.
        drop: Counts what cannot be used.
    """

    def __init__(self, wire: Wire, endpoints: Endpoints, drop: Callable[[str, object], None]) -> None:
        self._wire = wire
        self._endpoints = endpoints
        self._drop = drop
        self._subscribers: dict[str, Subscriber] = {}

    def follow(self, names: Iterable[str]) -> None:
        """Hear exactly these from now on."""
        wanted = set(names)
        for name in wanted - set(self._subscribers):
            self._subscribers[name] = self._connect(name)
        for name in set(self._subscribers) - wanted:
            self._wire.forget(self._subscribers.pop(name).socket)

    def renew(self, name: str) -> None:
        """Hear one on a new socket: one that was refused never reconnects by itself."""
        if name in self._subscribers:
            self._wire.forget(self._subscribers[name].socket)
            self._subscribers[name] = self._connect(name)

    def take(self, on_beat: Callable[[str, Beat], None]) -> None:
        """Hand over what has come: the name, and the heartbeat."""
        for name, subscriber in self._subscribers.items():
            for _ in range(MOST):
                try:
                    frame = subscriber.receive()
                    if frame.kind == RecordKind.HEARTBEAT and frame.publisher == name:
                        for beat in decode_events(frame):
                            on_beat(name, beat)
                except Empty:
                    break
                except FrameError as fault:
                    self._drop(fault.code, fault)

    def _connect(self, name: str) -> Subscriber:
        return self._wire.subscriber([self._endpoints.pub(name)], [beat_topic(name).encode() + b"\x00"])
