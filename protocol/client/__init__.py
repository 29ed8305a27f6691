"""The engines' client: `Hub`, `AsyncHub`, their results and the questions behind them.

Importing it is cheap: asyncio comes with `AsyncHub`, numpy with the first candles, pandas, polars and pyarrow
with the methods named after them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocol.client.candles import Candles
from protocol.client.events import Events
from protocol.client.hub import Hub
from protocol.client.joining import Missing
from protocol.client.quotes import Quotes
from protocol.client.results import (
    Bbo,
    Bbos,
    Book,
    ConsolidatedBook,
    Features,
    OrderFlow,
    Profile,
    SymbolInfo,
    Tick,
    Ticks,
    TopicInfo,
)
from protocol.client.trades import Trades

if TYPE_CHECKING:
    from protocol.client.async_hub import AsyncHub
    from protocol.client.async_nats import AsyncNats
    from protocol.client.nats import Nats

__all__ = [
    "AsyncHub",
    "AsyncNats",
    "Bbo",
    "Bbos",
    "Book",
    "Candles",
    "ConsolidatedBook",
    "Events",
    "Features",
    "Hub",
    "Missing",
    "Nats",
    "OrderFlow",
    "Profile",
    "Quotes",
    "SymbolInfo",
    "Tick",
    "Ticks",
    "TopicInfo",
    "Trades",
]


def __getattr__(name: str) -> object:
    if name == "AsyncHub":
        from protocol.client.async_hub import AsyncHub  # noqa: PLC0415 - asyncio costs 20 ms

        return AsyncHub
    if name == "Nats":
        from protocol.client.nats import Nats  # noqa: PLC0415 - ssl costs 10 ms

        return Nats
    if name == "AsyncNats":
        from protocol.client.async_nats import AsyncNats  # noqa: PLC0415 - asyncio and ssl

        return AsyncNats
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
