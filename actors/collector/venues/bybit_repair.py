"""Bybit's newest trades over REST: path, how many there are, and their JSON. Pure.

Facts: bybit-exchange/docs "Get Recent Public Trades" (2026-07): newest first, no paging, up to 60 on spot and 1000
elsewhere. `side` is the taker's; sizes of inverse are USD.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import msgspec

from actors.collector.outcomes import Reject
from actors.collector.venues import bybit_frames as frames
from protocol.errors import DECODE_ERRORS
from protocol.messages import BUY, SELL, Trade

NEWEST: Final = {"spot": 60, "linear": 1000, "inverse": 1000}
"""Market to the trades that the venue gives."""


class RecentRow(msgspec.Struct, gc=False):
    """Of `recent-trade`."""

    execId: frames.TradeId  # noqa: N815 - the venue's name
    symbol: str
    price: frames.Price
    size: frames.TradedSize
    side: frames.Side
    time: frames.Moment
    isBlockTrade: bool = False  # noqa: N815 - the venue's name


class RecentResult(msgspec.Struct):
    """`result` of `recent-trade`."""

    rows: list[RecentRow] = msgspec.field(name="list")


_decode: Final = frames.decoder(RecentResult)


def refusal(market: str) -> str:
    """Why trades cannot be fetched by id."""
    return f"bybit does not count its trades, and gives only the newest {NEWEST[market]} of a symbol"


def recent_path(market: str, raw: str) -> str:
    """Path and query of the newest trades."""
    return f"/v5/market/recent-trade?category={market}&symbol={quote(raw)}&limit={NEWEST[market]}"


def parse(
    venue: str, symbol: str, body: bytes, ts_recv_ns: int, names: Mapping[str, str], *, is_inverse: bool
) -> list[Trade] | Reject:
    """The newest trades, oldest first; block trades are left out, as in the stream.

    Args:
        venue: Name of the venue.
        symbol: Canonical symbol that was asked for.
        body: Answer of the venue.
        ts_recv_ns: When it came.
        names: Raw name to canonical symbol: the answer names its own.
        is_inverse: Sizes are USD.
    """
    try:
        result = frames.unwrapped(body)
        if isinstance(result, str):
            return Reject("rest_refused", result)
        rows: list[RecentRow] = _decode(result).rows
    except DECODE_ERRORS as fault:
        return Reject("invalid_trades", str(fault))
    strange = next((row.symbol for row in rows if names.get(row.symbol) != symbol), None)
    if strange is not None:
        return Reject("invalid_trades", f"{strange[:32]} in an answer about {symbol}")
    rows.reverse()
    rows.sort(key=_time)
    return [
        Trade(
            symbol, venue, row.time * 1_000_000, ts_recv_ns, row.price,
            row.size / row.price if is_inverse else row.size, BUY if row.side == "Buy" else SELL, row.execId,
        )
        for row in rows
        if not row.isBlockTrade
    ]  # fmt: skip


def _time(row: RecentRow) -> int:
    return row.time
