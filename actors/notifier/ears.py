"""Heartbeats and watermarks of every actor: only these topics are sent to us, so the busiest feed costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from protocol.endpoints import Endpoints
from protocol.errors import FrameError
from protocol.fleet import Fleet
from protocol.record import RecordKind
from protocol.topics import beat_topic, mark_topic
from protocol.transport import Empty, Subscriber, Wire

MOST: Final = 500
"""Frames of one actor taken in one look."""
DEAF_NS: Final = 5_000_000_000
"""Silence after which the socket is made anew: a refused one never reconnects by itself."""


class Ears:
    """One subscriber for each actor; what they say is taken now and then, nothing of it can be missed that matters.

    Args:
        wire: Makes the sockets.
        endpoints: Addresses.
        names: Whom to hear.
        fleet: Takes what they say.
        drop: Counts what cannot be used.
        mono_ns: Monotonic clock.
    """

    def __init__(
        self,
        wire: Wire,
        endpoints: Endpoints,
        names: Sequence[str],
        fleet: Fleet,
        drop: Callable[[str, object], None],
        mono_ns: Callable[[], int],
    ) -> None:
        self._wire = wire
        self._endpoints = endpoints
        self._fleet = fleet
        self._drop = drop
        self._mono_ns = mono_ns
        self._subscribers = {name: self._connect(name) for name in names}
        self._heard_ns = dict.fromkeys(names, mono_ns())

    def take(self) -> None:
        """Take what has come."""
        mono_ns = self._mono_ns()
        for name in self._subscribers:
            if self._take_one(name, mono_ns):
                self._heard_ns[name] = mono_ns
            elif mono_ns - self._heard_ns[name] > DEAF_NS:
                self._heard_ns[name] = mono_ns
                self._wire.forget(self._subscribers[name].socket)
                self._subscribers[name] = self._connect(name)
        self._fleet.news.clear()

    def _take_one(self, name: str, mono_ns: int) -> int:
        subscriber = self._subscribers[name]
        for taken in range(MOST):
            try:
                frame = subscriber.receive()
                if frame.kind == RecordKind.HEARTBEAT:
                    self._fleet.on_beat(frame, mono_ns)
                elif frame.kind == RecordKind.TIME:
                    self._fleet.on_mark(frame, mono_ns)
            except Empty:
                return taken
            except FrameError as fault:
                self._drop(fault.code, fault)
        return MOST

    def _connect(self, name: str) -> Subscriber:
        topics = [topic.encode() + b"\x00" for topic in (beat_topic(name), mark_topic(name))]
        return self._wire.subscriber([self._endpoints.pub(name)], topics)
