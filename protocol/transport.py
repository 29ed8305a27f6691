"""The sockets: the only file that imports zmq.

Rules, each learnt the hard way (docs/decisions/0007): single-part frames; finite high-water marks everywhere;
SUB's own send mark above its number of prefixes, or subscriptions vanish on reconnect; no ZMTP heartbeats on
SUB (libzmq aborts the process), TCP keepalive instead; linger bounded; options set before bind and connect.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import zmq

from protocol.codec import encode_events
from protocol.endpoints import EXIT_CANNOT_BIND, check_bind
from protocol.errors import HubTimeout, StartError
from protocol.messages import Beat, Message
from protocol.record import Frame, FrameWriter, RecordKind, parse_frame
from protocol.requests import MAX_REQUEST_BYTES, Reply, Request, decode_reply, encode_request
from protocol.topics import beat_topic

HIGH_WATER_MARK: Final = 100_000
MAX_FRAME_BYTES: Final = 16 * 1024 * 1024
LINGER_MS: Final = 500

Envelope = list[bytes]
"""Routing frames of one request, to be sent back in front of its reply."""


class Empty(Exception):
    """Nothing is waiting on the socket."""


class Wire:
    """The ZeroMQ context of one process and every socket it opened."""

    def __init__(self, high_water_mark: int = HIGH_WATER_MARK) -> None:
        self.high_water_mark = high_water_mark
        self._context = zmq.Context()
        self._context.linger = 0
        self._sockets: list[zmq.Socket[bytes]] = []

    def _socket(self, kind: int, max_message_bytes: int) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        socket.setsockopt(zmq.MAXMSGSIZE, max_message_bytes)
        socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
        socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 5)
        socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, 2)
        socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, 3)
        socket.setsockopt(zmq.RECONNECT_IVL, random.randint(80, 160))
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
        socket.setsockopt(zmq.HANDSHAKE_IVL, 5000)
        self._sockets.append(socket)
        return socket

    def publisher(self, endpoint: str, name: str, epoch: int, now_ns: Callable[[], int]) -> Publisher:
        """Bind an XPUB that numbers what it sends."""
        socket = self._socket(zmq.XPUB, 4096)
        socket.setsockopt(zmq.SNDHWM, self.high_water_mark)
        socket.linger = LINGER_MS
        bind(socket, endpoint)
        return Publisher(socket, FrameWriter(name, epoch), now_ns)

    def subscriber(self, endpoints: Sequence[str], prefixes: Sequence[bytes]) -> Subscriber:
        """Connect a SUB to any number of publishers."""
        socket = self._socket(zmq.SUB, MAX_FRAME_BYTES)
        socket.setsockopt(zmq.RCVHWM, self.high_water_mark)
        socket.setsockopt(zmq.SNDHWM, self.high_water_mark)
        subscriber = Subscriber(socket)
        for prefix in prefixes:
            subscriber.subscribe(prefix)
        for endpoint in endpoints:
            subscriber.connect(endpoint)
        return subscriber

    def responder(self, endpoint: str) -> Responder:
        """Bind a ROUTER that answers REQ and DEALER peers."""
        socket = self._socket(zmq.ROUTER, MAX_REQUEST_BYTES)
        socket.setsockopt(zmq.SNDHWM, 1000)
        socket.setsockopt(zmq.RCVHWM, 10_000)
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        bind(socket, endpoint)
        return Responder(socket)

    def requester(self, endpoint: str) -> Requester:
        """Connect a DEALER that asks one answerer."""
        socket = self._socket(zmq.DEALER, MAX_FRAME_BYTES)
        socket.setsockopt(zmq.SNDHWM, 1000)
        socket.connect(endpoint)
        return Requester(socket, endpoint)

    def forget(self, socket: zmq.Socket[bytes]) -> None:
        """Close one socket before the others."""
        with contextlib.suppress(ValueError):
            self._sockets.remove(socket)
        socket.close()

    def close(self) -> None:
        """Close every socket, waiting at most the linger for what is queued."""
        for socket in self._sockets:
            socket.close()
        self._sockets.clear()
        self._context.term()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def bind(socket: zmq.Socket[bytes], endpoint: str) -> None:
    """Bind after checking that strangers cannot reach it.

    Raises:
        StartError: exit 69, the address is taken or may not be used.
    """
    check_bind(endpoint)
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as fault:
        raise StartError(f"cannot bind {endpoint}: {fault}", EXIT_CANNOT_BIND) from fault


class Publisher:
    """Sends frames and numbers them; remembers the last one of each topic."""

    def __init__(self, socket: zmq.Socket[bytes], writer: FrameWriter, now_ns: Callable[[], int]) -> None:
        self.socket = socket
        self.last: dict[str, bytes] = {}
        """Last frame of each topic: what a late joiner asks the `ctl` socket for."""
        self._writer = writer
        self._now_ns = now_ns
        self._send = socket.send

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
        self.last[topic] = frame
        self._send(frame, zmq.NOBLOCK)
        return writer.seq

    def beat(self, beat: Beat) -> None:
        """Send a heartbeat; it takes no sequence number."""
        topic = beat_topic(self._writer.publisher)
        payload = encode_events([beat])
        self._send(self._writer.build_beat(topic, Beat.SCHEMA, payload, self._now_ns()), zmq.NOBLOCK)

    def send_raw(self, frame: bytes) -> None:
        """Send a frame as it is: replay of a recording."""
        self._send(frame, zmq.NOBLOCK)

    def subscriptions(self) -> list[bytes]:
        """Take the subscribe (0x01 prefix) and unsubscribe (0x00 prefix) messages that have arrived."""
        found = []
        with contextlib.suppress(zmq.Again):
            while True:
                found.append(self.socket.recv(zmq.NOBLOCK))
        return found


class Subscriber:
    """Hears any number of publishers on one socket."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self.socket = socket
        self._recv = socket.recv

    def connect(self, endpoint: str) -> None:
        """Hear one more publisher; it need not exist yet."""
        self.socket.connect(endpoint)

    def disconnect(self, endpoint: str) -> None:
        """Stop hearing one publisher."""
        self.socket.disconnect(endpoint)

    def subscribe(self, prefix: bytes) -> None:
        """Want topics that start so; with the zero byte at its end it is one exact topic."""
        self.socket.setsockopt(zmq.SUBSCRIBE, prefix)

    def unsubscribe(self, prefix: bytes) -> None:
        """Want them no longer."""
        self.socket.setsockopt(zmq.UNSUBSCRIBE, prefix)

    def receive(self) -> Frame:
        """Take one frame.

        Raises:
            Empty: nothing is waiting.
            protocol.errors.FrameError: a peer sent something that is not a frame; drop, count, go on.
        """
        return parse_frame(self.receive_raw())

    def receive_raw(self) -> bytes:
        """Take one frame as bytes; a part of a multi-part message counts as one (asking costs more than parsing).

        Raises:
            Empty: nothing is waiting.
        """
        try:
            data: bytes = self._recv(zmq.NOBLOCK)
        except zmq.Again:
            raise Empty from None
        return data


