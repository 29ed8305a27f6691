"""Binance's trades by id over REST: paths, weights, what is not to be had, and their JSON. Pure.

Facts: binance-spot-api-docs (2026-07) and the "Compressed/Aggregate Trades List" pages of USD-M and COIN-M. USD-M
keeps 48 hours, COIN-M a year and counts contracts; `historicalTrades` is public on spot and needs a key on USD-M. Both endpoints give the oldest trade first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import msgspec

from actors.collector.outcomes import Reject
from actors.collector.venue import Contract
from actors.collector.venues import binance_frames as frames
from protocol.errors import DECODE_ERRORS
from protocol.messages import BUY, SELL, Trade

PAGE_TRADES: Final = 1000
"""Most trades of one page."""
_ENDPOINTS: Final = {
    ("spot", "aggTrade"): ("/api/v3/aggTrades", 4),
    ("spot", "trade"): ("/api/v3/historicalTrades", 25),
    ("usdm", "aggTrade"): ("/fapi/v1/aggTrades", 20),
    ("coinm", "aggTrade"): ("/dapi/v1/aggTrades", 20),
}
"""(market, stream type) to path and request weight."""


class AggTradeRow(msgspec.Struct, gc=False):
    """Of `aggTrades`."""

    a: frames.Id
    p: frames.Price
    q: frames.TradedSize
    T: frames.MomentMs
    m: bool
    f: frames.FillId = -1
    l: frames.FillId = -1  # noqa: E741 - the venue's name


class TradeRow(msgspec.Struct, gc=False):
    """Of `historicalTrades`."""

    id: frames.Id
    price: frames.Price
    qty: frames.TradedSize
    time: frames.MomentMs
    isBuyerMaker: bool  # noqa: N815 - the venue's name


_decode_agg_trades = frames.decoder(list[AggTradeRow])
_decode_trades = frames.decoder(list[TradeRow])


def refusal(market: str, stream_type: str) -> str:
    """Why trades of a stream cannot be fetched by id; empty if they can."""
    if (market, stream_type) in _ENDPOINTS:
        return ""
    if (market, stream_type) == ("usdm", "trade"):
        return "usdm historicalTrades needs an API key"
    return f"{market} {stream_type} is not fetched by id"


def path(market: str, stream_type: str, raw: str, from_id: int, limit: int) -> str:
    """Path and query of one page."""
    return f"{_ENDPOINTS[market, stream_type][0]}?symbol={quote(raw)}&fromId={from_id}&limit={limit}"


def weight(market: str, stream_type: str) -> int:
    """Request weight of one page, as of 2026."""
    return _ENDPOINTS[market, stream_type][1]


def parse(
    venue: str,
    symbol: str,
    body: bytes,
    ts_recv_ns: int,
    to_ns: Callable[[int], int],
    contract: Contract | None = None,
) -> list[Trade] | Reject:
    """Trades of one page; which of the two shapes it has shows its keys.

    Args:
        venue: Name of the venue.
        symbol: Canonical symbol.
        body: Answer of the venue.
        ts_recv_ns: When it came.
        to_ns: Venue time to ns.
        contract: Where sizes are contracts.
    """
    try:
        rows: list[Any]
        if b'"isBuyerMaker"' in body[:1024]:
            rows = _decode_trades(body)
            return [
                Trade(
                    symbol, venue, to_ns(row.time), ts_recv_ns, row.price,
                    contract.base(row.qty, row.price) if contract else row.qty,
                    SELL if row.isBuyerMaker else BUY, row.id,
                )
                for row in rows
            ]  # fmt: skip
        rows = _decode_agg_trades(body)
    except DECODE_ERRORS as fault:
        return Reject("invalid_trades", str(fault))
    return [
        Trade(
            symbol, venue, to_ns(row.T), ts_recv_ns, row.p,
            contract.base(row.q, row.p) if contract else row.q, SELL if row.m else BUY, row.a,
            row.l - row.f + 1 if 0 <= row.f <= row.l else 0,
        )
        for row in rows
    ]  # fmt: skip
