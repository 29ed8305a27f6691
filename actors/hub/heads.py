"""The head of a reply with a stored value, without building and encoding it field by field. Pure.

The same msgpack map as `encode_reply(Reply(...))`, some numbers in their longest form: what stays the same between
two frames of a topic is encoded once, the rest is packed in one go. It costs a third.
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec

from protocol.record import Frame

_encode: Final = msgspec.msgpack.Encoder().encode
_MAP_OF_13: Final = b"\x8d"
_MAP_OF_16: Final = b"\xde\x00\x10"
_NUMBERS: Final = struct.Struct(">5sQ11sQ7sq7sd")
_ID: Final = b"\xa2id"
_DATA: Final = b"\xa4data"
_STATES: Final[dict[str, bytes]] = {
    state: b"\xa5state" + _encode(state)
    for state in ("fresh", "stale", "closed_market", "venue_down", "gap_open")
}
_WINDOW_KEYS: Final = (b"\xa5asked", b"\xafcovered_from_ns", b"\xadcovered_to_ns")

Window = tuple[int, int, int]
"""Of a reply with many rows: (rows asked for, covered from, covered to)."""


def fixed_part(answerer: str, answerer_epoch: int, source: str, frame: Frame) -> bytes:
    """What all answers from one topic say while its publisher lives; `source` is that publisher's name."""
    fields: dict[str, object] = {
        "ok": True,
        "publisher": answerer,
        "epoch": answerer_epoch,
        "source": source,
        "source_epoch": frame.epoch,
        "topic": frame.topic,
    }
    return b"".join(_encode(key) + _encode(value) for key, value in fields.items())


def head_of(
    fixed: bytes, frame: Frame, request_id: int, ts_ns: int, age_s: float, state: str, window: Window | None
) -> bytes:
    """Everything of the reply up to its `data`, which is to follow these bytes."""
    numbers = _NUMBERS.pack(
        b"\xa3seq\xcf", frame.seq, b"\xa9topic_seq\xcf", frame.topic_seq, b"\xa5ts_ns\xd3", ts_ns,
        b"\xa5age_s\xcb", age_s,
    )  # fmt: skip
    parts = (fixed, _ID, _encode(request_id), numbers, _STATES[state])
    if window is None:
        return b"".join((_MAP_OF_13, *parts, _DATA))
    extent = b"".join(key + _encode(value) for key, value in zip(_WINDOW_KEYS, window, strict=True))
    return b"".join((_MAP_OF_16, *parts, extent, _DATA))
