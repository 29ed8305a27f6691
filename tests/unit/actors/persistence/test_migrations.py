"""The schema: what the migrations make is what the code expects, up and down, and a newer one is refused."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from actors.persistence import schema
from actors.persistence.event_reads import read_events
from actors.persistence.failures import StoreError
from actors.persistence.opening import open_store
from actors.persistence.ranges import Range
from actors.persistence.reader import Instrument, Reader
from actors.persistence.tables import METADATA
from protocol.messages import Signal
from tests.unit.actors.persistence.frames import Publisher, trade
from tests.unit.actors.persistence.store_laws import filled


@pytest.fixture
def store(tmp_path):
    opened = open_store("", str(tmp_path))
    yield opened
    opened.close()


def version_is(store, version):
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})


def shape_of(store):
    """Everything that a database says of itself but the defaults that migrations gave to older rows."""
    with store.engine.connect() as connection:
        looking = inspect(connection)
        names = sorted(looking.get_table_names())
        rowids = connection.execute(
            text("SELECT name FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID%' ORDER BY name")
        ).scalars()
        return schema.current(connection), list(rowids), {name: table_shape(looking, name) for name in names}


def table_shape(looking, name):
    columns = [(one["name"], str(one["type"]), one["nullable"]) for one in looking.get_columns(name)]
    return columns, looking.get_pk_constraint(name)["constrained_columns"], looking.get_indexes(name)


def test_migrations_make_the_tables_of_the_code(store):
    schema.upgrade(store.engine)
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        made = dict(
            connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'")).all()
        )
    for table in METADATA.sorted_tables:
        is_without_rowid = table.dialect_options["sqlite"]["with_rowid"] is False
        assert made[table.name].rstrip().endswith("WITHOUT ROWID") is is_without_rowid, table.name


def test_an_empty_database_gets_at_once_what_the_migrations_make(store, tmp_path, monkeypatch):
    migrated = open_store("", str(tmp_path / "migrated"))
    (tmp_path / "migrated" / "db").mkdir(parents=True)
    schema.upgrade(migrated.engine)
    monkeypatch.setattr(schema, "upgrade", lambda *_: pytest.fail("an empty database needs no migration"))
    store.positions()
    assert shape_of(store) == shape_of(migrated)
    migrated.close()


def test_somebody_who_is_faster_is_left_alone(store, monkeypatch):
    """Another program makes the tables after we have looked."""
    store.positions()
    monkeypatch.setattr(schema, "refuse_future", lambda *_: None)
    found = iter(["", schema.HEAD])
    monkeypatch.setattr(schema, "current", lambda _connection: next(found))
    assert schema.prepare(store.engine, store.url, auto_upgrade=True) == ""


def test_a_missing_column_is_noticed(store):
    """The comparison above can fail."""
    store.positions()
    with store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE bars DROP COLUMN vwap"))
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA)


def test_head_is_the_newest_migration_and_all_are_known():
    versions = [version for version, _ in schema.history()]
    assert versions == list(schema.KNOWN)
    assert versions[-1] == schema.HEAD


def test_down_to_nothing_and_up_again(store):
    store.positions()
    filled(store, Publisher(), trade(1))
    store.disconnect()
    schema.downgrade(store.engine, "base")
    with store.engine.connect() as connection:
        assert inspect(connection).get_table_names() == [schema.VERSION_TABLE]
        assert schema.current(connection) == ""
    assert store.positions() == {}


def test_rows_of_the_first_schema_outlive_the_second_and_the_way_back(store):
    store.positions()
    schema.downgrade(store.engine, "0001")
    with store.engine.begin() as connection:
        connection.execute(text("INSERT INTO features VALUES (1, '1m', 60, 61, 1, '{}', 1, 9, 1, 0)"))
        connection.execute(text("INSERT INTO flows VALUES (1, 61, 1, 9, 2, 0, 60.0, 1, '{}')"))
    assert store.positions() == {}
    with store.engine.begin() as connection:
        assert schema.current(connection) == schema.HEAD
        grown = connection.execute(text("SELECT ts_open_ns, revision, coverage FROM features")).all()
        assert grown == [(60, 0, None)]
        grown = connection.execute(text("SELECT ts_event_ns, reason, coverage FROM flows")).all()
        assert grown == [(61, "", None)]
    schema.downgrade(store.engine, "0001")
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT * FROM flows")).all() == [(1, 61, 1, 9, 2, 0, 60.0, 1, "{}")]
        assert not {"footprints", "sweeps"} & set(inspect(connection).get_table_names())


def test_candles_of_the_second_schema_were_built_here_and_outlive_the_way_back(store):
    store.positions()
    schema.downgrade(store.engine, "0002")
    row = (1, "1m", 60, 61, 1.0, 2.0, 0.5, 1.5, 9.0, 4.0, 5.0, 1.2, 7, "closed", 1.0, 1, "trade", 1, 9, 1, 0)
    with store.engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO bars VALUES ({', '.join('?' * len(row))})", row)
    assert store.positions() == {}
    with store.engine.connect() as connection:
        grown = connection.execute(text("SELECT * FROM bars")).all()
        assert grown == [(*row, 0, False, "")]
        assert "verdicts" in inspect(connection).get_table_names()
    schema.downgrade(store.engine, "0002")
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT * FROM bars")).all() == [row]
        assert "verdicts" not in inspect(connection).get_table_names()


def test_signals_of_the_third_schema_are_read_as_they_were_meant_and_outlive_the_way_back(store):
    store.positions()
    schema.downgrade(store.engine, "0003")
    row = (1, 61, 1, 9, 1, 0, "cross", -1, 1.0, 1.1, 0.8, 0.5, '{"ema":1.0}')
    with store.engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO signals VALUES ({', '.join('?' * len(row))})", row)
        connection.execute(text("INSERT INTO instruments VALUES (1, '', 'BTC_USDT')"))
    assert store.positions() == {}
    with store.engine.connect() as connection:
        grown = connection.execute(text("SELECT * FROM signals")).all()
        assert grown == [(*row, "", "", 1, "open", 0, 0, 1.0, "[]", "", 0.0)]
    reader = Reader(store.engine.url)
    with reader.moment() as moment:
        [event] = read_events(moment, "signal", Instrument(1, "", "BTC_USDT"), Range(0, 0, 9)).events
    reader.close()
    assert Signal(*event) == Signal("BTC_USDT", "cross", 61, -1, 1.0, 1.1, 0.8, 0.5, {"ema": 1.0})
    schema.downgrade(store.engine, "0003")
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT * FROM signals")).all() == [row]


def test_a_migration_that_fails_leaves_the_version_before(store, monkeypatch):
    with store.engine.begin() as connection:
        connection.execute(text("CREATE TABLE gaps (somebody TEXT)"))
    with pytest.raises(StoreError, match="already exists"):
        store.positions()
    with store.engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["gaps"]


def test_an_up_to_date_database_is_opened_without_alembic(store, monkeypatch):
    store.positions()
    monkeypatch.setattr(schema, "upgrade", lambda *_: pytest.fail("nothing is to be upgraded"))
    assert store.positions() == {}


def test_a_schema_from_the_future_is_refused_and_left_alone(store, tmp_path):
    store.positions()
    version_is(store, "0999")
    with pytest.raises(StoreError, match=r"tapehub\.sqlite has schema 0999, newer than this program") as told:
        store.positions()
    assert "tapehub db downgrade" in told.value.fix
    assert told.value.is_lasting
    with store.engine.connect() as connection:
        assert schema.current(connection) == "0999"


def test_without_auto_upgrade_the_command_is_named(tmp_path):
    store = open_store("", str(tmp_path), auto_upgrade=False)
    with pytest.raises(StoreError, match=r"none of our tables.*tapehub db upgrade"):
        store.positions()
    with store.engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    store.close()
