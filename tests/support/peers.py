"""Test peers at both ends of an actor: a publisher that knows when it is heard, an ear, an asker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from protocol.codec import decode_events
from protocol.endpoints import Endpoints
from protocol.messages import Beat, Message
from protocol.record import Frame, RecordKind
from protocol.requests import Reply, Request
from protocol.transport import Empty, Poller, Publisher, Subscriber, Wire


class Peers:
    """Sockets of one test, all closed at its end."""

    def __init__(self, run_dir: Path) -> None:
        self.endpoints = Endpoints(run_dir)
        self.endpoints.prepare()
        self.wire = Wire()

    def source(self, name: str = "source.1", epoch: int = 1) -> Source:
        """A publisher at the address of the actor of that name."""
        return Source(self.wire.publisher(self.endpoints.pub(name), name, epoch, time.time_ns))

    def ear(self, name: str, *prefixes: str) -> Ear:
        """Hear what an actor publishes; everything where no prefix is given."""
        wanted = [prefix.encode() for prefix in prefixes or ("",)]
        return Ear(self.wire.subscriber([self.endpoints.pub(name)], wanted))

    def ask(self, name: str, op: str, timeout_s: float = 40.0, **fields: Any) -> Reply:
        """Ask an actor's control socket; a new connection each time."""
        requester = self.wire.requester(self.endpoints.ctl(name))
        try:
            return requester.ask(Request(op=op, **fields), timeout_s)
        finally:
            requester.close()


class Source:
    """A publisher that can wait until somebody has subscribed: nothing sent after that is lost."""

    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher
        self._heard: list[bytes] = []
        self._poller = Poller()
        self._poller.watch(publisher.socket)

    def wait_for_subscription(self, prefix: str, deadline_s: float = 40.0) -> None:
        """Wait until a subscriber wants this prefix, or everything, as actors do."""
        wanted = b"\x01" + prefix.encode()
        end_s = time.monotonic() + deadline_s
        while not any(heard.startswith(wanted) or heard == b"\x01" for heard in self._heard):
            left_s = end_s - time.monotonic()
            assert left_s > 0, f"nobody subscribed to {prefix!r}; heard {self._heard}"
            self._poller.poll(left_s)
            self._heard += self.publisher.subscriptions()

    def send(self, topic: str, *events: Message, kind: int = RecordKind.DATA) -> int:
        """Publish events of one type."""
        return self.publisher.publish(topic, events, kind)


class Ear:
    """A subscriber that waits for what it wants, with one deadline in all."""

    def __init__(self, subscriber: Subscriber) -> None:
        self.subscriber = subscriber
        self._poller = Poller()
        self._poller.watch(subscriber.socket)

    def frames(self, deadline_s: float = 40.0) -> Iterator[Frame]:
        """Frames as they come; fails when the deadline passes."""
        end_s = time.monotonic() + deadline_s
        while True:
            try:
                yield self.subscriber.receive()
            except Empty:
                left_s = end_s - time.monotonic()
                assert left_s > 0, f"nothing that fits within {deadline_s:g} s"
                self._poller.poll(left_s)

    def events(self, prefix: str, count: int, deadline_s: float = 40.0) -> list[Any]:
        """The next `count` events on topics that start so."""
        found: list[Any] = []
        for frame in self.frames(deadline_s):
            if frame.topic.startswith(prefix):
                found += decode_events(frame)
            if len(found) >= count:
                break
        return found

    def until(self, condition: Callable[[Any], bool], prefix: str, deadline_s: float = 40.0) -> Any:
        """The first event on such a topic that fits."""
        for frame in self.frames(deadline_s):
            if frame.topic.startswith(prefix):
                for event in decode_events(frame):
                    if condition(event):
                        return event
        raise AssertionError("unreachable")

    def beat(self, state: str, deadline_s: float = 40.0) -> Beat:
        """The first heartbeat of that state; the actor and we hear each other then."""
        found: Beat = self.until(lambda beat: beat.state == state, "beat.", deadline_s)
        return found

    def waiting(self) -> Sequence[Frame]:
        """What has already arrived."""
        found = []
        try:
            while True:
                found.append(self.subscriber.receive())
        except Empty:
            return found


@contextmanager
def peers_of(run_dir: Path) -> Iterator[Peers]:
    """Peers of one test, closed at its end."""
    peers = Peers(run_dir)
    try:
        yield peers
    finally:
        peers.wire.close()
