"""What the fold wants of an event, taken from trades or quotes; the impossible ones are counted and left out. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from protocol.messages import UNKNOWN_SIDE, Quote, Trade

Row = tuple[int, int, float, float, int, int]
"""ts_event_ns, order, price, size, side, count: the arguments of `Candle.add`."""

_INF: Final = float("inf")


def rows_of_trades(
    trades: Iterable[Trade], max_ahead_ns: int, trusted_ns: int, counters: Counter[str]
) -> list[Row]:
    """Rows of trades, in order of arrival; a venue's running number orders those of the same time.

    Args:
        trades: As they came.
        max_ahead_ns: How far a venue's time may be ahead of our clock.
        trusted_ns: Times up to here are believed anyhow: the clock that is wrong may be ours.
        counters: Where refusals are counted.
    """
    rows: list[Row] = []
    for trade in trades:
        ts_ns, price, size = trade.ts_event_ns, trade.price, trade.size
        if not (0.0 < price < _INF and 0.0 <= size < _INF and ts_ns > 0):
            counters["rejected_value"] += 1
        elif ts_ns - trade.ts_recv_ns > max_ahead_ns and ts_ns > trusted_ns:
            counters["rejected_ahead"] += 1
        else:
            order = trade.trade_id
            number = order if order.__class__ is int else 0
            rows.append((ts_ns, number, price, size, trade.side, trade.count or 1))
    return rows


def rows_of_quotes(
    quotes: Iterable[Quote], max_ahead_ns: int, trusted_ns: int, counters: Counter[str]
) -> list[Row]:
    """Rows of quotes at their mid price, without size; a quote with one side only has no mid.

    Arguments as for `rows_of_trades`.
    """
    rows: list[Row] = []
    for quote in quotes:
        if not (0.0 < quote.bid < _INF and 0.0 < quote.ask < _INF and quote.ts_event_ns > 0):
            counters["rejected_value"] += 1
        elif quote.ts_event_ns - quote.ts_recv_ns > max_ahead_ns and quote.ts_event_ns > trusted_ns:
            counters["rejected_ahead"] += 1
        else:
            rows.append((quote.ts_event_ns, quote.update_id, quote.mid, 0.0, UNKNOWN_SIDE, 1))
    return rows
