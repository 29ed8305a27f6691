"""Questions of strangers: a request, or a refusal that says why."""

import contextlib

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import InvalidRequest, StaleData, UnknownSymbol, error_from_code
from protocol.requests import Reply, Request, decode_reply, decode_request, encode_reply, error_reply, raw


def test_a_plain_msgpack_map_is_a_request():
    request = decode_request(msgpack.packb({"op": "tick", "symbol": "BTC_USDT"}))
    assert (request.op, request.symbol, request.n) == ("tick", "BTC_USDT", 0)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not a request"),
        (b"\xc1", "not a request"),
        (msgpack.packb([1, 2]), "not a request"),
        (msgpack.packb({"symbol": "A"}), "op"),
        (msgpack.packb({"op": "tick", "n": "five"}), r"\$\.n"),
        (msgpack.packb({"op": "tick", "symbl": "A"}), "symbl"),
        (msgpack.packb({"op": "x" * 70_000}), "longer"),
        (b"\x91" * 2000, "not a request"),
    ],
)
def test_what_is_not_a_request_is_refused_with_the_reason(body, says):
    with pytest.raises(InvalidRequest, match=says):
        decode_request(body)


@given(st.binary(max_size=400))
def test_random_bytes_never_do_worse_than_a_refusal(body):
    with contextlib.suppress(InvalidRequest):
        assert isinstance(decode_request(body), Request)


def test_an_error_survives_the_trip():
    sent = UnknownSymbol("no instrument 'X'", suggestions=["XY"])
    reply = decode_reply(encode_reply(error_reply(7, sent, "hub.1", 3)))
    back = error_from_code(reply.code, reply.message, reply.details)

    assert (reply.id, reply.ok, reply.publisher, reply.epoch) == (7, False, "hub.1", 3)
    assert isinstance(back, UnknownSymbol)
    assert (str(back), back.suggestions) == ("no instrument 'X'", ["XY"])


def test_numbers_behind_an_error_stay_numbers():
    back = error_from_code("stale_data", "old", {"age_s": 7.5, "ttl_s": 5.0})
    assert isinstance(back, StaleData)
    assert (back.age_s, back.ttl_s) == (7.5, 5.0)


def test_data_is_embedded_as_it_was_encoded():
    body = encode_reply(Reply(id=1, ok=True, data=raw({"a": [1, 2]})))
    assert msgpack.unpackb(body)["data"] == {"a": [1, 2]}
