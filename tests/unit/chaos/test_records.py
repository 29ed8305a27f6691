"""Keys of records, chains of journals, and the database read by plain SQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine

from actors.persistence.tables import METADATA
from protocol.codec import encode_events
from protocol.journal.writer import JournalWriter
from protocol.messages import CleanStop, Epoch, Gap, Message, Quote, Trade
from protocol.record import FrameWriter, RecordKind
from protocol.replay import Position
from tests.chaos.checks import quotes_check
from tests.chaos.crashes import by_point, parse_crashes
from tests.chaos.databases import Sqlite, database_of
from tests.chaos.journals import JournalFacts, read_journal
from tests.chaos.keys import compare_keys, keys_of, spread
from tests.chaos.stored import Stored, StoredError

FRAMES = keys_of([(5, 1, 1), (5, 2, 3), (6, 1, 2)])
KEYS = [(5, 1, 0), (5, 2, 0), (5, 2, 1), (5, 2, 2), (6, 1, 0), (6, 1, 1)]
END = Position(6, 1)


def test_a_frame_is_as_many_keys_as_it_has_events() -> None:
    assert spread(FRAMES).tolist() == [list(key) for key in KEYS]
    assert len(spread(keys_of([]))) == 0


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (KEYS, (6, 0, 0, 0)),
        (KEYS[1:], (6, 1, 0, 0)),
        ([*KEYS, KEYS[3]], (6, 0, 1, 0)),
        ([*KEYS, (5, 2, 3)], (6, 0, 0, 1)),
        ([], (6, 6, 0, 0)),
    ],
)
def test_keys_lost_doubled_invented(stored, expected) -> None:
    verdict = compare_keys(spread(FRAMES), keys_of(stored), END, "x")
    assert verdict[:4] == expected
    assert verdict.is_clean == (not any(expected[1:]))


def test_what_storage_had_not_reached_is_not_lost() -> None:
    check = quotes_check("quotes", FRAMES, keys_of(KEYS[:1]), Position(5, 1))
    assert (check.expected, check.is_clean) == (1, True)
    assert not quotes_check("quotes", FRAMES, keys_of([]), Position(0, 0)).is_clean


def test_what_only_storage_had_is_no_invention_if_it_knows_so() -> None:
    stored = keys_of([*KEYS, (5, 3, 0), (5, 4, 0)])
    assert quotes_check("quotes", FRAMES, stored, END).wrong == 2
    assert quotes_check("quotes", FRAMES, stored, END, [(5, 3, 3)]).wrong == 1
    assert quotes_check("quotes", FRAMES, stored, END, [(5, 3, 9)]).is_clean


def quote(number: int) -> Quote:
    return Quote("A", "binance", number, number, 1.0, 2.0, 1.0, 1.0)


def trade(number: int) -> Trade:
    return Trade("A", "binance", number, number, 1.5, 2.0, 1, number)


def frames_of(
    epoch: int, prev: tuple[int, int], *events: list[Message], is_clean: bool = True
) -> list[bytes]:
    writer = FrameWriter("c.1", epoch)
    first = Epoch("c.1", prev[0], prev[1], True, "", "", 1, "1")
    made = [writer.build("mark.c.1", Epoch.SCHEMA, encode_events([first]), 1, RecordKind.EPOCH)]
    made += [
        writer.build(f"{batch[0].KIND}.binance.A", batch[0].SCHEMA, encode_events(batch), 1)
        for batch in events
    ]
    if is_clean:
        stop = [CleanStop("c.1", writer.seq + 1)]
        made.append(writer.build("mark.c.1", CleanStop.SCHEMA, encode_events(stop), 1, RecordKind.CLEAN_STOP))
    return made


def journal(folder: Path, *epochs: tuple[int, list[bytes]]) -> JournalFacts:
    (folder / "c.1").mkdir()
    for epoch, frames in epochs:
        writer = JournalWriter(folder / "c.1", "c.1", epoch, lambda: 1, lambda: 1)
        writer.append(frames)
        writer.close()
    return read_journal(folder, "c.1")


def test_a_whole_journal_has_no_fault(tmp_path) -> None:
    gap = Gap("c.1-5-1", "binance", "A", "trade", 1, 2, 1, 2, "disconnect", "filled")
    first = frames_of(5, (0, 0), [quote(1)], [trade(1), trade(2)], [gap], is_clean=False)
    second = frames_of(6, (5, 4), [quote(n) for n in range(20)], [trade(3)])
    facts = journal(tmp_path, (5, first), (6, second))
    assert facts.faults == []
    assert (facts.epochs, facts.unclean, facts.frames, facts.position) == (2, 1, 8, (6, 4))
    assert facts.trades("A")["id"].tolist() == [1, 2, 3]
    assert facts.quote_frames.tolist() == [[5, 2, 1], [6, 2, 20]]
    assert list(facts.gaps) == ["c.1-5-1"]


def test_a_tail_that_went_missing_breaks_the_chain(tmp_path) -> None:
    first = frames_of(5, (0, 0), [quote(1)], [quote(2)], is_clean=False)
    second = frames_of(6, (5, 3), [quote(3)])
    facts = journal(tmp_path, (5, first[:-1]), (6, second))
    assert facts.faults == ["c.1: epoch 6 says it follows 5/3, the journal ends at 5/2"]


def test_damage_is_a_fault(tmp_path) -> None:
    frames = frames_of(5, (0, 0), *([quote(n)] for n in range(5)))
    journal(tmp_path, (5, frames))
    path = next((tmp_path / "c.1").glob("*.seg"))
    data = bytearray(path.read_bytes())
    data[64 + sum(map(len, frames[:3])) + 100] ^= 1
    path.write_bytes(data)
    facts = read_journal(tmp_path, "c.1")
    assert any("corrupt" in fault for fault in facts.faults)
    assert facts.frames == len(frames) - 1


_ROWS = """
INSERT INTO instruments VALUES (1, 'binance', 'A');
INSERT INTO publishers VALUES (3, 'c.1');
INSERT INTO positions VALUES (3, 6, 1, 0);
INSERT INTO holes VALUES (3, 5, 7, 9, 'gone', 0);
INSERT INTO orphans VALUES (3, 5, 1, 2, 0);
INSERT INTO quotes (instrument_id, ts_event_ns, publisher_id, epoch, seq, k, ts_recv_ns, update_id)
    VALUES (1, 5, 3, 6, 1, 0, 5, 1), (1, 5, 3, 6, 1, 1, 5, 1);
