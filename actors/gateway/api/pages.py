"""Pages of the past: which question gives a page, and which of the rows that come are new. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from actors.gateway.api.cursors import MOST_GIVEN, VERSION, Cursor, mark_of, marks_of, text_of
from actors.gateway.rendering.tables import BarTable, MessageTable
from protocol.history import NEWEST, OLDEST, SERIES_KINDS
from protocol.message import Message
from protocol.messages import MESSAGE_TYPES
from protocol.requests import Reply, Request

BAR: Final = "bar"
MOST_ROWS: Final = 20_000
"""Rows that a store gives at once."""
TYPES: Final[dict[str, type[Message]]] = {kind.KIND: kind for kind in MESSAGE_TYPES}
_TIME_OF: Final = {"gap": "from_ts_ns", "bar": "ts_open_ns", **dict.fromkeys(SERIES_KINDS, "ts_open_ns")}
LAST_NS: Final = 2**63 - 1


class Wanted(NamedTuple):
    """A page of one series."""

    kind: str
    symbol: str
    timeframe: str = ""
    venue: str = ""
    from_ns: int = 0
    to_ns: int = 0
    limit: int = 500
    cursor: Cursor | None = None

    @property
    def is_older(self) -> bool:
        """Whether the pages go from new to old: unless the range says where it begins."""
        return self.cursor.is_older if self.cursor is not None else not self.from_ns


def time_field(kind: str) -> str:
    """The field by which a kind is ordered."""
    return _TIME_OF.get(kind, "ts_event_ns")


def question_of(wanted: Wanted) -> Request:
    """What to ask the hub for a page: one row beyond it, and those of its first moment that were given before."""
    cursor, from_ns, to_ns, given = wanted.cursor, wanted.from_ns, wanted.to_ns, 0
    if cursor is not None:
        # the moment of the cursor is asked for again only where it may hold more rows
        is_single = wanted.kind == BAR or wanted.kind in SERIES_KINDS
        given = sum(cursor.marks.values())
        if cursor.is_older:
            to_ns = cursor.ts_ns if is_single else min(cursor.ts_ns + 1, LAST_NS)
        else:
            from_ns = cursor.ts_ns + 1 if is_single else cursor.ts_ns
    return Request(
        op="history",
        kind=wanted.kind,
        symbol=wanted.symbol,
        timeframe=wanted.timeframe,
        venue=cursor.venue if cursor is not None else wanted.venue,
        from_ns=min(from_ns, LAST_NS),
        to_ns=to_ns,
        n=min(wanted.limit + given + 1, MOST_ROWS),
        args={"order": NEWEST if wanted.is_older else OLDEST},
    )


def moment_of(wanted: Wanted, venue: str, ts_ns: int) -> Request:
    """What to ask for all rows of one time."""
    return Request(
        op="history", kind=wanted.kind, symbol=wanted.symbol, timeframe=wanted.timeframe, venue=venue,
        from_ns=ts_ns, to_ns=ts_ns + 1, args={"order": OLDEST},
    )  # fmt: skip


def ends_empty(wanted: Wanted) -> bool:
    """Whether nothing is left of the range behind the cursor."""
    asked = question_of(wanted)
    return 0 < asked.to_ns <= asked.from_ns


def fresh_of(wanted: Wanted, messages: Sequence[Any]) -> list[Any]:
    """Those that no page before had, oldest first."""
    cursor = wanted.cursor
    if cursor is None or not cursor.given:
        return list(messages)
    field, marks, fresh = time_field(wanted.kind), cursor.marks, []
    for one in messages:
        if getattr(one, field) == cursor.ts_ns:
            mark = mark_of(one)
            if marks[mark] > 0:
                marks[mark] -= 1
                continue
        fresh.append(one)
    return fresh


def page_of(wanted: Wanted, fresh: Sequence[Any]) -> list[Any]:
    """The rows of a page, of those that are new."""
    if len(fresh) <= wanted.limit:
        return list(fresh)
    return list(fresh[-wanted.limit :] if wanted.is_older else fresh[: wanted.limit])


def bars_page(wanted: Wanted, table: BarTable) -> BarTable:
    """The candles of a page."""
    count = len(table)
    if count <= wanted.limit:
        return table
    return table.cut(count - wanted.limit, count) if wanted.is_older else table.cut(0, wanted.limit)


def is_cut(wanted: Wanted, count: int, reply: Reply) -> bool:
    """Whether there is more behind a page of which `count` new rows came."""
    if count > wanted.limit or reply.details.get("cursor"):
        return True
    lacks = reply.details.get("missing", [])
    edge_ns = reply.covered_from_ns if wanted.is_older else reply.covered_to_ns
    if wanted.is_older:
        return any(lack["from_ns"] < edge_ns for lack in lacks)
    return any(lack["to_ns"] > edge_ns or not lack["to_ns"] for lack in lacks)


def bars_cursor(table: BarTable, *, is_older: bool) -> str:
    """Where the next page of candles begins."""
    ts_ns = table.ts_open_ns(0 if is_older else -1)
    return text_of(Cursor(VERSION, BAR, table.identity[1], is_older, max(ts_ns, 0)))


def rows_cursor(kind: str, rows: Sequence[Any], before: Cursor | None, *, is_older: bool) -> str | None:
    """Where the next page of messages begins; None: its moment has too many rows to name those that were given."""
    field = time_field(kind)
    ts_ns = getattr(rows[0 if is_older else -1], field)
    given = b""
    if kind not in SERIES_KINDS:
        given = marks_of([one for one in rows if getattr(one, field) == ts_ns])
        if before is not None and before.ts_ns == ts_ns:
            given = before.given + given
        if len(given) > MOST_GIVEN * len(mark_of(rows[0])):
            return None
    venue = getattr(rows[0], "venue", "")
    return text_of(Cursor(VERSION, kind, venue, is_older, max(ts_ns, 0), given))


def whole_moment(wanted: Wanted, rows: Sequence[Any], moment: Sequence[Any]) -> tuple[list[Any], str]:
    """A page with all rows of the moment at its end, and the cursor behind it."""
    field, is_older = time_field(wanted.kind), wanted.is_older
    ts_ns = getattr(rows[0 if is_older else -1], field)
    kept = [one for one in rows if getattr(one, field) != ts_ns]
    fresh = fresh_of(wanted, moment)
    page = [*fresh, *kept] if is_older else [*kept, *fresh]
    edge_ns = ts_ns - 1 if is_older else min(ts_ns + 1, LAST_NS)
    cursor = Cursor(VERSION, wanted.kind, getattr(rows[0], "venue", ""), is_older, max(edge_ns, 0))
    return page, text_of(cursor)


def table_of(kind: str, messages: Sequence[Any]) -> MessageTable:
    """Messages of one series."""
    return MessageTable(messages, TYPES[kind], is_series=True)
