"""Rows of one answer, made once, a part at a time: candles of their packed bytes, all others of their messages. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec

from actors.gateway.rendering.row_types import ROWS, BarRow, FeatureRow, Row, maker_of
from protocol.errors import PayloadError
from protocol.messages import Feature
from protocol.windows import BAR_BYTES, BAR_COLUMNS, REASON_ELSEWHERE, ROW_STRUCT, BarData

IDENTITY: Final = ("symbol", "venue", "timeframe")
"""Columns that are the same in all rows of a series: `columns` leaves them out, the envelope has them."""
_KNOWN: Final = [tuple(column) for column in BAR_COLUMNS]
_NAMES: Final = tuple(name for name, _ in BAR_COLUMNS)
_AT: Final = {name: place for place, name in enumerate(_NAMES)}


class Table(Protocol):
    """Rows of one type."""

    kind: type[Row]
    identity: tuple[str, str, str]
    """Symbol, venue and timeframe of all rows; empty: they differ, or there is none."""

    def __len__(self) -> int: ...

    def part(self, start: int, stop: int) -> list[Any]:
        """Rows `[start, stop)`."""

    def columns(self) -> dict[str, list[Any]]:
        """Name to values."""


class BarTable:
    """Candles.

    Args:
        data: As the hub sent them.

    Raises:
        PayloadError: their rows are not laid out as this program knows them.
    """

    kind = BarRow

    def __init__(self, data: BarData) -> None:
        columns = [tuple(column) for column in data.columns[: len(_KNOWN)]]
        if columns != _KNOWN or data.row_bytes < BAR_BYTES or len(data.rows) % data.row_bytes:
            raise PayloadError("candles are laid out differently from what this program knows")
        self.data = data
        self.identity = (data.symbol, data.venue, data.timeframe)

    def __len__(self) -> int:
        return len(self.data.rows) // self.data.row_bytes

    def _unpacked(self, start: int, stop: int) -> Any:
        data, size = self.data, self.data.row_bytes
        if size == BAR_BYTES:
            return ROW_STRUCT.iter_unpack(data.rows[start * size : stop * size])
        return (ROW_STRUCT.unpack_from(data.rows, index * size) for index in range(start, stop))

    def part(self, start: int, stop: int) -> list[Any]:
        """Rows `[start, stop)`."""
        symbol, venue, timeframe = self.identity
        make: Any = BarRow
        statuses, sources = self.data.statuses, self.data.sources
        reasons = ("", REASON_ELSEWHERE)
        return [
            make(
                symbol, venue, timeframe, opened, event, open_, high, low, close, volume, buy, sell, vwap, count,
                statuses[status], coverage, revision, sources[source], received, adjusted, reasons[repaired],
            )
            for (
                opened, event, open_, high, low, close, coverage, volume, buy, sell, vwap, count, revision,
                status, source, adjusted, repaired, received,
            ) in self._unpacked(start, min(stop, len(self)))
        ]  # fmt: skip

    def columns(self) -> dict[str, list[Any]]:
        """Name to values; without what is the same in all rows."""
        cells: list[Any] = list(zip(*self._unpacked(0, len(self)), strict=True)) or [()] * len(_NAMES)
        found = {name: list(cells[place]) for name, place in _AT.items() if name in BarRow.__struct_fields__}
        statuses, sources = self.data.statuses, self.data.sources
        found["status"] = [statuses[code] for code in cells[_AT["status"]]]
        found["source"] = [sources[code] for code in cells[_AT["source"]]]
        found["reason"] = [REASON_ELSEWHERE if one else "" for one in cells[_AT["is_repaired"]]]
        return found

    def ts_open_ns(self, index: int) -> int:
        """When a candle opened; -1 is the newest."""
        place = index % len(self) * self.data.row_bytes
        opened: int = ROW_STRUCT.unpack_from(self.data.rows, place)[0]
        return opened

    def cut(self, start: int, stop: int) -> BarTable:
        """Some of them."""
        size = self.data.row_bytes
        rows = self.data.rows[start * size : stop * size]
        return BarTable(msgspec.structs.replace(self.data, rows=rows))


class MessageTable:
    """Messages of one kind.

    Args:
        messages: In the order in which they are shown.
        kind: Their type.
        is_series: Whether all of them are of one symbol, venue and timeframe.
    """

    def __init__(
        self, messages: Sequence[Any], kind: type[msgspec.Struct], *, is_series: bool = False
    ) -> None:
        self.messages = messages
        self.kind = ROWS[kind]
        self.identity = ("", "", "")
        if is_series and messages:
            symbol, venue, timeframe = (str(getattr(messages[0], name, "")) for name in IDENTITY)
            self.identity = (symbol, venue, timeframe)
        self._make = maker_of(kind)

    def __len__(self) -> int:
        return len(self.messages)

    def part(self, start: int, stop: int) -> list[Any]:
        """Rows `[start, stop)`."""
        return self._make(self.messages[start:stop])

    def columns(self) -> dict[str, list[Any]]:
        """Name to values; a map of values becomes a column per name."""
        return columns_of(self.part(0, len(self)), self.kind, is_series=any(self.identity))


class RowTable:
    """Rows that are made already."""

    def __init__(self, rows: Sequence[Any], kind: type[Row]) -> None:
        self.rows = rows
        self.kind = kind
        self.identity = ("", "", "")

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, start: int, stop: int) -> list[Any]:
        """Rows `[start, stop)`."""
        return list(self.rows[start:stop])

    def columns(self) -> dict[str, list[Any]]:
        """Name to values."""
        return columns_of(self.part(0, len(self)), self.kind)


def columns_of(rows: Sequence[Any], kind: type[Row], *, is_series: bool = False) -> dict[str, list[Any]]:
    """Name to values; a map of values becomes a column per name, null where a row lacks it."""
    found: dict[str, list[Any]] = {}
    for name in kind.__struct_fields__:
        if is_series and name in IDENTITY:
            continue
        cells = [getattr(row, name) for row in rows]
        if name == "values":
            for inner in dict.fromkeys(inner for cell in cells for inner in cell):
                found[f"values.{inner}" if inner in kind.__struct_fields__ else inner] = [
                    cell.get(inner) for cell in cells
                ]
        else:
            found[name] = cells
    return found


def chosen(features: Sequence[Feature], names: Sequence[str]) -> list[Feature]:
    """Indicator values of these names only; all of them where none is named.

    Raises:
        KeyError: no candle has a value of that name; the argument is the name.
    """
    if not names:
        return list(features)
    known = {name for one in features for name in one.values}
    for name in names:
        if features and name not in known:
            raise KeyError(name)
    replace = msgspec.structs.replace
    return [
        replace(one, values={name: one.values[name] for name in names if name in one.values})
        for one in features
    ]


__all__ = ["IDENTITY", "BarTable", "FeatureRow", "MessageTable", "RowTable", "Table", "chosen", "columns_of"]
