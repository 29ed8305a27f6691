"""One publisher, many subscribers: numbered frames, never a wait."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import zmq

from protocol.codec import encode_events
from protocol.crash import crash_point
from protocol.messages import Beat, Message
from protocol.record import Frame, FrameWriter, RecordKind, parse_frame
from protocol.topics import beat_topic
from protocol.transport.addresses import endpoint_of
from protocol.transport.empty import Empty
from protocol.transport.flags import NOBLOCK

if TYPE_CHECKING:
    from protocol.transport.lines import Lines

Store = Callable[[Sequence[bytes]], Sequence[bytes]]
"""Puts frames in the journal; returns them as they are to be sent."""

MAX_HELD: Final = 64
MAX_HELD_BYTES: Final = 256 * 1024


class Publisher:
    """Sends frames and numbers them; remembers the last one of each topic.

    Without a `store` each frame leaves at once. With one, frames are held until `flush` (or until there are many):
    they go into the journal with one write, and only then on the bus.
    """

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        writer: FrameWriter,
        now_ns: Callable[[], int],
        store: Store | None = None,
    ) -> None:
        self.socket = socket
        self.last: dict[str, bytes] = {}
        """Last frame of each topic: what a late joiner asks the `ctl` socket for."""
        self._writer = writer
        self._now_ns = now_ns
        self._store = store
        self._held: list[bytes] = []
        self._held_bytes = 0
        # the method under pyzmq's Python wrapper: half its price, and the wrapper adds nothing for bytes
        self._send: Callable[[bytes, int], None] = super(zmq.Socket, socket).send

    @property
    def name(self) -> str:
        """Publisher name, unique in the topology."""
        return self._writer.publisher

    @property
    def epoch(self) -> int:
        """Epoch of this process."""
        return self._writer.epoch

    @property
    def seq(self) -> int:
        """Last sequence number given out."""
        return self._writer.seq

    @property
    def endpoint(self) -> str:
        """Bound address, with the port that the system chose."""
        return endpoint_of(self.socket)

    def topic_seq(self, topic: str) -> int:
        """Last number given out on one topic."""
        return self._writer.topic_seq(topic)

    def publish(
        self, topic: str, events: Sequence[Message], kind: int = RecordKind.DATA, flags: int = 0
    ) -> int:
        """Number and send one frame with events of one type; returns its sequence number.

        Never blocks: a subscriber that does not keep up loses its own copy, and sees the hole.
        """
        writer = self._writer
        frame = writer.build(topic, events[0].SCHEMA, encode_events(events), self._now_ns(), kind, flags)
        if kind != RecordKind.SNAP:  # long, and of no use to others
            self.last[topic] = frame
        if self._store is None:
            self._send(frame, NOBLOCK)
        else:
            held = self._held
            held.append(frame)
            self._held_bytes += len(frame)
            if len(held) >= MAX_HELD or self._held_bytes >= MAX_HELD_BYTES:
                self.flush()
        return writer.seq

    def flush(self) -> None:
        """Journal and send what is held."""
        held = self._held
        if not held or self._store is None:
            return
        self._held, self._held_bytes = [], 0
        send = self._send
        frames = self._store(held)
        crash_point("bus.send.before")
        for frame in frames:
            send(frame, NOBLOCK)
        crash_point("bus.send.after")

    def beat(self, beat: Beat) -> None:
        """Send a heartbeat, after everything that was published before; it takes no sequence number."""
        self.flush()
        topic = beat_topic(self._writer.publisher)
        payload = encode_events([beat])
        self._send(self._writer.build_beat(topic, Beat.SCHEMA, payload, self._now_ns()), NOBLOCK)

    def send_raw(self, frame: bytes) -> None:
        """Send a frame as it is: replay of a recording."""
        self._send(frame, NOBLOCK)

    def subscriptions(self) -> list[bytes]:
        """Take the subscribe (0x01 prefix) and unsubscribe (0x00 prefix) messages that have arrived."""
        found = []
        with contextlib.suppress(zmq.Again):
            while True:
                found.append(self.socket.recv(zmq.NOBLOCK))
        return found


class Subscriber:
    """Hears any number of publishers on one socket."""

    def __init__(self, socket: zmq.Socket[bytes], connect: Callable[[str], Lines | None]) -> None:
        self.socket = socket
        self.lines: Lines | None = None
        """Its connections to those who want a key."""
        self._connect = connect
        self._recv: Callable[[int], bytes] = socket.recv

    def connect(self, endpoint: str) -> None:
        """Hear one more publisher; it need not exist yet.

        Raises:
            Unauthorized: it wants a key that is missing.
        """
        self.lines = self._connect(endpoint)

    def disconnect(self, endpoint: str) -> None:
        """Stop hearing one publisher."""
        address = endpoint.rpartition("@")[2]
        if self.lines is not None:
            self.lines.disconnect(address)
        self.socket.disconnect(address)

    def subscribe(self, prefix: bytes) -> None:
        """Want topics that start so; with the zero byte at its end it is one exact topic."""
        self.socket.setsockopt(zmq.SUBSCRIBE, prefix)

    def unsubscribe(self, prefix: bytes) -> None:
        """Want them no longer."""
        self.socket.setsockopt(zmq.UNSUBSCRIBE, prefix)

    def wait(self, timeout_s: float) -> bool:
        """Wait until a frame is there; False if none came in time."""
        return bool(self.socket.poll(int(timeout_s * 1000)))

    def receive(self) -> Frame:
        """Take one frame.

        Raises:
            Empty: nothing is waiting.
            protocol.errors.FrameError: a peer sent something that is not a frame; drop, count, go on.
        """
        try:
            data = self._recv(NOBLOCK)
        except zmq.Again:
            if self.lines is not None:
                self.lines.tend()
            raise Empty from None
        return parse_frame(data)

    def receive_raw(self) -> bytes:
        """Take one frame as bytes; a part of a multi-part message counts as one (asking costs more than parsing).

        Raises:
            Empty: nothing is waiting.
        """
        try:
            return self._recv(NOBLOCK)
        except zmq.Again:
            if self.lines is not None:
                self.lines.tend()
            raise Empty from None
