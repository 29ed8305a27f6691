"""The contract of pushing: requests, results, names of sources, and splitting long lists."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import InvalidRequest
from protocol.pushing import (
    BATCH_BYTES,
    BATCH_ITEMS,
    MAX_PUSH_BYTES,
    Push,
    Pushed,
    Untaken,
    batches_of,
    is_pushed,
    is_receiver,
    is_source,
    joined,
    push_of,
    pushed_of,
    request_of,
    venue_of,
)
from protocol.requests import Request, decode_request, encode_request
from protocol.topics import is_venue


def test_a_push_comes_out_as_it_went_in():
    push = Push(b"\x00\xff{}", "text/plain", "mt5", 7200.0)
    assert push_of(decode_request(encode_request(request_of(push)))) == push
    assert push_of(request_of(Push(b""))) == Push(b"")


@pytest.mark.parametrize(
    "args", [{}, {"body": "text"}, {"body": b"", "source": 1}, {"body": b"", "gmt_offset_s": "x"}]
)
def test_what_is_no_push_is_refused(args):
    with pytest.raises(InvalidRequest, match="not a push"):
        push_of(Request(op="push", args=args))


def test_a_result_comes_out_as_it_went_in():
    result = Pushed(1, 2, 3, [Untaken(0, "bad_time", "none")], 5, None)
    assert pushed_of(msgspec.msgpack.encode(result)) == result
    with pytest.raises(InvalidRequest):
        pushed_of(b"\xc0")


@pytest.mark.parametrize("name", ["mt5", "a", "my-ea_2", "a" * 16])
def test_sources_are_part_of_a_venue(name):
    assert is_source(name)
    assert is_venue(venue_of(name))
    assert is_pushed(venue_of(name))


@pytest.mark.parametrize("name", ["", "MT5", "5mt", "a" * 17, "a.b", "a b", "a\n", "\u00e4"])
def test_what_cannot_be_in_a_topic_is_no_source(name):
    assert not is_source(name)


def test_receivers_of_a_topology():
    assert is_receiver("collector.push.1", {})
    assert is_receiver("collector.mine.1", {"venue": "push"})
    assert not is_receiver("collector.push.1", {"venue": "binance"})
    assert not is_receiver("collector.binance.1", None)
    assert not is_receiver("hub.1", {})


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, BATCH_BYTES // 3), max_size=12), st.integers(0, 2 * BATCH_ITEMS + 1))
def test_long_lists_are_split_and_nothing_is_lost(lengths, count):
    items = [{"x": "y" * length} for length in lengths] + [{"n": number} for number in range(count)]
    whole = []
    for first, body in batches_of(items):
        assert first == len(whole)
        request = encode_request(request_of(Push(body, "application/msgpack", "a" * 16, 1.0)))
        assert len(request) <= MAX_PUSH_BYTES
        part = msgspec.msgpack.decode(body)
        assert len(part) <= BATCH_ITEMS
        whole += part
    assert whole == items


def test_a_single_item_that_is_too_long_or_unknown_is_refused():
    with pytest.raises(InvalidRequest, match="item 1"):
        list(batches_of([{}, {"x": "y" * BATCH_BYTES}]))
    with pytest.raises(InvalidRequest, match="item 0"):
        list(batches_of([object()]))
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    for unsayable in (10**30, "\ud800", deep):
        with pytest.raises(InvalidRequest, match="item 1"):
            list(batches_of([{}, {"x": unsayable}]))


def test_results_of_several_requests_are_one_with_the_places_of_the_items():
    first = Pushed(1, 0, 1, [Untaken(1, "bad_time")], 5, None)
    second = Pushed(0, 2, 0, [Untaken(0, "duplicate"), Untaken(1, "duplicate")], 6, 0)
    whole = joined([(0, first), (2, second)])
    assert (whole.accepted, whole.duplicates, whole.rejected, whole.count) == (1, 2, 1, 4)
    assert [item.index for item in whole.items] == [1, 2, 3]
    assert (whole.server_time_ns, whole.gmt_offset_s) == (6, 0)
