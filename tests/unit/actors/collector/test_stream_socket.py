"""Bytes of a WebSocket server to frames, however they are cut, and whatever cuts them."""

import socket
import ssl
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websocket import WebSocketConnectionClosedException, WebSocketProtocolException

from actors.collector.exchange.stream_socket import MAX_SKIPPED_BYTES, FrameTooLarge
from actors.collector.exchange.transports import socket_class
from tests.support.transports import TRANSPORTS

pytestmark = pytest.mark.parametrize("transport", TRANSPORTS)
TEXT, BINARY, CLOSE, PING, CONTINUATION = 1, 2, 8, 9, 0


def frame(payload: bytes, opcode: int = TEXT, *, fin: bool = True, length: int | None = None) -> bytes:
    size = len(payload) if length is None else length
    head = bytes([(0x80 if fin else 0) | opcode])
    if size < 126:
        return head + bytes([size]) + payload
    if size < 65_536:
        return head + bytes([126]) + struct.pack("!H", size) + payload
    return head + bytes([127]) + struct.pack("!Q", size) + payload


class Pair:
    """A stream socket without a handshake, and the far end of its connection."""

    def __init__(self, transport: str, max_frame_bytes: int = 1_000_000) -> None:
        self.far, near = socket.socketpair()
        self.near = socket_class(transport)(max_frame_bytes)
        self.near.sock = near
        self.near.connected = True
        self.near.settimeout(0)

    def send(self, data: bytes) -> list[bytes]:
        """Send in pieces that fit the socket's buffer; returns the frames that come out."""
        frames = []
        for start in range(0, len(data), 50_000):
            self.far.sendall(data[start : start + 50_000])
            self.near.fill()
            frames += self.take()
        return frames

    def take(self) -> list[bytes]:
        frames = []
        while self.near.has_more:
            got = self.near.take(256)
            if not got and not self.near.has_more:
                break
            frames += got
        return frames

    def __enter__(self) -> "Pair":
        return self

    def __exit__(self, *_: object) -> None:
        self.near.hang_up()
        self.far.close()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 300_000])
def test_frames_of_every_length_form(transport, size):
    with Pair(transport) as pair:
        assert pair.send(frame(b"x" * size) + frame(b"next")) == [b"x" * size, b"next"]
        assert pair.near.frames_received == 2


@settings(max_examples=100, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 400), min_size=1, max_size=20),
    cuts=st.lists(st.integers(1, 300), min_size=1, max_size=20),
)
def test_frames_do_not_depend_on_how_the_bytes_arrive(transport, sizes, cuts):
    payloads = [bytes([65 + index]) * size for index, size in enumerate(sizes)]
    data = b"".join(frame(payload) + frame(b"p", PING) for payload in payloads)
    with Pair(transport) as pair:
        found, index = [], 0
        while data:
            cut = cuts[index % len(cuts)]
            found += pair.send(data[:cut])
            data, index = data[cut:], index + 1
        assert found == payloads
        assert pair.near.pings_received == len(payloads)


def test_nothing_there_is_not_an_end(transport):
    with Pair(transport) as pair:
        pair.near.fill()
        assert pair.near.take(10) == []
        assert not pair.near.has_more


def test_at_most_the_limit_in_one_turn(transport):
    with Pair(transport) as pair:
        pair.far.sendall(b"".join(frame(b"%d" % number) for number in range(600)))
        pair.near.fill()
        assert [len(pair.near.take(256)) for _ in range(3)] == [256, 256, 88]
        assert not pair.near.has_more


def test_a_ping_is_answered_with_its_own_payload(transport):
    with Pair(transport) as pair:
        assert pair.send(frame(b"12345", PING) + frame(b"data")) == [b"data"]
        reply = pair.far.recv(100)
        assert reply[0] == 0x8A
        mask, masked = reply[2:6], reply[6:]
        assert bytes(byte ^ mask[index % 4] for index, byte in enumerate(masked)) == b"12345"


def test_fragments_are_joined(transport):
    with Pair(transport) as pair:
        data = frame(b"one ", fin=False) + frame(b"", PING) + frame(b"two ", CONTINUATION, fin=False)
        assert pair.send(data) == []
        assert pair.send(frame(b"three", CONTINUATION) + frame(b"next")) == [b"one two three", b"next"]


def test_endless_fragments_end_the_connection(transport):
    with Pair(transport, max_frame_bytes=1000) as pair:
        pair.send(frame(b"x" * 600, fin=False))
        with pytest.raises(WebSocketProtocolException):
            pair.send(frame(b"x" * 600, CONTINUATION, fin=False))


def test_binary_frames_are_counted_not_delivered(transport):
    with Pair(transport) as pair:
        assert pair.send(frame(b"\x00\x01", BINARY) + frame(b"text")) == [b"text"]
        assert pair.near.binary_frames == 1


def test_a_frame_that_is_too_large_is_skipped_and_the_next_one_taken(transport):
    with Pair(transport, max_frame_bytes=100_000) as pair:
        pair.far.sendall(frame(b"before") + frame(b"", length=20_000_000)[:10])
        pair.near.fill()
        assert pair.near.take(10) == [b"before"]
        with pytest.raises(FrameTooLarge, match="20000000"):
            pair.near.take(10)
        assert pair.send(b"x" * 20_000_000 + frame(b"after")) == [b"after"]
        assert pair.near.oversize_frames == 1


def test_a_frame_that_nobody_can_wait_for_ends_the_connection(transport):
    with Pair(transport) as pair, pytest.raises(WebSocketProtocolException):
        pair.send(frame(b"", length=MAX_SKIPPED_BYTES + 100)[:10])


def test_good_bye_comes_after_what_was_said_before(transport):
    with Pair(transport) as pair:
        pair.far.sendall(frame(b"last") + frame(struct.pack("!H", 1001) + b"going away", CLOSE))
        pair.near.fill()
        assert pair.near.take(10) == [b"last"]
        with pytest.raises(WebSocketConnectionClosedException, match="1001 going away"):
            pair.near.take(10)


def test_a_closed_connection_is_noticed(transport):
    with Pair(transport) as pair:
        pair.far.close()
        with pytest.raises(WebSocketConnectionClosedException):
            pair.near.fill()


@pytest.mark.parametrize(
    "data",
    [frame(b"x", 3), frame(b"x", CONTINUATION), frame(b"x" * 200, PING), b"\xf1\x01x", frame(b"\x03", CLOSE)],
    ids=["unknown opcode", "stray continuation", "long ping", "reserved bits", "half a close code"],
)
def test_a_broken_protocol_ends_the_connection(transport, data):
    with Pair(transport) as pair, pytest.raises(WebSocketProtocolException):
        pair.send(data)


class _DecryptedAhead(ssl.SSLSocket):
    """A TLS socket that has more decrypted data than one read returns."""

    def __init__(self) -> None:
        self.pieces = [frame(b"one"), frame(b"two")]

    def __new__(cls) -> "_DecryptedAhead":
        return socket.socket.__new__(cls)

    def recv(self, _size: int = 0, _flags: int = 0) -> bytes:
        return self.pieces.pop(0)

    def pending(self) -> int:
        return sum(map(len, self.pieces))


def test_what_tls_has_decrypted_already_is_read_without_another_poll(transport):
    stream = socket_class(transport)(1000)
    stream.sock = _DecryptedAhead()
    stream.fill()
    assert stream.take(10) == [b"one", b"two"]
