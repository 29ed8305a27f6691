"""OKX's one-minute candles over REST: path, and their JSON as bars. Pure.

A row is `[ts, o, h, l, c, vol, volCcy, volCcyQuote, confirm]`, newest first. Spot: `vol` is base and `volCcy` quote
units; derivatives: `vol` is contracts and `volCcy` base units. `volCcyQuote` is quote units in both; recordings of 2022
lack it. The venue tells neither who bought nor how many trades there were: buy and sell volume are 0, and a minute
with volume counts 1.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

import msgspec

from actors.collector.outcomes import Reject
from actors.collector.venues import okx_frames as frames
from actors.collector.venues import okx_rest as rest
from protocol.messages import Bar

TIMEFRAME: Final = "1m"
MINUTE_MS: Final = 60_000
PAGE_MINUTES: Final = 100
_PATH: Final = "/api/v5/market/history-candles"
_UNTOLD: Final = -1.0


class KlineRow(msgspec.Struct, array_like=True, gc=False):
    """Of `history-candles`."""

    open_ms: frames.Moment
    open: frames.Price
    high: frames.Price
    low: frames.Price
    close: frames.Price
    vol: frames.Size
    vol_ccy: frames.Size
    vol_ccy_quote: frames.Size = _UNTOLD
    confirm: str = "1"
    """0: the minute is not over."""


_decode: Final = frames.decoder(list[KlineRow])


def path(raw: str, first_minute: int, minutes: int) -> str:
    """Path and query of some minutes, counted since 1970; both bounds are exclusive."""
    start_ms = first_minute * MINUTE_MS
    end_ms = start_ms + minutes * MINUTE_MS
    return f"{_PATH}?instId={quote(raw)}&bar={TIMEFRAME}&before={start_ms - 1}&after={end_ms}&limit={minutes}"


def parse(venue: str, symbol: str, body: bytes, *, is_spot: bool) -> list[Bar] | Reject:
    """Bars of one page, oldest first; a minute that is not over is left out.

    Args:
        venue: Name of the venue, which is their source.
        symbol: Canonical symbol.
        body: Answer of the venue.
        is_spot: What `vol` and `volCcy` count.
    """
    rows = rest.rows(body, _decode, "invalid_klines")
    if isinstance(rows, Reject):
        return rows
    rows.sort(key=_open_of)
    found = [_bar(venue, symbol, row, is_spot=is_spot) for row in rows if row.confirm == "1"]
    faults: list[Any] = [fault for bar in found for fault in bar.validate()]
    faults += [row.open_ms for row in rows if row.open_ms % MINUTE_MS]
    return Reject("invalid_klines", f"{symbol}: {faults[0]}") if faults else found


def _open_of(row: KlineRow) -> int:
    return row.open_ms


def _bar(venue: str, symbol: str, row: KlineRow, *, is_spot: bool) -> Bar:
    volume, notional = (row.vol, row.vol_ccy) if is_spot else (row.vol_ccy, row.vol_ccy_quote)
    vwap = row.close
    if volume and notional != _UNTOLD:  # volumes are rounded: a small one can give a mean outside the candle
        vwap = min(max(notional / volume, row.low), row.high)
    open_ns = row.open_ms * frames.NS_PER_MS
    return Bar(
        symbol=symbol,
        venue=venue,
        timeframe=TIMEFRAME,
        ts_open_ns=open_ns,
        ts_event_ns=open_ns + MINUTE_MS * frames.NS_PER_MS,
        open=row.open,
        high=row.high,
        low=row.low,
        close=row.close,
        volume=volume,
        buy_volume=0.0,
        sell_volume=0.0,
        vwap=vwap,
        count=1 if volume else 0,
        status="closed" if volume else "quiet",
        coverage=1.0,
        revision=0,
        source=venue,
    )
