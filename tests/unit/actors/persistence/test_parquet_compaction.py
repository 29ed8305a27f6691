import errno

import pyarrow.parquet as pq
import pytest

from actors.persistence.parquet_commit import ParquetError
from actors.persistence.parquet_folder import live_files
from actors.persistence.parquet_names import (
    Span,
    draft_name,
    file_name,
    hour_folder,
    hour_of,
    is_draft,
    span_of,
    split_live,
)
from protocol.journal.disk import Disk
from tests.unit.actors.persistence.parquet_rig import (
    HOUR_NS,
    START_NS,
    QuickDisk,
    batch_of,
    behind,
    frames_of,
    keys_of,
    market,
    names_in,
    read,
    store,
    stored_keys,
    trade,
)


def in_parts(lives, frames, size=10):
    """A sink with all frames stored, in flushes of `size` frames."""
    sink = lives.start()
    for start in range(0, len(frames), size):
        store(sink, frames[start : start + size])
    return sink


def compact_all(sink):
    merged = []
    while (one := sink.compact()) is not None:
        merged.append(one)
    return merged


def test_names_say_what_counts():
    assert file_name(Span(5, 64)) == "0000000005-0000000064.parquet"
    assert span_of("0000000005-0000000064.parquet") == Span(5, 64)
    assert span_of(draft_name(file_name(Span(5, 64)))) is None
    assert is_draft(draft_name(file_name(Span(5, 64))))
    assert [span_of(name) for name in ("5-6.parquet", "x.parquet", "0000000005-0000000064.parquet.gz")] == [
        None
    ] * 3
    names = [
        file_name(Span(*span))
        for span in ((9, 9), (1, 4), (2, 2), (4, 4), (10, 12), (1, 1), (11, 12), (5, 5))
    ]
    live, merged = split_live([*names, "README", draft_name(names[0])])
    assert [span_of(name) for name in live] == [Span(1, 4), Span(5, 5), Span(9, 9), Span(10, 12)]
    assert [span_of(name) for name in merged] == [Span(1, 1), Span(2, 2), Span(4, 4), Span(11, 12)]


def test_folders_are_hours_of_our_clock_in_utc():
    assert hour_folder("bars", START_NS + HOUR_NS - 1) == "bars/date=2025-11-21/hour=09"
    assert hour_of("date=2025-11-21", "hour=09") == START_NS
    assert hour_of("date=2025-11-31", "hour=09") is None
    assert hour_of("2025-11-21", "hour=09") is None


def test_an_hour_becomes_one_file_when_it_is_over(lives, tmp_path, hands):
    frames = market(50)
    sink = in_parts(lives, frames)
    order = read(tmp_path, "trades")["seq"].to_pylist()
    hands.ns = START_NS + HOUR_NS - 1
    assert sink.compact() is None  # not over
    hands.ns += 1

    merged = compact_all(sink)

    assert {one.path.relative_to(tmp_path).parts[0] for one in merged} == {"trades", "quotes", "bars", "gaps"}
    assert sum(one.rows for one in merged) == keys_of(frames).total()
    assert len(names_in(tmp_path)) == 4
    assert read(tmp_path, "trades")["seq"].to_pylist() == order
    assert stored_keys(tmp_path) == keys_of(frames)
    assert sink.compact() is None


def test_rows_that_come_late_to_an_hour_are_merged_as_well(lives, tmp_path, hands):
    frames = market(60)
    sink = in_parts(lives, frames[:40])
    hands.ns += HOUR_NS
    compact_all(sink)
    hands.ns -= HOUR_NS  # the clock was set back
    store(sink, frames[40:])
    hands.ns += HOUR_NS
    assert compact_all(sink)
    assert stored_keys(tmp_path) == keys_of(frames)
    assert len(list(tmp_path.glob("trades/*/*/*.parquet"))) == 1


def test_an_hour_with_rows_on_their_way_waits(lives, tmp_path, hands):
    frames = market(40)
    sink = in_parts(lives, frames[:30])
    hands.ns = START_NS + HOUR_NS - 1
    sink.add(batch_of(frames[30:], sink.positions()))
    hands.ns += 2
    assert sink.is_due
    assert sink.compact() is None
    sink.flush()
    assert sink.compact() is not None


