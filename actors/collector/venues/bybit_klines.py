"""Bybit's one-minute candles over REST: path, and their JSON as bars. Pure.

Facts: bybit-exchange/docs "Get Kline" (2026-07). A row is an array of 7 texts, newest first, up to 1000 rows; on inverse
`volume` is USD and `turnover` is coin, the other way round than elsewhere. The venue says neither how many trades a
minute had nor which of them bought.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from actors.collector.outcomes import Reject
from actors.collector.venues import bybit_frames as frames
from protocol.errors import DECODE_ERRORS
from protocol.messages import Bar

TIMEFRAME: Final = "1m"
MINUTE_MS: Final = 60_000
PAGE_MINUTES: Final = 1000
"""Minutes in one answer."""


class KlineRow(msgspec.Struct, array_like=True, gc=False):
    """Of `kline`."""

    start_ms: frames.Moment
    open: frames.Price
    high: frames.Price
    low: frames.Price
    close: frames.Price
    volume: frames.Size
    turnover: frames.Size


class KlineResult(msgspec.Struct):
    """`result` of `kline`."""

    symbol: str
    rows: list[KlineRow] = msgspec.field(name="list")


_decode: Final = frames.decoder(KlineResult)


def path(market: str, raw: str, first_minute: int, minutes: int) -> str:
    """Path and query of some minutes, counted since 1970; both ends are start times."""
    start_ms = first_minute * MINUTE_MS
    end_ms = start_ms + (minutes - 1) * MINUTE_MS
    return (
        f"/v5/market/kline?category={market}&symbol={quote(raw)}&interval=1&start={start_ms}&end={end_ms}"
        f"&limit={minutes}"
    )


def parse(
    venue: str, symbol: str, body: bytes, names: Mapping[str, str], *, is_inverse: bool
) -> list[Bar] | Reject:
    """Bars of one page, oldest first; a minute with volume has the count 1, since the venue does not say it, and neither
    its buy nor its sell volume.

    Args:
        venue: Name of the venue, which is their source.
        symbol: Canonical symbol that was asked for.
        body: Answer of the venue.
        names: Raw name to canonical symbol: the answer names its own.
        is_inverse: `volume` is USD.
    """
    try:
        result = frames.unwrapped(body)
        if isinstance(result, str):
            return Reject("rest_refused", result)
        page: KlineResult = _decode(result)
    except DECODE_ERRORS as fault:
        return Reject("invalid_klines", str(fault))
    if names.get(page.symbol) != symbol:
        return Reject("invalid_klines", f"{page.symbol[:32]} in an answer about {symbol}")
    rows = sorted(page.rows, key=_start)
    found = [_bar(venue, symbol, row, is_inverse=is_inverse) for row in rows]
    faults: list[Any] = [fault for bar in found for fault in bar.validate()]
    faults += [f"vwap {bar.vwap}" for bar in found if not math.isfinite(bar.vwap)]
    faults += [row.start_ms for row in rows if row.start_ms % MINUTE_MS]
    return Reject("invalid_klines", f"{symbol}: {faults[0]}") if faults else found


def _start(row: KlineRow) -> int:
    return row.start_ms


def _bar(venue: str, symbol: str, row: KlineRow, *, is_inverse: bool) -> Bar:
    volume, notional = (row.turnover, row.volume) if is_inverse else (row.volume, row.turnover)
    open_ns = row.start_ms * 1_000_000
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
        buy_volume=0.0,
        sell_volume=0.0,
        vwap=notional / volume if volume else row.close,
        count=1 if volume else 0,
        status="closed" if volume else "quiet",
        coverage=1.0,
        revision=0,
        source=venue,
    )
