"""What has traded, kept for REST: rows of integers numbered by the venue's ids. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Final

TRADE_FIELDS: Final = 4
"""price units, lots, time in ms, 1 if the buyer is the maker."""
AGG_FIELDS: Final = 6
"""price units, lots, first trade id, last trade id, time in ms, 1 if the buyer is the maker."""


class History:
    """The newest rows of a table whose ids step by one; at most twice `limit` rows are kept."""

    __slots__ = ("_fields", "_limit", "_room", "_rows", "first_id", "next_id")

    def __init__(self, fields: int, limit: int, first_id: int) -> None:
        self._fields = fields
        self._limit = limit
        self._room = 2 * limit * fields
        self._rows = array("q")
        self.first_id = first_id
        """Id of the oldest row kept."""
        self.next_id = first_id
        """Id of the next row to come."""

    def add(self, row: tuple[int, ...]) -> int:
        """Append one row; returns its id."""
        rows = self._rows
        rows.extend(row)
        if len(rows) >= self._room:
            dropped = len(rows) // self._fields - self._limit
            del rows[: dropped * self._fields]
            self.first_id += dropped
        row_id = self.next_id
        self.next_id = row_id + 1
        return row_id

    def __len__(self) -> int:
        return self.next_id - self.first_id

    def rows(self, from_id: int, count: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        """(id, row) of at most `count` rows from an id on, oldest first; starts at what is still kept."""
        start = max(from_id, self.first_id)
        for row_id in range(start, min(start + count, self.next_id)):
            offset = (row_id - self.first_id) * self._fields
            yield row_id, tuple(self._rows[offset : offset + self._fields])

    def slice(self, from_id: int, to_id: int) -> array[int]:
        """Fields of the rows `from_id` up to but without `to_id`, back to back; both must be kept."""
        first, last = from_id - self.first_id, to_id - self.first_id
        return self._rows[first * self._fields : last * self._fields]

    def newest(self, count: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        """(id, row) of the newest `count` rows, oldest first."""
        return self.rows(self.next_id - count, count)

    def from_time(self, field: int, t_ms: int) -> int:
        """Id of the first row whose time (in that field) is not before `t_ms`; next_id if there is none."""
        low, high = self.first_id, self.next_id
        while low < high:
            middle = (low + high) // 2
            if self._rows[(middle - self.first_id) * self._fields + field] < t_ms:
                low = middle + 1
            else:
                high = middle
        return low
