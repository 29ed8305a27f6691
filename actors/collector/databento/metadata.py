"""The header of a DBN file or stream: what was asked for, and which instrument is which symbol. Pure.

`DBN`, the version, the length of what follows; then 100 bytes of fixed fields (version 1 has a record count in them,
later ones the length of a symbol), then the lists. Layout as databento_dbn 0.70 writes it; checked with the recordings.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from actors.collector.databento.layout import SCHEMAS, STYPES, UNDEF_TS, text

PREFIX: Final = b"DBN"
VERSIONS: Final = (1, 2, 3)
MAX_BYTES: Final = 64 * 1024 * 1024
_FIXED_V1: Final = struct.Struct("<16sHQQQQBBB")
_FIXED: Final = struct.Struct("<16sHQQQBBBH")
_FIXED_BYTES: Final = 100
_SYMBOL_BYTES_V1: Final = 22
_U32: Final = struct.Struct("<I")
_NO_SCHEMA: Final = 0xFFFF


class BadMetadata(ValueError):
    """The header cannot be read; says why."""


class Interval(NamedTuple):
    """Days on which a name stood for an instrument, as numbers like 20240701."""

    first_day: int
    end_day: int
    """The first day on which it no longer did."""
    symbol: str


class Metadata(NamedTuple):
    """What the header says."""

    version: int
    dataset: str
    schema: str | None
    """None in a live stream, which holds several."""
    start_ns: int
    end_ns: int | None
    limit: int | None
    stype_in: str | None
    stype_out: str
    has_ts_out: bool
    symbols: list[str]
    partial: list[str]
    not_found: list[str]
    mappings: dict[str, list[Interval]]


class _Cursor:
    """Reads the lists behind the fixed fields."""

    def __init__(self, data: bytes, at: int, symbol_bytes: int) -> None:
        self._data, self._at, self._symbol_bytes = data, at, symbol_bytes

    def number(self) -> int:
        """The next number of four bytes."""
        return int(_U32.unpack(self._take(4))[0])

    def symbol(self) -> str:
        """The next name."""
        return text(self._take(self._symbol_bytes))

    def symbols(self) -> list[str]:
        """The next list of names."""
        return [self.symbol() for _ in range(self._fitting(self.number(), self._symbol_bytes))]

    def mappings(self) -> dict[str, list[Interval]]:
        """The list of mappings."""
        found: dict[str, list[Interval]] = {}
        for _ in range(self._fitting(self.number(), self._symbol_bytes + 4)):
            name = self.symbol()
            count = self._fitting(self.number(), self._symbol_bytes + 8)
            found[name] = [Interval(self.number(), self.number(), self.symbol()) for _ in range(count)]
        return found

    def _fitting(self, count: int, each_bytes: int) -> int:
        if count * each_bytes > len(self._data) - self._at:
            raise BadMetadata(f"a list of {count} entries does not fit into the header")
        return count

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) < size:
            raise BadMetadata("the header ends too early")
        self._at += size
        return taken


def is_metadata(data: bytes | memoryview) -> bool:
    """Whether these bytes begin with a header (a fragment begins with a record)."""
    return bytes(data[:3]) == PREFIX


def parse_metadata(data: bytes | memoryview) -> tuple[Metadata, int]:
    """Read a header; returns it and where the records begin.

    Raises:
        BadMetadata: not one of versions 1 to 3, cut off, or inconsistent.
    """
    if not is_metadata(data) or len(data) < 8:
        raise BadMetadata("it does not begin with DBN")
    version = data[3]
    if version not in VERSIONS:
        raise BadMetadata(f"DBN version {version} is none of {', '.join(map(str, VERSIONS))}")
    length = int(_U32.unpack(data[4:8])[0])
    if length > min(MAX_BYTES, len(data) - 8) or length < _FIXED_BYTES:
        raise BadMetadata(f"a header of {length} bytes in {len(data)}")
    head = bytes(data[8 : 8 + length])
    if version == 1:
        dataset, schema, start, end, limit, _count, stype_in, stype_out, ts_out = _FIXED_V1.unpack_from(head)
        symbol_bytes = _SYMBOL_BYTES_V1
    else:
        dataset, schema, start, end, limit, stype_in, stype_out, ts_out, symbol_bytes = _FIXED.unpack_from(
            head
        )
    if not symbol_bytes:
        raise BadMetadata("names of no bytes")
    cursor = _Cursor(head, _FIXED_BYTES, symbol_bytes)
    if cursor.number():  # the length of a definition of the schema: none has been written so far
        raise BadMetadata("it defines a schema of its own")
    found = Metadata(
        version=version,
        dataset=text(dataset),
        schema=None if schema == _NO_SCHEMA else _named(SCHEMAS, schema),
        start_ns=start,
        end_ns=None if end in (UNDEF_TS, 0) else end,
        limit=limit or None,
        stype_in=None if stype_in == 0xFF else _named(STYPES, stype_in),
        stype_out=_named(STYPES, stype_out),
        has_ts_out=bool(ts_out),
        symbols=cursor.symbols(),
        partial=cursor.symbols(),
        not_found=cursor.symbols(),
        mappings=cursor.mappings(),
    )
    return found, 8 + length


def _named(names: tuple[str, ...], number: int) -> str:
    return names[number] if number < len(names) else f"unknown-{number}"
