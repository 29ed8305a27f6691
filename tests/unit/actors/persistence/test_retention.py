"""Old rows go, kind by kind and in small steps; young ones and open gaps stay."""

import pytest

from actors.persistence import tables
from actors.persistence.failures import StoreError
from actors.persistence.opening import open_store
from actors.persistence.retention import Retention
from actors.persistence.upkeep import PASS_NS, STEPS, Upkeep
from tests.unit.actors.hub.samples import signal
from tests.unit.actors.persistence.frames import BASE_NS, MINUTE_NS, Publisher, bar, gap, quote, trade
from tests.unit.actors.persistence.store_laws import count, filled, rows

NOW_NS = BASE_NS + 100 * MINUTE_NS


@pytest.fixture
def store(tmp_path):
    opened = open_store("", str(tmp_path))
    publisher = Publisher()
    trades = [
        trade(number, symbol, ts_event_ns=BASE_NS + number * MINUTE_NS)
        for number in range(1, 101)
        for symbol in ("BTC_USDT", "ETH_USDT")
    ]
    bars = [bar(minute, 1, timeframe=timeframe) for minute in range(100) for timeframe in ("1m", "5m")]
    filled(opened, publisher, trades, bars, [quote(1)], [gap("filled"), gap("open", gap_id="still-open")])
    yield opened
    opened.close()


def test_each_kind_by_its_own_age(store):
    retention = Retention(store, {"trade": 30 * 60, "bar": 10 * 60, "gap": 60})
    assert retention.run(NOW_NS) == {"trade": 2 * 69, "bar": 2 * 90, "gap": 1}
    assert min(one["ts_event_ns"] for one in rows(store, tables.trades)) == NOW_NS - 30 * MINUTE_NS
    assert min(one["ts_open_ns"] for one in rows(store, tables.bars)) == NOW_NS - 10 * MINUTE_NS
    assert [one["gap_id"] for one in rows(store, tables.gaps)] == ["still-open"]
    assert count(store, tables.quotes) == 1, "no age is set for quotes"
    assert retention.run(NOW_NS) == {}


def test_signals_go_whether_they_name_a_timeframe_or_not(store):
    signals = [signal(1), signal(2, timeframe=""), signal(9)]
    filled(store, Publisher(epoch=10), signals)
    young_ns = signals[-1].ts_event_ns
    assert Retention(store, {"signal": 0.0}).run(young_ns) == {"signal": 2}
    assert [one["ts_event_ns"] for one in rows(store, tables.signals)] == [young_ns]


def test_one_step_is_one_small_transaction(store):
    retention = Retention(store, {"trade": 0.0}, chunk_rows=30)
    left = []
    while retention.step(NOW_NS + 1):
        left.append(count(store, tables.trades))
    assert left[0] == 170
    steps = [before - after for before, after in zip([200, *left], left, strict=False)]
    assert max(steps) == 30
    assert left[-1] == 0
    assert retention.deleted == {"trade": 200}


def test_many_rows_of_one_moment_still_go(store):
    filled(store, Publisher(epoch=10), [trade(number, ts_event_ns=BASE_NS) for number in range(1000, 1100)])
    assert Retention(store, {"trade": 99.5 * 60}, chunk_rows=10).run(NOW_NS) == {"trade": 100}


def test_a_failure_undoes_its_step_only(store, monkeypatch):
    retention = Retention(store, {"trade": 0.0}, chunk_rows=30)
    assert retention.step(NOW_NS + 1)
    monkeypatch.setattr(
        retention, "_delete", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error"))
    )
    with pytest.raises(StoreError, match="Input/output error"):
        retention.step(NOW_NS + 1)
    monkeypatch.undo()
    store.positions()
    assert count(store, tables.trades) == 170
    while retention.step(NOW_NS + 1):
        pass
    assert count(store, tables.trades) == 0


def test_dead_letters_go_as_well(store):
    publisher = Publisher(epoch=11)
    batch = store.batch()
    batch.add(publisher.raw(b"\xc1"))
    store.save(batch, BASE_NS)
    assert Retention(store, {"dead_letter": 60}).run(NOW_NS) == {"dead_letter": 1}


def test_an_unknown_kind_is_named(store):
    with pytest.raises(ValueError, match="no kind trades to keep; there are quote, trade"):
        Retention(store, {"trades": 1.0})


def test_upkeep_does_a_little_after_each_batch_and_then_rests(store, monkeypatch):
    merged = []
    monkeypatch.setattr(store, "maintain", lambda: merged.append(1) or 7)
    upkeep = Upkeep(store, {"trade": 0.0})
    monkeypatch.setattr(upkeep.retention, "_chunk_rows", 10)
    assert upkeep.opened() is False
    upkeep.turn(NOW_NS + 1, 0)
    assert count(store, tables.trades) == 200 - STEPS * 10
    turns = 0
    while not upkeep._pass_ns:
        turns += 1
        upkeep.turn(NOW_NS + 1, turns)
    assert count(store, tables.trades) == 0
    assert (merged, upkeep.log_bytes) == ([1], 7)
    filled(store, Publisher(epoch=12), [trade(5000)])
    upkeep.turn(NOW_NS + 1, turns + PASS_NS - 1)
    assert count(store, tables.trades) == 1, "the search for old rows rests"
    upkeep.turn(NOW_NS + 1, turns + PASS_NS)
    assert count(store, tables.trades) == 0
    assert len(merged) == 2
