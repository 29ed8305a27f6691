from contextlib import ExitStack

import pytest

from actors.persistence.parquet_folder import live_files
from actors.persistence.parquet_sink import ParquetSink
from tapehub.arrow_rows import rows_of
from tapehub.query_session import open_session
from tapehub.querying import TABLES, QueryError, check, mentioned, mentioned_plain
from tapehub.stores import DATABASE, PARQUET, Stores
from tapehub.stretches import Stretch
from tests.unit.actors.persistence.parquet_rig import (
    HOUR_NS,
    START_NS,
    Hands,
    QuickDisk,
    behind,
    frames_of,
    store,
    trade,
)
from tests.unit.tapehub.stored import TRADES, fill_database, fill_files


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("run")
    fill_database(run_dir)
    return fill_files(run_dir)


def ask(stores: Stores, sql: str, **options):
    check(sql)
    with ExitStack() as stack:
        asked = open_session(stack, sql, stores, **options)
        return [row for batch in asked.session.batches(sql) for row in rows_of(batch)]


@pytest.mark.parametrize("source", [PARQUET, DATABASE])
def test_both_stores_give_the_same_answers(both, source):
    assert ask(
        both, "SELECT symbol, count(*) n, sum(size) s FROM trades GROUP BY ALL ORDER BY 1", source=source
    ) == [
        {"symbol": "BTC_USDT", "n": 20, "s": 10.0},
        {"symbol": "ETH_USDT", "n": 5, "s": 2.5},
    ]
    newest = "SELECT timeframe, ts_open_ns, close, revision FROM bars ORDER BY ALL"
    minute_ns = 60_000_000_000
    assert [tuple(row.values()) for row in ask(both, newest, source=source)] == [
        ("1m", START_NS, 11.75, 2),
        ("1m", START_NS + minute_ns, 11.0, 1),
        ("1m", START_NS + 2 * minute_ns, 11.0, 1),
        ("5m", START_NS, 11.0, 1),
    ]
    assert [row["state"] for row in ask(both, "FROM gaps ORDER BY gap_id", source=source)] == [
        "filled",
        "open",
    ]
    assert ask(both, "SELECT count(*) n FROM news", source=source) == [{"n": 0}]


def test_the_rows_as_they_lie_are_there_too(both):
    assert ask(both, "SELECT count(*) n FROM parquet.bars UNION ALL SELECT count(*) FROM db.bars") == [
        {"n": 5}, {"n": 4}
    ]  # fmt: skip
    sql = "SELECT count(*) n FROM parquet.trades JOIN db.trades USING (publisher, epoch, seq, k, price, symbol, venue)"
    assert ask(both, sql) == [{"n": TRADES}]


def test_times_are_made_and_shown(both):
    sql = "SELECT utc(max(ts_event_ns)) t, ns('2025-11-21 10:00:00+01') a, ns('2025-11-21 09:00:00.000025') b FROM trades"
    assert ask(both, sql) == [{"t": "2025-11-21T09:00:00.000000025", "a": START_NS, "b": START_NS + 25_000}]


@pytest.mark.parametrize("source", [PARQUET, DATABASE])
def test_a_stretch_leaves_out_what_is_not_in_it(both, source):
    stretch = Stretch(START_NS + 5, START_NS + 8)
    sql = "SELECT trade_id FROM trades ORDER BY 1"
    assert [row["trade_id"] for row in ask(both, sql, stretch=stretch, source=source)] == [5, 6, 7]


def test_an_answer_without_rows_names_its_columns(both):
    with ExitStack() as stack:
        asked = open_session(stack, "SELECT price FROM trades WHERE false", both)
        batches = list(asked.session.batches("SELECT price FROM trades WHERE false"))
    assert [batch.schema.names for batch in batches] == [["price"]]


