"""Rows and what is said of them as bytes, piece by piece: no piece takes long, so others are answered in between. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from actors.gateway.rendering.blocks import SharedBars
from actors.gateway.rendering.dressing import PLAIN, Dress, dressed, name_of
from actors.gateway.rendering.envelopes import ManyHead, OneHead
from actors.gateway.rendering.formats import Format
from actors.gateway.rendering.tables import Table

PART: Final = 500
"""Rows of a piece: about a millisecond of work."""
CSV_PART: Final = 200
DRESSED_PART: Final = 64
"""Where each value is written anew: 50 us a row."""
Head = OneHead | ManyHead
_json: Final = msgspec.json.Encoder()
_msgpack: Final = msgspec.msgpack.Encoder()
_DATA: Final = _msgpack.encode("data")
_BIGGEST_FIXMAP: Final = 15
_FIXMAP: Final = 0x80
_ARRAY32: Final = b"\xdd"


def one_bytes(form: Format, row: Any, head: OneHead, dress: Dress = PLAIN) -> bytes:
    """One value; CSV and NDJSON have the row alone.

    Args:
        form: Any but Arrow.
        row: A row.
        head: What is said of it.
        dress: How values are written.
    """
    if form is Format.JSON:
        return b"".join((b'{"data":', _json.encode(dressed(row, dress)), b",", _rest(head, dress)))
    if form is Format.MSGPACK:
        return b"".join((*_packed_head(head, dress), _DATA, _msgpack.encode(dressed(row, dress))))
    if form is Format.NDJSON:
        return _json.encode(dressed(row, dress)) + b"\n"
    return b"".join((_csv_header(type(row), dress), _csv_rows([dressed(row, dress)])))


def many_pieces(
    form: Format,
    table: Table | SharedBars,
    head: ManyHead,
    dress: Dress = PLAIN,
    *,
    is_columns: bool = False,
) -> Iterator[bytes]:
    """Many rows, in pieces that follow one another.

    Args:
        form: Any but Arrow.
        table: The rows; shared ones have no columns.
        head: What is said of them.
        dress: How values are written.
        is_columns: JSON and MessagePack: `data` maps names to lists of values.
    """
    if is_columns and not isinstance(table, SharedBars):
        if form is Format.JSON:
            return _json_columns(table, head, dress)
        if form is Format.MSGPACK:
            return _msgpack_columns(table, head, dress)
    if form is Format.JSON:
        return _json_rows(table, head, dress)
    if form is Format.MSGPACK:
        return _msgpack_rows(table, head, dress)
    if form is Format.NDJSON:
        return _texts(table, form, dress, _json.encode_lines)
    return _csv(table, dress)


def _texts(
    table: Table | SharedBars,
    form: Format,
    dress: Dress,
    write: Callable[[list[Any]], bytes],
    most: int = PART,
) -> Iterator[bytes]:
    """The rows as text, some at a time; what many readers have is written once."""
    if isinstance(table, SharedBars):
        yield from table.texts((form, dress), lambda rows: write(dressed(rows, dress)))
        return
    size = min(most, DRESSED_PART) if dress else most
    for start in range(0, len(table), size):
        yield write(dressed(table.part(start, start + size), dress))


def _rest(head: Head, dress: Dress) -> bytes:
    """The members of an envelope behind `data`, and its end."""
    return _json.encode(dressed(head, Dress(dress.is_iso)))[1:]


def _json_rows(table: Table | SharedBars, head: ManyHead, dress: Dress) -> Iterator[bytes]:
    before = b'{"data":['
    for text in _texts(table, Format.JSON, dress, lambda rows: _json.encode(rows)[1:-1]):
        yield before + text
        before = b","
    yield (b"" if before == b"," else before) + b"]," + _rest(head, dress)


def _json_columns(table: Table, head: ManyHead, dress: Dress) -> Iterator[bytes]:
    before = b'{"data":{'
    for name, cells in _dressed_columns(table, dress):
        yield before + _json.encode(name) + b":" + _json.encode(cells)
        before = b","
    yield (b"" if before == b"," else before) + b"}," + _rest(head, dress)


def _dressed_columns(table: Table, dress: Dress) -> Iterator[tuple[str, Any]]:
    for name, cells in table.columns().items():
        if dress:
            yield from dressed({name: cells}, dress).items()
        else:
            yield name, cells


def _packed_head(head: Head, dress: Dress) -> tuple[bytes, bytes]:
    """A map of what is said, with room for one member more: its header and its members."""
    packed = _msgpack.encode(dressed(head, Dress(dress.is_iso)))
    assert packed[0] < _FIXMAP + _BIGGEST_FIXMAP, "an envelope has fewer than 15 members"
    return bytes((packed[0] + 1,)), packed[1:]


def _msgpack_rows(table: Table | SharedBars, head: ManyHead, dress: Dress) -> Iterator[bytes]:
    yield b"".join((*_packed_head(head, dress), _DATA, _ARRAY32 + len(table).to_bytes(4, "big")))
    yield from _texts(table, Format.MSGPACK, dress, lambda rows: b"".join(map(_msgpack.encode, rows)))


def _msgpack_columns(table: Table, head: ManyHead, dress: Dress) -> Iterator[bytes]:
    columns = dict(_dressed_columns(table, dress))
    yield b"".join((*_packed_head(head, dress), _DATA, _msgpack.encode(columns)))


def _csv(table: Table | SharedBars, dress: Dress) -> Iterator[bytes]:
    yield _csv_header(table.kind, dress)
    yield from _texts(table, Format.CSV, dress, _csv_rows, CSV_PART)


def _csv_header(kind: type[msgspec.Struct], dress: Dress) -> bytes:
    return (",".join(name_of(name, dress) for name in kind.__struct_fields__) + "\r\n").encode()


def _csv_rows(rows: list[Any]) -> bytes:
    """Rows as they are, or dressed, then they are maps."""
    text = io.StringIO(newline="")
    values = msgspec.structs.astuple
    csv.writer(text).writerows(  # RFC 4180 is what it does by itself
        [_cell(value) for value in (row.values() if isinstance(row, dict) else values(row))] for row in rows
    )
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    """Nested values as JSON; what does not exist is empty."""
    if value is None or value != value:  # noqa: PLR0124 - NaN alone differs from itself
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _json.encode(value).decode() if isinstance(value, dict | list | tuple) else value
