"""Which minutes of the bars of providers are stored already: the database where there is one, else the Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

from protocol.instruments import REST
from tapehub.stores import PARQUET, Stores
from tapehub.stretches import Stretch

TIMEFRAME: Final = "1m"
BARS: Final = "bars"
GAP: Final = "gap"
"""Status of a minute that is stored, and of which nobody could tell anything."""
PAGE_ROWS: Final = 200_000
_SQL: Final = (
    f"SELECT ts_open_ns FROM bars WHERE venue = '{REST}' AND timeframe = '{TIMEFRAME}' AND status <> '{GAP}' "  # noqa: S608
    "AND symbol = $symbol ORDER BY ts_open_ns"
)


class StoredMinutes:
    """What is there; use it as a context manager.

    Args:
        stores: Where rows are.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._stack = ExitStack()
        self._reader: Any = None

    @property
    def is_there(self) -> bool:
        """Whether there is a store at all."""
        return self._stores.has_database(BARS) or self._stores.has_files(BARS)

    def of(self, symbol: str, from_ns: int, to_ns: int) -> set[int]:
        """Starts of the minutes in `[from_ns, to_ns)` that are stored and no gaps.

        Raises:
            QueryError, ParquetError, Overloaded: the store cannot be read.
        """
        if from_ns >= to_ns or not self.is_there:
            return set()
        if self._stores.has_database(BARS):  # it is fresher than the files
            return set(self._of_database(symbol, from_ns, to_ns))
        return set(self._of_files(symbol, Stretch(from_ns, to_ns)))

    def _of_database(self, symbol: str, from_ns: int, to_ns: int) -> Iterator[int]:
        from sqlalchemy import select  # noqa: PLC0415 - it is 100 ms

        from actors.persistence.tables import bars  # noqa: PLC0415

        if self._reader is None:
            self._reader = self._stores.reader(BARS)
            self._stack.callback(self._reader.close)
        with self._reader.moment() as moment:
            found = moment.instruments(symbol, REST)
        at = bars.c.ts_open_ns
        while found:
            statement = (
                select(at)
                .where(bars.c.instrument_id == found[0].id, bars.c.timeframe == TIMEFRAME)
                .where(at >= from_ns, at < to_ns, bars.c.status != GAP)
                .order_by(at)
                .limit(PAGE_ROWS)
            )
            with self._reader.moment() as moment:
                page = [row[0] for row in moment.rows(statement)]
            yield from page
            if len(page) < PAGE_ROWS:
                return
            from_ns = page[-1] + 1

    def _of_files(self, symbol: str, stretch: Stretch) -> Iterator[int]:
        from tapehub.query_session import open_session  # noqa: PLC0415 - it brings DuckDB

        with ExitStack() as stack:
            asked = open_session(stack, _SQL, self._stores, stretch=stretch, source=PARQUET)
            for batch in asked.session.batches(_SQL, {"symbol": symbol}):
                yield from batch.column(0).to_pylist()

    def close(self) -> None:
        """Let go of the database."""
        self._stack.close()
        self._reader = None

    def __enter__(self) -> StoredMinutes:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
