"""Reads stored candles straight into the packed rows of protocol/windows.py, thousands at a time."""

from __future__ import annotations

import itertools
import struct
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, case, select

from actors.persistence.ranges import Pages, Range, cursor_of
from actors.persistence.reader import Instrument, Moment
from actors.persistence.tables import bars
from protocol.messages import Bar
from protocol.windows import BAR_COLUMNS, STATUSES, pack_bar, ts_open_of

COMMON_SOURCES: Final = ("trade", "quote")
NOT_KNOWN: Final = float("nan")

_ROW: Final = struct.Struct("<qqdddddddddqiBB2x")
"""A row as in protocol/windows.py; of one candle `pack_bar` makes the same bytes."""
_PLAIN: Final = [bars.c[name] for name, _ in BAR_COLUMNS if name not in ("status", "source")]
_STATUS: Final = case(*((bars.c.status == name, code) for code, name in enumerate(STATUSES)), else_=None)
_SOURCE: Final = case(
    *((bars.c.source == name, code) for code, name in enumerate(COMMON_SOURCES)), else_=None
)
_SERIES: Final = ("instrument_id", "timeframe")
_packed: Final = Pages("bar", bars, [*_PLAIN, _STATUS, _SOURCE], _SERIES)
_spelt: Final = Pages("bar", bars, [*_PLAIN, bars.c.status, bars.c.source], _SERIES)
_of_series: Final = [bars.c[name] == bindparam(name) for name in _SERIES]
_newest: Final = (
    select(bars.c.ts_open_ns, bars.c.publisher_id, bars.c.epoch, bars.c.seq)
    .where(*_of_series)
    .order_by(bars.c.ts_open_ns.desc())
    .limit(1)
)
_next_timeframe: Final = (
    select(bars.c.timeframe)
    .where(bars.c.instrument_id == bindparam("instrument_id"), bars.c.timeframe > bindparam("timeframe"))
    .order_by(bars.c.timeframe)
    .limit(1)
)


class BarPage(NamedTuple):
    """Candles of one series, oldest first."""

    length: int
    rows: bytes
    sources: list[str]
    cursor: str
    """Where the next page begins; empty: there is none."""

    def covered(self, length_ns: int) -> tuple[int, int]:
        """Time `[from, to)` that the candles stand for, ns; (0, 0) if there are none."""
        if not self.length:
            return 0, 0
        return ts_open_of(self.rows, 0), ts_open_of(self.rows, self.length - 1) + length_ns


class NewestBar(NamedTuple):
    """The newest candle of a series, and the record it came in."""

    ts_open_ns: int
    publisher_id: int
    epoch: int
    seq: int


def read_bars(moment: Moment, instrument: Instrument, timeframe: str, wanted: Range) -> BarPage:
    """One page of candles.

    Rows go from the driver into `struct` without a Python statement each: 5,000 candles in about 16 ms. A page
    that holds a source of another name, or a price that is not known, is read again the long way.

    Raises:
        InvalidRequest: the cursor is not one.
    """
    more = wanted._replace(limit=wanted.limit + 1)
    rows = _read(moment, _packed, instrument, timeframe, more)
    has_more = len(rows) > wanted.limit
    del rows[wanted.limit :]
    if wanted.is_newest_first:
        rows.reverse()
    edge = rows[0 if wanted.is_newest_first else -1][0] if has_more else 0
    cursor = cursor_of((edge,)) if has_more else ""
    try:
        packed = b"".join(itertools.starmap(_ROW.pack, rows))
    except struct.error:
        spelt = _read(moment, _spelt, instrument, timeframe, wanted)
        packed, sources = _packed_one_by_one(instrument, timeframe, spelt)
        return BarPage(len(rows), packed, sources, cursor)
    return BarPage(len(rows), packed, list(COMMON_SOURCES), cursor)


def _read(moment: Moment, pages: Pages, instrument: Instrument, timeframe: str, wanted: Range) -> list[Any]:
    statement, values = pages.statement(wanted)
    return moment.rows(statement, instrument_id=instrument.id, timeframe=timeframe, **values)


def _packed_one_by_one(instrument: Instrument, timeframe: str, rows: list[Any]) -> tuple[bytes, list[str]]:
    """Rows with spelt status and source, in order of time; a number that is not known is NaN."""
    sources = list(COMMON_SOURCES)
    packed = []
    for row in sorted(rows, key=lambda row: row[0]):
        ts_open_ns, ts_event_ns, *floats, count, revision, status, source = row
        if source not in sources:
            sources.append(source)
        open_, high, low, close, coverage, volume, buy, sell, vwap = (
            NOT_KNOWN if value is None else value for value in floats
        )
        bar = Bar(
            instrument.symbol, instrument.venue, timeframe, ts_open_ns, ts_event_ns, open_, high, low, close,
            volume, buy, sell, vwap, count, status, coverage, revision, source,
        )  # fmt: skip
        packed.append(pack_bar(bar, sources.index(source)))
    return b"".join(packed), sources


def newest_bar(moment: Moment, instrument: Instrument, timeframe: str) -> NewestBar | None:
    """The newest candle of a series; None if there is none."""
    rows = moment.rows(_newest, instrument_id=instrument.id, timeframe=timeframe)
    return NewestBar(*rows[0]) if rows else None


def timeframe_after(moment: Moment, instrument: Instrument, timeframe: str = "") -> str:
    """The next timeframe, in order of its text, of which there are candles; empty if there is none.

    One step down the key each: `SELECT DISTINCT` would read every candle of the instrument.
    """
    rows = moment.rows(_next_timeframe, instrument_id=instrument.id, timeframe=timeframe)
    return rows[0][0] if rows else ""
