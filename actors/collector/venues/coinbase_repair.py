"""Coinbase's missing trades over REST: paths, limits, and their JSON. Pure.

Facts: the "Get product trades" page (Exchange) and the "Get Public Market Trades" page (Advanced Trade). Both give the
newest trade first. Exchange pages by id: `after` is the id that is one too new, and `side` is the maker's. Advanced
Trade pages by time in whole seconds and gives the newest of them; its side is taken for the maker's as on its
WebSocket. No answer of either was in the recordings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal
from urllib.parse import quote

import msgspec

from actors.collector.outcomes import Reject
from actors.collector.venue import Wanted
from actors.collector.venues import coinbase_frames as frames
from actors.collector.venues.coinbase_frames import NAME
from actors.collector.venues.coinbase_time import event_ns
from protocol.messages import BUY, SELL, Trade

PAGE_TRADES: Final = 1000
"""Most of one answer, of both."""
_SECOND_NS: Final = 1_000_000_000


class ExchangeRow(msgspec.Struct, gc=False):
    """Of `/products/{id}/trades`."""

    trade_id: frames.Id
    side: Literal["buy", "sell"]
    size: frames.TradedSize
    price: frames.Price
    time: str


class AdvancedRow(msgspec.Struct, gc=False):
    """Of `.../products/{id}/ticker`."""

    trade_id: frames.Id
    side: Literal["BUY", "SELL"]
    size: frames.TradedSize
    price: frames.Price
    time: str


class AdvancedBody(msgspec.Struct):
    """Answer of `.../products/{id}/ticker`."""

    trades: list[AdvancedRow]


_decode_exchange: Final = frames.decoder(list[ExchangeRow])
_decode_advanced: Final = frames.decoder(AdvancedBody)


def path(market: str, raw: str, wanted: Wanted) -> str:
    """Path and query of one page.

    Exchange: exactly the ids `from_id` to `from_id + limit - 1`. Advanced Trade: always a full page of the seconds of
    the gap, since the newest of them need not be the ones that are missing.
    """
    if market == "exchange":
        after = wanted.from_id + wanted.limit
        return f"/products/{quote(raw)}/trades?limit={wanted.limit}&after={after}"
    query = f"limit={PAGE_TRADES}"
    if wanted.from_ts_ns > 0:
        query += f"&start={wanted.from_ts_ns // _SECOND_NS}"
    if wanted.to_ts_ns > 0:
        query += f"&end={wanted.to_ts_ns // _SECOND_NS + 1}"
    return f"/api/v3/brokerage/market/products/{quote(raw)}/ticker?{query}"


def parse_exchange(symbol: str, body: bytes, ts_recv_ns: int) -> list[Trade] | Reject:
    """Trades of one page of Exchange, oldest first."""
    try:
        return _trades(symbol, _decode_exchange(body), ts_recv_ns)
    except (msgspec.DecodeError, ValueError, RecursionError) as fault:
        return Reject("invalid_trades", str(fault))


def parse_advanced(symbol: str, body: bytes, ts_recv_ns: int) -> list[Trade] | Reject:
    """Trades of one page of Advanced Trade, oldest first."""
    try:
        return _trades(symbol, _decode_advanced(body).trades, ts_recv_ns)
    except (msgspec.DecodeError, ValueError, RecursionError) as fault:
        return Reject("invalid_trades", str(fault))


def _trades(symbol: str, rows: Sequence[ExchangeRow | AdvancedRow], ts_recv_ns: int) -> list[Trade]:
    """Raises ValueError on a time that is none."""
    found = [
        Trade(
            symbol, NAME, event_ns(row.time, ts_recv_ns), ts_recv_ns, row.price, row.size,
            BUY if row.side in ("sell", "SELL") else SELL, row.trade_id,
        )
        for row in rows
    ]  # fmt: skip
    found.sort(key=lambda trade: int(trade.trade_id))
    return found
