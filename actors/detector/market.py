"""What is known of one symbol at one venue, for all rules together. Pure."""

from __future__ import annotations

import msgspec


class Market(msgspec.Struct, array_like=True):
    """One symbol at one venue; survives restarts as it is."""

    symbol: str
    venue: str
    base: str
    quote_currency: str
    session: str
    """Name of its calendar."""
    bid: float = 0.0
    """Best bid, 0 before the first quote."""
    ask: float = 0.0
    quote_ns: int = 0
    """Venue time of the newest quote, 0 before it."""
    quoted_ns: int = 0
    """Watermark after the newest quote: on the one clock that all kinds of events of a venue share."""
    active_ns: int = 0
    """Watermark after the newest trade or quote."""
    now_ns: int = 0
    """Newest watermark of its venue."""
    connected_ns: int = 0
    """Watermark since which the venue is connected without a break, 0 while it is not."""
    events: int = 0
    """Trades and quotes since the newest watermark."""
    quotes: int = 0
    """Quotes since the newest watermark."""
    usd_rate: float = 0.0
    """US dollars for one unit of its quote currency, at the newest watermark; 0: unknown."""

    @property
    def mid(self) -> float:
        """Half-way between bid and ask, 0 without quotes."""
        return (self.bid + self.ask) / 2.0

    @property
    def is_spot(self) -> bool:
        """Whether the symbol has no suffix: its price is that of the base itself."""
        return "." not in self.symbol
