"""The store against the plain driver, the same rows in the same order: SQLite's `executemany`, PostgreSQL's COPY and upsert.

Both begin with an empty table each round and make the same transactions: as many rows each, the position of the
publisher with them, the same rules for a key that is there already. Ours starts from a `Batch` (the rows are
made), since the plain driver gets them made as well; what making them costs stands in a row of its own.
PostgreSQL is `$TAPEHUB_TEST_POSTGRES`, or a server that lets root in at 127.0.0.1:5432.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import make_url

from actors.persistence.batch import Batch
from actors.persistence.opening import open_store
from actors.persistence.store import Store
from actors.persistence.tables import STORED
from protocol.codec import encode_events
from protocol.messages import Bar, Message, Quote, Trade
from protocol.record import Frame, FrameWriter, parse_frame
from tests.bench import peers
from tests.bench.report import Row, interleaved
from tests.support.paths import short_folder

ROWS = 200_000
BATCH_ROWS = 10_000
PER_FRAME = 10
SYMBOLS = [f"S{number:03d}_USDT" for number in range(20)]
GOAL = 0.7
_BASE_NS = 1_795_000_000_000_000_000
_TYPES = {"side": "int2", "revision": "int4", "k": "int4", "publisher_id": "int4", "instrument_id": "int4"}
_BIG = ("ts_event_ns", "ts_recv_ns", "ts_open_ns", "trade_id", "count", "epoch", "seq", "update_id")
_TEXT = ("trade_ref", "timeframe", "status", "source", "reason")


def event(kind: str, number: int) -> Message:
    """One event of a kind; every key is another."""
    symbol = SYMBOLS[number // PER_FRAME % len(SYMBOLS)]
    ts_ns = _BASE_NS + number * 1_000_000
    if kind == "trade":
        return Trade(symbol, "binance", ts_ns, ts_ns + 5, 61_659.7, 0.125, 1, 10**9 + number)
    if kind == "quote":
        return Quote(symbol, "binance", ts_ns, ts_ns + 5, 1.0, 2.0, 3.0, 4.0, number)
    opened_ns = _BASE_NS + number * 60_000_000_000
    prices = (1.0, 2.0, 0.5, 1.5, 9.0, 4.0, 5.0, 1.2)
    return Bar(symbol, "binance", "1m", opened_ns, ts_ns, *prices, 7, "closed", 1.0, 1, "trade")


def frames(kind: str, count: int) -> list[Frame]:
    """Frames of ten events each."""
    writer = FrameWriter("bench.1", 1)
    made = []
    for first in range(0, count, PER_FRAME):
        events = [event(kind, number) for number in range(first, first + PER_FRAME)]
        topic = f"{kind}.binance.{SYMBOLS[first // PER_FRAME % len(SYMBOLS)]}"
        made.append(parse_frame(writer.build(topic, events[0].SCHEMA, encode_events(events), _BASE_NS)))
    return made


class Work(NamedTuple):
    """What both sides store in one round."""

    kind: str
    batches: list[Batch]

    @property
    def rows(self) -> int:
        """Rows in all."""
        return sum(batch.row_count for batch in self.batches)


def work_of(store: Store, made: list[Frame], kind: str) -> Work:
    """Frames as batches of one store."""
    per_batch = BATCH_ROWS // PER_FRAME
    batch, batches = store.batch(), []
    for first in range(0, len(made), per_batch):
        for frame in made[first : first + per_batch]:
            batch.add(frame)
        batches.append(batch)
        batch = batch.following()
    return Work(kind, batches)


def ours(store: Store, made: list[Frame], kind: str) -> float:
    """Rows per second of the store."""
    _clear(store)
    store.positions()
    work = work_of(store, made, kind)
    start_s = time.perf_counter()
    for number, batch in enumerate(work.batches):
        saved = store.save(batch, number)
        assert saved.rows == batch.row_count
    return work.rows / (time.perf_counter() - start_s)


def plain_sqlite(store: Store, made: list[Frame], kind: str) -> float:
    """Rows per second of `executemany` by hand."""
    _clear(store)
    store.positions()
    work = work_of(store, made, kind)
    sql = store._statements.rows[kind]
    first = work.batches[0].fresh
    with contextlib.closing(sqlite3.connect(str(store.url.database), isolation_level=None)) as driver:
        driver.execute("PRAGMA synchronous=normal")
        driver.execute("PRAGMA wal_autocheckpoint=4000")
        driver.execute("PRAGMA cache_size=-65536")
        start_s = time.perf_counter()
        for batch in work.batches:
            driver.execute("BEGIN IMMEDIATE")
            if batch is work.batches[0]:
                driver.executemany("INSERT INTO publishers VALUES (?, ?)", first.publishers)
                driver.executemany("INSERT INTO instruments VALUES (?, ?, ?)", first.instruments)
            driver.executemany(sql, batch.rows[kind])
            driver.execute("REPLACE INTO positions VALUES (1, ?, ?, 1)", batch.positions["bench.1"])
            driver.execute("COMMIT")
        return work.rows / (time.perf_counter() - start_s)


def plain_postgres(store: Store, made: list[Frame], kind: str) -> float:
    """Rows per second of binary COPY into a temporary table and one upsert by hand."""
    _clear(store)
    store.positions()
    work = work_of(store, made, kind)
    store.disconnect()
    table = STORED[kind].table
    names = [column.name for column in table.columns]
    types = [_type(name) for name in names]
    upsert = store._statements.rows[kind].replace(f"stage_{table.name}", "plain")
    url = store.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as driver, driver.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE plain (LIKE {table.name}) ON COMMIT DELETE ROWS")
        start_s = time.perf_counter()
        for batch in work.batches:
            with driver.transaction():
                with cursor.copy(f"COPY plain ({', '.join(names)}) FROM STDIN (FORMAT BINARY)") as copy:
                    copy.set_types(types)
                    for row in batch.rows[kind]:
                        copy.write_row(row)
                cursor.execute(upsert)
                cursor.execute(
                    "INSERT INTO positions VALUES (1, %s, %s, 1) ON CONFLICT (publisher_id) "
                    "DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq",
                    batch.positions["bench.1"],
                )
        return work.rows / (time.perf_counter() - start_s)


def _type(name: str) -> str:
    if name in _TEXT:
        return "text"
    if name.startswith("is_"):
        return "bool"
    return _TYPES.get(name) or ("int8" if name in _BIG else "float8")


def _clear(store: Store) -> None:
    """Empty every table, and let the server forget what was in them."""
    store.disconnect()
    names = [table.name for table in STORED["trade"].table.metadata.sorted_tables]
    with store.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"TRUNCATE {', '.join(names)}")
        else:
            for name in names:
                connection.exec_driver_sql(f"DELETE FROM {name}")
    with store.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """URL of a new database, dropped at the end; empty if there is no server."""
    name = f"tapehub_bench_{uuid.uuid4().hex[:12]}"
    if not peers.postgres().is_here:
        yield ""
        return
    admin = psycopg.connect(peers.SERVER, autocommit=True)
    with admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield make_url(peers.SERVER).set(database=name).render_as_string(hide_password=False)
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def decoding(made: list[Frame], store: Store) -> float:
    """Rows per second from frames to a batch: decode and tuples."""
    store.positions()
    batch = store.batch()
    start_s = time.perf_counter()
    for frame in made:
        batch.add(frame)
    return batch.row_count / (time.perf_counter() - start_s)


def run(rounds: int, *, quick: bool) -> list[Row]:
    """Rows for each kind and database, and for making the rows."""
    count = ROWS // (10 if quick else 1)
    made = {kind: frames(kind, count) for kind in ("trade", "quote", "bar")}
    rows: list[Row] = []
    with short_folder() as folder, postgres() as server:
        contenders: list[tuple[str, str, Callable[[Store, list[Frame], str], float]]] = [
            ("SQLite", f"sqlite:///{Path(folder)}/bench.sqlite", plain_sqlite)
        ]
        if server:
            contenders.append(("PostgreSQL", server, plain_postgres))
        for (name, url, plain), kind in itertools.product(contenders, made):
            with contextlib.closing(open_store(url, str(folder))) as store:
                store.positions()
                mine, theirs, ratio = interleaved(
                    rounds,
                    lambda: ours(store, made[kind], kind),  # noqa: B023 - called in this turn
                    lambda: plain(store, made[kind], kind),  # noqa: B023
                )
            what = f"{name}, {kind}s in batches of {BATCH_ROWS:,}"
            rows.append(
                Row(
                    "storage", what, mine, theirs, "rows/s", ratio, GOAL, at_most=False, goal_id="storage", peer="the driver"
                )
            )  # fmt: skip
        with contextlib.closing(open_store(f"sqlite:///{folder}/rows.sqlite", str(folder))) as store:
            speed = sorted(decoding(made["trade"], store) for _ in range(rounds))[rounds // 2]
        rows.append(Row("storage", f"frames of {PER_FRAME} trades to rows", speed, 0.0, "rows/s", 0.0))
    return rows
