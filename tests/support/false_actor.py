"""A stand-in for an actor of the topology: publishes what a test says, beats, and answers `ctl`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final

from protocol.endpoints import Endpoints
from protocol.errors import InvalidRequest
from protocol.messages import Beat, Message
from protocol.record import RecordKind
from protocol.requests import Reply, Request, decode_request, encode_reply, error_reply, raw
from protocol.transport import Empty, Poller, Wire

BEAT_S: Final = 0.05
Say = Callable[[int], Message]


class FalseActor:
    """Lives in a thread of the test with sockets of its own; steer it by its attributes, close it at the end.

    Everything in `says` is published again at every beat, so that it is always fresh; `said` once.
    """

    def __init__(self, endpoints: Endpoints, name: str) -> None:
        self.name = name
        self.state = "RUNNING"
        self.says: dict[str, tuple[int, Say]] = {}
        """Topic to record kind and the message of a moment."""
        self.said: list[tuple[str, int, Message]] = []
        self.bus: dict[str, int] = {}
        self._endpoints = endpoints
        self._stopping = threading.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()
        assert self._started.wait(40)

    def repeat(self, topic: str, say: Say, kind: int = RecordKind.DATA) -> None:
        """Publish what `say` makes of the time (ns) at every beat from now on."""
        self.says[topic] = (kind, say)

    def _live(self) -> None:
        with Wire() as wire:
            publisher = wire.publisher(
                self._endpoints.pub(self.name), self.name, time.time_ns(), time.time_ns
            )
            control = wire.responder(self._endpoints.ctl(self.name))
            poller = Poller()
            poller.watch(control.socket)
            self._started.set()
            due_s = time.monotonic()
            while not self._stopping.is_set():
                poller.poll(max(0.0, due_s - time.monotonic()))
                try:
                    envelope, body = control.receive()
                    reply = self._reply(decode_request(body), publisher.last)
                    control.reply(envelope, encode_reply(reply))
                except Empty:
                    pass
                if time.monotonic() < due_s:
                    continue
                due_s = time.monotonic() + BEAT_S
                beat = Beat(
                    self.name, publisher.epoch, publisher.seq, 0, 0, 0, time.monotonic_ns(), self.state
                )
                publisher.beat(beat)
                for topic, (kind, say) in list(self.says.items()):
                    publisher.publish(topic, [say(time.time_ns())], kind)
                while self.said:
                    topic, kind, message = self.said.pop()
                    publisher.publish(topic, [message], kind)

    def _reply(self, request: Request, last: dict[str, bytes]) -> Reply:
        data: Any = None
        if request.op == "status":
            data = {"state": self.state, "name": self.name, "bus": self.bus}
        elif request.op == "last":
            data = [frame for topic, frame in last.items() if topic.startswith(request.topic)]
        elif request.op == "refuse":
            return error_reply(request.id, InvalidRequest("no"), self.name)
        return Reply(id=request.id, ok=True, publisher=self.name, ts_ns=time.time_ns(), data=raw(data))

    def close(self) -> None:
        """End it; its sockets are closed then."""
        self._stopping.set()
        self._thread.join(10)

    def __enter__(self) -> FalseActor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
