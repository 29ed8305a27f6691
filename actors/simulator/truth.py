"""What really happened in a simulated market, to compare with what others made of it. Pure."""

from __future__ import annotations

import struct
from typing import Any, Final

from actors.simulator.market import Market

MOST_ROWS: Final = 100_000
"""Trades in one answer."""
_COLUMNS: Final = {
    "trade": ("price_units", "lots", "t_ms", "is_buyer_maker"),
    "aggTrade": ("price_units", "lots", "first_trade_id", "last_trade_id", "t_ms", "is_buyer_maker"),
}


def truth_of(market: Market, depth: int) -> dict[str, Any]:
    """Counts, last ids, top of the book, and each minute as
    `[open_ms, open, high, low, close, volume, trades, taker buy volume]` with the venue's own texts.
    """
    listing = market.listing
    bids, asks = market.top_texts(depth)
    price, lots = listing.price_text, listing.lots_text
    return {
        "market": listing.market,
        "raw": listing.raw,
        "symbol": listing.symbol,
        "steps": market.steps,
        "trades": market.trades.next_id - market.first_trade_id,
        "first_trade_id": market.first_trade_id,
        "last_trade_id": market.trades.next_id - 1,
        "agg_trades": market.agg_trades.next_id - market.first_agg_id,
        "first_agg_id": market.first_agg_id,
        "last_agg_id": market.agg_trades.next_id - 1,
        "tickers": market.tickers,
        "forced_orders": market.forced_orders,
        "update_id": market.update_id,
        "bids": bids,
        "asks": asks,
        "minutes": [
            [
                minute.open_ms,
                price(minute.open),
                price(minute.high),
                price(minute.low),
                price(minute.close),
                lots(minute.lots),
                minute.count,
                lots(minute.buy_lots),
            ]
            for minute in market.candles.minutes
        ],
    }


def trades_of(market: Market, kind: str, from_id: int, to_id: int, limit: int) -> dict[str, Any]:
    """One page of what traded, oldest first: `rows` is int64, little endian, a row of `columns` per id, without
    a hole from `first_id` on.

    A price is `price_units / price_scale`, a size `lots / lot_scale`: the same doubles that the venue's texts
    parse to. Ask again from `next_id` until it is behind `last_id`; ids below `kept_from_id` are forgotten.

    Args:
        market: Of which instrument.
        kind: `trade` (fills) or `aggTrade`.
        from_id: First id wanted; an older one than is kept begins at the oldest kept.
        to_id: Last id wanted.
        limit: Rows at most.
    """
    history = market.trades if kind == "trade" else market.agg_trades
    first_id = max(from_id, history.first_id)
    next_id = max(first_id, min(first_id + limit, to_id + 1, history.next_id))
    rows = history.slice(first_id, next_id)
    listing = market.listing
    return {
        "market": listing.market,
        "raw": listing.raw,
        "symbol": listing.symbol,
        "kind": kind,
        "columns": list(_COLUMNS[kind]),
        "price_scale": listing.price_scale,
        "lot_scale": listing.lot_scale,
        "kept_from_id": history.first_id,
        "last_id": history.next_id - 1,
        "first_id": first_id,
        "next_id": next_id,
        "rows": struct.pack(f"<{len(rows)}q", *rows),
    }


def rows_of(page: dict[str, Any]) -> list[tuple[int, ...]]:
    """Rows of such a page, each with its id in front."""
    numbers = struct.unpack(f"<{len(page['rows']) // 8}q", page["rows"])
    width = len(page["columns"])
    return [
        (page["first_id"] + at // width, *numbers[at : at + width]) for at in range(0, len(numbers), width)
    ]
