"""Messages to payload bytes and back. Pure.

A payload is a msgpack array of events; the record header's schema says which type they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec

from protocol.errors import DECODE_ERRORS, PayloadError
from protocol.messages import MESSAGE_TYPES, Message
from protocol.record import Frame

M = TypeVar("M", bound=Message)
_encoder: Final = msgspec.msgpack.Encoder()
_decoders: Final[dict[int, msgspec.msgpack.Decoder[Any]]] = {
    kind.SCHEMA >> 8: msgspec.msgpack.Decoder(list[kind])  # type: ignore[valid-type]
    for kind in MESSAGE_TYPES
}
_generic: Final = msgspec.msgpack.Decoder()
_TYPE_NAMES: Final = {kind.SCHEMA >> 8: kind.__name__ for kind in MESSAGE_TYPES}


def encode_events(events: Sequence[Message]) -> bytes:
    """Events of one type to one payload."""
    return _encoder.encode(events)


def decode_events(frame: Frame) -> list[Any]:
    """Events of a frame, typed and checked.

    Raises:
        PayloadError: unknown schema, or the payload is not what the schema says.
    """
    decoder = _decoders.get(frame.schema >> 8)
    if decoder is None:
        raise PayloadError(f"{frame.topic}: schema {frame.schema >> 8} is not known to this program")
    try:
        events: list[Any] = decoder.decode(frame.payload)
    except DECODE_ERRORS as fault:
        raise PayloadError(f"{frame.topic}: {fault}") from fault
    return events


def decode_as(frame: Frame, kind: type[M]) -> list[M]:
    """Events of a frame, of this type and no other.

    Raises:
        PayloadError: they are something else, or the payload is not what the schema says.
    """
    if frame.schema >> 8 != kind.SCHEMA >> 8:
        raise PayloadError(f"{frame.topic} carries schema {frame.schema >> 8}, not {kind.KIND}")
    return decode_events(frame)


def decode_generic(frame: Frame) -> list[Any]:
    """Events of a frame of any schema, as plain lists: what a tap shows of a newer program's messages.

    Raises:
        PayloadError: the payload is not a msgpack array.
    """
    try:
        events = _generic.decode(frame.payload)
    except DECODE_ERRORS as fault:
        raise PayloadError(f"{frame.topic}: {fault}") from fault
    if not isinstance(events, list):
        raise PayloadError(f"{frame.topic}: payload is not an array")
    return events


def schema_name(schema: int) -> str:
    """Name of the message type behind a schema number, `schema-N` if unknown."""
    return _TYPE_NAMES.get(schema >> 8, f"schema-{schema >> 8}")
