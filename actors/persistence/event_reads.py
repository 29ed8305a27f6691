"""Reads stored messages as they were, encoded: pages of a range, and newest ones. Candles: bar_reads.py."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Table, bindparam, exists, func, select

from actors.persistence.event_fields import COLUMNS, fields_of
from actors.persistence.ranges import PAGE_KEYS, Pages, Range, cursor_of
from actors.persistence.reader import Instrument, Moment
from actors.persistence.tables import RECORD, STORED, gaps, news, signals
from protocol.history import HISTORY_KINDS, LISTED_KINDS, SERIES_KINDS
from protocol.messages import Signal

_encode: Final = msgspec.msgpack.Encoder().encode

KINDS: Final = tuple(kind for kind in HISTORY_KINDS if kind != "bar")
_READ: Final = {kind: tuple(dict.fromkeys((*COLUMNS[kind], *RECORD[:3], *PAGE_KEYS[kind]))) for kind in KINDS}
"""Kind to what is read: its message's columns, the record it came in, and what else is in its key, each once."""
_KEY_PLACES: Final = {kind: tuple(_READ[kind].index(name) for name in PAGE_KEYS[kind]) for kind in KINDS}
_SIGNAL_NS: Final = Signal.__struct_fields__.index("ts_event_ns")
_NOBODY: Final = Instrument(0, "", "")


def _series(kind: str) -> tuple[str, ...]:
    """Columns that name what a page is of."""
    return ("instrument_id", "timeframe") if kind in SERIES_KINDS else ("instrument_id",)


def _selected(kind: str, table: Table) -> list[Any]:
    return [table.c[name] for name in _READ[kind]]


def _table(kind: str) -> Table:
    return STORED[kind].table


_pages: Final = {
    kind: Pages(kind, _table(kind), _selected(kind, _table(kind)), _series(kind)) for kind in KINDS
}
_newest: Final = {
    kind: select(func.max(_table(kind).c[STORED[kind].time])).where(
        *(_table(kind).c[name] == bindparam(name) for name in _series(kind))
    )
    for kind in KINDS
}
_next_timeframe: Final = {
    kind: select(_table(kind).c.timeframe)
    .where(
        _table(kind).c.instrument_id == bindparam("instrument_id"),
        _table(kind).c.timeframe > bindparam("timeframe"),
    )
    .order_by(_table(kind).c.timeframe)
    .limit(1)
    for kind in SERIES_KINDS
}
_newest_gaps: Final = (
    select(*_selected("gap", gaps), gaps.c.instrument_id)
    .order_by(gaps.c.epoch.desc(), gaps.c.seq.desc(), gaps.c.k.desc())
    .limit(bindparam("limit"))
)
_newest_news: Final = (
    select(*(news.c[name] for name in COLUMNS["news"]))
    .order_by(news.c.ts_event_ns.desc(), news.c.source.desc(), news.c.news_id.desc())
    .limit(bindparam("limit"))
)
_revisions: Final = signals.alias("revisions")
_open_signals: Final = (
    select(*(signals.c[name] for name in COLUMNS["signal"]), signals.c.instrument_id)
    .where(
        signals.c.state == "open",
        signals.c.signal_id != "",
        ~exists().where(
            _revisions.c.signal_id == signals.c.signal_id, _revisions.c.revision > signals.c.revision
        ),
    )
    .order_by(signals.c.ts_event_ns.desc(), signals.c.signal_id.desc())
    .limit(bindparam("limit"))
)
"""Those that nothing has ended, however old."""


class EventPage(NamedTuple):
    """Events of one instrument, in order of time, the oldest first."""

    events: list[tuple[Any, ...]]
    """Fields of messages, in their order: encoded as they are they are those messages."""
    records: list[tuple[int, int, int]]
    """(publisher's key, epoch, seq) of each."""
    times: list[int]
    """By which ranges are read, ns."""
    cursor: str
    """Where the next page begins; empty: there is none."""


