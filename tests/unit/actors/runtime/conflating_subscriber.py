"""A `ConflatingInput` in the world of tests/unit/protocol/joins: now and then it is behind, and may leave quotes out."""

from __future__ import annotations

import collections
from typing import Any

from actors.runtime.conflating import ConflatingInput
from actors.runtime.inputs import Listener
from protocol.consumer import State
from protocol.transport import Empty
from tests.unit.protocol.joins.publisher import NAME
from tests.unit.protocol.joins.subscriber import DOUBT_NS, PATIENCE_NS, SimSubscriber

QUOTES = "quote."


class Socket:
    """What has arrived, as bytes."""

    def __init__(self) -> None:
        self.waiting: collections.deque[bytes] = collections.deque()

    def receive_raw(self) -> bytes:
        if not self.waiting:
            raise Empty
        return self.waiting.popleft()


class ConflatingSubscriber(SimSubscriber):
    """Hears through a `ConflatingInput`, and takes a few frames at a time, so that some wait."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.conflated: collections.Counter[str] = collections.Counter()
        self.now_ns = 0
        self.behind_share = 0.5
        super().__init__(*arguments, **options)

    def start(self) -> None:
        """Begin as a new process does."""
        super().start()
        self.socket = Socket()
        listener = Listener(
            self._on_frame,
            self._on_hole,
            on_orphans=self._on_orphans,
            conflates=(QUOTES,),
            on_conflated=lambda topic, events: self.conflated.update({topic: events}),
        )
        self.input = ConflatingInput(
            NAME,
            lambda: self.socket,
            listener,
            lambda *_: None,
            lambda: self.now_ns,
            self.stored.position,
            can_pull=True,
        )
        self.consumer = self.input.consumer

    def turn(self, now_ns: int) -> None:
        """One turn of its loop, as an actor's: the bus, the journal server, what was fetched."""
        self.now_ns, consumer = now_ns, self.consumer
        heard = self.bus.receive(now_ns)
        self.socket.waiting.extend(frame.data for frame in heard)
        if heard:
            self._heard_ns = now_ns
        elif now_ns - self._heard_ns > DOUBT_NS:
            self._heard_ns = now_ns
            consumer.doubt()
        if self._rng.random() < 0.2:
            self.input.is_behind = self._rng.random() < self.behind_share
        for _ in range(self._rng.randrange(6)):
            self.input.take(self._rng.choice((1, 4)))
        if self._asked_ns is not None and now_ns - self._asked_ns > PATIENCE_NS:
            self._asked_ns = None
            consumer.failed(now_ns)
        self.ask(now_ns)
        for _ in range(self._rng.randrange(4)):
            if consumer.has_work:
                self.input.work(self._rng.choice((1, 7, 128)))
        is_live = consumer.state is State.LIVE
        self.joins += is_live and not self._was_live
        self._was_live = is_live
