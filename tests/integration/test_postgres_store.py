"""The store in a real PostgreSQL: every law of `store_laws`, and a server that throws us out.

The server is `$TAPEHUB_TEST_POSTGRES`, or one that lets root in at 127.0.0.1:5432; without one the tests are
skipped and say so. Each run makes a database of its own and drops it.
"""

from __future__ import annotations

import os
import uuid

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, make_url, text

from actors.persistence import schema, tables, timescale
from actors.persistence.failures import StoreError
from actors.persistence.opening import open_store
from actors.persistence.retention import Retention
from actors.persistence.stats import doubled, stats_of
from actors.persistence.tables import METADATA, STORED
from protocol.replay import Position
from tests.unit.actors.persistence.frames import BASE_NS, NAME, Publisher, trade
from tests.unit.actors.persistence.store_laws import LAWS, NOW_NS, count, filled, rows

SERVER = os.environ.get("TAPEHUB_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432/postgres")


@pytest.fixture(scope="module")
def database():
    """URL of a new database."""
    name = f"tapehub_test_{uuid.uuid4().hex[:12]}"
    try:
        admin = psycopg.connect(SERVER, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL to test with ($TAPEHUB_TEST_POSTGRES): {str(error).splitlines()[0]}")
    with admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def opened(database, tmp_path):
    """Opens stores of the database, emptied before."""
    stores = []

    def opening(**options):
        stores.append(open_store(database, str(tmp_path), **options))
        return stores[-1]

    first = opening()
    first.positions()
    with first.engine.begin() as connection:
        names = ", ".join(table.name for table in METADATA.sorted_tables)
        connection.execute(text(f"TRUNCATE {names}"))
    yield opening
    for store in stores:
        store.close()


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__.removeprefix("law_"))
def test_law(opened, law):
    law(opened)