class Responder:
    """Answers requests; slow and dead askers cost it nothing."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self.socket = socket
        self.unroutable = 0
        """Replies whose asker had gone, or did not read."""

    @property
    def endpoint(self) -> str:
        """Bound address."""
        return endpoint_of(self.socket)

    def has_request(self) -> bool:
        """Whether one is waiting: a quarter of the price of a `receive` that finds nothing."""
        return bool(int(self.socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN)

    def receive(self) -> tuple[Envelope, bytes]:
        """Take one request: (envelope, body).

        Raises:
            Empty: nothing is waiting.
        """
        try:
            parts = self.socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            raise Empty from None
        return parts[:-1], parts[-1]

    def reply(self, envelope: Envelope, body: bytes) -> None:
        """Send one reply, or count that its asker cannot have it. Never blocks."""
        try:
            self.socket.send_multipart([*envelope, body], zmq.NOBLOCK)
        except zmq.ZMQError as fault:
            if fault.errno not in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                raise
            self.unroutable += 1


class Requester:
    """Asks one answerer, speaking REQ's envelope over a DEALER: a lost answer never wedges it."""

    def __init__(self, socket: zmq.Socket[bytes], endpoint: str) -> None:
        self.socket = socket
        self.endpoint = endpoint
        self._next_id = random.getrandbits(32)

    def send(self, request: Request) -> int:
        """Send a question without waiting; returns the id that its answer will carry.

        Raises:
            Empty: nobody is connected and the queue is full.
        """
        self._next_id += 1
        numbered = msgspec.structs.replace(request, id=self._next_id)
        try:
            self.socket.send_multipart((b"", encode_request(numbered)), zmq.NOBLOCK)
        except zmq.Again:
            raise Empty from None
        return self._next_id

    def receive(self) -> Reply:
        """Take one answer, of whatever question.

        Raises:
            Empty: nothing is waiting.
            InvalidRequest: the answer is not one.
        """
        try:
            parts = self.socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            raise Empty from None
        return decode_reply(parts[-1])

    def ask(self, request: Request, timeout_s: float) -> Reply:
        """Ask and wait; answers of earlier questions that come late are thrown away.

        Raises:
            HubTimeout: no answer in time.
        """
        deadline_s = time.monotonic() + timeout_s
        wanted = self.send(request)
        while (left_s := deadline_s - time.monotonic()) > 0 and self.socket.poll(int(left_s * 1000) + 1):
            reply = self.receive()
            if reply.id == wanted:
                return reply
        raise HubTimeout(f"no answer from {self.endpoint} within {timeout_s:g} s", timeout_s=timeout_s)

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()


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
            item: (bool(mask & ~zmq.POLLOUT), bool(mask & zmq.POLLOUT))  # broken counts as readable
            for item, mask in events
        }


