"""Everything known about the feed of one symbol: the chains of its ids, its book, how much has come. Pure."""

from __future__ import annotations

from actors.collector.book_sync import BookSync
from actors.collector.sequence import QuoteChain, TradeChain


class Tape:
    """State of one symbol."""

    __slots__ = (
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
