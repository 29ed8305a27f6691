"""Candles for the tests of indicators: from the recorded files, and generated; and what TA-Lib makes of them."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from typing import Any

import numpy as np
import talib
from hypothesis import strategies as st

from tests.support.data import recording

Bars = dict[str, Any]
"""Columns open, high, low, close, volume."""
FIELDS = ("open", "high", "low", "close", "volume")
FILES = (
    "cme/6EH4_1min_20240101_20240119.csv.gz",
    "cme/lean_es_minute_20131218_trade.zip",
    "crypto_bars/btc_perp_1m_20211231_20220120.csv.gz",
    "crypto_bars/binance_XRPETH_klines_1m_20191011_20191012T18.csv.gz",
    "crypto_bars/freqtrade_UNITTESTBTC_1m_20171104_20171111.csv.gz",
    "crypto_bars/lean_binance_btcbusd_minute_20221213_trade.zip",
    "crypto_bars/lean_coinbase_btcusd_minute_20180404_trade.zip",
    "fx/fxcm_gbpusd-m1-bid-2012.csv.gz",
    "fx/lean_oanda_eurusd_minute_20140506_quote.zip",
    "indicators/lean_spy_atr_wilder.txt",
    "indicators/lean_spy_bollinger_bands.txt",
    "indicators/lean_spy_with_adx.txt",
    "indicators/lean_spy_with_macd.txt",
)


def table(name: str) -> list[list[str]]:
    """Rows of a recorded file, without its header if it has one."""
    path = recording(name)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            text = archive.read(archive.namelist()[0]).decode()
        return list(csv.reader(io.StringIO(text)))
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    return list(csv.reader(io.StringIO(text)))[1:]


def recorded(name: str, most: int = 2000) -> Bars:
    """The first candles of a file; 0 as the volume where there is none."""
    rows = [[float(cell or 0) for cell in row[1:6]] for row in table(name)[:most]]
    has_volume = not name.startswith(("fx/", "indicators/"))
    columns = np.array([[*row[:4], row[4] if has_volume else 0.0] for row in rows]).T
    return {field: column.copy() for field, column in zip(FIELDS, columns, strict=True)}


ticks = st.integers(-40, 40)


@st.composite
def walks(draw: st.DrawFn, least: int = 70, most: int = 140) -> Bars:
    """A price in ticks that walks, stands still for a while and jumps; at any price level and tick size."""
    count = draw(st.integers(least, most))
    tick = draw(st.sampled_from((1e-8, 1e-5, 0.01, 0.25, 1.0, 1e4)))
    level = draw(st.integers(5_000, 200_000))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    moves = rng.integers(-40, 41, size=(3, count))
    still = draw(st.integers(0, count - 1))
    moves[:, still : still + draw(st.integers(0, 40))] = 0
    moves[0, draw(st.integers(0, count - 1))] += draw(st.sampled_from((0, 3_000, -3_000)))
    close = np.maximum(level + np.cumsum(moves[0]), 100)
    opened = np.concatenate(([close[0]], close[:-1]))
    high, low = np.maximum(opened, close) + abs(moves[1]), np.minimum(opened, close) - abs(moves[2])
    volume = rng.integers(0, 5_000, size=count) / 1000 * (rng.random(count) > draw(st.floats(0, 1)) / 2)
    columns = [one * tick for one in (opened, high, low, close)]
    return dict(zip(FIELDS, [*columns, volume], strict=True))


def reference(bars: Bars) -> dict[str, Any]:
    """What TA-Lib says, by the indicator as it is written here; all parameters are given."""
    o, h, l, c, v = (bars[field] for field in FIELDS)  # noqa: E741 - as everybody calls them
    return {
        "sma(20)": talib.SMA(c, 20),
        "sma(1)": c,
        "volume_ma(20)": talib.SMA(v, 20),
        "ema(9)": talib.EMA(c, 9),
        "ema(50)": talib.EMA(c, 50),
        "wma(20)": talib.WMA(c, 20),
        "dema(7)": talib.DEMA(c, 7),
        "tema(7)": talib.TEMA(c, 7),
        "t3(5,0.7)": talib.T3(c, 5, 0.7),
        "trima(7)": talib.TRIMA(c, 7),
        "trima(8)": talib.TRIMA(c, 8),
        "kama(10)": talib.KAMA(c, 10),
        "midpoint(14)": talib.MIDPOINT(c, 14),
        "midprice(14)": talib.MIDPRICE(h, l, 14),
        "sar(0.02,0.2)": talib.SAR(h, l, 0.02, 0.2),
        "bbands(20,2)": talib.BBANDS(c, 20, 2, 2, 0),
        "bbands(5,1.5)": talib.BBANDS(c, 5, 1.5, 1.5, 0),
        "stddev(5,1)": talib.STDDEV(c, 5, 1),
        "rsi(14)": talib.RSI(c, 14),
        "rsi(2)": talib.RSI(c, 2),
        "cmo(14)": talib.CMO(c, 14),
        "trange": talib.TRANGE(h, l, c),
        "atr(14)": talib.ATR(h, l, c, 14),
        "atr(1)": talib.ATR(h, l, c, 1),
        "natr(14)": talib.NATR(h, l, c, 14),
        "macd(12,26,9)": talib.MACD(c, 12, 26, 9),
        "macd(3,5,2)": talib.MACD(c, 3, 5, 2),
        "apo(12,26)": talib.APO(c, 12, 26, 0),
        "ppo(12,26)": talib.PPO(c, 12, 26, 0),
        "trix(7)": talib.TRIX(c, 7),
        "mom(10)": talib.MOM(c, 10),
        "roc(10)": talib.ROC(c, 10),
        "rocp(10)": talib.ROCP(c, 10),
        "rocr(10)": talib.ROCR(c, 10),
        "bop": talib.BOP(o, h, l, c),
        "obv": talib.OBV(c, v),
        "ad": talib.AD(h, l, c, v),
        "adosc(3,10)": talib.ADOSC(h, l, c, v, 3, 10),
        "mfi(14)": talib.MFI(h, l, c, v, 14),
        "stochf(5,3)": talib.STOCHF(h, l, c, 5, 3, 0),
        "stoch(5,3,3)": talib.STOCH(h, l, c, 5, 3, 0, 3, 0),
        "stoch(14,1,3)": talib.STOCH(h, l, c, 14, 1, 0, 3, 0),
        "stochrsi(14,5,3)": talib.STOCHRSI(c, 14, 5, 3, 0),
        "willr(14)": talib.WILLR(h, l, c, 14),
        "cci(14)": talib.CCI(h, l, c, 14),
        "aroon(14)": talib.AROON(h, l, 14),
        "aroonosc(14)": talib.AROONOSC(h, l, 14),
        "plus_di(14)": talib.PLUS_DI(h, l, c, 14),
        "minus_di(14)": talib.MINUS_DI(h, l, c, 14),
        "dx(14)": talib.DX(h, l, c, 14),
        "adx(14)": talib.ADX(h, l, c, 14),
        "adxr(14)": talib.ADXR(h, l, c, 14),
        "ultosc(7,14,28)": talib.ULTOSC(h, l, c, 7, 14, 28),
    }


CORE = (
    "sma(20)",
    "volume_ma(20)",
    "ema(9)",
    "ema(50)",
    "bbands(20,2)",
    "rsi(14)",
    "atr(14)",
    "macd(12,26,9)",
    "mom(10)",
)
_PERCENT = ("rsi", "cmo", "stoch", "mfi", "willr", "aroon", "plus", "minus", "dx", "adx", "ultosc", "ppo", "trix", "ro",
            "natr", "bop", "cci")  # fmt: skip


def scale(key: str, bars: Bars) -> float:
    """How big the terms are of which a value is the difference: rounding is relative to them, not to what is left."""
    if key.startswith(_PERCENT):
        return 100.0
    if key.startswith(("obv", "ad_", "adosc", "volume")) or key == "ad":
        return float(bars["volume"].sum())
    return float(abs(bars["close"]).max())


def differences(got: Any, wanted: Any, key: str, bars: Bars) -> list[int]:
    """Where two columns differ: one has a value and the other none, or they are not equal to 1e-9."""
    close = np.abs(got - wanted) <= 1e-9 * np.abs(wanted) + 1e-12 * scale(key, bars)
    both_none = np.isnan(got) & np.isnan(wanted)
    return [int(at) for at in np.flatnonzero(~(close | both_none))]
