"""Frames to rows: plain dictionaries, which is what people filter, print and pipe. Pure.

A row is the message's own fields, then who sent it and how long it took:

    topic, type, ...fields..., publisher, epoch, seq, topic_seq, ts_pub_ns,
    lag_venue_ms    our receipt minus venue time; negative where the venue's clock runs ahead
    lag_pub_ms      publication minus receipt, both our clock
    lag_here_ms     this moment minus publication

A message of a newer program than this one comes as `type: schema-N` and `values: [...]`: msgpack carries
enough structure to show what is in it without knowing what it means.
"""

from __future__ import annotations

import math
from typing import Any, Final

import msgpack
import msgspec

from protocol.codec import decode_events, schema_name
from protocol.errors import PayloadError
from protocol.messages import MESSAGE_TYPES, Message
from protocol.record import Frame

Row = dict[str, Any]

_NS_PER_MS: Final = 1e6
_KNOWN_TYPES: Final = frozenset(kind.SCHEMA >> 8 for kind in MESSAGE_TYPES)
_MAX_DEPTH: Final = 32


def rows_of(frame: Frame, here_ns: int) -> list[Row]:
    """All messages of a frame, each a row.

    Args:
        frame: As received.
        here_ns: Local wall clock at its receipt, ns since 1970.

    Raises:
        PayloadError: the payload is not msgpack, or not what the header says.
    """
    header = _header(frame, here_ns)
    name = schema_name(frame.schema).lower()
    if frame.schema >> 8 not in _KNOWN_TYPES:
        return [
            {"topic": frame.topic, "type": name, "values": values, **header}
            for values in unpack_generic(frame)
        ]
    return [_row(frame, name, event, header) for event in decode_events(frame)]


def _row(frame: Frame, name: str, event: Message, header: Row) -> Row:
    row = {"topic": frame.topic, "type": name, **event.to_dict(), **header}
    received_ns = row.get("ts_recv_ns", 0)
    if received_ns:
        row["lag_venue_ms"] = _ms(received_ns - row["ts_event_ns"])
        row["lag_pub_ms"] = _ms(frame.ts_pub_ns - received_ns)
    return row


def _header(frame: Frame, here_ns: int) -> Row:
    return {
        "publisher": frame.publisher,
        "epoch": frame.epoch,
        "seq": frame.seq,
        "topic_seq": frame.topic_seq,
        "ts_pub_ns": frame.ts_pub_ns,
        "lag_here_ms": _ms(here_ns - frame.ts_pub_ns),
    }


def _ms(ns: int) -> float:
    return round(ns / _NS_PER_MS, 3)


def unpack_generic(frame: Frame) -> list[Any]:
    """Events of any schema as plain values, bytes and msgpack's extension types included.

    Raises:
        PayloadError: the payload is not one msgpack array.
    """
    try:
        events = msgpack.unpackb(frame.payload, strict_map_key=False, unicode_errors="replace", timestamp=0)
    except (ValueError, msgpack.UnpackException, RecursionError) as fault:
        raise PayloadError(f"{frame.topic}: not msgpack: {fault}") from fault
    if not isinstance(events, list):
        raise PayloadError(f"{frame.topic}: payload is not an array")
    return [plain(event) for event in events]


def plain(value: Any, depth: int = 0) -> Any:
    """The nearest value that JSON has: bytes as hex, keys as text, no NaN, nothing nested without end."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth >= _MAX_DEPTH:
        return "..."
    if isinstance(value, list | tuple) and not isinstance(value, msgpack.ExtType):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, msgpack.ExtType):
        return {"ext": value.code, "hex": value.data.hex()}
    if isinstance(value, msgpack.Timestamp):
        return {"ts_ns": value.to_unix_nano()}
    return str(value)


_json = msgspec.json.Encoder()


def json_line(row: Row) -> bytes:
    """One row as one line of JSON, with its line end."""
    return _json.encode(row) + b"\n"
