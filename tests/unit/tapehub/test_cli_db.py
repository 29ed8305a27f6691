"""`tapehub db`: what it says of a database, and that it never says the password."""

import json

import pytest
from sqlalchemy import text

from actors.persistence import schema, tables
from actors.persistence.opening import open_store
from tapehub.cli import context, exit_codes
from tests.support.paths import free_port
from tests.unit.actors.persistence.frames import NAME, Publisher, bar, trade
from tests.unit.actors.persistence.store_laws import filled
from tests.unit.tapehub.calls import call


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    """A configuration whose run directory is the test's folder."""
    (tmp_path / "symbols.yaml").write_text("BTC_USDT: {venues: {binance: 'spot:BTCUSDT'}}\n")
    path = tmp_path / "tapehub.yaml"
    path.write_text(f"run_dir: {tmp_path}\nactors: {{hub.1: {{}}}}\n")
    monkeypatch.setenv("TAPEHUB_CONFIG", str(path))
    yield path
    context.use(context.Context())


@pytest.fixture
def store(tmp_path):
    opened = open_store("", str(tmp_path))
    yield opened
    opened.close()


def test_there_is_no_database_yet(capsys, tmp_path):
    for word in ("current", "stats"):
        result = call(capsys, "db", word)
        assert result.code == exit_codes.FAILURE
        assert "there is no such file yet" in result.err
        assert "tapehub db upgrade" in result.err
    assert not (tmp_path / "db").exists()


def test_up_and_down_and_what_is_current(capsys):
    up = call(capsys, "db", "upgrade")
    assert up.code == exit_codes.OK
    assert f"schema none -> {schema.HEAD}" in up.out
    assert "already" in call(capsys, "db", "upgrade").out
    now = json.loads(call(capsys, "db", "current", "--json").out)
    assert (now["version"], now["state"]) == (schema.HEAD, "up to date")
    refused = call(capsys, "db", "downgrade", "base")
    assert refused.code == exit_codes.USAGE
    assert "tapehub db downgrade base --yes" in refused.err
    down = json.loads(call(capsys, "db", "downgrade", "base", "--yes", "--json").out)
    assert (down["before"], down["after"]) == (schema.HEAD, "")
    empty = call(capsys, "db", "current")
    assert (empty.code, "empty" in empty.out) == (exit_codes.DEGRADED, True)
    assert call(capsys, "db", "stats").code == exit_codes.NO_DATA
    assert "no way down" in call(capsys, "db", "downgrade", "base", "--yes").err
    assert call(capsys, "db", "downgrade", "0815", "--yes").code == exit_codes.USAGE


def test_stats_count_what_is_there(capsys, store):
    publisher = Publisher()
    filled(store, publisher, [trade(1), trade(2)], bar(0, 1))
    filled(store, publisher, trade(1))
    found = json.loads(call(capsys, "db", "stats", "--json").out)
    rows = {one["table"]: one["rows"] for one in found["tables"]}
    assert (rows["trades"], rows["bars"], rows["gaps"]) == (2, 1, 0)
    assert set(rows) == set(tables.METADATA.tables)
    assert found["refused_doubles"] == {"trade": 1}
    assert [(one["publisher"], one["seq"]) for one in found["positions"]] == [(NAME, 3)]
    assert found["bytes"] > 0
    shown = call(capsys, "db", "stats").out
    assert "refused doubles 1 trade" in shown
    assert NAME in shown


def test_check_finds_what_is_stored_twice(capsys, store):
    filled(store, Publisher(), [trade(1), trade(2)])
    fine = call(capsys, "db", "stats", "--check")
    assert (fine.code, "nothing is stored twice" in fine.out) == (exit_codes.OK, True)
    with store.engine.begin() as connection:
        names = ", ".join(name for name in tables.columns_of(tables.trades) if name != "ts_event_ns")
        connection.execute(
            text(
                f"INSERT INTO trades (ts_event_ns, {names}) SELECT ts_event_ns + 9, {names} FROM trades WHERE k = 0"
            )
        )
    found = call(capsys, "db", "stats", "--check", "--json")
    assert found.code == exit_codes.DEGRADED
    assert json.loads(found.out)["doubled"] == [
        {"kind": "trade", "what": "record", "count": 1},
        {"kind": "trade", "what": "trade_id", "count": 1},
    ]


def test_a_schema_from_the_future(capsys, store):
    store.positions()
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    assert "newer" in call(capsys, "db", "current").out
    for words in (("upgrade",), ("stats",), ("downgrade", "base", "--yes")):
        result = call(capsys, "db", *words)
        assert result.code == exit_codes.FAILURE
        assert "schema 0999, newer than this program" in result.err


def test_a_server_that_is_down(capsys):
    url = f"postgresql://me:geheim@127.0.0.1:{free_port()}/x"
    result = call(capsys, "db", "stats", "--database", url)
    assert result.code == exit_codes.UNREACHABLE
    assert "postgresql://me:***@127.0.0.1" in result.err
    assert "geheim" not in result.err + result.out


def test_the_settings_name_the_database(capsys, config, tmp_path, monkeypatch):
    loaded = context.current().loaded
    loaded.common.actors["persistence.1"] = {"database": f"sqlite:///{tmp_path}/other.sqlite"}
    monkeypatch.setattr(context.Context, "loaded", loaded)
    assert "other.sqlite" in call(capsys, "db", "upgrade").out
    assert (tmp_path / "other.sqlite").exists()
    loaded.common.actors["persistence.1"] = {"database": "none"}
    nothing = call(capsys, "db", "stats")
    assert (nothing.code, "writes no database" in nothing.err) == (exit_codes.NO_DATA, True)
