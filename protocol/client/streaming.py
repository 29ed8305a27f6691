"""The synchronous stream: subscribe, remember, ask the hub, join, then live; what the bus loses is fetched."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from protocol.client import questions
from protocol.client.asking import Asker
from protocol.client.following import Following, journal_endpoints, seen_from
from protocol.client.joining import Missing, Overture, Tail, is_behind
from protocol.client.pulling import Pulling
from protocol.client.questions import Question
from protocol.errors import FrameError
from protocol.messages import Message
from protocol.record import Frame
from protocol.requests import Request
from protocol.topics import subscription
from protocol.transport import Empty, Poller, Subscriber, Wire

JOIN_S: Final = 2.0
"""Longest wait for the subscription to be in force, and again for the hub to catch up with it."""
RETRY_S: Final = 0.02
BATCH: Final = 256
POLL_S: Final = 1.0
BEATS: Final = b"beat."

_tails: Final = msgspec.msgpack.Decoder(list[Tail]).decode


def tail(topic: str, n: int) -> Question[list[Tail]]:
    """The last `n` events of each topic, with the numbers to join live frames to."""
    return Question(Request(op="tail", topic=topic, n=n), lambda reply: list(_tails(reply.data)))


def prefixes_of(topic: str, *, has_beats: bool) -> list[bytes]:
    """What to subscribe to: the topic, and heartbeats where they are needed to join or to notice losses."""
    return [subscription(topic), *((BEATS,) if has_beats else ())]


def addresses_of(endpoints: dict[str, dict[str, Any]]) -> tuple[list[str], list[str]]:
    """(addresses of all publishers, names of those that are alive) from the hub's answer."""
    alive = [name for name, row in endpoints.items() if row["is_alive"]]
    return [str(row["pub"]) for row in endpoints.values()], alive


def wait_s(following: Following, pulling: Pulling, idle_s: float) -> float:
    """How long to wait for the next thing to happen."""
    if following.has_work:
        return 0.0
    return RETRY_S if following.is_behind or pulling.is_asking else min(POLL_S, idle_s or POLL_S)


def stream_messages(
    asker: Asker, topic: str, snapshot: int, on_gap: Callable[[Missing], None] | None, idle_s: float
) -> Iterator[Message]:
    """See `Hub.stream`."""
    question = questions.endpoints()
    rows = seen_from(asker.patience.first, question.result(asker.ask(question.request)))
    addresses, alive = addresses_of(rows)
    journal = journal_endpoints(rows)
    following = Following(topic, on_gap, can_pull=bool(journal))
    with Wire(keyring=asker.keyring) as wire:  # its own: the client may be closed before the stream is
        prefixes = prefixes_of(topic, has_beats=bool(snapshot or journal))
        source = _Source(wire.subscriber(addresses, prefixes))
        pulling = Pulling(wire, journal, following, source.poller.watch, source.poller.unwatch)
        if snapshot:
            overture = Overture(alive)
            deadline_s = time.monotonic() + JOIN_S
            while not overture.is_over and (left_s := deadline_s - time.monotonic()) > 0:
                for frame in source.take(left_s):
                    overture.take(frame)
            following.begin(_caught_up(asker, source, overture, topic, snapshot))
            if not journal:
                source.subscriber.unsubscribe(BEATS)
            for frame in overture.heard:
                following.hear(frame, time.monotonic_ns())
            yield from following.messages()
        idle_since_s = time.monotonic()
        while not asker.is_closed and (not idle_s or time.monotonic() - idle_since_s < idle_s):
            frames = source.take(wait_s(following, pulling, idle_s))
            mono_ns = time.monotonic_ns()
            for frame in frames:
                following.hear(frame, mono_ns)
            pulling.turn(mono_ns)
            for message in following.messages():
                yield message
                idle_since_s = time.monotonic()


def _caught_up(asker: Asker, source: _Source, overture: Overture, topic: str, snapshot: int) -> list[Tail]:
    """The hub's memory, once it reaches up to the first frame that we hold ourselves."""
    question = tail(topic, snapshot)
    deadline_s = time.monotonic() + JOIN_S
    while True:
        tails = question.result(asker.ask(question.request))
        if not is_behind(tails, overture.waiting) or time.monotonic() > deadline_s:
            return tails
        for frame in source.take(RETRY_S):
            overture.take(frame)


class _Source:
    """A subscriber that can be waited for; rubbish is left out."""

    def __init__(self, subscriber: Subscriber) -> None:
        self.subscriber = subscriber
        self.poller = Poller()
        self.poller.watch(subscriber.socket)

    def take(self, timeout_s: float) -> list[Frame]:
        """The frames that are there, at most a batch; waits for the first one, or for something else."""
        self.poller.poll(timeout_s)
        return drain(self.subscriber)


def drain(subscriber: Subscriber, limit: int = BATCH) -> list[Frame]:
    """Frames that have arrived, at most `limit`."""
    found: list[Frame] = []
    for _ in range(limit):
        try:
            found.append(subscriber.receive())
        except Empty:
            break
        except FrameError:
            continue
    return found