def test_a_merged_file_is_a_whole_reading_while_its_parts_are_still_there(lives, tmp_path, hands):
    """Killed between the rename and the deletions: neither a reader nor the next start sees a row twice."""
    frames = market(50)

    class NoDeletes(QuickDisk):
        def remove(self, path):
            if path.name.endswith(".parquet"):
                raise OSError(errno.EIO, "remove")
            super().remove(path)

    in_parts(lives, frames)
    hands.ns += HOUR_NS
    sink = lives.restart(disk=NoDeletes())
    with pytest.raises(ParquetError, match="cannot write"):
        sink.compact()

    whole = [
        path
        for path in tmp_path.glob("*/*/*/*.parquet")
        if span_of(path.name).first != span_of(path.name).last
    ]
    assert len(whole) == 1
    parts = len(list(whole[0].parent.iterdir())) - 1
    assert parts > 2
    assert live_files(tmp_path, whole[0].parts[-4]) == whole
    assert stored_keys(tmp_path) == keys_of(frames)

    again = lives.restart()
    assert again.recovered.deleted == parts
    compact_all(again)
    assert stored_keys(tmp_path) == keys_of(frames)


def test_a_reader_that_has_the_parts_open_reads_on(lives, tmp_path, hands):
    sink = in_parts(lives, market(50))
    parts = [pq.ParquetFile(path) for path in live_files(tmp_path, "trades")]
    hands.ns += HOUR_NS
    compact_all(sink)
    rows = sum(part.read().num_rows for part in parts)
    assert rows == read(tmp_path, "trades").num_rows
    for part in parts:
        part.close()


def test_a_listing_while_an_hour_is_merged_is_taken_again(tmp_path):
    folder = tmp_path / hour_folder("trades", START_NS)
    folder.mkdir(parents=True)
    parts = [folder / file_name(Span(n, n)) for n in range(1, 5)]
    for part in parts:
        part.touch()
    whole = folder / file_name(Span(1, 4))

    class Racing(Disk):
        """The parts go while the first listing is under way, and it misses the merged file."""

        def names(self, path):
            found = super().names(path)
            if path == folder and not whole.exists():
                whole.touch()
                for part in parts:
                    part.unlink()
                return found[:2]
            return found

    assert live_files(tmp_path, "trades", disk=Racing()) == [whole]


def test_hours_before_a_time_are_not_looked_at(lives, tmp_path, hands):
    frames = frames_of([trade(n) for n in range(4)])
    sink = lives.start()
    for n in range(4):
        store(sink, frames[n : n + 1])
        hands.ns += HOUR_NS
    assert len(live_files(tmp_path, "trades")) == 4
    # one hour more than asked for: a venue's clock may be ahead
    assert len(live_files(tmp_path, "trades", START_NS + 3 * HOUR_NS)) == 2


def test_a_damaged_part_is_named_once_and_the_others_are_merged(lives, tmp_path, hands):
    frames = market(50)
    sink = in_parts(lives, frames)
    hands.ns += HOUR_NS
    broken = live_files(tmp_path, "quotes")[1]
    broken.write_bytes(broken.read_bytes()[:-20])
    with pytest.raises(
        ParquetError, match=rf"{broken.name} cannot be read.*move it away; the other files are good"
    ):
        compact_all(sink)
    assert {one.path.relative_to(tmp_path).parts[0] for one in compact_all(sink)} == {
        "trades",
        "bars",
        "gaps",
    }
    assert len(list(tmp_path.glob("quotes/*/*/*.parquet"))) > 1


def test_columns_that_came_later_are_empty_in_what_is_older(lives, tmp_path, hands):
    sink = in_parts(lives, frames_of([trade(1), trade(2)]), 1)
    first = live_files(tmp_path, "trades")[0]
    table = pq.ParquetFile(first).read()
    pq.write_table(table.drop_columns(["count"]), first)
    hands.ns += HOUR_NS
    compact_all(sink)
    assert read(tmp_path, "trades")["count"].to_pylist() == [None, 1]


def test_old_hours_are_dropped(lives, tmp_path, hands):
    frames = market(90)
    sink = lives.start()
    for start in range(0, 90, 30):
        store(sink, behind(frames[: start + 30], sink.positions()))
        hands.ns += HOUR_NS
    compact_all(sink)

    assert sink.drop_before("trade", START_NS + 2 * HOUR_NS) == 2
    assert sink.drop_before("trade", START_NS + 2 * HOUR_NS) == 0

    assert [path.parent.name for path in live_files(tmp_path, "trades")] == ["hour=11"]
    assert len(live_files(tmp_path, "bars")) == 3
    positions = sink.positions()
    assert lives.restart().positions() == positions
    assert lives.restart().drop_before("trade", START_NS + 9 * HOUR_NS) == 1
    assert list((tmp_path / "trades").iterdir()) == []