INSERT INTO trades (instrument_id, ts_event_ns, trade_id, trade_ref, ts_recv_ns, price, size, side, count,
    is_repaired, publisher_id, epoch, seq, k) VALUES (1, 9, 8, '', 9, 1.5, 2.0, -1, 1, 0, 3, 6, 1, 0);
INSERT INTO bars (instrument_id, timeframe, ts_open_ns, ts_event_ns, open, high, low, close, volume, buy_volume,
    count, status, revision, source, ts_recv_ns, is_adjusted, reason, publisher_id, epoch, seq, k)
    VALUES (1, '1m', 60, 61, 1, 2, 0.5, 1.5, 9, 4, 3, 'closed', 2, 'trade', 61, 0, '', 3, 6, 1, 0);
INSERT INTO gaps VALUES ('g', 1, 'trade', 1, 2, 1, 2, 'restart', 'open', '', 0, '', 3, 6, 1, 0)
"""


def test_the_queries_fit_the_tables(tmp_path) -> None:
    url = f"sqlite:///{tmp_path / 'x.sqlite'}"
    engine = create_engine(url)
    METADATA.create_all(engine)
    with engine.begin() as connection:
        for sql in _ROWS.split(";"):
            connection.exec_driver_sql(sql)
    engine.dispose()
    stored = Stored(url)
    assert stored.instruments() == {"A": 1}
    assert stored.positions() == {"c.1": (6, 1)}
    assert stored.trades(1).tolist() == [(8, 9, 1.5, 2.0, -1, 1)]
    assert (stored.newest_trade_id(1), stored.newest_trade_id(2)) == (8, 0)
    assert stored.bars(1, "1m").tolist() == [(60, 1.0, 2.0, 0.5, 1.5, 9.0, 4.0, 3, 2)]
    assert stored.quote_keys("c.1").tolist() == [[6, 1, 0], [6, 1, 1]]
    assert stored.gaps() == [("g", "trade", "open", "restart", "")]
    assert stored.holes() == [("c.1", 5, 7, 9, "gone")]
    assert stored.dead_letters() == 0
    assert (stored.orphans("c.1"), stored.orphans("d.1")) == ([(5, 1, 2)], [])
    with pytest.raises(StoredError, match="no such table"):
        stored.rows("SELECT 1 FROM nowhere")


def test_a_locked_database_refuses_writers_until_it_is_let_go(tmp_path) -> None:
    import sqlite3

    database = database_of("", tmp_path)
    assert isinstance(database, Sqlite)
    assert database.block() == "there is no database yet"
    (tmp_path / "db").mkdir()
    with sqlite3.connect(tmp_path / "db" / "tapehub.sqlite", timeout=0.0) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE t (x)")
        writer.commit()
        assert database.block() == ""
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            writer.execute("INSERT INTO t VALUES (1)")
        database.unblock()
        writer.execute("INSERT INTO t VALUES (1)")
    writer.close()
    with pytest.raises(ValueError, match="--database"):
        database_of("mysql://x", tmp_path)


def test_a_half_line_of_the_crash_log_waits() -> None:
    crashes = parse_crashes("12 ack.after 7\n13 ack.after 8\n14 snap.be")
    assert [crash.pid for crash in crashes] == [7, 8]
    assert by_point(crashes) == {"ack.after": 2}