@pytest.mark.parametrize("is_migrated", [False, True], ids=["made at once", "migrated"])
def test_the_database_has_the_tables_of_the_code(opened, is_migrated):
    engine = opened().engine
    if is_migrated:
        schema.downgrade(engine, "base")
        schema.upgrade(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_down_to_nothing_and_up_again(opened):
    store = opened()
    schema.downgrade(store.engine, "base")
    with store.engine.connect() as connection:
        assert inspect(connection).get_table_names() == [schema.VERSION_TABLE]
    assert store.positions() == {}


def test_candles_of_the_second_schema_were_built_here_and_outlive_the_way_back(opened):
    store = opened()
    schema.downgrade(store.engine, "0002")
    row = (1, "1m", 60, 61, 1.0, 2.0, 0.5, 1.5, 9.0, 4.0, 5.0, 1.2, 7, "closed", 1.0, 1, "trade", 1, 9, 1, 0)
    with store.engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO bars VALUES ({', '.join(['%s'] * len(row))})", row)
    assert store.positions() == {}
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT * FROM bars")).all() == [(*row, 0, False, "")]
    store.disconnect()
    schema.downgrade(store.engine, "0002")
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT * FROM bars")).all() == [row]
        assert "verdicts" not in inspect(connection).get_table_names()


def test_a_connection_that_is_cut_is_told_and_all_is_caught_up(opened):
    store, publisher = opened(), Publisher()
    filled(store, publisher, trade(1))
    frame = publisher.frame([trade(2)])
    batch = store.batch()
    batch.add(frame)
    backend = store._connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    store._connection.rollback()
    with store.engine.begin() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": backend})
    with pytest.raises(StoreError, match="cannot be reached"):
        store.save(batch, NOW_NS)
    assert store.positions() == {NAME: Position(9, 1)}
    again = store.batch()
    again.add(frame)
    assert store.save(again, NOW_NS).refused_doubles == {}
    assert count(store, tables.trades) == 2


def test_a_read_only_server_is_told(opened):
    store, publisher = opened(), Publisher()
    store.positions()
    store._connection.exec_driver_sql("SET default_transaction_read_only = on")
    store._connection.commit()
    with pytest.raises(StoreError, match="read-only"):
        filled(store, publisher, trade(1))
    assert store.positions() == {}


def test_a_database_that_is_not_there_is_told(database, tmp_path):
    url = make_url(database).set(database="tapehub_test_nowhere").render_as_string(hide_password=False)
    store = open_store(url, str(tmp_path))
    with pytest.raises(StoreError, match="no such database on the server") as told:
        store.positions()
    assert told.value.is_lasting
    store.close()


DAY_NS = 86_400 * 10**9


@pytest.fixture
def hyper(opened):
    """A store whose database has TimescaleDB; `./scripts/test-timescale` provides one."""
    store = opened()
    store.positions()
    with store.engine.connect() as connection:
        if not timescale.features(connection):
            assert "TAPEHUB_TEST_TIMESCALE" not in os.environ, "this server should have TimescaleDB"
            pytest.skip("this PostgreSQL has no TimescaleDB: ./scripts/test-timescale")
    return store


def days_of_trades(days, per_day=10):
    return [
        trade(day * per_day + number + 1, ts_event_ns=BASE_NS + day * DAY_NS + number)
        for day in range(days)
        for number in range(per_day)
    ]


def test_event_tables_are_hypertables_and_others_are_not(hyper):
    with hyper.engine.connect() as connection:
        found = timescale.hypertables(connection)
    assert found == {one.table.name for kind, one in STORED.items() if kind != "gap"}


def test_retention_drops_whole_chunks(hyper):
    filled(hyper, Publisher(), days_of_trades(10))
    now_ns = BASE_NS + 10 * DAY_NS
    deleted = Retention(hyper, {"trade": 3 * 86_400.0}).run(now_ns)
    left = [one["ts_event_ns"] for one in rows(hyper, tables.trades)]
    assert 6 <= deleted["trade"] <= 7, "chunks of a day"
    assert min(left) >= now_ns - 4 * DAY_NS
    assert sum(1 for ts_ns in left if ts_ns >= now_ns - 3 * DAY_NS) == 30


def test_policies_follow_the_edition(hyper):
    with hyper.engine.begin() as connection:
        can = timescale.features(connection).has_policies
        assert timescale.set_policies(connection, {"trade": 86_400.0 * 400}) is can
    with hyper.engine.connect() as connection:
        jobs = connection.execute(
            text("SELECT count(*) FROM timescaledb_information.jobs WHERE hypertable_name = 'trades'")
        ).scalar_one()
    assert (jobs > 0) is can


def test_tables_that_hold_rows_become_hypertables(hyper):
    """A database that was filled before it got TimescaleDB: `db upgrade` moves its rows into chunks."""
    filled(hyper, Publisher(), days_of_trades(3))
    hyper.disconnect()
    with hyper.engine.begin() as connection:
        connection.execute(text("CREATE TABLE plain AS TABLE trades"))
        connection.execute(text("DROP TABLE trades"))
        connection.execute(text("ALTER TABLE plain RENAME TO trades"))
        connection.execute(
            text("ALTER TABLE trades ADD PRIMARY KEY (instrument_id, ts_event_ns, trade_id, trade_ref)")
        )
        assert timescale.adopt(connection) == ["trades"]
        assert timescale.adopt(connection) == []
    assert count(hyper, tables.trades) == 30
    assert hyper.positions()
    assert filled(hyper, Publisher(epoch=10), days_of_trades(1)).refused_doubles == {"trade": 10}


def test_stats_count_hypertables(hyper):
    filled(hyper, Publisher(), days_of_trades(3))
    found = stats_of(hyper.engine, hyper.url)
    mine = next(one for one in found.tables if one.table == "trades")
    assert (mine.rows, mine.is_hypertable) == (30, True)
    assert mine.bytes
    assert found.timescaledb
    assert doubled(hyper.engine) == []


def test_a_wrong_password_is_told(database, tmp_path):
    url = make_url(database)
    if not url.password:
        pytest.skip("this server asks for no password: ./scripts/test-timescale has one that does")
    store = open_store(url.set(password="geheim").render_as_string(hide_password=False), str(tmp_path))
    with pytest.raises(StoreError, match="refuses the user or the password") as told:
        store.positions()
    assert "geheim" not in str(told.value)
    store.close()
