"""Everything known about the feed of one symbol: the chains of its ids, its book, how much has come. Pure."""

from __future__ import annotations

from actors.collector.book_sync import BookSync
from actors.collector.sequence import QuoteChain, TradeChain
from protocol.messages import Liquidation


class Tape:
    """State of one symbol."""

    __slots__ = (
        "_liquidation",
        "book",
        "changes_seen",
        "liquidations_seen",
        "quotes",
        "quotes_seen",
        "trades",
        "trades_seen",
    )

    def __init__(self, venue: str) -> None:
        self.trades = TradeChain()
        self.quotes = QuoteChain()
        self.book = BookSync(venue)
        self.trades_seen = 0
        """Frames that came, published or not: what the silence watch counts."""
        self.quotes_seen = 0
        self.changes_seen = 0
        self.liquidations_seen = 0
        self._liquidation: tuple[int, float, float, int] | None = None

    def is_news(self, liquidation: Liquidation) -> bool:
        """Count a liquidation; False if it is the newest one again.

        They have no ids, and two connections overlap while one replaces the other.
        """
        told = (liquidation.ts_event_ns, liquidation.price, liquidation.size, liquidation.side)
        is_news = told != self._liquidation
        self._liquidation = told
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
