"""Binance's one-minute candles over REST: path, weight, and their JSON as bars. Pure.

Facts: binance-spot-api-docs (2026-07), the USD-M and COIN-M "Kline/Candlestick Data" pages. A row is an array of 12;
COIN-M counts contracts where the others count base units, and base units where they count quote units. A minute
without a trade is a row too.
"""

from __future__ import annotations

import math
from typing import Any, Final
from urllib.parse import quote

import msgspec

from actors.collector.outcomes import Reject
from actors.collector.venue import Contract
from actors.collector.venues import binance_frames as frames
from protocol.errors import DECODE_ERRORS
from protocol.messages import Bar

TIMEFRAME: Final = "1m"
MINUTE_MS: Final = 60_000
PAGE_MINUTES: Final = 499
"""Minutes in one answer: a longer one costs more on futures."""
_PATHS: Final = {"spot": "/api/v3/klines", "usdm": "/fapi/v1/klines", "coinm": "/dapi/v1/klines"}
_WEIGHT: Final = 2


class KlineRow(msgspec.Struct, array_like=True, gc=False):
    """Of `klines`."""

    open_ms: frames.MomentMs
    open: frames.Price
    high: frames.Price
    low: frames.Price
    close: frames.Price
    volume: frames.Size
    close_ms: frames.MomentMs
    value: frames.Size
    """Quote units; COIN-M: base units."""
    count: frames.Id
    buy_volume: frames.Size
    """Of buying takers."""
    buy_value: frames.Size


_decode: Final = frames.decoder(list[KlineRow])


def path(market: str, raw: str, first_minute: int, minutes: int) -> str:
    """Path and query of some minutes, counted since 1970."""
    start_ms = first_minute * MINUTE_MS
    end_ms = start_ms + minutes * MINUTE_MS - 1
    return (
        f"{_PATHS[market]}?symbol={quote(raw)}&interval={TIMEFRAME}&startTime={start_ms}&endTime={end_ms}"
        f"&limit={minutes}"
    )


def weight() -> int:
    """Request weight of one page, as of 2026."""
    return _WEIGHT


def parse(venue: str, symbol: str, body: bytes, contract: Contract | None = None) -> list[Bar] | Reject:
    """Bars of one page, oldest first.

    Args:
        venue: Name of the venue, which is their source.
        symbol: Canonical symbol.
        body: Answer of the venue.
        contract: Where the venue counts contracts.
    """
    try:
        rows: list[KlineRow] = _decode(body)
    except DECODE_ERRORS as fault:
        return Reject("invalid_klines", str(fault))
    found = [_bar(venue, symbol, row, contract) for row in rows]
    faults: list[Any] = [fault for bar in found for fault in bar.validate()]
    faults += [f"vwap {bar.vwap}" for bar in found if not math.isfinite(bar.vwap)]
    faults += [row.open_ms for row in rows if row.open_ms % MINUTE_MS]
    return Reject("invalid_klines", f"{symbol}: {faults[0]}") if faults else found


def _bar(venue: str, symbol: str, row: KlineRow, contract: Contract | None) -> Bar:
    if contract:
        volume, buy_volume, notional = row.value, row.buy_value, row.volume * contract.size
    else:
        volume, buy_volume, notional = row.volume, row.buy_volume, row.value
    open_ns = row.open_ms * 1_000_000
    return Bar(
        symbol=symbol,
        venue=venue,
        timeframe=TIMEFRAME,
        ts_open_ns=open_ns,
        ts_event_ns=open_ns + MINUTE_MS * 1_000_000,
        open=row.open,
        high=row.high,
        low=row.low,
        close=row.close,
        volume=volume,
        buy_volume=buy_volume,
        sell_volume=max(0.0, volume - buy_volume),
        vwap=notional / volume if volume else row.close,
        count=row.count,
        status="closed" if row.count else "quiet",
        coverage=1.0,
        revision=0,
        source=venue,
    )
