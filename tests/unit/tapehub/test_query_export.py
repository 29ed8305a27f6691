import csv
import io
from contextlib import ExitStack

import msgpack
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tapehub.arrow_rows import rows_of, utc_texts
from tapehub.exporting import FORMATS, export, row_file
from tapehub.stored_rows import Wanted, stored_rows
from tapehub.stores import AUTO, DATABASE, PARQUET, QueryError, Stores, database_setting, database_settings
from tapehub.stretches import ALWAYS, Stretch, parse_past, parse_stretch
from tests.unit.actors.hub.samples import fetched, signal, verdict
from tests.unit.actors.persistence.parquet_rig import START_NS, frames_of
from tests.unit.tapehub.stored import TRADES, fill_database, fill_files


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("run")
    fill_database(run_dir)
    return fill_files(run_dir)


def wanted(table, symbol="", venue="", timeframe="", stretch=ALWAYS):
    return Wanted(table, symbol, venue, timeframe, stretch)


def exported(stores, source, what, form="ndjson", *, has_iso_times=False) -> bytes:
    file = io.BytesIO()
    with ExitStack() as stack:
        target = row_file(file, form, is_stored=True, has_iso_times=has_iso_times)
        counts = list(export(stored_rows(stack, stores, source, what), target))
    assert counts == sorted(counts)
    return file.getvalue()


def lines(data: bytes):
    return [msgspec.json.decode(line) for line in data.splitlines()]


@pytest.mark.parametrize(
    ("form", "what"),
    [
        *((form, wanted("trades")) for form in FORMATS),
        ("ndjson", wanted("trades", "ETH_USDT", "binance", stretch=Stretch(START_NS + 6, START_NS + 20))),
        ("ndjson", wanted("bars")),
        ("ndjson", wanted("gaps", "BTC_USDT")),
    ],
    ids=str,
)
def test_both_stores_export_the_same_rows_in_order_of_time(both, form, what):
    files, database = (exported(both, source, what, form) for source in (PARQUET, DATABASE))
    if form in ("parquet", "arrow"):
        read = pq.read_table if form == "parquet" else read_stream
        one, other = (read(io.BytesIO(data)).to_pylist() for data in (files, database))
        assert one == other
        assert one
    else:
        assert files == database
        assert files


def test_rows_look_like_those_of_tap(both):
    first, second, *_ = lines(exported(both, PARQUET, wanted("trades", "BTC_USDT")))
    assert first["side"] == "buy"
    assert second["side"] == "sell"
    assert first["trade_id"] == 1
    assert "trade_ref" not in first
    assert first["publisher"] == "collector.binance.1"
    numbers = [row["trade_id"] for row in lines(exported(both, PARQUET, wanted("trades", "ETH_USDT")))]
    assert numbers == [5, 10, 15, 20, 25]


def test_only_the_newest_of_a_candle_and_of_a_gap(both):
    bars = lines(exported(both, PARQUET, wanted("bars", timeframe="1m")))
    assert [row["revision"] for row in bars] == [2, 1, 1]
    assert [row["state"] for row in lines(exported(both, PARQUET, wanted("gaps")))] == ["filled", "open"]


def test_candles_of_providers_and_verdicts_on_them_come_from_both_stores(tmp_path):
    repaired = fetched(1, is_adjusted=True, reason="high 0.9 was below close 1.0")
    told = verdict(START_NS)
    frames = frames_of([[fetched(0), repaired], told], "collector.rest.1", 7)
    fill_database(tmp_path, frames)
    stores = fill_files(tmp_path, frames)
    for what in ("bars", "verdicts"):
        assert exported(stores, PARQUET, wanted(what)) == exported(stores, DATABASE, wanted(what))

    plain, other = lines(exported(stores, DATABASE, wanted("bars", "EUR_USD", "rest", "1m")))
    assert (plain["source"], plain["ts_recv_ns"], plain["reason"]) == ("yahoo", fetched(0).ts_recv_ns, "")
    assert (other["is_adjusted"], other["reason"]) == (True, repaired.reason)
    [row] = lines(exported(stores, PARQUET, wanted("verdicts", "EUR_USD", timeframe="1m")))
    assert {name: row[name] for name in told.to_dict()} == told.to_dict()