@pytest.mark.parametrize(
    ("sql", "plain", "named"),
    [
        ("SELECT 1", set(), set()),
        ("FROM TRADES", {"trades"}, set()),
        ('FROM "trades", db . "bars"', {"trades"}, {"bars"}),
        ("FROM db.trades JOIN trades USING (k)", {"trades"}, {"trades"}),
        ("FROM traders", set(), set()),
    ],
)
def test_tables_that_a_statement_may_read(sql, plain, named):
    assert mentioned_plain(sql) == plain
    assert mentioned(sql, DATABASE) == named


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{0}/x.csv'",
        "ATTACH '{0}/x.db'",
        "INSTALL sqlite",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "PRAGMA enable_profiling",
        "CREATE TABLE x (a INT)",
        "INSERT INTO db.trades SELECT * FROM trades",
        "DELETE FROM trades",
        "EXPORT DATABASE '{0}/x'",
        "CALL pragma_version()",
        "BEGIN",
        "SELECT 1; SELECT 2",
        "",
        "SELEC 1",
    ],
)
def test_what_does_more_than_read_is_refused(tmp_path, sql):
    with pytest.raises(QueryError, match=r"refused|statements: there must be one|syntax error"):
        check(sql.format(tmp_path))


@pytest.mark.parametrize(
    "sql",
    [
        "FROM read_text('{0}/secret')",
        "FROM read_csv('{0}/secret')",
        "FROM '{0}/secret'",
        "FROM read_parquet('{0}/*.parquet')",
        "FROM glob('{0}/*')",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{0}/made.csv'",
        "WITH a AS (COPY (SELECT 1) TO '{0}/made.csv') FROM a",
        "WITH a AS (INSERT INTO db.trades SELECT * FROM trades RETURNING *) FROM a",
        "FROM read_json('http://127.0.0.1:9/x')",
    ],
)
def test_no_way_around_that_either(both, tmp_path, sql):
    (tmp_path / "secret").write_text("a,b\n1,2\n")
    with pytest.raises(QueryError):
        ask(both, sql.format(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize(
    ("sql", "what", "fix"),
    [
        ("SELECT * FROM tradez", "tradez does not exist", "trades"),
        ("SELECT symbl FROM trades", "symbl", "symbol"),
        ("SELECT foo(1)", "foo", "SHOW ALL TABLES"),
        ("SELECT 'x'::INT", "convert", ""),
    ],
)
def test_what_is_wrong_is_said_with_the_nearest_names(both, sql, what, fix):
    with pytest.raises(QueryError, match=what) as raised:
        ask(both, sql)
    assert fix in raised.value.fix


def test_a_table_that_is_too_large_to_copy(both):
    with pytest.raises(QueryError, match="trades of the database has more than 9 rows") as raised:
        ask(both, "FROM db.trades", max_rows=9)
    assert "--from" in raised.value.fix


def test_a_damaged_file_is_named(tmp_path):
    stores = fill_files(tmp_path)
    path = live_files(stores.folder, "trades")[0]
    data = bytearray(path.read_bytes())
    data[4:400] = bytes(396)
    path.write_bytes(data)
    with pytest.raises(QueryError, match=rf"{path} is damaged") as raised:
        ask(stores, "SELECT sum(price), max(symbol) FROM trades")
    assert "move it away" in raised.value.fix


@pytest.mark.parametrize("parts", [1, 3])
def test_an_hour_that_is_merged_in_between_is_read_to_its_end(tmp_path, parts):
    """Parts that were listed are deleted by the sink before the statement runs; also one that was alone then."""
    hands = Hands()
    sink = ParquetSink(tmp_path / "parquet", hands, disk=QuickDisk())
    frames = frames_of([trade(n) for n in range(1, 5)])
    for end in range(1, parts + 1):
        store(sink, behind(frames[:end], sink.positions()))
    sql = "SELECT count(*) n, sum(trade_id) s FROM trades"
    with ExitStack() as stack:
        asked = open_session(stack, sql, Stores(tmp_path))
        before = live_files(tmp_path / "parquet", "trades")
        store(sink, behind(frames, sink.positions()))
        hands.ns += HOUR_NS
        assert sink.compact() is not None
        assert not any(path.exists() for path in before)
        rows = [row for batch in asked.session.batches(sql) for row in rows_of(batch)]
    sink.close()
    assert rows == [{"n": parts, "s": parts * (parts + 1) // 2}]


def test_nothing_stored_is_known(tmp_path):
    stores = Stores(tmp_path)
    assert stores.is_empty(TABLES)
    assert not stores.has_database("trades")
    assert ask(stores, "SELECT count(*) n FROM trades") == [{"n": 0}]
    with pytest.raises(QueryError, match=r"there is no database sqlite:///.*tapehub\.sqlite"):
        ask(stores, "FROM db.trades")
