"""Recorded answers of the four providers, against what was computed of them independently."""

import gzip
import json
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from actors.collector.bars.decode import BarsDecoder
from actors.collector.recorded.decoders import decoder_of, is_understood
from actors.collector.recorded.recordings import UnreadableRecording
from protocol.instruments import Catalog, Instrument
from tests.support import data

S = 1_000_000_000
NEW_YORK = ZoneInfo("America/New_York")
EXTENDED = "alphavantage/time_series_intraday_extended_1min_part1.csv.gz"


def decoded(path, name, catalog=None):
    """(bars, summary)"""
    decoder = decoder_of(name, catalog)
    bars = list(decoder.messages(path))
    summary = json.loads(json.dumps(decoder.summary.to_dict()))
    assert summary["by_kind"] == ({"bar": len(bars)} if bars else {})
    return bars, summary


def recorded(name):
    return decoded(data.recording(name), name.partition("/")[0])


def local(text, zone):
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * S


def written(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


@pytest.mark.recording
@pytest.mark.parametrize(
    ("name", "symbol", "timeframe"),
    [
        ("yahoo/chart-EURUSD_X-2020-01-01-to-2020-01-03.json", "EUR_USD", "1d"),
        ("yahoo/chart-BTC-USD-2020-01-01-to-2020-01-03.json", "BTC_USD", "1d"),
        ("yahoo/chart-AAPL-2020-08-31-to-2020-11-07.json", "AAPL_USD", "1d"),
        ("yahoo/chart-0P000071W8.TO-2020-01-01-to-2020-01-03.json", "0P000071W8.TO", "1d"),
        ("alphavantage/fx_intraday_EURUSD_5min_2020.json", "EUR_USD", "5m"),
        ("alphavantage/time_series_intraday_MSFT_1min.json", "MSFT", "1m"),
        (EXTENDED, "UNNAMED", "1m"),
        ("twelvedata/time_series_AAPL_1min.json", "AAPL_USD", "1m"),
        ("twelvedata/time_series_EURUSD_1day.json", "EUR_USD", "1d"),
        ("polygon/aggs_AAPL_1minute.json", "AAPL", "1m"),
        ("polygon/aggs_C_EURUSD_1day.json", "EUR_USD", "1d"),
    ],
)
def test_each_file_makes_bars_of_its_symbol(name, symbol, timeframe):
    bars, summary = recorded(name)
    provider = name.partition("/")[0]
    assert {(bar.symbol, bar.timeframe, bar.venue, bar.source) for bar in bars} == {
        (symbol, timeframe, provider, provider)
    }
    assert all(before.ts_open_ns < after.ts_open_ns for before, after in pairwise(bars))
    assert {(bar.status, bar.revision) for bar in bars} == {("closed", 1)}
    assert [fault for bar in bars for fault in bar.validate()] == []
    assert summary["answer"] == "bars"


@pytest.mark.recording
def test_yahoo_notes_when_an_answer_was_received():
    bars, _ = recorded("yahoo/chart-EURUSD_X-2020-01-01-to-2020-01-03.json")
    at_ns = int(datetime(2025, 2, 20, 11, 47, 41, tzinfo=UTC).timestamp()) * S
    assert {bar.ts_recv_ns for bar in bars} == {at_ns}
    assert {bar.volume for bar in bars} == {0.0}


@pytest.mark.recording
def test_a_weekend_by_the_minute_is_empty_and_understood():
    name = "yahoo/chart-AAPL-2025-02-01-to-2025-02-02-includePrePost-false-interval-1m.json"
    bars, summary = recorded(name)
    assert (bars, summary["rejects"], summary["answer"]) == ([], {"empty": 1}, "refusal")
    assert is_understood(summary)


@pytest.mark.recording
def test_the_recorded_minutes_of_twelve_data_are_those_of_new_york():
    bars, _ = recorded("twelvedata/time_series_AAPL_1min.json")
    first = data.truth("twelvedata/time_series_AAPL_1min.json", "rest_and_misc")["first"]
    newest = bars[-1]
    assert newest.ts_open_ns == local(first["datetime"], NEW_YORK)
    assert newest.ts_open_ns == local("2023-08-24 15:09:00", UTC)
    assert [newest.open, newest.high, newest.low, newest.close, newest.volume] == [
        float(first[key]) for key in ("open", "high", "low", "close", "volume")
    ]


@pytest.mark.recording
def test_the_extended_history_is_stamped_with_ends():
    """The minute of the opening is far busier than the one before: it starts at 09:30."""
    bars, _ = recorded(EXTENDED)
    volumes = {}
    for bar in bars:
        start = datetime.fromtimestamp(bar.ts_open_ns // S, NEW_YORK).strftime("%H:%M")
        volumes[start] = volumes.get(start, 0.0) + bar.volume
    assert min(volumes) == "04:00"
    assert max(volumes) == "19:59"
    assert volumes["09:30"] > 10 * volumes["09:29"]


@pytest.mark.recording
def test_updates_of_a_currency_are_a_count():
    bars, _ = recorded("polygon/aggs_C_EURUSD_1day.json")
    truth = data.truth("polygon/aggs_C_EURUSD_1day.json", "rest_and_misc")
    assert sum(bar.count for bar in bars) == truth["volume"]
    assert {bar.volume for bar in bars} == {0.0}


@pytest.mark.recording
def test_a_catalog_names_the_symbols():
    catalog = Catalog(
        [
            Instrument(symbol="APPLE_USD", session="us_equity", providers={"polygon": "AAPL"}),
            Instrument(symbol="OTHER_USD", session="us_equity"),
        ]
    )
    path = data.recording("polygon/aggs_AAPL_1minute.json")
    assert {bar.symbol for bar in decoded(path, "polygon", catalog)[0]} == {"APPLE_USD"}
    path = data.recording(EXTENDED)
    assert {bar.symbol for bar in decoded(path, "alphavantage", catalog)[0]} == {"UNNAMED"}


@pytest.mark.parametrize(
    ("raw", "kind", "symbol"),
    [
        ("JPY=X", "CURRENCY", "USD_JPY"),
        ("GC=F", "FUTURE", "GC.FUT"),
        ("^NDX", "INDEX", "NDX"),
        ("BRK-B", "EQUITY", "BRK-B"),
        ("ETH-EUR", "CRYPTOCURRENCY", "ETH_EUR"),
        ("", "EQUITY", "UNNAMED"),
        ("a b", "EQUITY", "UNNAMED"),
    ],
)
def test_names_of_yahoo(tmp_path, raw, kind, symbol):
    column = [9.0]
    quote = dict.fromkeys(("open", "high", "low", "close", "volume"), column)
    meta = {"symbol": raw, "instrumentType": kind, "dataGranularity": "1m", "currency": "USD"}
    result = {"meta": meta, "timestamp": [1_795_168_740], "indicators": {"quote": [quote]}}
    bars, _ = decoded(written(tmp_path, {"chart": {"result": [result], "error": None}}), "yahoo")
    assert [bar.symbol for bar in bars] == [symbol]


@pytest.mark.parametrize(
    ("ticker", "step_ms", "symbol", "timeframe"),
    [
        ("X:BTCUSD", 300_000, "BTC_USD", "5m"),
        ("X:DOGEUSDT", 3_600_000, "DOGE_USDT", "1h"),
        ("I:NDX", 14_400_000, "NDX", "4h"),
        ("C:XAUUSD", 1_000, "XAU_USD", "1m"),
        ("QQQ", 420_000, "QQQ", "1m"),
    ],
)
def test_the_interval_of_massive_is_the_smallest_step(tmp_path, ticker, step_ms, symbol, timeframe):
    rows = [dict.fromkeys("ohlc", 9.0) | {"t": 1_795_132_800_000 + n * step_ms} for n in (0, 5, 4)]
    bars, _ = decoded(written(tmp_path, {"ticker": ticker, "status": "OK", "results": rows}), "polygon")
    assert {(bar.symbol, bar.timeframe) for bar in bars} == {(symbol, timeframe)}


def test_answers_one_a_line_and_packed(tmp_path):
    row = {"t": 1_795_132_800_000} | dict.fromkeys("ohlc", 9.0)
    lines = [
        {"ticker": "QQQ", "status": "OK", "results": [row]},
        {"status": "ERROR", "error": "Unknown API Key"},
    ]
    content = b"\n".join(json.dumps(line).encode() for line in lines)
    bars, summary = decoded(written(tmp_path, gzip.compress(content)), "polygon")
    assert len(bars) == 1
    assert (summary["frames"], summary["rejects"]) == (2, {"auth": 1})
    assert [row["is"] for row in summary["answers"]] == ["bars", "auth"]


def test_an_exchange_with_a_text_keeps_its_status(tmp_path):
    document = {"request": {}, "response": {"status": 429, "body": "Too Many Requests"}}
    _, summary = decoded(written(tmp_path, document), "yahoo")
    assert summary["rejects"] == {"throttled": 1}


@pytest.mark.parametrize("name", ["yahoo", "alphavantage", "twelvedata", "polygon"])
@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff", b'{"hello": 1}', b'{"e":"trade"}\n{"e":"trade"}\n', b"[[[["]
)
def test_a_file_of_something_else_is_not_understood(tmp_path, name, content):
    bars, summary = decoded(written(tmp_path, content), name)
    assert bars == []
    assert not is_understood(summary)


def test_a_zone_that_nobody_knows_is_said(tmp_path):
    meta = {"symbol": "X", "interval": "1min", "exchange_timezone": "Mars/Olympus"}
    _, summary = decoded(written(tmp_path, {"meta": meta, "values": [], "status": "ok"}), "twelvedata")
    assert summary["answers"][0]["text"] == "unknown time zone"


def test_a_file_that_is_not_there_or_cut_off_is_unreadable(tmp_path):
    with pytest.raises(UnreadableRecording, match="No such file"):
        list(BarsDecoder("yahoo").messages(tmp_path / "none"))
    with pytest.raises(UnreadableRecording):
        list(BarsDecoder("yahoo").messages(written(tmp_path, gzip.compress(b"{}" * 9999)[:-9])))
