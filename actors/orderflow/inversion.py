"""Events of an instrument as those of its reciprocal: 6J quotes USD per JPY, USD_JPY is 1 over that. Pure.

Who buys yen with dollars sells dollars for yen: sides change over, the best ask becomes the best bid. Sizes come in
the base currency of the future (JPY) and leave in that of the pair (USD): size times price.
"""

from __future__ import annotations

from collections.abc import Sequence

from protocol.messages import Book, Level, Quote, Trade


def inverse_trades(trades: Sequence[Trade]) -> list[Trade]:
    """Trades of the reciprocal; those without a positive price are left out."""
    return [
        Trade(
            one.symbol,
            one.venue,
            one.ts_event_ns,
            one.ts_recv_ns,
            1.0 / one.price,
            one.size * one.price,
            -one.side,
            one.trade_id,
            one.count,
        )
        for one in trades
        if one.price > 0
    ]


def inverse_quotes(quotes: Sequence[Quote]) -> list[Quote]:
    """Quotes of the reciprocal; those without two positive prices are left out."""
    return [
        Quote(
            one.symbol,
            one.venue,
            one.ts_event_ns,
            one.ts_recv_ns,
            1.0 / one.ask,
            1.0 / one.bid,
            one.ask_size * one.ask,
            one.bid_size * one.bid,
            one.update_id,
        )
        for one in quotes
        if one.bid > 0 and one.ask > 0
    ]


def inverse_books(books: Sequence[Book]) -> list[Book]:
    """Snapshots and deltas of the reciprocal's book."""
    return [
        Book(
            one.symbol,
            one.venue,
            one.ts_event_ns,
            one.ts_recv_ns,
            one.is_snapshot,
            one.first_update_id,
            one.last_update_id,
            _inverse(one.asks),
            _inverse(one.bids),
            one.prev_update_id,
        )
        for one in books
    ]


def _inverse(levels: Sequence[Level]) -> list[Level]:
    return [(1.0 / price, size * price) for price, size in levels if price > 0]
