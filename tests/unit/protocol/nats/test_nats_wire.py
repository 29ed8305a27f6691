"""The NATS protocol: whole texts out of bytes in pieces of any size, rubbish refused, headers and answers taken apart."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.nats import headers, jetstream, wire
from protocol.nats.faults import NatsGarbled, NatsRefused
from protocol.nats.wire import Delivered, Info, Parser, Refusal, Word

HEAD = b"NATS/1.0\r\nNats-Msg-Id: a:1:2\r\n\r\n"
TEXT = (
    b'INFO {"version":"2.9.10","headers":true,"max_payload":99,"nonce":"x"}\r\n'
    b"PING\r\n+OK\r\n"
    b"MSG a.b 7 5\r\nhe\r\no\r\n"
    b"MSG a.b 7 reply.to 0\r\n\r\n"
    + f"HMSG a.b 8 {len(HEAD)} {len(HEAD) + 2}\r\n".encode()
    + HEAD
    + b"hi\r\n"
    + b"-ERR 'Unknown Protocol Operation'\r\nPONG\r\n"
)
SAID = [
    Info(version="2.9.10", headers=True, max_payload=99, nonce="x"),
    Word("PING"),
    Word("+OK"),
    Delivered("a.b", 7, "", b"", b"he\r\no"),
    Delivered("a.b", 7, "reply.to", b"", b""),
    Delivered("a.b", 8, "", HEAD, b"hi"),
    Refusal("Unknown Protocol Operation"),
    Word("PONG"),
]


@given(st.lists(st.integers(0, len(TEXT)), max_size=12))
def test_pieces_of_any_size_say_the_same(cuts: list[int]) -> None:
    parser, found, before = Parser(), [], 0
    for cut in [*sorted(cuts), len(TEXT)]:
        found += parser.feed(TEXT[before:cut])
        before = cut
    assert found == SAID


@given(st.binary(max_size=200))
def test_rubbish_is_refused_or_waited_on(data: bytes) -> None:
    with contextlib.suppress(NatsGarbled):
        Parser().feed(data + b"\r\n")


@pytest.mark.parametrize(
    "line",
    [
        b"MSG a.b 7\r\n",
        b"MSG a.b x 5\r\n",
        b"MSG a.b 7 -5\r\n",
        b"MSG a.b 7 99999999999\r\n",
        b"HMSG a.b 7 9 5\r\n",
        b"MSG a.b 7 2\r\nabcd\r\n",
        b"INFO {\r\n",
        b"HTTP/1.1 400\r\n",
        b"x" * (wire.MAX_LINE_BYTES + 1),
    ],
)
def test_what_no_server_says_ends_the_line(line: bytes) -> None:
    with pytest.raises(NatsGarbled):
        Parser().feed(line)


def test_what_we_say_is_what_the_server_wants() -> None:
    assert wire.publish("a.b", b"hi") == b"PUB a.b 2\r\nhi\r\n"
    assert (
        wire.publish("a.b", b"hi", "r", HEAD)
        == b"HPUB a.b r %d %d\r\n" % (len(HEAD), len(HEAD) + 2) + HEAD + b"hi\r\n"
    )
    assert wire.subscribe("a.>", 3) + wire.unsubscribe(3) == b"SUB a.> 3\r\nUNSUB 3\r\n"
    assert Parser().feed(wire.publish("a", b"x").replace(b"PUB a", b"MSG a 1"))[0] == Delivered(
        "a", 1, "", b"", b"x"
    )


def test_headers_survive_both_ways() -> None:
    values = {"Nats-Msg-Id": "a:1:2", "Empty": ""}
    assert headers.decode(headers.encode(values)) == headers.Headers(0, "", values)
    assert headers.decode(b"NATS/1.0 503\r\n\r\n").status == headers.NO_RESPONDERS
    beat = headers.decode(b"NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 7\r\n\r\n")
    assert beat == headers.Headers(100, "Idle Heartbeat", {"Nats-Last-Consumer": "7"})
    with pytest.raises(ValueError, match="cannot be sent"):
        headers.encode({"A": "x\r\nB: y"})
    for bad in (b"", b"HTTP/1.1 200\r\n\r\n", b"NATS/1.0 what\r\n\r\n"):
        with pytest.raises(NatsGarbled):
            headers.decode(bad)


def test_answers_of_jetstream_are_taken_apart() -> None:
    assert jetstream.ack_of(b'{"stream":"T","seq":5}') == jetstream.PubAck("T", 5)
    with pytest.raises(NatsRefused, match="wrong last sequence") as refused:
        jetstream.ack_of(
            b'{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 4"},"stream":"T","seq":0}'
        )
    assert refused.value.number == 10071
    message = Delivered("t", 1, "$JS.ACK.T.c.1.55.7.1700000000000000000.3", b"", b"")
    assert jetstream.origin_of(message) == jetstream.Origin(55, 7, 3)
    newer = message._replace(reply="$JS.ACK.domain.account.T.c.1.55.7.1700000000000000000.3.token")
    assert jetstream.origin_of(newer) == jetstream.Origin(55, 7, 3)
    for bad in ("", "$JS.ACK.T.c.1.x.7.1.3", "a.b.c.d.e.f.g.h.i"):
        with pytest.raises(NatsGarbled):
            jetstream.origin_of(message._replace(reply=bad))
    with pytest.raises(NatsGarbled):
        jetstream.stream_of(b"nonsense")
