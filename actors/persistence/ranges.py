"""Which rows of a series are wanted, and where the next page of them begins. Pure."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import BindParameter, ColumnElement, Select, Table, bindparam, select, tuple_

from actors.persistence.tables import BY_RECORD
from protocol.errors import InvalidRequest
from protocol.history import LISTED_KINDS, SERIES_KINDS

FIRST_NS: Final = -(2**63)
LAST_NS: Final = 2**63 - 1
MAX_CURSOR_LENGTH: Final = 400

PAGE_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "bar": ("ts_open_ns",),
    "trade": ("ts_event_ns", "trade_id", "trade_ref"),
    "quote": BY_RECORD[1:],
    "gap": ("from_ts_ns", "gap_id"),
    **dict.fromkeys(SERIES_KINDS, ("ts_open_ns",)),
    **dict.fromkeys(("flow", *LISTED_KINDS), BY_RECORD[1:]),
}
"""Kind to what orders the rows of one instrument, time first: that is also where a page ends."""
_decode_keys: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    "bar": msgspec.json.Decoder(tuple[int]),
    "trade": msgspec.json.Decoder(tuple[int, int, str]),
    "quote": msgspec.json.Decoder(tuple[int, int, int, int, int]),
    "gap": msgspec.json.Decoder(tuple[int, str]),
    **dict.fromkeys(SERIES_KINDS, msgspec.json.Decoder(tuple[int])),
    **dict.fromkeys(("flow", *LISTED_KINDS), msgspec.json.Decoder(tuple[int, int, int, int, int])),
}
_encode: Final = msgspec.json.Encoder().encode


class Range(NamedTuple):
    """A stretch of one series."""

    from_ns: int
    """0: from the beginning."""
    to_ns: int
    """First time that is no longer in it; 0: up to the end."""
    limit: int
    """Rows of a page at most."""
    is_newest_first: bool = True
    """The page holds the newest rows of the range, or the oldest; they come oldest first either way."""
    cursor: str = ""
    """Where the page before ended."""


def cursor_of(key: tuple[Any, ...]) -> str:
    """Text that makes the next page begin behind a row with this key (`PAGE_KEYS`)."""
    return _encode(key).decode()


def key_of(kind: str, cursor: str) -> tuple[Any, ...]:
    """The key in a cursor.

    Raises:
        InvalidRequest: it is not one of ours.
    """
    try:
        if len(cursor) > MAX_CURSOR_LENGTH:
            raise ValueError("too long")
        key: tuple[Any, ...] = _decode_keys[kind].decode(cursor)
    except ValueError as fault:
        raise InvalidRequest(f"not a cursor of {kind}s: {fault}", errors=["args.cursor"]) from fault
    if not all(FIRST_NS <= part <= LAST_NS for part in key if isinstance(part, int)):
        raise InvalidRequest("numbers of the cursor do not fit 64 bits", errors=["args.cursor"])
    return key


class Pages:
    """The statements that read one kind page by page: four, compiled once each.

    Args:
        kind: Key of `PAGE_KEYS`.
        table: Where its rows are.
        columns: What is selected.
        of: Columns that name the series (the instrument, the timeframe).
    """

    def __init__(
        self,
        kind: str,
        table: Table,
        columns: list[ColumnElement[Any]],
        of: tuple[str, ...] = ("instrument_id",),
    ) -> None:
        self.kind = kind
        self.key = PAGE_KEYS[kind]
        self._table = table
        self._base = select(*columns).where(*(table.c[name] == bindparam(name) for name in of))
        self._statements = {
            (is_newest_first, has_cursor): self._statement(
                is_newest_first=is_newest_first, has_cursor=has_cursor
            )
            for is_newest_first in (False, True)
            for has_cursor in (False, True)
        }

    def _statement(self, *, is_newest_first: bool, has_cursor: bool) -> Select[Any]:
        key = [self._table.c[name] for name in self.key]
        statement = self._base.where(key[0] >= bindparam("from_ns"), key[0] < bindparam("to_ns"))
        if has_cursor:
            bound: list[BindParameter[Any]] = [
                bindparam(f"after_{name}", type_=self._table.c[name].type) for name in self.key
            ]
            here, after = tuple_(*key), tuple_(*bound)
            statement = statement.where(here < after if is_newest_first else here > after)
        order = [column.desc() if is_newest_first else column for column in key]
        return statement.order_by(*order).limit(bindparam("limit"))

    def statement(self, wanted: Range) -> tuple[Select[Any], dict[str, Any]]:
        """The statement of a page, and the values of its parameters but for `of`."""
        values: dict[str, Any] = {
            "from_ns": wanted.from_ns or FIRST_NS,
            "to_ns": wanted.to_ns or LAST_NS,
            "limit": wanted.limit,
        }
        if wanted.cursor:
            key = key_of(self.kind, wanted.cursor)
            values |= {f"after_{name}": part for name, part in zip(self.key, key, strict=True)}
        return self._statements[wanted.is_newest_first, bool(wanted.cursor)], values
