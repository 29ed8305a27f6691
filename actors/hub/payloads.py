"""Encoded event arrays, counted, split and joined without decoding the events. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.errors import DECODE_ERRORS, PayloadError

_split: Final = msgspec.msgpack.Decoder(list[msgspec.Raw])


def event_count(payload: bytes) -> int:
    """Events in a payload, from its array header.

    Raises:
        PayloadError: the payload is not an array.
    """
    head = payload[0] if payload else 0
    if head & 0xF0 == 0x90:
        return head & 0x0F
    if head == 0xDC:
        return int.from_bytes(payload[1:3], "big")
    if head == 0xDD:
        return int.from_bytes(payload[1:5], "big")
    raise PayloadError("payload is not an array")


def body_of(payload: bytes) -> bytes:
    """The encoded events of a payload one after the other, without the array header."""
    head = payload[0]
    return payload[1 if head & 0xF0 == 0x90 else 3 if head == 0xDC else 5 :]


def split_events(payload: bytes) -> list[msgspec.Raw]:
    """Encoded events of a payload, one by one.

    Raises:
        PayloadError: the payload is not an array of whole values.
    """
    try:
        return _split.decode(payload)
    except DECODE_ERRORS as fault:
        raise PayloadError(f"payload cannot be split: {fault}") from fault


def last_event(payload: bytes) -> bytes:
    """The newest encoded event of a payload that is not empty.

    Raises:
        PayloadError: as `split_events`, or there is none.
    """
    if payload[0] == 0x91:  # an array of one: the rest is the event
        return payload[1:]
    events = split_events(payload)
    if not events:
        raise PayloadError("no event in the payload")
    return bytes(events[-1])


def array_header(count: int) -> bytes:
    """Msgpack header of an array."""
    if count < 16:
        return bytes((0x90 | count,))
    if count < 0x10000:
        return b"\xdc" + count.to_bytes(2, "big")
    return b"\xdd" + count.to_bytes(4, "big")


def bytes_header(size_bytes: int) -> bytes:
    """Msgpack header of a byte string, always the four-byte form."""
    return b"\xc6" + size_bytes.to_bytes(4, "big")


def extend_map(encoded: bytes, key: str) -> bytes:
    """Add one key to an encoded map of fewer than 65,535; its encoded value is to follow these bytes.

    So an answer is a small head and the stored bytes behind it, instead of those bytes encoded again.
    """
    if encoded[0] == 0xDE:
        count, body = int.from_bytes(encoded[1:3], "big"), encoded[3:]
    else:
        assert encoded[0] & 0xF0 == 0x80, "not a map"
        count, body = encoded[0] & 0x0F, encoded[1:]
    assert len(key) < 32
    return b"\xde%b%b%b%b" % ((count + 1).to_bytes(2, "big"), body, bytes((0xA0 | len(key),)), key.encode())
