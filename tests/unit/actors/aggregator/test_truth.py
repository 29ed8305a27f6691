"""Recorded trades and quotes against the candles that others built from them."""

import csv
import gzip
import io
import json
import zipfile
from datetime import UTC, datetime

import pytest

from protocol.messages import BUY, SELL, Quote, Trade
from protocol.sessions import NS_PER_S
from tests.support.data import truth
from tests.unit.actors.aggregator.series import Tape, builder

pytestmark = pytest.mark.recording
TIMEFRAMES = ("1s", "1m", "5m", "1h")
MINUTE_NS = 60 * NS_PER_S


def minutes(add, events, frame=50):
    """1m candles that have events, by opening time, of a fold in frames of so many events."""
    series = builder(TIMEFRAMES, keep=100, max_quiet_bars=3600)
    tape = Tape()
    for start in range(0, len(events), frame):
        getattr(series, add)(events[start : start + frame])
        tape.take(series)
    series.advance(events[-1].ts_event_ns + 2 * MINUTE_NS, is_connected=True)
    tape.take(series)
    bars = tape.closed("1m")
    assert not series._counters["late_dropped"]
    assert {bar.status for bar in list(bars.values())[1:]} <= {"closed", "quiet"}
    return {open_ns: bar for open_ns, bar in bars.items() if bar.count}


def recorded_trades(path):
    found = []
    with gzip.open(path, "rt") as lines:
        for line in lines:
            recv_ns, _, text = line.partition(" ")
            if '"e":"trade"' in text:
                data = json.loads(text)["data"]
                side = SELL if data["m"] else BUY
                price, size = float(data["p"]), float(data["q"])
                found.append(
                    Trade(
                        data["s"],
                        "binance",
                        data["T"] * 1_000_000,
                        int(recv_ns),
                        price,
                        size,
                        side,
                        data["t"],
                    )
                )
    return found


@pytest.mark.parametrize(
    "name",
    [
        "binance/hft_spot_ethusdt_20240808.gz",
        "binance/hft_spot_ethusdt_20240809.gz",
        "binance/hft_usdm_btcusdt_20240808.gz",
        "binance/hft_cm_btcusd_perp_20240808_first8000.gz",
    ],
)
def test_trades_of_binance_give_the_candles_of_the_truth(recording, name):
    trades = recorded_trades(recording(name))
    (expected,) = (symbol["trades"] for symbol in truth(name)["symbols"].values())
    bars = minutes("add_trades", trades)

    assert len(trades) == expected["n"]
    rows = [
        [bar.ts_open_ns // 1_000_000, bar.open, bar.high, bar.low, bar.close, bar.count]
        for bar in bars.values()
    ]
    assert rows == [[row[0], *(float(price) for price in row[1:5]), row[6]] for row in expected["bars_1m"]]
    volumes = [float(row[5]) for row in expected["bars_1m"]]
    assert [bar.volume for bar in bars.values()] == pytest.approx(volumes, rel=1e-12)
    for name_of_sum, key in (("buy_volume", "taker_buy_volume"), ("sell_volume", "taker_sell_volume")):
        total = sum(getattr(bar, name_of_sum) for bar in bars.values())
        assert total == pytest.approx(float(expected[key]), rel=1e-12)
    notional = sum(bar.vwap * bar.volume for bar in bars.values())
    assert notional == pytest.approx(float(expected["notional"]), rel=1e-12)


def test_aggregate_trades_give_the_klines_that_binance_published(recording):
    folder = "crypto_bars/binance_XRPETH"
    trades = []
    with gzip.open(recording(f"{folder}_aggTrades_20191011_20191012T18.jsonl.gz"), "rt") as lines:
        for line in lines:
            row = json.loads(line)
            ts_ns, side = row["T"] * 1_000_000, SELL if row["m"] else BUY
            fills = row["l"] - row["f"] + 1
            price, size = float(row["p"]), float(row["q"])
            trades.append(Trade("XRP_ETH", "binance", ts_ns, ts_ns, price, size, side, row["a"], fills))
    with gzip.open(recording(f"{folder}_klines_1m_20191011_20191012T18.csv.gz"), "rt") as lines:
        klines = {
            int(datetime.fromisoformat(row["date"]).timestamp()) * NS_PER_S: row
            for row in csv.DictReader(lines)
        }
    bars = minutes("add_trades", trades)

    assert list(bars) == list(klines)
    for open_ns, row in klines.items():
        bar = bars[open_ns]
        for name in ("open", "high", "low", "close"):
            assert getattr(bar, name) == float(row[name])
        assert bar.volume == pytest.approx(float(row["volume"]), rel=1e-12)
    assert sum(bar.count for bar in bars.values()) == sum(trade.count for trade in trades)


@pytest.mark.parametrize("name", ["fxcm_eurusd_{}_20140508", "oanda_eurusd_{}_20140506"])
@pytest.mark.parametrize("side", ["bid", "ask"])
def test_fx_quotes_give_the_minutes_that_lean_has(recording, name, side):
    midnight = datetime.strptime(name[-8:], "%Y%m%d").replace(tzinfo=UTC)
    day_ns = int(midnight.timestamp()) * NS_PER_S

    def rows(kind):
        with zipfile.ZipFile(recording(f"fx/lean_{name.format(kind)}_quote.zip")) as archive:
            text = archive.read(archive.namelist()[0]).decode()
        return [(day_ns + int(row[0]) * 1_000_000, row[1:]) for row in csv.reader(io.StringIO(text))]

    at = 0 if side == "bid" else 1
    quotes = [
        Quote("EUR_USD", "lean", ts_ns, ts_ns, float(row[at]), float(row[at]), 0.0, 0.0)
        for ts_ns, row in rows("tick")
    ]
    expected = {ts_ns: [float(price) for price in row[at * 5 : at * 5 + 4]] for ts_ns, row in rows("minute")}
    bars = minutes("add_quotes", quotes, frame=500)

    assert {open_ns: [bar.open, bar.high, bar.low, bar.close] for open_ns, bar in bars.items()} == expected
    assert sum(bar.count for bar in bars.values()) == len(quotes)
