"""Messages of one symbol, oldest first: footprints, indicator values, order flow, alerts and the like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec

from protocol.client.tables import Table, array_of, span_text, unless_fresh
from protocol.messages import Message
from protocol.requests import Reply

if TYPE_CHECKING:
    from numpy.typing import NDArray

M = TypeVar("M", bound=Message)
_ORIGIN: Final = ("symbol", "venue", "age_s", "state", "source", "epoch", "seq", "hub_epoch")
_TIMES: Final = ("ts_open_ns", "ts_event_ns", "from_ts_ns")
"""By which messages are ordered: the first of these that they have."""
_FORMATS: Final[dict[type, str]] = {bool: "?", int: "i8", float: "f8", str: "U"}


class Events(Table, Generic[M]):
    """Messages in `rows`, with how old the newest is; numpy columns when they are asked for."""

    def __init__(self, reply: Reply, rows: list[M], kind: type[M]) -> None:
        newest: Any = rows[-1] if rows else None
        super().__init__(getattr(newest, "symbol", ""), getattr(newest, "venue", ""), reply)
        self.rows = rows
        self._kind = kind

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[M]:
        return iter(self.rows)

    def __getitem__(self, index: int) -> M:
        return self.rows[index]

    def __repr__(self) -> str:
        what = f"{self._kind.KIND} {self.symbol} {self.venue}, {len(self)} rows"
        if not self.rows:
            return f"Events({what}, {self.state})"
        first, last = (getattr(self.rows[place], self._time_column) for place in (0, -1))
        return f"Events({what}, {span_text(first, last)}{unless_fresh(self.state)})"

    def column(self, name: str) -> NDArray[Any]:
        """Values of one field, or of one name in `values` (NaN where a row lacks it).

        Raises:
            KeyError: no row has it.
        """
        columns = self.columns()
        if name not in columns:
            raise KeyError(f"{self._kind.KIND} has no {name!r}; there is {', '.join(columns)}")
        return columns[name]

    def columns(self) -> dict[str, NDArray[Any]]:
        """Column name to values; a map of values becomes a column per name, lists stay lists."""
        found: dict[str, NDArray[Any]] = {}
        for field in self._kind.__struct_fields__:
            cells = [getattr(row, field) for row in self.rows]
            if any(isinstance(cell, dict) for cell in cells):
                names = dict.fromkeys(name for cell in cells for name in cell)
                for name in names:
                    found[name] = array_of([cell.get(name, float("nan")) for cell in cells], "f8")
            else:
                found[field] = _column(cells)
        return found

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict of field names and plain values per row."""
        return [row.to_dict() for row in self.rows]

    def to_dict(self) -> dict[str, Any]:
        """What is known of the rows, and `rows`."""
        head = {name: getattr(self, name) for name in (*_ORIGIN, "asked", "covered_from_ns", "covered_to_ns")}
        return {**head, "rows": msgspec.to_builtins(self.to_dicts())}

    @property
    def _time_column(self) -> str:
        return next(name for name in _TIMES if name in self._kind.__struct_fields__)


def _column(cells: list[Any]) -> NDArray[Any]:
    form = _FORMATS.get(type(cells[0])) if cells else "f8"
    if form is not None:
        return array_of(cells, form)
    lists = array_of([None] * len(cells), "O")  # of lists as long as each other numpy would make a table
    for index, cell in enumerate(cells):
        lists[index] = cell
    return lists
