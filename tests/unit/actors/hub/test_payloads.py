"""Encoded arrays and maps taken apart and put together, against msgspec and msgpack."""

from __future__ import annotations

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.hub.payloads import (
    array_header,
    body_of,
    bytes_header,
    event_count,
    extend_map,
    last_event,
    split_events,
)
from protocol.errors import PayloadError

encode = msgspec.msgpack.encode
events = st.lists(st.lists(st.one_of(st.integers(-9, 9), st.text(max_size=5)), max_size=3), max_size=40)


@given(events)
def test_an_array_is_counted_split_and_joined(values: list[list[object]]) -> None:
    payload = encode(values)

    assert event_count(payload) == len(values)
    assert array_header(len(values)) + body_of(payload) == payload
    assert [msgspec.msgpack.decode(event) for event in split_events(payload)] == values
    if values:
        assert msgspec.msgpack.decode(last_event(payload)) == values[-1]


@pytest.mark.parametrize("count", [0, 15, 16, 65_535, 65_536])
def test_array_headers_of_every_size_class(count: int) -> None:
    values = [None] * count

    assert array_header(count) == encode(values)[: -count or None]
    assert event_count(encode(values)) == count


@given(
    st.dictionaries(st.text(min_size=1, max_size=8), st.integers(0, 99), max_size=20), st.binary(max_size=300)
)
def test_a_map_is_extended_without_decoding_it(values: dict[str, int], blob: bytes) -> None:
    values.pop("data", None)

    joined = extend_map(encode(values), "data") + bytes_header(len(blob)) + blob

    assert msgspec.msgpack.decode(joined) == {**values, "data": blob}
    assert msgpack.unpackb(joined) == {**values, "data": blob}


def test_what_is_nested_without_end_is_refused() -> None:
    with pytest.raises(PayloadError):
        split_events(b"\x92\x01" + b"\x91" * 100_000)


@pytest.mark.parametrize("payload", [b"", b"\xc0", b"\x81\xa1a\x01", b"text"])
def test_what_is_no_array_is_refused(payload: bytes) -> None:
    with pytest.raises(PayloadError):
        event_count(payload)


def test_a_payload_that_promises_more_than_it_holds_is_refused() -> None:
    with pytest.raises(PayloadError):
        last_event(encode([1, 2, 3])[:-1])