def read_events(
    moment: Moment, kind: str, instrument: Instrument, wanted: Range, timeframe: str = ""
) -> EventPage:
    """One page of a kind in `KINDS`; `timeframe` of those that have a message per candle.

    Raises:
        InvalidRequest: the cursor is not one.
    """
    statement, values = _pages[kind].statement(wanted._replace(limit=wanted.limit + 1))
    rows = moment.rows(statement, **_of(kind, instrument, timeframe), **values)
    has_more = len(rows) > wanted.limit
    del rows[wanted.limit :]
    cursor = cursor_of(tuple(rows[-1][place] for place in _KEY_PLACES[kind])) if has_more else ""
    if wanted.is_newest_first:
        rows.reverse()
    end, time = len(COLUMNS[kind]), _KEY_PLACES[kind][0]
    return EventPage(
        [fields_of(kind, instrument, row) for row in rows],
        [tuple(row[end : end + 3]) for row in rows],
        [row[time] for row in rows],
        cursor,
    )


def newest_ns(moment: Moment, kind: str, instrument: Instrument, timeframe: str = "") -> int:
    """Time of the newest row of a kind, 0 if there is none."""
    found = moment.rows(_newest[kind], **_of(kind, instrument, timeframe))[0][0]
    return int(found or 0)


def _of(kind: str, instrument: Instrument, timeframe: str) -> dict[str, Any]:
    named = {"instrument_id": instrument.id, "timeframe": timeframe}
    return {name: named[name] for name in _series(kind)}


def timeframes_of(moment: Moment, kind: str, instrument: Instrument) -> list[str]:
    """Timeframes of which there is a feature or footprint, each found by one step down the key."""
    found: list[str] = []
    while rows := moment.rows(
        _next_timeframe[kind], instrument_id=instrument.id, timeframe=found[-1] if found else ""
    ):
        found.append(rows[0][0])
    return found


def newest_gaps(moment: Moment, limit: int, instruments: dict[int, Instrument]) -> bytes:
    """The newest entries of the ledger, of all instruments, encoded; in order of announcement."""
    rows = moment.rows(_newest_gaps, limit=limit)
    rows.reverse()
    return _encode([fields_of("gap", instruments[row[-1]], row) for row in rows if row[-1] in instruments])


def newest_lists(moment: Moment, limit: int, instruments: list[Instrument]) -> dict[str, bytes]:
    """Kind to its newest events of all instruments, encoded, oldest first; kinds without any are left out.

    Before the newest revisions of signals come the newest `limit` of those signals that are open and older.
    """
    found: dict[str, bytes] = {}
    for kind in LISTED_KINDS:
        pages = [read_events(moment, kind, one, Range(0, 0, limit)) for one in instruments]
        timed = [(time, event) for page in pages for time, event in zip(page.times, page.events, strict=True)]
        timed.sort(key=lambda one: one[0])
        newest = [event for _, event in timed[-limit:]]
        if kind == Signal.KIND and len(timed) >= limit:
            newest = [*_open_before(moment, limit, instruments, newest), *newest]
        if newest:
            found[kind] = _encode(newest)
    headlines = moment.rows(_newest_news, limit=limit)
    if headlines:
        found["news"] = _encode([fields_of("news", _NOBODY, row) for row in reversed(headlines)])
    return found


def _open_before(
    moment: Moment, limit: int, instruments: list[Instrument], newest: list[Any]
) -> list[tuple[Any, ...]]:
    """Open signals that are not among the newest revisions, oldest first."""
    known = {one.id: one for one in instruments}
    rows = moment.rows(_open_signals, limit=2 * limit)
    rows.reverse()
    found = [fields_of(Signal.KIND, known[row[-1]], row) for row in rows if row[-1] in known]
    first_ns = newest[0][_SIGNAL_NS]
    return [one for one in found if one[_SIGNAL_NS] <= first_ns and one not in newest][-limit:]
