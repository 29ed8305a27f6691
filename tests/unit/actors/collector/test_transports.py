"""Both transports do the same with the same bytes, right or wrong; and what is said where one of them is not there."""

import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from websocket import WebSocketException, WebSocketProtocolException

from actors.collector.exchange.stream_socket import FrameTooLarge, StreamSocket
from actors.collector.exchange.transports import PICOWS, lack_of, socket_class
from tests.support.transports import needs_picows

LONGEST = 300
MASK = b"\x01\x02\x03\x04"


def wire(first: int, payload: bytes, form: int, *, is_masked: bool) -> bytes:
    """A frame; `form` 0: the shortest way to say its length, else that many bytes for it."""
    size, flag = len(payload), 0x80 if is_masked else 0
    if form == 8 or size > 65_535:
        head = bytes((first, flag | 127)) + struct.pack("!Q", size)
    elif form == 2 or size > 125:
        head = bytes((first, flag | 126)) + struct.pack("!H", size)
    else:
        head = bytes((first, flag | size))
    return head + (MASK if is_masked else b"") + payload


TEXTS = st.builds(wire, st.just(0x81), st.binary(max_size=LONGEST), st.just(0), is_masked=st.just(False))
PINGS = st.builds(wire, st.just(0x89), st.binary(max_size=125), st.just(0), is_masked=st.just(False))
BINARY = st.builds(wire, st.just(0x82), st.binary(max_size=200), st.just(0), is_masked=st.just(False))
HALVES = st.tuples(st.binary(max_size=50), st.binary(max_size=50)).map(
    lambda parts: wire(0x01, parts[0], 0, is_masked=False) + wire(0x80, parts[1], 0, is_masked=False)
)
CLOSES = st.tuples(st.integers(0, 5000), st.binary(max_size=130)).map(
    lambda said: wire(0x88, struct.pack("!H", said[0]) + said[1], 0, is_masked=False)
)
TOO_LONG = st.integers(LONGEST + 1, 70_000).map(lambda size: wire(0x81, b"x" * size, 0, is_masked=False))
ANY = st.builds(
    wire,
    st.integers(0, 255),
    st.binary(max_size=2 * LONGEST),
    st.sampled_from((0, 2, 8)),
    is_masked=st.booleans(),
)
STREAMS = st.lists(st.one_of(TEXTS, TEXTS, TEXTS, PINGS, BINARY, HALVES, CLOSES, TOO_LONG, ANY), max_size=12)


def heard(near: StreamSocket, data: bytes, cuts: list[int]) -> list[object]:
    """Everything that a socket makes of the bytes of a server, and what it answers."""
    far, near.sock = socket.socketpair()
    near.connected = True
    near.settimeout(0)
    said: list[object] = []
    try:
        number = 0
        while data:
            cut, number = cuts[number % len(cuts)], number + 1
            far.sendall(data[:cut])
            data = data[cut:]
            near.fill()
            while near.has_more:
                try:
                    said += (frames := near.take(3))
                except FrameTooLarge as fault:
                    said.append(str(fault))
                else:
                    if not frames:
                        break
    except (WebSocketException, ValueError) as fault:
        said.append((type(fault), str(fault)))
    finally:
        said += (near.bytes_received, near.frames_received, near.pings_received)
        said += (near.binary_frames, near.oversize_frames)
        near.sock.close()
        answer = b""
        while part := far.recv(65_536):
            answer += part
        far.close()
    return [*said, answer]


@contextmanager
def connected() -> Iterator[tuple[StreamSocket, socket.socket]]:
    """A socket whose frames picows cuts out, and the far end of its connection."""
    near = socket_class(PICOWS)(1_000_000, get_mask_key=lambda _: MASK)
    far, near.sock = socket.socketpair()
    near.connected = True
    try:
        yield near, far
    finally:
        near.shutdown()
        far.close()


@needs_picows
@settings(max_examples=60, deadline=None)
@given(STREAMS.map(b"".join), st.lists(st.integers(1, 20_000), min_size=1, max_size=8))
@example(b"\x81\x01a\x80\x01b\x81\x01c\xc1\x01d", [100])  # a stray continuation, and more behind it
@example(b"\x81\x01a\x89\x7d" + b"p" * 125 + b"\x81\x01b", [100])
@example(
    b"\x81\x01a\x88\x7d\x03\xec" + b"r" * 123, [120]
)  # 1004 is reserved, the code came long before the end
def test_both_do_the_same_with_the_same_bytes(data, cuts):
    expected = heard(StreamSocket(LONGEST, get_mask_key=lambda _: MASK), data, cuts)
    assert heard(socket_class(PICOWS)(LONGEST, get_mask_key=lambda _: MASK), data, cuts) == expected


@needs_picows
def test_frames_larger_than_the_buffer_of_the_parser():
    texts = [b"a" * 900_000, b"b", b"c" * 3_000_000, b"d"]
    near = socket_class(PICOWS)(16 * 1024 * 1024)
    data = b"".join(wire(0x81, text, 0, is_masked=False) for text in texts)
    for at in range(0, len(data), 262_144):
        near._take_in(data[at : at + 262_144])
    assert near.take(10) == texts
    assert not near._cutter.is_broken


@needs_picows
def test_more_at_once_than_the_parser_has_room_for():
    texts = [b"%d" % number * (number % 50) for number in range(40_000)]
    with connected() as (near, far):
        data = b"".join(wire(0x81, text, 0, is_masked=False) for text in texts)
        near._take_in(data + wire(0x89, b"", 0, is_masked=False) + data[:50])
        assert near.take(50_000)[:40_000] == texts
        assert far.recv(100) == b"\x8a\x80" + MASK


@needs_picows
def test_pongs_wait_for_nobody_and_texts_keep_their_place():
    with connected() as (near, far):
        near._take_in(b"\x81\x01a" + b"\x01\x01b" + b"\x89\x00" + b"\x80\x01c" + b"\x81\x01d")
        assert far.recv(100) == b"\x8a\x80" + MASK
        assert near.take(10) == [b"a", b"bc", b"d"]


@needs_picows
def test_nothing_comes_behind_a_fault():
    with connected() as (near, _):
        near._take_in(b"\x81\x01a\x80\x01b")
        near._take_in(b"\x81\x01c")
        assert near.take(10) == [b"a"]
        with pytest.raises(WebSocketProtocolException):
            near.take(10)


def test_the_default_needs_nothing():
    assert lack_of("websocket-client") == ""
    assert socket_class("websocket-client") is StreamSocket


def test_what_is_not_installed_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "picows", None)
    lack = lack_of(PICOWS)
    assert "picows" in lack
    assert "pip install 'tapehub[picows]'" in lack
