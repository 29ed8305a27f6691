"""Arrow columns to rows as people and programs read them. Pure.

Times that are columns of ns stay numbers, or become RFC 3339 text with all nine digits: `ts_event_ns` is then
called `ts_event`. Values that JSON lacks become the nearest that it has.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from protocol.messages import SIDE_NAMES
from tapehub.rows import Row, plain

NS_ENDING: Final = "_ns"
JSON_ENDING: Final = "_json"


def is_time(name: str) -> bool:
    """Whether a stored column is a moment in ns."""
    return name.startswith(("ts_", "from_ts_", "to_ts_")) and name.endswith(NS_ENDING)


def utc_texts(values: pa.Array) -> list[str | None]:
    """Moments in ns as `2026-11-21T09:00:00.123456789Z`; None where there is none or it is 0 (not yet known)."""
    filled = np.asarray(values.fill_null(0), dtype="int64")
    texts = np.datetime_as_string(filled.astype("datetime64[ns]")).tolist()
    return [f"{text}Z" if ns else None for text, ns in zip(texts, filled.tolist(), strict=True)]


Columns = dict[str, list[Any]]
"""Name to the values of every row, all of them such as JSON has."""


def columns_of(batch: pa.RecordBatch) -> Columns:
    """Columns of any answer."""
    return dict(zip(batch.schema.names, map(_values, batch.columns), strict=True))


def rows_of(batch: pa.RecordBatch) -> Iterator[Row]:
    """Rows of any answer."""
    return _rows(columns_of(batch))


def _rows(columns: Columns) -> Iterator[Row]:
    names = list(columns)
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(names, values, strict=True))


def _values(column: pa.Array) -> list[Any]:
    kind = column.type
    if pa.types.is_timestamp(kind):
        # Python's own moments have no ns
        zone = "Z" if kind.tz else ""
        return [None if text is None else f"{text.replace(' ', 'T').removesuffix('Z')}{zone}" for text in
                column.cast(pa.string()).to_pylist()]  # fmt: skip
    values: list[Any] = column.to_pylist()
    return values if _is_plain(column) else [_json_value(value) for value in values]


def _is_plain(column: pa.Array) -> bool:
    """Whether JSON has every value as it is."""
    kind = column.type
    if pa.types.is_floating(kind):
        return pc.all(pc.is_finite(column)).as_py() is not False
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind))


def _json_value(value: Any) -> Any:
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case dt.date() | dt.time():
            return value.isoformat()
        case list():
            return [_json_value(one) for one in value]
        case dict():
            return {str(key): _json_value(one) for key, one in value.items()}
        case _:
            return plain(value)


class StoredRows:
    """Rows of a stored table as messages show them: `side` a word, one `trade_id`, nested values as such.

    Args:
        has_iso_times: Times as text instead of ns.
        is_flat: Keep nested values as JSON text: for formats of plain columns.
    """

    def __init__(self, *, has_iso_times: bool, is_flat: bool) -> None:
        self._has_iso_times = has_iso_times
        self._is_flat = is_flat
        self._decode = msgspec.json.Decoder().decode

    def rows(self, batch: pa.RecordBatch) -> Iterator[Row]:
        """Every row of a batch."""
        return _rows(self.columns(batch))

    def columns(self, batch: pa.RecordBatch) -> Columns:
        """The columns of a batch."""
        columns: Columns = {}
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            key, values = self._column(name, column)
            columns[key] = values
        refs = columns.pop("trade_ref", None)
        if refs is not None:
            columns["trade_id"] = [
                _id_of(number, ref) for number, ref in zip(columns["trade_id"], refs, strict=True)
            ]
        return columns

    def _column(self, name: str, column: pa.Array) -> tuple[str, list[Any]]:
        if self._has_iso_times and is_time(name):
            return name.removesuffix(NS_ENDING), utc_texts(column)
        values = column.to_pylist()
        if name == "side":
            return name, [SIDE_NAMES.get(value, "unknown") for value in values]
        if name.endswith(JSON_ENDING) and not self._is_flat:
            return name.removesuffix(JSON_ENDING), [value and self._decode(value) for value in values]
        return name, values if _is_plain(column) else [plain(value) for value in values]


def _id_of(trade_id: int, ref: str) -> int | str:
    """A trade's id as its venue gave it; 0 where it gave none."""
    return trade_id if not ref or ref.startswith("#") else ref


def with_moments(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same columns, times in ns as Arrow's own moments in UTC."""
    names: list[str] = []
    columns: list[pa.Array] = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        names.append(name.removesuffix(NS_ENDING) if is_time(name) else name)
        columns.append(column.cast(pa.timestamp("ns", "UTC")) if is_time(name) else column)
    return pa.RecordBatch.from_arrays(columns, names)
