from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actors.persistence.catalogue import Catalogue
from actors.persistence.parquet_commit import FILE_NAME, Commit, ParquetError, encode_commit
from actors.persistence.parquet_schema import KIND_OF, arrow_schema, column_names
from actors.persistence.parquet_sink import ParquetSink
from actors.persistence.rows import rows_of
from actors.persistence.tables import STORED
from protocol.replay import Position
from tests.unit.actors.persistence.parquet_rig import (
    HOUR_NS,
    OTHER,
    PUBLISHER,
    START_NS,
    bar,
    batch_of,
    behind,
    frames_of,
    keys_of,
    market,
    names_in,
    quote,
    read,
    store,
    stored_keys,
    trade,
)


@pytest.fixture
def sink(lives):
    return lives.start()


def test_rows_come_back_with_names_units_and_in_order_of_arrival(sink, tmp_path):
    store(sink, frames_of([[trade(2, "ETH_USDT"), trade(1)], trade(3)]))

    assert names_in(tmp_path) == ["trades/date=2025-11-21/hour=09/0000000001-0000000001.parquet"]
    table = read(tmp_path, "trades")
    assert table.schema.field("symbol").type == pa.dictionary(pa.int32(), pa.string())
    assert table.drop_columns(["count", "trade_ref"]).to_pylist() == [
        {
            "venue": "binance", "symbol": symbol, "ts_event_ns": START_NS + n, "trade_id": n,
            "ts_recv_ns": START_NS + n + 5, "price": 100.0 + n, "size": 0.5, "side": side, "is_repaired": False,
            "publisher": PUBLISHER, "epoch": 1, "seq": seq, "k": k,
        }
        for n, symbol, side, seq, k in ((2, "ETH_USDT", -1, 1, 0), (1, "BTC_USDT", 1, 1, 1), (3, "BTC_USDT", 1, 2, 0))
    ]  # fmt: skip


@pytest.mark.parametrize("table", KIND_OF)
def test_columns_are_those_of_the_table(table):
    schema = arrow_schema(STORED[KIND_OF[table]].table)
    assert schema.names == column_names(STORED[KIND_OF[table]].table)
    assert {"publisher", "epoch", "seq", "k"} <= set(schema.names)
    assert not [name for name in schema.names if name.endswith("_id") and name.startswith(("inst", "publ"))]


def test_numbers_that_are_none_survive(sink, tmp_path):
    store(sink, frames_of([quote(1)]))
    assert read(tmp_path, "quotes")["update_id"].to_pylist() == [1]
    metadata = pq.ParquetFile(next(tmp_path.glob("quotes/*/*/*.parquet"))).metadata.row_group(0)
    by_name = {metadata.column(n).path_in_schema: metadata.column(n) for n in range(metadata.num_columns)}
    assert by_name["bid"].compression == "ZSTD"
    assert "BYTE_STREAM_SPLIT" in by_name["bid"].encodings
    assert "DELTA_BINARY_PACKED" in by_name["ts_event_ns"].encodings


def test_nothing_counts_before_the_flush_and_all_after(sink, tmp_path):
    frames = market(12)
    sink.add(batch_of(frames, {}))
    assert stored_keys(tmp_path) == Counter()
    assert sink.positions() == {}
    assert sink.row_count == keys_of(frames).total()

    positions = sink.flush()

    assert positions == {PUBLISHER: Position(1, 12), OTHER: Position(7, 4)}
    assert positions == sink.positions()
    assert stored_keys(tmp_path) == keys_of(frames)


def test_due_by_age_by_size_and_by_the_hour(lives, tmp_path, hands):
    sink = lives.start(flush_s=60, max_rows=3)
    assert not sink.is_due
    hands.ns += 120_000_000_000
    assert not sink.is_due  # nothing to store
    store(sink, frames_of([trade(1), trade(2)]))
    frames = frames_of([trade(n) for n in range(1, 9)])

    sink.add(batch_of(frames[2:3], sink.positions()))
    assert not sink.is_due
    hands.ns += 60_000_000_000
    assert sink.is_due
    sink.flush()

    sink.add(batch_of(frames[3:5], sink.positions()))
    assert not sink.is_due
    sink.add(batch_of(frames[5:6], {PUBLISHER: Position(1, 5)}))
    assert sink.is_due
    sink.flush()

    hands.ns = START_NS + HOUR_NS - 1
    sink.add(batch_of(frames[6:7], sink.positions()))
    assert not sink.is_due
    hands.ns += 1
    assert sink.is_due
    sink.flush()
    assert names_in(tmp_path)[-1] == "trades/date=2025-11-21/hour=09/0000000004-0000000004.parquet"


def test_positions_without_rows_are_durable_too(lives, sink, tmp_path):
    batch = batch_of(frames_of([trade(1)]), {})
    batch.rows.clear()
    sink.add(batch)
    sink.flush()
    assert lives.restart().positions() == {PUBLISHER: Position(1, 1)}
    assert names_in(tmp_path) == []


def test_closing_stores_what_is_buffered(sink, lives, tmp_path):
    sink.add(batch_of(market(12), {}))
    sink.close()
    lives._open.clear()
    assert stored_keys(tmp_path) == keys_of(market(12))