def test_every_revision_of_a_signal_comes_from_both_stores(tmp_path):
    sent = [signal(1), signal(2, timeframe=""), signal(1, "target"), signal(3, "vetoed")]
    frames = frames_of([sent[:2], sent[2:]])
    fill_database(tmp_path, frames)
    stores = fill_files(tmp_path, frames)
    assert exported(stores, PARQUET, wanted("signals")) == exported(stores, DATABASE, wanted("signals"))

    rows = lines(exported(stores, DATABASE, wanted("signals", "BTC_USDT", "binance")))
    in_time = sorted(sent, key=lambda one: one.ts_event_ns)
    assert [{name: row[name] for name in in_time[0].to_dict()} for row in rows] == [
        one.to_dict() for one in in_time
    ]


@pytest.mark.parametrize("source", [PARQUET, DATABASE])
def test_iso_times_have_all_their_digits(both, source):
    rows = lines(exported(both, source, wanted("trades"), has_iso_times=True))
    assert rows[0]["ts_event"] == "2025-11-21T09:00:00.000000001Z"
    assert "ts_event_ns" not in rows[0]
    table = pq.read_table(io.BytesIO(exported(both, source, wanted("gaps"), "parquet", has_iso_times=True)))
    assert table.schema.field("from_ts").type == pa.timestamp("ns", "UTC")


def read_stream(file):
    with pa.ipc.open_stream(file) as reader:
        return reader.read_all()


def test_a_moment_that_is_not_known_is_none():
    assert utc_texts(pa.array([0, 1, None])) == [None, "1970-01-01T00:00:00.000000001Z", None]


def test_csv_and_msgpack_are_what_others_read(both):
    table = list(csv.DictReader(io.StringIO(exported(both, DATABASE, wanted("trades"), "csv").decode())))
    assert len(table) == TRADES
    assert table[0]["price"] == "101.0"
    unpacked = list(msgpack.Unpacker(io.BytesIO(exported(both, DATABASE, wanted("trades"), "msgpack"))))
    assert [row["trade_id"] for row in unpacked] == list(range(1, TRADES + 1))


def test_a_column_that_is_not_there_is_said(both):
    with pytest.raises(QueryError, match="trades have no timeframe"):
        exported(both, PARQUET, wanted("trades", timeframe="1m"))
    with pytest.raises(QueryError, match="news have no symbol"):
        exported(both, DATABASE, wanted("news", "BTC_USDT"))


def test_pages_are_joined_without_a_seam(both, monkeypatch):
    from tapehub import database_rows

    whole = exported(both, DATABASE, wanted("trades"))
    monkeypatch.setattr(database_rows, "PAGE_ROWS", 3)
    monkeypatch.setattr(database_rows, "_LEAST_PAGE_ROWS", 2)
    assert exported(both, DATABASE, wanted("trades")) == whole
    one = exported(both, DATABASE, wanted("trades", "BTC_USDT"))
    assert [row["trade_id"] for row in lines(one)] == [n for n in range(1, TRADES + 1) if n % 5]


def test_where_a_table_is_read(tmp_path):
    stores = Stores(tmp_path)
    assert stores.source_of("trades") == PARQUET
    fill_database(tmp_path)
    assert stores.source_of("trades") == DATABASE
    fill_files(tmp_path)
    assert stores.source_of("trades") == PARQUET
    assert stores.source_of("news") == DATABASE
    assert stores.source_of("trades", DATABASE) == DATABASE
    assert stores.source_of("trades", AUTO) == PARQUET


