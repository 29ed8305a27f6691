"""Bodies of pushes: every shape and encoding that terminals send."""

from __future__ import annotations

import json

import msgspec
import pytest

from actors.collector.push.body import body_of
from protocol.errors import InvalidRequest

ITEM = {"symbol": "EURUSD", "bid": 1.1, "ask": 1.2, "time": 1}
OTHER = {"symbol": "GBPUSD", "bid": 1.3, "ask": 1.4, "time": 2}


@pytest.mark.parametrize("encode", [lambda value: json.dumps(value).encode(), msgspec.msgpack.encode])
@pytest.mark.parametrize("media", ["", "application/json", "text/plain", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize(
    ("value", "items"),
    [
        (ITEM, [ITEM]), ([ITEM, OTHER], [ITEM, OTHER]), ({"ticks": [ITEM]}, [ITEM]), ({"data": [ITEM]}, [ITEM]),
        ({"ticks": [ITEM], "bars": [OTHER]}, [ITEM, OTHER]), ({"ticks": [ITEM], "bars": OTHER}, [ITEM, OTHER]),
        ({"ticks": {}, "data": [ITEM]}, [{}, ITEM]), ({"ticks": [ITEM], "data": None, "bars": "x"}, [ITEM]), ({"ticks": ITEM}, [{"ticks": ITEM}]),
        ([], []), ({"ticks": []}, []), ([1, None], [1, None]),
    ],
)  # fmt: skip
def test_one_item_lists_and_maps_of_lists_whatever_the_content_type(encode, media, value, items):
    assert body_of(encode(value), media, 10).items == items


@pytest.mark.parametrize("tail", [b"\x00", b"\x00\x00\x00", b"\r\n\x00"])
def test_zero_bytes_behind_json_are_left_out(tail):
    assert body_of(json.dumps(ITEM).encode() + tail, "", 10).items == [ITEM]


def test_a_mark_of_encoding_and_blanks_before_json():
    assert body_of(b"\xef\xbb\xbf \n" + json.dumps([ITEM]).encode(), "", 10).items == [ITEM]


def test_json_that_says_it_is_msgpack():
    assert body_of(json.dumps(ITEM).encode(), "application/msgpack", 10).items == [ITEM]


def test_what_holds_for_all_items_stands_in_the_map():
    body = body_of(json.dumps({"ticks": [ITEM], "source": "mt5", "gmt_offset": 7200}).encode(), "", 10)
    assert (body.source, body.gmt_offset_s) == ("mt5", 7200)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00", b"{", b"[" * 100_000, b'"text"', b"1", b"\xc1", b"\xdd\xff\xff\xff\xff", b'{"a": NaN}'],
)
def test_what_is_no_list_of_items_is_refused(data):
    with pytest.raises(InvalidRequest):
        body_of(data, "", 10)


def test_too_many_items_are_refused_whole():
    with pytest.raises(InvalidRequest, match="11 items in one request, at most 10") as refusal:
        body_of(json.dumps([ITEM] * 11).encode(), "", 10)
    assert refusal.value.details["too_large"]