def test_rows_that_it_has_are_left_out(sink, tmp_path):
    frames = market(30)
    store(sink, frames[:20])
    # the database was behind: what is pulled again begins before our positions
    sink.add(batch_of(frames[5:], {PUBLISHER: Position(1, 3), OTHER: Position(7, 1)}))
    sink.flush()
    assert stored_keys(tmp_path) == keys_of(frames)


def test_a_hole_is_refused_and_not_stored(sink, tmp_path):
    frames = market(30)
    store(sink, frames[:10])
    with pytest.raises(ParquetError, match=rf"{PUBLISHER} up to 1/8.*behind 1/9.*pull from positions"):
        sink.add(batch_of(frames[20:], {PUBLISHER: Position(1, 9)}))
    assert stored_keys(tmp_path) == keys_of(frames[:10])


def test_a_fresh_folder_begins_where_it_is_told_and_keeps_that(lives):
    begin = {PUBLISHER: Position(3, 77)}
    assert lives.start(begin=begin).positions() == begin
    # killed before its first flush: rows behind 77 were lost with it, so it must not begin later now
    assert lives.restart(begin={PUBLISHER: Position(3, 99)}).positions() == begin


def test_ids_of_another_catalogue_are_not_mixed_up(sink, tmp_path):
    frames = frames_of([trade(1, "BTC_USDT"), trade(2, "ETH_USDT")])
    first, second = Catalogue(), Catalogue({("binance", "ETH_USDT"): 1}, {PUBLISHER: 9})
    sink.add(batch_of(frames[:1], {}, first))
    sink.add(batch_of(frames[1:], {PUBLISHER: Position(1, 1)}, second))
    sink.flush()
    assert read(tmp_path, "trades")["symbol"].to_pylist() == ["BTC_USDT", "ETH_USDT"]
    assert set(read(tmp_path, "trades")["publisher"].to_pylist()) == {PUBLISHER}


def test_only_the_kinds_asked_for(lives, tmp_path):
    sink = lives.start(kinds=["bar"])
    positions = store(sink, market(12))
    assert {key[0] for key in stored_keys(tmp_path)} == {"bars"}
    assert positions[PUBLISHER] == Position(1, 12)  # what is not wanted is done with


def test_each_revision_of_a_bar_is_a_row(sink, tmp_path):
    store(sink, frames_of([bar(1), bar(1, 2, 11.5), bar(1, 0)]))
    assert read(tmp_path, "bars")["revision"].to_pylist() == [1, 2]


def test_a_second_writer_is_refused(sink, tmp_path, hands):
    with pytest.raises(ParquetError, match="being written by another process: give this one another folder"):
        ParquetSink(tmp_path, hands)


def test_a_folder_that_cannot_be_written_is_named(tmp_path, hands):
    (tmp_path / "parquet").write_text("a file")
    with pytest.raises(ParquetError, match=rf"cannot write {tmp_path}/parquet"):
        ParquetSink(tmp_path / "parquet", hands)


@pytest.mark.parametrize("damage", ["", "{", None])
def test_a_lost_positions_file_is_made_again_from_the_files(lives, sink, tmp_path, hands, damage):
    frames = market(40)
    store(sink, frames[:15])
    hands.ns += HOUR_NS
    expected = store(sink, behind(frames[:30], sink.positions()))
    path = tmp_path / FILE_NAME
    path.unlink() if damage is None else path.write_text(damage)

    again = lives.restart()

    assert again.positions() == expected
    store(again, behind(frames, again.positions()))
    assert stored_keys(tmp_path) == keys_of(frames)


def test_an_old_positions_file_is_not_believed(lives, sink, tmp_path, hands):
    frames = market(40)
    store(sink, frames[:15])
    old = (tmp_path / FILE_NAME).read_bytes()
    store(sink, behind(frames[:30], sink.positions()))
    hands.ns += HOUR_NS
    assert sink.compact()
    (tmp_path / FILE_NAME).write_bytes(old)

    again = lives.restart()

    store(again, behind(frames, again.positions()))
    assert stored_keys(tmp_path) == keys_of(frames)


def test_positions_that_nothing_tells_are_asked_for(lives, sink, tmp_path):
    store(sink, market(12))
    (tmp_path / FILE_NAME).unlink()
    part = next(tmp_path.glob("*/*/*/*.parquet"))
    for path in tmp_path.glob("*/*/*/*.parquet"):
        path.write_bytes(b"PAR1 damaged PAR1")
    with pytest.raises(ParquetError, match=rf"{part.name}, and that file does not say.*move it away"):
        lives.restart()


def test_positions_of_a_newer_program_are_refused(tmp_path, hands):
    (tmp_path / FILE_NAME).write_bytes(encode_commit(Commit(1, {}, [], version=9)))
    with pytest.raises(
        ParquetError, match=rf"{FILE_NAME} has version 9, this program writes 1: start the newer"
    ):
        ParquetSink(tmp_path, hands)


def test_every_kind_can_be_stored():
    """A table without a Parquet type would be seen when its first row comes, at night."""
    for stored in STORED.values():
        assert arrow_schema(stored.table)
    assert rows_of(frames_of([trade(1)])[0], 1, Catalogue()).kind in STORED
