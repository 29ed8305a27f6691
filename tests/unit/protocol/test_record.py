"""Frames come back as they were built, and any changed byte is noticed."""

import struct
import zlib

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codec import decode_events, decode_generic, encode_events
from protocol.errors import ChecksumMismatch, FrameError, PayloadError, TruncatedFrame
from protocol.messages import MESSAGE_TYPES, Quote, Trade
from protocol.record import HEADER_BYTES, FrameWriter, RecordKind, parse_frame

TRADE = Trade("BTC_USDT", "binance", 1, 2, 61234.5, 0.25, 1, 77)


def frame_of(*trades: Trade, seq_before: int = 0) -> bytes:
    writer = FrameWriter("collector.binance.1", 9)
    writer.seq = seq_before
    return writer.build("trade.binance.BTC_USDT", Trade.SCHEMA, encode_events(trades), 123)


def test_a_frame_comes_back_as_it_was_built():
    frame = parse_frame(frame_of(TRADE, TRADE, seq_before=41))

    assert (frame.topic, frame.publisher, frame.kind) == (
        "trade.binance.BTC_USDT",
        "collector.binance.1",
        RecordKind.DATA,
    )
    assert (frame.epoch, frame.seq, frame.topic_seq, frame.ts_pub_ns) == (9, 42, 1, 123)
    assert decode_events(frame) == [TRADE, TRADE]


def test_the_header_is_the_documented_struct():
    data = frame_of(TRADE)
    end = data.index(b"\x00") + 1
    fields = struct.unpack_from("<IIBBHI32sQQQq", data, end)

    payload = data[end + HEADER_BYTES :]
    assert fields[0] == len(payload)
    assert fields[1] == zlib.crc32(data[:end] + data[end + 8 :])
    assert fields[2:6] == (1, 1, 0, Trade.SCHEMA)
    assert fields[6].rstrip(b"\x00") == b"collector.binance.1"
    assert msgpack.unpackb(payload)[0][:2] == ["BTC_USDT", "binance"]


def test_sequence_numbers_count_per_publisher_and_per_topic():
    writer = FrameWriter("a", 1)
    frames = [
        parse_frame(writer.build(topic, Trade.SCHEMA, b"\x90", 0))
        for topic in ("trade.v.A", "trade.v.B", "trade.v.A")
    ]

    assert [frame.seq for frame in frames] == [1, 2, 3]
    assert [frame.topic_seq for frame in frames] == [1, 1, 2]


def test_a_heartbeat_takes_no_number():
    writer = FrameWriter("a", 1)
    writer.build("trade.v.A", Trade.SCHEMA, b"\x90", 0)
    beat = parse_frame(writer.build_beat("beat.a", 0, b"\x90", 0))

    assert (beat.kind, beat.seq, beat.topic_seq, writer.seq) == (RecordKind.HEARTBEAT, 1, 0, 1)


@given(st.integers(0, len(frame_of(TRADE)) - 1), st.integers(1, 255))
def test_any_changed_byte_is_noticed(position, change):
    data = bytearray(frame_of(TRADE))
    data[position] ^= change

    with pytest.raises(FrameError):
        parse_frame(bytes(data))


@given(st.integers(0, len(frame_of(TRADE)) - 1))
def test_any_truncation_is_noticed(length):
    with pytest.raises(TruncatedFrame):
        parse_frame(frame_of(TRADE)[:length])


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_as_a_frame_error(data):
    with pytest.raises(FrameError):
        parse_frame(data)


def test_a_large_frame_is_checked_too():
    data = bytearray(frame_of(*[TRADE] * 1000))
    assert len(decode_events(parse_frame(bytes(data)))) == 1000
    data[-1] ^= 1
    with pytest.raises(ChecksumMismatch):
        parse_frame(bytes(data))


def test_a_payload_that_is_not_its_schema_is_a_payload_error():
    writer = FrameWriter("a", 1)
    for schema, payload in (
        (Trade.SCHEMA, msgpack.packb([["A", "v", "not a number"]])),
        (Trade.SCHEMA, b"\xc1"),
        (Quote.SCHEMA, encode_events([TRADE])[:-3]),
        (200 << 8, b"\x90"),
        (Trade.SCHEMA, b"\x91" * 100_000),
    ):
        frame = parse_frame(writer.build("trade.v.A", schema, payload, 0))
        with pytest.raises(PayloadError):
            decode_events(frame)


def test_a_newer_message_with_more_fields_still_reads():
    longer = [*msgpack.unpackb(encode_events([TRADE]))[0], "a field of the future"]
    frame = parse_frame(FrameWriter("a", 1).build("trade.v.A", Trade.SCHEMA, msgpack.packb([longer]), 0))

    assert decode_events(frame) == [TRADE]


def test_an_unknown_schema_decodes_generically():
    frame = parse_frame(FrameWriter("a", 1).build("new.v.A", 200 << 8 | 1, msgpack.packb([[1, {"a": 2}]]), 0))

    assert decode_generic(frame) == [[1, {"a": 2}]]


def test_schema_numbers_are_unique():
    numbers = [kind.SCHEMA >> 8 for kind in MESSAGE_TYPES]
    assert len(set(numbers)) == len(numbers)
