"""Minutes that were recorded by others, as bars of a provider."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from actors.collector.bars.judging.judged import Market
from actors.collector.bars.providers.provider import MINUTE_NS, ProviderBar
from protocol.sessions import NS_PER_S, session_named
from tests.support.data import recording

UTC: Final = ZoneInfo("UTC")
NEW_YORK: Final = ZoneInfo("America/New_York")


class Recording(NamedTuple):
    """A file, and how to read it."""

    path: str
    market: Market
    zone: ZoneInfo = UTC
    is_end_named: bool = False
    """Its minutes are named by their end."""
    part: str = ""
    """Of a zip file."""


def _market(symbol: str, asset_class: str, session: str, tick_size: float, tolerance_bp: float) -> Market:
    return Market(symbol, asset_class, tick_size, session_named(session), tolerance_bp / 1e4)


_GBP = _market("GBP_USD", "fx", "fx", 0.00001, 10)
_EUR = _market("EUR_USD", "fx", "fx", 0.00001, 10)
_6E = _market("6E.FUT", "future", "cme", 0.00005, 25)
_ES = _market("ES.FUT", "future", "cme", 0.25, 25)
_COIN = _market("BTC_USD", "crypto", "crypto", 0.01, 40)
_ALT = _market("XRP_ETH", "crypto", "crypto", 1e-8, 40)
_SHARE = _market("MSFT", "equity", "us_equity", 0.01, 40)

_ES_ZIP = "cme/lean_es_minute_20131218_trade.zip"
RECORDINGS: Final = {
    "fx ask": Recording("fx/fxcm_gbpusd-m1-ask-2012.csv.gz", _GBP),
    "fx bid": Recording("fx/fxcm_gbpusd-m1-bid-2012.csv.gz", _GBP),
    "fxcm": Recording("fx/lean_fxcm_eurusd_minute_20140508_quote.zip", _EUR),
    "oanda": Recording("fx/lean_oanda_eurusd_minute_20140506_quote.zip", _EUR),
    "6E": Recording("cme/6EH4_1min_20240101_20240119.csv.gz", _6E, is_end_named=True),
    "ES december": Recording(_ES_ZIP, _ES, part="trade_201312"),
    "ES march": Recording(_ES_ZIP, _ES, part="trade_201403"),
    "btc perp": Recording("crypto_bars/btc_perp_1m_20211231_20220120.csv.gz", _COIN),
    "xrp eth": Recording("crypto_bars/binance_XRPETH_klines_1m_20191011_20191012T18.csv.gz", _ALT),
    "freqtrade": Recording("crypto_bars/freqtrade_UNITTESTBTC_1m_20171104_20171111.csv.gz", _ALT),
    "btc busd": Recording("crypto_bars/lean_binance_btcbusd_minute_20221213_trade.zip", _COIN),
    "coinbase": Recording("crypto_bars/lean_coinbase_btcusd_minute_20180404_trade.zip", _COIN),
    "alphavantage": Recording(
        "alphavantage/time_series_intraday_extended_1min_part1.csv.gz", _SHARE, NEW_YORK, is_end_named=True
    ),
}
"""What each is. That 6E and Alpha Vantage's extended file name a minute by its end is seen at their openings: the
first bar after it, and the volume of the first minute of trading, lie a minute late. The futures of Lean are in UTC,
seen at the decision of the Federal Reserve at 19:00 UTC of that day."""


def read_bars(name: str) -> tuple[Market, list[ProviderBar]]:
    """All bars of a recording, oldest first."""
    source = RECORDINGS[name]
    path = recording(source.path)
    late_ns = MINUTE_NS if source.is_end_named else 0
    if source.path.endswith(".zip"):
        day = datetime.strptime(path.name.split("minute_")[1][:8], "%Y%m%d").replace(tzinfo=source.zone)
        rows = [(int(day.timestamp()) * NS_PER_S + int(row[0]) * 10**6, row) for row in _zipped(source)]
        has_volume = "trade" in path.name
    else:
        with gzip.open(path, "rt") as file:
            table = csv.reader(file)
            has_volume = "volume" in next(table)
            rows = [(_moment(row[0], source.zone), row) for row in table]
    bars = [
        ProviderBar(start_ns - late_ns, *map(float, row[1:5]), float(row[5]) if has_volume else None)
        for start_ns, row in rows
    ]
    return source.market, sorted(bars, key=lambda bar: bar.ts_open_ns)


def in_session(market: Market, bars: Iterable[ProviderBar]) -> list[ProviderBar]:
    """Those in which the market trades."""
    return [bar for bar in bars if market.session.is_open(bar.ts_open_ns)]


def _zipped(source: Recording) -> Iterator[Sequence[str]]:
    with zipfile.ZipFile(recording(source.path)) as archive:
        for name in archive.namelist():
            if source.part in name:
                with archive.open(name) as file:
                    yield from csv.reader(io.TextIOWrapper(file))


def _moment(text: str, zone: ZoneInfo) -> int:
    when = datetime.fromisoformat(text)
    return int((when if when.tzinfo else when.replace(tzinfo=zone)).timestamp()) * NS_PER_S