def endpoint_of(socket: zmq.Socket[bytes]) -> str:
    """Address a socket is bound to, with the port that the system chose."""
    value = socket.getsockopt(zmq.LAST_ENDPOINT)
    return value.rstrip(b"\x00").decode() if isinstance(value, bytes) else str(value)


def libzmq_version() -> str:
    """Version of the ZeroMQ library underneath."""
    return str(zmq.zmq_version())


def remove_stale_socket(endpoint: str) -> None:
    """Delete the file of an ipc endpoint whose process is gone (the caller holds the name's lock).

    Raises:
        StartError: exit 69, something else is there.
    """
    if not endpoint.startswith("ipc://"):
        return
    try:
        Path(endpoint.removeprefix("ipc://")).unlink(missing_ok=True)
    except OSError as fault:
        raise StartError(
            f"cannot bind {endpoint}: {fault.strerror}; remove what is there", EXIT_CANNOT_BIND
        ) from fault


class Channel:
    """An asker's socket in bytes: a DEALER that speaks REQ's envelope, for clients that match ids themselves."""

    def __init__(self, wire: Wire, endpoint: str) -> None:
        self.endpoint = endpoint
        self._wire = wire
        self._socket = wire.requester(endpoint).socket
        self._timeout_ms = -1

    def send(self, body: bytes) -> None:
        """Send one question without waiting.

        Raises:
            Empty: nobody is connected and the queue is full.
        """
        try:
            self._socket.send(b"", zmq.SNDMORE | zmq.NOBLOCK)
            self._socket.send(body, zmq.NOBLOCK)
        except zmq.Again:
            raise Empty from None

    def receive(self) -> bytes:
        """Take one answer that has arrived.

        Raises:
            Empty: none has.
        """
        try:
            self._socket.recv(zmq.NOBLOCK)
        except zmq.Again:
            raise Empty from None
        return self._last_part()

    def wait(self, timeout_ms: int) -> bytes:
        """Wait for one answer; cheaper than polling first.

        Raises:
            Empty: none came in time.
        """
        if timeout_ms != self._timeout_ms:
            self._socket.rcvtimeo = self._timeout_ms = timeout_ms
        try:
            self._socket.recv()
        except zmq.Again:
            raise Empty from None
        return self._last_part()

    def _last_part(self) -> bytes:
        """The rest of a message whose first part has been taken; its parts arrive together."""
        return self._socket.recv()

    @property
    def fd(self) -> int:
        """File descriptor that becomes readable, once per change: after it, and after each send, take all."""
        return int(self._socket.FD)

    @property
    def socket(self) -> zmq.Socket[bytes]:
        """For a Poller."""
        return self._socket

    def close(self) -> None:
        """Close the socket."""
        self._wire.forget(self._socket)
