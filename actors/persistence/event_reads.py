"""Reads stored trades, quotes and gaps as the messages they were, encoded: pages of a range, and newest ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Table, bindparam, func, select

from actors.persistence.ranges import PAGE_KEYS, Pages, Range, cursor_of
from actors.persistence.reader import Instrument, Moment, Row
from actors.persistence.tables import RECORD, STORED, gaps, quotes, trades

NOT_KNOWN: Final = float("nan")
_encode: Final = msgspec.msgpack.Encoder().encode

_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "trade": ("ts_event_ns", "ts_recv_ns", "price", "size", "side", "trade_id", "trade_ref", "count"),
    "quote": ("ts_event_ns", "ts_recv_ns", "bid", "ask", "bid_size", "ask_size", "update_id"),
    "gap": (
        "gap_id", "kind", "from_id", "to_id", "from_ts_ns", "to_ts_ns", "cause", "state", "filled_by", "count",
        "reason",
    ),
}  # fmt: skip
"""Kind to the columns a message is made of."""
_READ: Final = {
    kind: tuple(dict.fromkeys((*columns, *RECORD[:3], *PAGE_KEYS[kind])))
    for kind, columns in _COLUMNS.items()
}
"""Kind to what is read: those, the record it came in, and what else is in its key, each once."""
_KEY_PLACES: Final = {kind: tuple(_READ[kind].index(name) for name in PAGE_KEYS[kind]) for kind in _COLUMNS}


def _selected(kind: str, table: Table) -> list[Any]:
    return [table.c[name] for name in _READ[kind]]


_pages: Final = {
    kind: Pages(kind, table, _selected(kind, table))
    for kind, table in (("trade", trades), ("quote", quotes), ("gap", gaps))
}
_newest: Final = {
    kind: select(func.max(STORED[kind].table.c[STORED[kind].time])).where(
        STORED[kind].table.c.instrument_id == bindparam("instrument_id")
    )
    for kind in _pages
}
_newest_gaps: Final = (
    select(*_selected("gap", gaps), gaps.c.instrument_id)
    .order_by(gaps.c.epoch.desc(), gaps.c.seq.desc(), gaps.c.k.desc())
    .limit(bindparam("limit"))
)


class EventPage(NamedTuple):
    """Events of one instrument, in order of time, the oldest first."""

    events: list[tuple[Any, ...]]
    """Fields of messages, in their order: encoded as they are they are those messages."""
    records: list[tuple[int, int, int]]
    """(publisher's key, epoch, seq) of each."""
    cursor: str
    """Where the next page begins; empty: there is none."""


def read_events(moment: Moment, kind: str, instrument: Instrument, wanted: Range) -> EventPage:
    """One page of `trade`, `quote` or `gap`.

    Raises:
        InvalidRequest: the cursor is not one.
    """
    statement, values = _pages[kind].statement(wanted._replace(limit=wanted.limit + 1))
    rows = moment.rows(statement, instrument_id=instrument.id, **values)
    has_more = len(rows) > wanted.limit
    del rows[wanted.limit :]
    cursor = cursor_of(tuple(rows[-1][place] for place in _KEY_PLACES[kind])) if has_more else ""
    if wanted.is_newest_first:
        rows.reverse()
    end = len(_COLUMNS[kind])
    return EventPage(_events(kind, instrument, rows), [tuple(row[end : end + 3]) for row in rows], cursor)


def newest_ns(moment: Moment, kind: str, instrument: Instrument) -> int:
    """Time of the newest row of a kind, 0 if there is none."""
    found = moment.rows(_newest[kind], instrument_id=instrument.id)[0][0]
    return int(found or 0)


def newest_gaps(moment: Moment, limit: int, instruments: dict[int, Instrument]) -> bytes:
    """The newest entries of the ledger, of all instruments, encoded; in order of announcement."""
    rows = moment.rows(_newest_gaps, limit=limit)
    rows.reverse()
    return _encode([_events("gap", instruments[row[-1]], [row])[0] for row in rows if row[-1] in instruments])


def _events(kind: str, instrument: Instrument, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
    symbol, venue = instrument.symbol, instrument.venue
    if kind == "trade":
        return [
            (
                symbol, venue, row[0], row[1], known(row[2]), known(row[3]), row[4],
                _id_of(row[5], row[6]) if row[6] else row[5], row[7],
            )
            for row in rows
        ]  # fmt: skip
    if kind == "quote":
        return [(symbol, venue, row[0], row[1], *map(known, row[2:6]), row[6]) for row in rows]
    return [(row[0], venue, symbol, *row[1:11]) for row in rows]


def known(value: float | None) -> float:
    """A number of the database; NULL is NaN."""
    return NOT_KNOWN if value is None else value


def _id_of(trade_id: int, ref: str) -> int | str:
    """A trade's id as its venue gave it; `#...` stands for none."""
    return trade_id if ref.startswith("#") else ref
