"""Everything known about the feed of one symbol: the chains of its ids, its book, how much has come. Pure."""

from __future__ import annotations

import collections
from typing import Final

from actors.collector.intake.book_sync import BookSync
from actors.collector.intake.sequence import QuoteChain, TradeChain
from actors.collector.intake.unordered import UnorderedTrades
from protocol.messages import Liquidation

MAX_LIQUIDATIONS: Final = 64
"""Newest forced orders of a symbol that are remembered, to tell a repetition."""


class Tape:
    """State of one symbol."""

    __slots__ = (
        "_liquidations",
        "book",
        "changes_seen",
        "liquidations_seen",
        "quotes",
        "quotes_seen",
        "trades",
        "trades_seen",
    )

    def __init__(self, venue: str, *, is_counted: bool = True, is_streamed: bool = False) -> None:
        self.trades: TradeChain | UnorderedTrades = TradeChain() if is_counted else UnorderedTrades()
        self.quotes = QuoteChain()
        self.book = BookSync(venue, is_streamed=is_streamed)
        self.trades_seen = 0
        """Frames that came, published or not: what the silence watch counts."""
        self.quotes_seen = 0
        self.changes_seen = 0
        self.liquidations_seen = 0
        self._liquidations: collections.deque[tuple[int, float, float, int]] = collections.deque(
            maxlen=MAX_LIQUIDATIONS
        )

    def is_news(self, liquidation: Liquidation) -> bool:
        """Count a liquidation; False if it is one of the newest ones again.

        They have no ids, two connections overlap while one replaces the other, and some venues repeat the newest ones
        at the begin of a subscription.
        """
        told = (liquidation.ts_event_ns, liquidation.price, liquidation.size, liquidation.side)
        is_news = told not in self._liquidations
        if is_news:
            self._liquidations.append(told)
        self.liquidations_seen += 1
        return is_news

    def seen(self, kind: str) -> int:
        """How many messages of a kind have come."""
        match kind:
            case "trade":
                return self.trades_seen
            case "quote":
                return self.quotes_seen
            case "book":
                return self.changes_seen
            case _:
                return self.liquidations_seen
