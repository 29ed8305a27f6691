"""What is older than its kind may be goes, in steps so small that the writer hardly waits.

Call `step` between two batches, with the store that writes: one transaction deletes at most about `chunk_rows`
rows of one kind and instrument. Hypertables lose whole chunks instead: a row there may be up to one chunk older.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.engine import Connection

from actors.persistence import tables, timescale
from actors.persistence.store import Store
from actors.persistence.tables import STORED, Stored, key_of

CHUNK_ROWS: Final = 5000
DEAD_LETTER: Final = "dead_letter"
KINDS: Final = (*STORED, DEAD_LETTER)
"""What an age can be set for."""
_SETTLED: Final = ("filled", "unfillable")
_ALL: Final = {**STORED, DEAD_LETTER: Stored(DEAD_LETTER, tables.dead_letters, "found_ns")}


class _Piece(NamedTuple):
    """Rows of one kind that are cleared together: those of one instrument (and timeframe), or one hypertable."""

    one: Stored
    before_ns: int
    where: tuple[ColumnElement[bool], ...]
    is_hypertable: bool


class Retention:
    """Deletes from one store.

    Args:
        store: Connected; used in its own thread.
        max_age_s: Kind (one of `KINDS`) to the age at which its rows go, seconds; others are kept for ever.
        chunk_rows: About how many rows one transaction deletes.
    """

    def __init__(self, store: Store, max_age_s: Mapping[str, float], chunk_rows: int = CHUNK_ROWS) -> None:
        unknown = sorted(set(max_age_s) - set(KINDS))
        if unknown:
            raise ValueError(f"no kind {', '.join(unknown)} to keep; there are {', '.join(KINDS)}")
        self.deleted: Counter[str] = Counter()
        """Rows deleted so far by kind; of a hypertable, chunks dropped."""
        self._store = store
        self._max_age_ns = {kind: int(age_s * 1e9) for kind, age_s in max_age_s.items()}
        self._chunk_rows = chunk_rows
        self._pieces: Iterator[_Piece] | None = None
        self._piece: _Piece | None = None

    def step(self, now_ns: int) -> bool:
        """Delete one chunk; False when nothing old was left: the next call begins anew.

        Raises:
            StoreError: the chunk is undone.
        """
        if self._pieces is None:
            self._pieces = iter(self._store.transact(lambda connection: self._plan(connection, now_ns)))
        if self._piece is None:
            self._piece = next(self._pieces, None)
        piece = self._piece
        if piece is None:
            self._pieces = None
            return False
        count, is_done = self._store.transact(lambda connection: self._delete(connection, piece))
        if count:
            self.deleted[piece.one.kind] += count
        if is_done:
            self._piece = None
        return True

    def run(self, now_ns: int) -> dict[str, int]:
        """All steps at once; rows deleted by kind."""
        before = Counter(self.deleted)
        while self.step(now_ns):
            pass
        return dict(self.deleted - before)

    def _plan(self, connection: Connection, now_ns: int) -> list[_Piece]:
        known = timescale.hypertables(connection)
        pieces: list[_Piece] = []
        for kind, age_ns in self._max_age_ns.items():
            one, before_ns = _ALL[kind], now_ns - age_ns
            if one.table.name in known:
                pieces.append(_Piece(one, before_ns, (), is_hypertable=True))
                continue
            pieces += [
                _Piece(one, before_ns, where, is_hypertable=False) for where in _groups(connection, one)
            ]
        return pieces

    def _delete(self, connection: Connection, piece: _Piece) -> tuple[int, bool]:
        """Rows deleted, and whether nothing old is left of this piece."""
        if piece.is_hypertable:
            return timescale.drop_chunks(connection, piece.one, piece.before_ns), True
        table = piece.one.table
        time = table.c[piece.one.time]
        where = and_(*piece.where, time < piece.before_ns)
        query = select(time).where(where).order_by(time).limit(1).offset(self._chunk_rows - 1)
        last = connection.execute(query).scalar()
        if last is not None:
            where = and_(*piece.where, time <= last)
        return connection.execute(delete(table).where(where)).rowcount, last is None


def _groups(connection: Connection, one: Stored) -> list[tuple[ColumnElement[bool], ...]]:
    """Conditions, each of which leaves a range of the table's key (or index) in which time is what comes next."""
    table = one.table
    if "instrument_id" not in table.c:
        return [()]
    instruments = connection.execute(select(tables.instruments.c.id)).scalars().all()
    if one.kind == "gap":
        settled = table.c.state.in_(_SETTLED)
        return [(table.c.instrument_id == number, settled) for number in instruments]
    if "timeframe" not in key_of(table):
        return [(table.c.instrument_id == number,) for number in instruments]
    groups: list[tuple[ColumnElement[bool], ...]] = []
    for number in instruments:
        mine = table.c.instrument_id == number
        groups += [
            (mine, table.c.timeframe == timeframe) for timeframe in _timeframes(connection, table, mine)
        ]
    return groups


def _timeframes(connection: Connection, table: Any, mine: ColumnElement[bool]) -> Iterator[str]:
    """Timeframes of one instrument, each found by one jump through the key."""
    found = ""
    while True:
        query = select(table.c.timeframe).where(mine, table.c.timeframe > found)
        following = connection.execute(query.order_by(table.c.timeframe).limit(1)).scalar()
        if following is None:
            return
        found = str(following)
        yield found