def test_the_database_is_that_of_the_persistence_actor():
    assert (
        database_setting({"hub.1": {"database": "x"}, "persistence.1": {"database": "sqlite:////y"}})
        == "sqlite:////y"
    )
    assert database_setting({"hub.1": {}, "persistence.1": {}}) == ""


def test_each_table_is_read_from_the_database_that_has_its_kind(tmp_path):
    """As two persistence actors that divide the kinds leave them."""
    actors = {
        "persistence.1": {"kinds": ["trade", "quote"], "database": "sqlite:///ticks.sqlite"},
        "persistence.2": {"kinds": ["bar", "gap"]},
    }
    fill_database(tmp_path)  # everything is in the second one's: trades must not come from there
    stores = Stores(tmp_path, database_setting(actors), by_kind=database_settings(actors))
    assert (stores.has_database("trades"), stores.has_database("bars")) == (False, True)
    assert stores.shown_url == f"sqlite:///{tmp_path}/ticks.sqlite, sqlite:///{tmp_path}/db/tapehub.sqlite"
    assert len(lines(exported(stores, DATABASE, wanted("bars")))) == len(
        lines(exported(Stores(tmp_path), DATABASE, wanted("bars")))
    )
    (tmp_path / "db" / "tapehub.sqlite").rename(tmp_path / "ticks.sqlite")
    assert (stores.has_database("trades"), stores.has_database("bars")) == (True, False)
    assert len(lines(exported(stores, DATABASE, wanted("trades")))) == TRADES


def test_no_database_at_all(tmp_path):
    stores = Stores(tmp_path, "none")
    assert not stores.has_database("trades")
    with pytest.raises(QueryError, match="there is no database none"):
        exported(stores, DATABASE, wanted("trades"))


def test_a_password_is_not_shown(tmp_path):
    assert Stores(tmp_path, "postgresql://me:secret@h/d").shown_url == "postgresql://me:***@h/d"


NOW_NS = 1_763_719_200_000_000_000


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1h", NOW_NS - 3_600_000_000_000),
        ("-1h30m", NOW_NS - 5_400_000_000_000),
        ("90", NOW_NS - 90_000_000_000),
        ("2025-11-21T09:00:00Z", START_NS),
        ("2025-11-21 10:00:00+01:00", START_NS),
        ("2025-11-21", START_NS - 9 * 3_600_000_000_000),
        ("1763715600000000000", START_NS),
    ],
)
def test_moments(text, ns):
    assert parse_past(text, NOW_NS) == ns


def test_moments_that_are_none():
    with pytest.raises(
        ValueError, match="'yesterday' is not a moment; write 2026-11-01T12:00:00Z, a length back"
    ):
        parse_past("yesterday", NOW_NS)
    with pytest.raises(ValueError, match="is empty"):
        parse_stretch("1h", "2h", NOW_NS)
    assert parse_stretch("2h", "1h", NOW_NS) == (NOW_NS - 7_200_000_000_000, NOW_NS - 3_600_000_000_000)
    assert parse_stretch("", "", NOW_NS) == ALWAYS
    assert str(parse_stretch("2h", "1h", NOW_NS)) == " from 2025-11-21T08:00:00Z to 2025-11-21T09:00:00Z"
    assert not str(ALWAYS)


def test_values_that_json_lacks():
    batch = pa.RecordBatch.from_pydict({
        "t": pa.array([START_NS + 1], pa.timestamp("ns")),
        "z": pa.array([START_NS // 1000], pa.timestamp("us", "UTC")),
        "h": pa.array([12], pa.decimal128(38, 0)),
        "b": [b"\x01"],
        "f": [float("nan")],
        "l": [[1.5, None]],
    })  # fmt: skip
    assert list(rows_of(batch)) == [
        {"t": "2025-11-21T09:00:00.000000001", "z": "2025-11-21T09:00:00.000000Z", "h": 12, "b": "01", "f": "nan",
         "l": [1.5, None]},
    ]  # fmt: skip
