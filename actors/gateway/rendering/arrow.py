"""Rows as an Arrow stream, for pandas, polars and whoever else reads columns."""

from __future__ import annotations

import types
import typing
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from actors.gateway.rendering.dressing import Dress, dressed, name_of
from actors.gateway.rendering.encoding import PART
from actors.gateway.rendering.row_types import Row
from actors.gateway.rendering.tables import Table


def arrow_bytes(table: Table, dress: Dress) -> bytes:
    """A whole stream; imports pyarrow (100 ms and 50 MB the first time): call it in a thread."""
    import pyarrow as pa  # noqa: PLC0415 - who asks for no Arrow does not pay for it

    schema = schema_of(table.kind, dress)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as stream:
        for start in range(0, len(table), PART):
            rows = dressed(table.part(start, start + PART), dress)
            plain = rows if dress else msgspec.to_builtins(rows)
            texts = [field.name for field in schema if field.type == pa.string()]
            for row in plain:
                for name in texts:
                    if row[name] is not None and not isinstance(row[name], str):
                        row[name] = str(row[name])
            stream.write_batch(pa.RecordBatch.from_pylist(plain, schema=schema))
    made: bytes = sink.getvalue().to_pybytes()
    return made


def schema_of(kind: type[Row], dress: Dress) -> Any:
    """The Arrow schema of rows of one type: the same for every page."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    hints = get_type_hints(kind)
    fields = []
    for name in kind.__struct_fields__:
        is_time = dress.is_iso and name.endswith("_ns")
        fields.append(
            pa.field(name_of(name, dress), pa.string() if is_time else _type_of(hints[name], dress))
        )
    return pa.schema(fields)


def _type_of(hint: Any, dress: Dress) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above

    origin, inner = get_origin(hint), get_args(hint)
    if origin in (typing.Union, types.UnionType):
        left = [one for one in inner if one is not type(None)]
        return _type_of(left[0], dress) if len(left) == 1 else pa.string()
    if origin is list:
        return pa.list_(_type_of(inner[0], dress))
    if origin is tuple:
        return pa.list_(pa.string() if str in inner else _type_of(float, dress))
    if origin is dict:
        return pa.map_(pa.string(), _type_of(inner[1], dress))
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        hints = get_type_hints(hint)
        return pa.struct([(name_of(name, dress), _type_of(hints[name], dress)) for name in hints])
    plain = {bool: pa.bool_(), int: pa.int64(), float: pa.string() if dress.is_exact else pa.float64()}
    return plain.get(hint, pa.string())
