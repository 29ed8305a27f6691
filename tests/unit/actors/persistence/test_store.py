"""The store in SQLite: every law of `store_laws`, and what only a file can do wrong."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys

import pytest

from actors.persistence import tables
from actors.persistence.failures import StoreError
from actors.persistence.opening import open_store
from protocol.replay import Position
from tests.support.paths import ROOT
from tests.support.process import clean_environment
from tests.unit.actors.persistence.frames import NAME, Publisher, trade
from tests.unit.actors.persistence.store_laws import LAWS, NOW_NS, count, filled


@pytest.fixture
def opened(tmp_path, ready):
    """Opens stores of one file, whose tables are made already."""
    (tmp_path / "db").mkdir()
    shutil.copy(ready, tmp_path / "db" / "tapehub.sqlite")
    stores = []

    def opening(**options):
        stores.append(open_store("", str(tmp_path), **options))
        return stores[-1]

    yield opening
    for store in stores:
        store.close()


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ready")
    store = open_store("", str(folder))
    store.positions()
    store.close()
    return folder / "db" / "tapehub.sqlite"


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__.removeprefix("law_"))
def test_law(opened, law):
    law(opened)


def test_readers_go_on_while_a_batch_is_written(opened, tmp_path):
    store, publisher = opened(), Publisher()
    filled(store, publisher, trade(1))
    path = tmp_path / "db" / "tapehub.sqlite"
    reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM trades").fetchone() == (1,)
    filled(store, publisher, trade(2))
    assert reader.execute("SELECT count(*) FROM trades").fetchone() == (1,)
    assert store.maintain() > 0, "the reader keeps the log"
    reader.execute("COMMIT")
    assert reader.execute("SELECT count(*) FROM trades").fetchone() == (2,)
    reader.close()
    store.maintain()
    filled(store, publisher, trade(3))
    assert count(store, tables.trades) == 3


def test_a_full_disk_is_told_and_nothing_is_half_stored(opened):
    store, publisher = opened(), Publisher()
    filled(store, publisher, trade(1))
    batch = store.batch()
    batch.add(publisher.frame([trade(number) for number in range(2, 20_000)]))
    driver = store._connection.connection.driver_connection
    pages = driver.execute("PRAGMA page_count").fetchone()[0]
    driver.execute(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(StoreError, match=r"the disk is full .*; make room") as told:
        store.save(batch, NOW_NS)
    assert not told.value.is_lasting
    assert store.positions() == {NAME: Position(9, 1)}
    assert count(store, tables.trades) == 1


def test_a_read_only_database_is_told(opened, tmp_path):
    opened().positions()
    path = tmp_path / "db" / "tapehub.sqlite"
    store = open_store(f"sqlite:///file:{path}?mode=ro&uri=true", str(tmp_path))
    with pytest.raises(StoreError, match=r"tapehub\.sqlite.*: it cannot be written: read-only") as told:
        filled(store, Publisher(), trade(1))
    assert told.value.is_lasting
    store.close()


def test_a_locked_database_is_told(opened, tmp_path, monkeypatch):
    monkeypatch.setattr("actors.persistence.sqlite_store.BUSY_TIMEOUT_MS", 1)
    store = opened()
    with sqlite3.connect(tmp_path / "db" / "tapehub.sqlite", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another program holds it locked"):
            store.positions()
        other.execute("ROLLBACK")
    other.close()
    assert store.positions() == {}


def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but somebody's notes" * 100)
    before = path.read_bytes()
    store = open_store(f"sqlite:///{path}", str(tmp_path))
    with pytest.raises(StoreError, match=r"notes\.txt: the file is damaged, or no database"):
        store.positions()
    store.close()
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "db").write_text("in the way")
    store = open_store("", str(tmp_path))
    with pytest.raises(StoreError, match=r"tapehub\.sqlite"):
        store.positions()
    store.close()


KILLED = """
import sys
from actors.persistence.opening import open_store
from tests.unit.actors.persistence.frames import Publisher, trade
store = open_store("", sys.argv[1])
publisher = Publisher()
store.positions()
for number in range(1, 1000):
    batch = store.batch()
    batch.add(publisher.frame([trade(number)]))
    store.save(batch, number)
"""


@pytest.mark.parametrize("point", ["store.commit.before", "store.commit.after"])
def test_kill_9_around_a_commit_keeps_rows_and_position_together(opened, tmp_path, point):
    environment = clean_environment() | {"TAPEHUB_CRASH_POINTS": f"{point}:0.2", "TAPEHUB_CRASH_SEED": "3"}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, env=environment, check=False, timeout=50
    )
    assert done.returncode == -signal.SIGKILL
    store = opened()
    stored = count(store, tables.trades)
    assert store.positions() == ({NAME: Position(9, stored)} if stored else {})
    assert os.access(tmp_path / "db" / "tapehub.sqlite", os.R_OK)
