"""What every dialect of the store owes: each law takes a function that opens a store of one and the same database.

`LAWS` are run by the tests of SQLite, of PostgreSQL and of TimescaleDB.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from actors.persistence import store as store_module
from actors.persistence import tables
from actors.persistence.failures import StoreError
from actors.persistence.store import Store
from actors.persistence.tables import STORED, columns_of
from protocol.replay import Position
from tests.unit.actors.hub.samples import feature, footprint
from tests.unit.actors.persistence.frames import BASE_NS, NAME, Publisher, bar, gap, quote, trade

NOW_NS = BASE_NS + 1
Opening = Callable[[], Store]


def rows(store: Store, table: Any) -> list[dict[str, Any]]:
    """All rows of a table by another connection, in the order of its key."""
    names = columns_of(table)
    with store.engine.connect() as connection:
        found = connection.execute(select(table).order_by(*table.primary_key.columns)).all()
    return [dict(zip(names, row, strict=True)) for row in found]


def count(store: Store, table: Any) -> int:
    with store.engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def filled(store: Store, publisher: Publisher, *events: Any) -> Any:
    """Save one frame a group of events; connects if nobody has."""
    if store._connection is None:
        store.positions()
    batch = store.batch(STORED)
    for group in events:
        batch.add(publisher.frame(group if isinstance(group, list) else [group]))
    return store.save(batch, NOW_NS)


def law_a_new_database_is_empty_and_ready(opened: Opening) -> None:
    store = opened()
    assert store.positions() == {}
    assert store.positions() == {}


def law_rows_and_position_come_back_after_a_restart(opened: Opening) -> None:
    first, publisher = opened(), Publisher()
    first.positions()
    saved = filled(first, publisher, [trade(1), trade(2)], quote(1), trade(3, "ETH_USDT"))
    assert (saved.rows, saved.refused_doubles, saved.dead_letters) == (4, {}, 0)
    first.close()
    again = opened()
    assert again.positions() == {NAME: Position(9, 3)}
    assert again.catalogue.instruments == {("binance", "BTC_USDT"): 1, ("binance", "ETH_USDT"): 2}
    found = rows(again, tables.trades)
    assert [(one["instrument_id"], one["trade_id"], one["seq"], one["k"]) for one in found] == [
        (1, 1, 1, 0),
        (1, 2, 1, 1),
        (2, 3, 3, 0),
    ]
    assert found[0]["price"] == 61_001.5
    assert found[0]["is_repaired"] is False
    filled(again, publisher, trade(4, "SOL_USDT"))
    assert rows(again, tables.trades)[-1]["instrument_id"] == 3
    assert rows(again, tables.positions) == [{"publisher_id": 1, "epoch": 9, "seq": 4, "updated_ns": NOW_NS}]


def law_every_kind_is_stored(opened: Opening) -> None:
    from tests.unit.actors.persistence.test_rows import ONE_OF_EACH

    store = opened()
    saved = filled(store, Publisher(), *ONE_OF_EACH)
    assert (saved.rows, saved.dead_letters) == (len(ONE_OF_EACH), 0)
    assert {one.table.name: count(store, one.table) for one in STORED.values()} == {
        one.table.name: 1 for one in STORED.values()
    }


def law_a_key_that_is_there_is_refused_and_counted(opened: Opening) -> None:
    store, publisher = opened(), Publisher()
    filled(store, publisher, trade(1), quote(1))
    saved = filled(store, publisher, [trade(1, price=9.0), trade(2)], trade(1))
    assert (saved.rows, saved.refused_doubles) == (1, {"trade": 2})
    assert [one["price"] for one in rows(store, tables.trades)] == [61_001.5, 61_002.5]
    filled(store, publisher, trade(2))
    assert [(one["kind"], one["rows"]) for one in rows(store, tables.refused)] == [("trade", 3)]
    assert store.positions() == {NAME: Position(9, 5)}


def law_the_newest_revision_of_a_candle_wins_in_any_order(opened: Opening) -> None:
    store, publisher = opened(), Publisher()
    filled(store, publisher, [bar(0, 0, 9.0), bar(0, 1, 1.1), bar(0, 3, 1.3), bar(0, 2, 1.2)], bar(1, 1, 1.4))
    filled(store, publisher, bar(0, 2, 1.25), bar(1, 1, 1.6), bar(2, 0, 9.0))
    found = rows(store, tables.bars)
    assert [(one["revision"], one["close"], one["seq"]) for one in found] == [(3, 1.3, 1), (1, 1.6, 4)]


def law_the_newest_revision_of_a_footprint_wins_in_any_order(opened: Opening) -> None:
    store, publisher = opened(), Publisher()
    filled(store, publisher, [footprint(0, revision=revision, count=revision) for revision in (0, 1, 3, 2)])
    filled(
        store,
        publisher,
        footprint(0, revision=2, count=9),
        footprint(7, revision=0),
        feature(0, 1.0),
        feature(0, 2.0, 2),
        feature(7, 3.0, 0),
    )
    found = [(one["revision"], one["count"]) for one in rows(store, tables.footprints)]
    assert found == [(3, 3)]
    values = [(one["revision"], one["values_json"]) for one in rows(store, tables.features)]
    assert values == [(2, '{"rsi_14":2.0}')]


def law_a_gap_is_what_was_announced_last(opened: Opening) -> None:
    store, publisher = opened(), Publisher()
    late = Publisher(epoch=10)
    filled(store, publisher, gap("open"), gap("filling"), gap("open", gap_id="other"))
    filled(store, late, gap("filled", 5))
    found = {one["gap_id"]: (one["state"], one["count"]) for one in rows(store, tables.gaps)}
    assert found == {"collector.binance.1-9-1": ("filled", 5), "other": ("open", 0)}


def law_nothing_of_a_failed_batch_is_there(opened: Opening) -> None:
    """The commit fails after every row was written: no row, no position, no id, and the next try has it all."""
    store, publisher = opened(), Publisher()
    filled(store, publisher, trade(1))
    frame = publisher.frame([trade(2, "ETH_USDT"), trade(3)])
    batch = store.batch()
    batch.add(frame)

    def fail(_name: str) -> None:
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_module, "crash_point", fail)
        with pytest.raises(StoreError, match="the disk is full"):
            store.save(batch, NOW_NS)
    assert count(store, tables.trades) == 1
    assert count(store, tables.instruments) == 1
    assert store.positions() == {NAME: Position(9, 1)}
    again = store.batch()
    again.add(frame)
    assert store.save(again, NOW_NS).refused_doubles == {}
    assert count(store, tables.trades) == 3
    assert store.positions() == {NAME: Position(9, 2)}


def law_a_lost_answer_to_a_commit_doubles_nothing(opened: Opening) -> None:
    """Crash after the commit: the positions tell that it is stored."""
    store, publisher = opened(), Publisher()
    store.positions()
    batch = store.batch()
    batch.add(publisher.frame([trade(1)]))

    def fail(name: str) -> None:
        if name == "store.commit.after":
            raise OSError("the connection is lost")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_module, "crash_point", fail)
        with pytest.raises(StoreError, match="cannot be reached"):
            store.save(batch, NOW_NS)
    assert store.positions() == {NAME: Position(9, 1)}
    assert count(store, tables.trades) == 1


def law_a_second_writer_is_noticed(opened: Opening) -> None:
    first, second = opened(), opened()
    publisher = Publisher()
    filled(first, publisher, trade(1))
    second.positions()
    frame = publisher.frame([trade(2)])
    behind = first.batch()
    behind.add(frame)
    ahead = second.batch()
    ahead.add(frame)
    second.save(ahead, NOW_NS)
    with pytest.raises(StoreError, match="only one persistence actor"):
        first.save(behind, NOW_NS)
    assert count(first, tables.trades) == 2
    assert first.positions() == {NAME: Position(9, 2)}
    with pytest.raises(StoreError, match="would go back"):
        first.save(_one(first, Publisher().frame([trade(1)])), NOW_NS)


def _one(store: Store, frame: Any) -> Any:
    batch = store.batch()
    batch.add(frame)
    return batch


def law_values_that_no_column_holds_are_dead_letters(opened: Opening) -> None:
    store, publisher = opened(), Publisher()
    saved = filled(
        store,
        publisher,
        [trade(1), trade(3, price=math.nan), trade(4, "A\x00B")],
        [trade(2, ts_recv_ns=2**63)],
        quote(1, bid=math.inf),
    )
    assert (saved.rows, saved.dead_letters) == (4, 1)
    assert [one["trade_id"] for one in rows(store, tables.trades)] == [1, 3, 4]
    dead = rows(store, tables.dead_letters)
    assert [(one["seq"], one["found_ns"]) for one in dead] == [(2, NOW_NS)]
    price = rows(store, tables.trades)[1]["price"]
    assert price is None or math.isnan(price)
    assert rows(store, tables.quotes)[0]["bid"] == math.inf


def law_holes_orphans_and_dead_letters_are_kept(opened: Opening) -> None:
    store, early, late = opened(), Publisher(epoch=8), Publisher()
    filled(store, early, trade(1), trade(2))
    batch = store.batch()
    batch.add(late.begin(8, 1))
    batch.add_hole(NAME, 9, 2, 7, "expired")
    saved = store.save(batch, NOW_NS)
    assert saved.holes == 1
    assert store.positions() == {NAME: Position(9, 7)}
    hole = {"epoch": 9, "first_seq": 2, "last_seq": 7, "reason": "expired", "found_ns": NOW_NS}
    assert rows(store, tables.holes) == [{"publisher_id": 1, **hole}]
    assert [(one["epoch"], one["first_seq"], one["last_seq"]) for one in rows(store, tables.orphans)] == [
        (8, 2, 2)
    ]


def law_an_epoch_left_without_its_end_is_judged_after_a_restart(opened: Opening) -> None:
    store, early = opened(), Publisher(epoch=8)
    filled(store, early, trade(1), trade(2))
    batch = store.batch()
    batch.add_hole(NAME, 8, 4, 0, "gone")
    batch.add_hole(NAME, 9, 1, 7, "gone")
    store.save(batch, NOW_NS)
    store.positions()
    batch = store.batch()
    batch.add(Publisher(epoch=10).begin(8, 1))
    store.save(batch, NOW_NS)
    found = {(one["epoch"], one["first_seq"], one["last_seq"]) for one in rows(store, tables.orphans)}
    assert (8, 2, 3) in found
    again = store.batch()
    again.add(Publisher(epoch=11).begin(8, 1))
    store.save(again, NOW_NS)  # judged again: not an error


def law_the_next_batch_is_filled_while_one_is_saved(opened: Opening) -> None:
    store, publisher = opened(), Publisher()
    store.positions()
    first = store.batch()
    first.add(publisher.frame([trade(1)]))
    second = first.following()
    second.add(publisher.frame([trade(2, "ETH_USDT")]))
    store.save(first, NOW_NS)
    store.save(second, NOW_NS)
    assert count(store, tables.trades) == 2
    assert store.positions() == {NAME: Position(9, 2)}


def law_a_batch_of_an_earlier_life_is_refused(opened: Opening) -> None:
    """Its ids were given out by a catalogue that has been forgotten."""
    store = opened()
    with pytest.raises(StoreError, match="positions"):
        store.batch()
    store.positions()
    batch = _one(store, Publisher().frame([trade(1)]))
    store.positions()
    with pytest.raises(StoreError, match="begun before"):
        store.save(batch, NOW_NS)
    assert count(store, tables.trades) == 0


def law_without_the_watermark_in_the_transaction_rows_are_lost_or_refused(opened: Opening) -> None:
    """Negative control: positions saved apart from their rows, and a crash between the two."""
    store, publisher = opened(), Publisher()
    store.positions()
    frame = publisher.frame([trade(1)])
    position_first = store.batch()
    position_first.positions[NAME] = Position(frame.epoch, frame.seq)
    store.catalogue.publisher(NAME)
    position_first.fresh.publishers.extend(store.catalogue.take_fresh().publishers)
    store.save(position_first, NOW_NS)
    assert store.positions() == {NAME: Position(9, 1)}, "a replay would go on behind it"
    assert count(store, tables.trades) == 0, "and the trade is lost"

    rows_first = store.batch()
    rows_first.add(publisher.frame([trade(2)]))
    rows_first.positions.clear()
    store.save(rows_first, NOW_NS)
    again = store.batch()
    replayed = Publisher()
    replayed.writer.seq = 1
    again.add(replayed.frame([trade(2)]))
    assert store.save(again, NOW_NS).refused_doubles == {"trade": 1}


LAWS = [law for name, law in list(globals().items()) if name.startswith("law_")]
