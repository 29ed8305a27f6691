"""Rows of the database as Arrow columns, page by page in order of time: for `query` and `export`.

Each page is a short read-only transaction of its own, so that a long export keeps nobody from writing. A row has
the columns of the Parquet files: names in place of ids.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from operator import itemgetter
from typing import Any, Final, NamedTuple

import pyarrow as pa
from sqlalchemy import BindParameter, Select, bindparam, select, tuple_

from actors.persistence.bar_reads import timeframe_after
from actors.persistence.catalogue import Catalogue
from actors.persistence.parquet_schema import Columns, Names
from actors.persistence.ranges import PAGE_KEYS
from actors.persistence.reader import Instrument, Reader
from actors.persistence.tables import Stored, columns_of, key_of
from tapehub.stretches import ALWAYS, Stretch

PAGE_ROWS: Final = 20_000
_LEAST_PAGE_ROWS: Final = 200
Row = tuple[Any, ...]
Series = dict[str, Any]
"""Columns that name one series, and their values."""


class Scope(NamedTuple):
    """Which rows are wanted; empty means all."""

    symbol: str = ""
    venue: str = ""
    timeframe: str = ""
    stretch: Stretch = ALWAYS


def batches(reader: Reader, stored: Stored, scope: Scope, *, is_ordered: bool) -> Iterator[pa.RecordBatch]:
    """Rows of one table.

    Args:
        reader: Of the database.
        stored: The table.
        scope: Which of its rows.
        is_ordered: By time across all series; otherwise one series after the other.

    Raises:
        Overloaded: the database cannot be read; says why.
    """
    found = _series(reader, stored, scope)
    columns = Columns(stored.table)
    if is_ordered and len(found) > 1:
        size = max(_LEAST_PAGE_ROWS, PAGE_ROWS // len(found))
        at = itemgetter(columns_of(stored.table).index(stored.time))
        rows = heapq.merge(
            *(itertools.chain.from_iterable(_pages(reader, stored, one, scope, size)) for one in found),
            key=at,
        )
        pages: Iterator[list[Row]] = _chunks(rows)
    else:
        pages = itertools.chain.from_iterable(_pages(reader, stored, one, scope, PAGE_ROWS) for one in found)
    names: Names | None = None
    for page in pages:
        try:
            if names is None:
                names = _names(reader)
            yield columns.batch(page, names)
        except KeyError:  # an instrument that came while we read
            names = _names(reader)
            yield columns.batch(page, names)


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while page := list(itertools.islice(rows, PAGE_ROWS)):
        yield page


def _names(reader: Reader) -> Names:
    with reader.moment() as moment:
        instruments = {(one.venue, one.symbol): one.id for one in moment.instruments()}
        publishers = {name: number for number, name in moment.publishers().items()}
    return Names(Catalogue(instruments, publishers))


def _series(reader: Reader, stored: Stored, scope: Scope) -> list[Series]:
    """What has to be read one by one so that every page follows the table's key; `{}` is the whole table."""
    has_instrument = "instrument_id" in stored.table.c
    is_all = not (scope.symbol or scope.venue)
    if not has_instrument or (key_of(stored.table)[0] != "instrument_id" and is_all):
        return [{}]
    with reader.moment() as moment:
        found = moment.instruments(scope.symbol, scope.venue)
        if "timeframe" not in stored.table.c:
            return [{"instrument_id": one.id} for one in found]
        if stored.kind != "bar":
            return [
                {"instrument_id": one.id, "timeframe": timeframe}
                for one in found
                for timeframe in _timeframes(moment.rows(_distinct(stored, one)), scope)
            ]
        series: list[Series] = []
        for one in found:
            timeframe = ""
            while timeframe := timeframe_after(moment, one, timeframe):
                if scope.timeframe in ("", timeframe):
                    series.append({"instrument_id": one.id, "timeframe": timeframe})
        return series


def _distinct(stored: Stored, one: Instrument) -> Select[Any]:
    table = stored.table
    return select(table.c.timeframe).where(table.c.instrument_id == one.id).distinct()


def _timeframes(rows: Any, scope: Scope) -> list[str]:
    return sorted(row[0] for row in rows if scope.timeframe in ("", row[0]))


def _pages(reader: Reader, stored: Stored, one: Series, scope: Scope, size: int) -> Iterator[list[Row]]:
    """Pages of one series in order of time."""
    table = stored.table
    key = PAGE_KEYS.get(stored.kind) or tuple(name for name in key_of(table) if name not in one)
    places = [columns_of(table).index(name) for name in key]
    statement = _statement(stored, one, scope.stretch, key, size)
    bound: list[BindParameter[Any]] = [bindparam(f"after_{name}", type_=table.c[name].type) for name in key]
    later = statement.where(tuple_(*(table.c[name] for name in key)) > tuple_(*bound))
    values: dict[str, Any] = {}
    while True:
        with reader.moment() as moment:
            page = [tuple(row) for row in moment.connection.execute(statement, values)]
        if page:
            yield page
        if len(page) < size:
            return
        statement = later
        values = {f"after_{name}": page[-1][place] for name, place in zip(key, places, strict=True)}


def _statement(stored: Stored, one: Series, stretch: Stretch, key: tuple[str, ...], size: int) -> Select[Any]:
    table = stored.table
    statement = select(*table.columns).where(*(table.c[name] == value for name, value in one.items()))
    if stretch.from_ns is not None:
        statement = statement.where(table.c[stored.time] >= stretch.from_ns)
    if stretch.to_ns is not None:
        statement = statement.where(table.c[stored.time] < stretch.to_ns)
    return statement.order_by(*(table.c[name] for name in key)).limit(size)
