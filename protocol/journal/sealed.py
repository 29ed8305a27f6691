"""A sealed segment: the plain one cut into blocks of whole frames, each compressed by itself. Pure.

    <epoch:010d>-<first_seq:020d>.seg.zst     block header, zstd frame, block header, zstd frame, …, table

Headers and table are skippable zstd frames, so that `zstd -d` gives the plain segment back. Little endian.

    block header, 48 bytes                     table, 16 bytes, rows, 8 bytes
    off size field                             off size field
      0   4  magic        0x184D2A5E             0   4  magic      0x184D2A5E
      4   4  length       40                     4   4  length     of what follows
      8   3  kind         "TJZ"                  8   3  kind       "TJT"
     11   1  version      1                     11   1  version    1
     12   4  crc32        of 11, and from 16    12   4  crc32      of 11, and of the rows
     16   8  first_seq    of the block          16   …  rows       three u64: first_seq, offset in the plain
     24   8  next_seq     seq after its last                       segment, offset of the block header here;
     32   8  offset       in the plain segment                     the last row: seq after the last frame, size
     40   4  plain_bytes                                           of the plain segment, offset of the table
     44   4  packed_bytes                        …   4  table_bytes of all of it
                                                 …   4  end        "TJTE"

The table finds a block; without it the headers do, one behind the other, or by their first bytes. Frames prove
themselves, so a block that does not unpack costs its own frames. Version and crc32 keep their places.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import Final, NamedTuple

from protocol.journal.segment import JournalVersion, SegmentName, segments_of

VERSION: Final = 1
SUFFIX: Final = ".zst"
_SKIPPABLE: Final = 0x184D2A5E
_HEAD: Final = struct.Struct("<II3sBI")
_FIELDS: Final = struct.Struct("<QQQII")
_ROW: Final = struct.Struct("<QQQ")
_END: Final = struct.Struct("<I4s")
BLOCK_HEADER_BYTES: Final = _HEAD.size + _FIELDS.size
END_BYTES: Final = _END.size
_BLOCK_KIND: Final = b"TJZ"
_TABLE_KIND: Final = b"TJT"
_TABLE_END: Final = b"TJTE"
_BLOCK_START: Final = struct.pack("<II3s", _SKIPPABLE, _FIELDS.size + 8, _BLOCK_KIND)


class Block(NamedTuple):
    """A block as its header says it is."""

    first_seq: int
    next_seq: int
    offset: int
    """Of its first byte in the plain segment."""
    plain_bytes: int
    packed_bytes: int


class Row(NamedTuple):
    """Where a block starts; the last row of a table says where all ends."""

    first_seq: int
    offset: int
    """In the plain segment."""
    place: int
    """In the sealed segment, of the block's header."""


def sealed_file(name: SegmentName) -> str:
    """Name of the sealed form of a segment."""
    return name.file + SUFFIX


def all_segments(names: Iterable[str]) -> list[SegmentName]:
    """Segments among the names of a folder, plain or sealed (or both, for a moment), oldest first."""
    return sorted({*segments_of(name.removesuffix(SUFFIX) for name in names)})


def pack_block_header(block: Block) -> bytes:
    """What stands before a block's zstd frame."""
    fields = _FIELDS.pack(*block)
    return _head(_BLOCK_KIND, fields, len(fields)) + fields


def read_block_header(data: bytes, offset: int, place: str) -> Block | None:
    """The block header at an offset, None if there is none that is whole.

    Raises:
        JournalVersion: it is whole, and of a version that this program does not know; `place` names the file.
    """
    if len(data) - offset < BLOCK_HEADER_BYTES:
        return None
    fields = data[offset + _HEAD.size : offset + BLOCK_HEADER_BYTES]
    if not _is_ours(data, offset, _BLOCK_KIND, fields, place):
        return None
    return Block(*_FIELDS.unpack(fields))


def find_block(data: bytes, offset: int) -> int:
    """Offset of the next bytes that look like a block header, -1 if there are none."""
    return data.find(_BLOCK_START, offset)


def pack_table(rows: Iterable[Row], end: Row) -> bytes:
    """What stands at the end of a sealed segment."""
    body = b"".join(_ROW.pack(*row) for row in (*rows, end))
    size = _HEAD.size + len(body) + _END.size
    return _head(_TABLE_KIND, body, len(body) + _END.size) + body + _END.pack(size, _TABLE_END)


def table_bytes(tail: bytes) -> int:
    """Size of the table, from the last END_BYTES of a file; 0 if they say nothing."""
    if len(tail) != _END.size:
        return 0
    size, end = _END.unpack(tail)
    return int(size) if end == _TABLE_END else 0


def read_table(data: bytes, place: str) -> list[Row] | None:
    """Rows of a table, the end last; None if it is damaged.

    Raises:
        JournalVersion: it is whole, and of a version that this program does not know; `place` names the file.
    """
    body = data[_HEAD.size : -_END.size]
    if len(body) < _ROW.size or len(body) % _ROW.size or not _is_ours(data, 0, _TABLE_KIND, body, place):
        return None
    return [Row(*row) for row in _ROW.iter_unpack(body)]


def _head(kind: bytes, body: bytes, length: int) -> bytes:
    crc = zlib.crc32(body, zlib.crc32(bytes([VERSION])))
    return _HEAD.pack(_SKIPPABLE, length + 8, kind, VERSION, crc)


def _is_ours(data: bytes, offset: int, kind: bytes, body: bytes, place: str) -> bool:
    """Whether a head of that kind stands there and belongs to the body."""
    magic, _, its_kind, version, crc = _HEAD.unpack_from(data, offset)
    if magic != _SKIPPABLE or its_kind != kind or crc != zlib.crc32(body, zlib.crc32(bytes([version]))):
        return False
    if version > VERSION:
        raise JournalVersion(
            f"{place}: sealed journal version {version}, this program reads up to {VERSION};"
            " start the newer program, or move the folder away"
        )
    return True
