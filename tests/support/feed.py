"""A collector without a venue: a test publishes through it, it beats, marks time and answers `ctl` meanwhile."""

from __future__ import annotations

import threading
import time
from types import TracebackType

from protocol.endpoints import Endpoints
from protocol.messages import Beat, Book, Message, Watermark
from protocol.record import RecordKind
from protocol.requests import Reply, Request, decode_request, encode_reply, raw
from protocol.topics import mark_topic, market_topic
from protocol.transport import Empty, Poller, Wire, remove_stale_socket

BEAT_S = 0.05


class Feed:
    """Publishes in the thread of the test, beats in its own; one lock between them."""

    def __init__(self, endpoints: Endpoints, name: str = "collector.binance.1", epoch: int = 0) -> None:
        self.name = name
        self.books: dict[str, Book] = {}
        """Symbol to the snapshot that `snap` publishes."""
        self.snaps: list[str] = []
        """Symbols whose snapshot was asked for."""
        self.is_connected = True
        self.is_beating = True
        self._wire = Wire()
        self._lock = threading.Lock()
        for address in (endpoints.pub(name), endpoints.ctl(name)):
            remove_stale_socket(address)
        epoch = epoch or time.time_ns()
        self.publisher = self._wire.publisher(endpoints.pub(name), name, epoch, time.time_ns)
        self._control = self._wire.responder(endpoints.ctl(name))
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._live)
        self._thread.start()

    def publish(self, topic: str, *events: Message, kind: int = RecordKind.DATA) -> int:
        """Publish events of one type in one frame."""
        with self._lock:
            return self.publisher.publish(topic, events, kind)

    def lose(self, topic: str, *events: Message) -> None:
        """Number a frame as if it had been published, and send it to nobody."""
        with self._lock:
            self.publisher._writer.build(topic, events[0].SCHEMA, b"\x90", 0)

    def _live(self) -> None:
        poller = Poller()
        poller.watch(self._control.socket)
        due_s = 0.0
        while not self._stopping.is_set():
            poller.poll(max(0.0, due_s - time.monotonic()))
            self._answer()
            if time.monotonic() >= due_s:
                due_s = time.monotonic() + BEAT_S
                self._beat()

    def _beat(self) -> None:
        with self._lock:
            if self.is_beating:
                seq, epoch = self.publisher.seq, self.publisher.epoch
                self.publisher.beat(
                    Beat(self.name, epoch, seq, 0, 0, 0, time.monotonic_ns(), "RUNNING", {"seq": seq})
                )
                mark = Watermark(self.name, "binance", time.time_ns(), self.is_connected)
                self.publisher.publish(mark_topic(self.name), [mark], RecordKind.TIME)
            self.publisher.subscriptions()

    def _answer(self) -> None:
        try:
            envelope, body = self._control.receive()
        except Empty:
            return
        request = decode_request(body)
        self._control.reply(
            envelope, encode_reply(Reply(id=request.id, ok=True, data=raw(self._data(request))))
        )

    def _data(self, request: Request) -> object:
        with self._lock:
            if request.op == "last":
                return [
                    frame for topic, frame in self.publisher.last.items() if topic.startswith(request.topic)
                ]
            if request.op == "snap":
                self.snaps.append(request.symbol)
                snapshot = self.books.get(request.symbol)
                if snapshot is not None:
                    self.publisher.publish(market_topic("book", "binance", request.symbol), [snapshot])
        return None

    def close(self) -> None:
        self._stopping.set()
        self._thread.join(10)
        self._wire.close()

    def __enter__(self) -> Feed:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
