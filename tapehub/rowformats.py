"""Rows to bytes on stdout: table, NDJSON, CSV, msgpack, or a template of one's own. Pure.

`raw` is not here: it writes frames, not rows, see `capture.py`.
"""

from __future__ import annotations

import csv
import io
import string
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import msgpack
import msgspec

from tapehub.columns import Column, columns_for, field_columns, field_value
from tapehub.rows import Row, json_line, plain

NAMES: Final = ("table", "ndjson", "csv", "msgpack", "raw")


class RowFormat(Protocol):
    """Turns rows into bytes."""

    header: bytes
    """What stands above the rows, written once before the first; empty if nothing does."""

    def line(self, row: Row) -> bytes:
        """One row with its line end."""


def row_format(name: str, kind: str, fields: Sequence[str] = (), template: str = "") -> RowFormat:
    """The format of that name.

    Args:
        name: table, ndjson, csv or msgpack.
        kind: The only kind of row to come, empty if there may be several.
        fields: Show these alone, in this order; empty shows all.
        template: Python format string over the row's fields; wins over `name`.

    Raises:
        ValueError: unknown name, broken template, or CSV of several kinds without fields.
    """
    if template:
        return TemplateFormat(template)
    if name == "table":
        return TableFormat(kind, fields)
    if name == "ndjson":
        return NdjsonFormat(fields)
    if name == "csv":
        if not kind and not fields:
            raise ValueError(
                "csv has one set of columns: name topics of one kind (trade.binance), or give --fields"
            )
        return CsvFormat(fields)
    if name == "msgpack":
        return MsgpackFormat(fields)
    raise ValueError(f"format {name!r} is none of {', '.join(NAMES)}")


def selected(row: Row, fields: Sequence[str]) -> Row:
    """The named fields of a row, or all of it."""
    return {name: field_value(row, name) for name in fields} if fields else row


class TableFormat:
    """Aligned columns for people; the same bytes in a pipe, nothing truncated."""

    def __init__(
        self, kind: str, fields: Sequence[str] = (), columns: Sequence[Column] | None = None
    ) -> None:
        self._columns = columns or (field_columns(fields) if fields else columns_for(kind))
        self.header = self._join([column.cell(column.title) for column in self._columns])

    def line(self, row: Row) -> bytes:
        """The row's cells under the titles."""
        return self._join([column.cell(column.text(row)) for column in self._columns])

    @staticmethod
    def _join(cells: list[str]) -> bytes:
        return ("  ".join(cells).rstrip() + "\n").encode()


class NdjsonFormat:
    """One JSON object per line."""

    header = b""

    def __init__(self, fields: Sequence[str] = ()) -> None:
        self._fields = fields

    def line(self, row: Row) -> bytes:
        """The row, or its named fields."""
        return json_line(selected(row, self._fields))


class MsgpackFormat:
    """One msgpack map per row, back to back: what `msgpack.Unpacker` reads."""

    header = b""

    def __init__(self, fields: Sequence[str] = ()) -> None:
        self._fields = fields
        self._packer = msgpack.Packer()

    def line(self, row: Row) -> bytes:
        """The row, or its named fields."""
        packed: bytes = self._packer.pack(plain(selected(row, self._fields)))
        return packed


class CsvFormat:
    """RFC 4180 with a header; the first row names the columns where no fields were given."""

    def __init__(self, fields: Sequence[str] = ()) -> None:
        self._fields = list(fields)
        self._buffer = io.StringIO()
        self._writer = csv.writer(self._buffer, lineterminator="\n")
        self.header = self._encode(self._fields) if self._fields else b""

    def line(self, row: Row) -> bytes:
        """The row, below the header if that had to wait for it."""
        start = b""
        if not self._fields:
            self._fields = list(row)
            start = self._encode(self._fields)
        return start + self._encode([_csv_cell(field_value(row, name)) for name in self._fields])

    def _encode(self, cells: Sequence[Any]) -> bytes:
        self._writer.writerow(cells)
        text = self._buffer.getvalue()
        self._buffer.seek(0)
        self._buffer.truncate()
        return text.encode()


def _csv_cell(value: Any) -> Any:
    return msgspec.json.encode(value).decode() if isinstance(value, list | tuple | dict) else value


class TemplateFormat:
    r"""A line per row after the caller's template, `{symbol} {price:.2f}`; `\t` and `\n` are understood.

    Raises:
        ValueError: the template is broken, or asks for more than plain fields.
    """

    header = b""

    def __init__(self, template: str) -> None:
        text = template.replace("\\t", "\t").replace("\\n", "\n")
        try:
            parts = list(string.Formatter().parse(text))
        except ValueError as fault:
            raise ValueError(
                f"template {template!r}: {fault}; write for example '{{symbol}} {{price}}'"
            ) from None
        for _, name, _, conversion in parts:
            if name is not None and (not name or conversion or "[" in name or "__" in name):
                raise ValueError(f"template {template!r}: {name!r} must be the name of a field")
        self._parts = [(literal, name, spec or "") for literal, name, spec, _ in parts]

    def line(self, row: Row) -> bytes:
        """The template with the row's fields in it; `-` for those it lacks."""
        text = []
        for literal, name, spec in self._parts:
            text.append(literal)
            if name is not None:
                text.append(_formatted(field_value(row, name), spec))
        return "".join([*text, "\n"]).encode()


def _formatted(value: Any, spec: str) -> str:
    """Rows of another kind lack fields or hold text where the template expects a number: show, do not fail."""
    if value is None:
        value, spec = "-", ""
    try:
        return format(value, spec)
    except (ValueError, TypeError):
        return str(value)


def fields_of(text: str) -> list[str]:
    """Names of a comma-separated list, in order, without repeats."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def missing_fields(row: Mapping[str, Any], fields: Sequence[str]) -> list[str]:
    """Fields that this row does not have: a typing mistake, most likely."""
    return [name for name in fields if field_value(dict(row), name) is None and name.split(".")[0] not in row]
