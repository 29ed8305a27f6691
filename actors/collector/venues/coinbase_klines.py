"""Coinbase's one-minute candles over REST: paths, and their JSON as bars. Pure.

Facts: the "Get product candles" page (Exchange: rows `[time, low, high, open, close, volume]`, at most 300) and the
"Get Public Product Candles" page (Advanced Trade: objects of texts, at most 350). Both are newest first, leave out
minutes without trades, and know neither the number of trades, nor the volume that was bought, nor the value.

So a bar of a minute with trades has `count` 1, which means at least one; `buy_volume` and `sell_volume` 0, which means
that nobody knows; and as `vwap` the mean of high, low and close, an estimate. A minute that is left out between two
others was quiet: it is filled with the close before it. To know that close, a page begins `LEAD_MINUTES` early. Minutes
left out after the last row are not filled: nobody knows here up to when was asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final
from urllib.parse import quote

import msgspec

from actors.collector.outcomes import Reject
from actors.collector.venues import coinbase_frames as frames
from actors.collector.venues.coinbase_frames import NAME
from actors.collector.venues.coinbase_time import iso
from protocol.messages import Bar

TIMEFRAME: Final = "1m"
MINUTE_S: Final = 60
LEAD_MINUTES: Final = 60
"""Asked for before the first minute wanted."""
_MOST_ROWS: Final = {"exchange": 300, "advanced": 350}
PAGE_MINUTES: Final = {market: rows - LEAD_MINUTES for market, rows in _MOST_ROWS.items()}
_MOST_MINUTES: Final = 2 * max(_MOST_ROWS.values())
"""Between the first and the last row of an answer that is believed."""

Second = Annotated[int, msgspec.Meta(ge=0, lt=4 * 10**9)]


class ExchangeRow(msgspec.Struct, array_like=True, gc=False):
    """Of `/products/{id}/candles`."""

    start: Second
    low: frames.Price
    high: frames.Price
    open: frames.Price
    close: frames.Price
    volume: frames.Size


class AdvancedRow(msgspec.Struct, gc=False):
    """Of `.../products/{id}/candles`."""

    start: Second
    low: frames.Price
    high: frames.Price
    open: frames.Price
    close: frames.Price
    volume: frames.Size


class AdvancedBody(msgspec.Struct):
    """Answer of `.../products/{id}/candles`."""

    candles: list[AdvancedRow]


Row = ExchangeRow | AdvancedRow
_decode_exchange: Final = frames.decoder(list[ExchangeRow])
_decode_advanced: Final = frames.decoder(AdvancedBody)


def path(market: str, raw: str, first_minute: int, minutes: int) -> str:
    """Path and query of some minutes, counted since 1970, and of those before them."""
    start_s = max(0, first_minute - LEAD_MINUTES) * MINUTE_S
    last_s = (first_minute + minutes - 1) * MINUTE_S
    product = quote(raw)
    if market == "exchange":
        return f"/products/{product}/candles?granularity={MINUTE_S}&start={iso(start_s)}&end={iso(last_s)}"
    return (
        f"/api/v3/brokerage/market/products/{product}/candles"
        f"?granularity=ONE_MINUTE&start={start_s}&end={last_s + MINUTE_S - 1}"
    )


def parse_exchange(symbol: str, body: bytes) -> list[Bar] | Reject:
    """Bars of one page of Exchange, oldest first."""
    try:
        return _bars(symbol, _decode_exchange(body))
    except (msgspec.DecodeError, ValueError, RecursionError) as fault:
        return Reject("invalid_klines", str(fault))


def parse_advanced(symbol: str, body: bytes) -> list[Bar] | Reject:
    """Bars of one page of Advanced Trade, oldest first."""
    try:
        return _bars(symbol, _decode_advanced(body).candles)
    except (msgspec.DecodeError, ValueError, RecursionError) as fault:
        return Reject("invalid_klines", str(fault))


def _bars(symbol: str, rows: Sequence[Row]) -> list[Bar]:
    """Raises ValueError on rows that are no candles of one minute each."""
    found: list[Bar] = []
    before: Row | None = None
    for row in sorted(rows, key=lambda row: row.start):
        if row.start % MINUTE_S:
            raise ValueError(f"{symbol}: {row.start} begins no minute")
        if before is not None:
            if row.start == before.start:
                raise ValueError(f"{symbol}: two candles of {row.start}")
            if len(found) + (row.start - before.start) // MINUTE_S > _MOST_MINUTES:
                raise ValueError(f"{symbol}: more than {_MOST_MINUTES} minutes")
            quiet = range(before.start + MINUTE_S, row.start, MINUTE_S)
            found += [_quiet(symbol, start_s, before.close) for start_s in quiet]
        bar = _bar(symbol, row)
        faults = bar.validate()
        if faults:
            raise ValueError(f"{symbol}: {faults[0]}")
        found.append(bar)
        before = row
    return found


def _bar(symbol: str, row: Row) -> Bar:
    """A minute with volume 0 is as quiet as one that is left out."""
    if not row.volume:
        return _quiet(symbol, row.start, row.close)
    return Bar(
        symbol=symbol,
        venue=NAME,
        timeframe=TIMEFRAME,
        ts_open_ns=row.start * 1_000_000_000,
        ts_event_ns=(row.start + MINUTE_S) * 1_000_000_000,
        open=row.open,
        high=row.high,
        low=row.low,
        close=row.close,
        volume=row.volume,
        buy_volume=0.0,
        sell_volume=0.0,
        vwap=min(row.high, max(row.low, (row.high + row.low + row.close) / 3.0)),
        count=1,
        status="closed",
        coverage=1.0,
        revision=0,
        source=NAME,
    )


def _quiet(symbol: str, start_s: int, close: float) -> Bar:
    return Bar(
        symbol=symbol,
        venue=NAME,
        timeframe=TIMEFRAME,
        ts_open_ns=start_s * 1_000_000_000,
        ts_event_ns=(start_s + MINUTE_S) * 1_000_000_000,
        open=close,
        high=close,
        low=close,
        close=close,
        volume=0.0,
        buy_volume=0.0,
        sell_volume=0.0,
        vwap=close,
        count=0,
        status="quiet",
        coverage=1.0,
        revision=0,
        source=NAME,
    )
