"""Stored rows as the messages that they were stored from, in order of time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Final

import pyarrow as pa

from protocol.messages import Bar, Message, Quote, Trade
from tapehub.backtesting.minutes import MINUTE
from tapehub.backtesting.sources import AUTO, MINUTES, TICKS, Selection, time_of
from tapehub.stored_rows import Wanted, stored_rows
from tapehub.stores import Stores

_BAR: Final = tuple(name for name in Bar.__struct_fields__ if name not in ("ts_recv_ns", "reason"))
_COLUMNS: Final = {
    "quotes": ("symbol", "venue", "ts_event_ns", "bid", "ask", "bid_size", "ask_size"),
    "trades": ("symbol", "venue", "ts_event_ns", "price", "size", "side", "count"),
    "bars": _BAR,
}


def stored(
    stack: ExitStack, stores: Stores, source: str, venue: str, chosen: Selection, data: str = AUTO
) -> Iterator[Message]:
    """Quotes and trades, or where there are no quotes closed candles of one minute.

    They come at the time of the venue: when they were received is not looked at, so rows that were filled in later count as
    if they had been there.

    Args:
        stack: Closes what is opened here.
        stores: Where rows are.
        source: auto, parquet or db.
        venue: Only of this; empty: of all.
        chosen: Which rows.
        data: ticks, minutes, or auto.

    Raises:
        QueryError, ParquetError, Overloaded: the stores cannot be read.
    """
    if data != MINUTES:
        quotes = _rows(stack, stores, source, "quotes", venue, chosen)
        first = next(quotes, None)
        if first is not None or data == TICKS:
            trades = _rows(stack, stores, source, "trades", venue, chosen)
            whole = [] if first is None else [first]
            yield from heapq.merge(whole, quotes, trades, key=time_of)
            return
    yield from _rows(stack, stores, source, "bars", venue, chosen)


def _rows(
    stack: ExitStack, stores: Stores, source: str, table: str, venue: str, chosen: Selection
) -> Iterator[Message]:
    symbol = chosen.symbols[0] if len(chosen.symbols) == 1 else ""
    timeframe = MINUTE if table == "bars" else ""
    wanted = Wanted(table, symbol, venue, timeframe, chosen.stretch)
    make = _MAKERS[table]
    for batch in stored_rows(stack, stores, stores.source_of(table, source), wanted):
        for values in zip(*_columns(batch, _COLUMNS[table]), strict=True):
            if not chosen.symbols or values[0] in chosen.symbols:
                yield make(*values)


def _columns(batch: pa.RecordBatch, names: Sequence[str]) -> Iterator[list[Any]]:
    for name in names:
        yield batch.column(name).to_pylist()


def _quote(
    symbol: str,
    venue: str,
    ts_ns: int,
    bid: float,
    ask: float,
    bid_size: float | None,
    ask_size: float | None,
) -> Quote:
    return Quote(symbol, venue, ts_ns, ts_ns, bid, ask, bid_size or 0.0, ask_size or 0.0)


def _trade(
    symbol: str, venue: str, ts_ns: int, price: float, size: float | None, side: int, count: int | None
) -> Trade:
    return Trade(symbol, venue, ts_ns, ts_ns, price, size or 0.0, side, 0, count or 0)


def _bar(*values: Any) -> Bar:
    return Bar(**dict(zip(_BAR, values, strict=True)))


_MAKERS: Final[dict[str, Callable[..., Message]]] = {"quotes": _quote, "trades": _trade, "bars": _bar}
