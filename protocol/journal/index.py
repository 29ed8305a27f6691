"""The sparse index of a sealed segment: where about every thousandth frame starts. Pure.

    off size field
      0   4  magic     "TJI1"
      4   4  crc32     zlib.crc32 of what follows
      8   …  marks     pairs of u64: seq, offset of that frame in the segment; the last pair is
                       (seq after the last frame, size of the segment)

It can be lost: a reader then walks from the start of the segment.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import Final

MARK_EVERY: Final = 1000
"""Frames between two marks, about."""

_MAGIC: Final = b"TJI1"
_PREFIX: Final = struct.Struct("<4sI")
_MARK: Final = struct.Struct("<QQ")

Mark = tuple[int, int]
"""A seq and the offset of its frame."""


def pack_index(marks: Iterable[Mark], end: Mark) -> bytes:
    """Content of an index file; `end` is the seq after the last frame and the size of the segment."""
    body = b"".join(_MARK.pack(*mark) for mark in (*marks, end))
    return _PREFIX.pack(_MAGIC, zlib.crc32(body)) + body


def read_index(data: bytes) -> list[Mark] | None:
    """Marks of an index file, the end last; None if it is damaged."""
    if len(data) < _PREFIX.size + _MARK.size or (len(data) - _PREFIX.size) % _MARK.size:
        return None
    magic, crc = _PREFIX.unpack_from(data)
    body = data[_PREFIX.size :]
    if magic != _MAGIC or zlib.crc32(body) != crc:
        return None
    return list(_MARK.iter_unpack(body))
