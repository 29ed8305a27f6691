"""What really happened in a simulated market, to compare with what others made of it. Pure."""

from __future__ import annotations

from typing import Any

from actors.simulator.market import Market


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
