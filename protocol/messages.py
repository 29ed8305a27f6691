"""Every market message: frozen msgspec structs, arrays on the wire, fields only ever appended.

Units: prices in quote currency, sizes in base currency, `ts_*_ns` int64 nanoseconds since 1970 UTC.
`ts_event_ns` is the venue's clock, `ts_recv_ns` our clock when the bytes left the socket; a venue's
clock may run ahead of ours, so event time minus receive time may be positive. Never clamp it.
Pure.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from protocol.derived import (
    FLOW_REASONS,
    FOOTPRINT_STATUSES,
    SESSION,
    Alert,
    Feature,
    Flow,
    Footprint,
    Signal,
    Sweep,
)
from protocol.marks import ACTOR_STATES, Beat, CleanStop, Epoch, Snap, Watermark
from protocol.message import (
    BUY,
    SELL,
    SIDE_NAMES,
    UNKNOWN_SIDE,
    Count,
    Int64,
    Message,
    Revision,
    TimeNs,
    price_faults,
    size_faults,
)

__all__ = [
    "ACTOR_STATES",
    "BAR_STATUSES",
    "BUY",
    "FLOW_REASONS",
    "FOOTPRINT_STATUSES",
    "GAP_STATES",
    "KINDS",
    "MESSAGE_TYPES",
    "SELL",
    "SESSION",
    "SIDE_NAMES",
    "UNKNOWN_SIDE",
    "VERDICTS",
    "Alert",
    "Bar",
    "Beat",
    "Book",
    "CleanStop",
    "Epoch",
    "Feature",
    "Flow",
    "Footprint",
    "Gap",
    "Level",
    "Liquidation",
    "Message",
    "News",
    "Quote",
    "Signal",
    "Snap",
    "Sweep",
    "Trade",
    "Verdict",
    "Watermark",
]

Level = tuple[float, float]
"""(price, size) of one book level."""

BAR_STATUSES: Final = ("open", "closed", "quiet", "gap", "stale")
VERDICTS: Final = ("repair", "quarantine")
GAP_STATES: Final = ("open", "filling", "filled", "unfillable")


class Quote(Message, array_like=True, frozen=True, gc=False):
    """Best bid and ask of one instrument at one venue."""

    KIND: ClassVar[str] = "quote"
    SCHEMA: ClassVar[int] = 1 << 8 | 1

    symbol: str
    venue: str
    ts_event_ns: TimeNs
    """Venue time; equal to `ts_recv_ns` where the venue sends none (Binance spot bookTicker)."""
    ts_recv_ns: TimeNs
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    update_id: Int64 = 0
    """Venue's order-book update id, 0 if it has none."""

    @property
    def spread(self) -> float:
        """Ask minus bid, in quote currency; negative when crossed."""
        return self.ask - self.bid

    @property
    def mid(self) -> float:
        """Half-way between bid and ask."""
        return (self.bid + self.ask) / 2.0

    def to_dict(self) -> dict[str, Any]:
        row = super().to_dict()
        row["spread"] = self.spread
        return row

    def validate(self) -> list[str]:
        faults = price_faults(bid=self.bid, ask=self.ask)
        return faults + size_faults(bid_size=self.bid_size, ask_size=self.ask_size)


class Trade(Message, array_like=True, frozen=True, gc=False):
    """One execution (or the venue's aggregate of several at one price), side = aggressor."""

    KIND: ClassVar[str] = "trade"
    SCHEMA: ClassVar[int] = 2 << 8 | 1

    symbol: str
    venue: str
    ts_event_ns: TimeNs
    ts_recv_ns: TimeNs
    price: float
    size: float
    side: Int64
    """Aggressor (taker): 1 buy, -1 sell, 0 the venue does not say."""
    trade_id: int | str
    """Venue's trade id; an integer where the venue counts (then it steps by one per trade)."""
    count: Count = 1
    """Fills merged into this print; 0 if the venue does not say."""

    def validate(self) -> list[str]:
        faults = price_faults(price=self.price) + size_faults(size=self.size)
        if self.side not in SIDE_NAMES:
            faults.append(f"side {self.side!r} is none of 1, -1, 0")
        return faults


class Book(Message, array_like=True, frozen=True, gc=False):
    """Order-book snapshot or delta of a book that the collector vouches for."""

    KIND: ClassVar[str] = "book"
    SCHEMA: ClassVar[int] = 3 << 8 | 1

    symbol: str
    venue: str
    ts_event_ns: TimeNs
    ts_recv_ns: TimeNs
    is_snapshot: bool
    """True: replaces the whole book. False: sizes are absolute, 0 removes the level."""
    first_update_id: Int64
    last_update_id: Int64
    bids: list[Level]
    """Best first in a snapshot, any order in a delta."""
    asks: list[Level]
    prev_update_id: Int64 = 0
    """`last_update_id` of the message before, as we published it; 0 in a snapshot."""


class Liquidation(Message, array_like=True, frozen=True, gc=False):
    """A forced order; venues send a sample of them, so sums are lower bounds."""

    KIND: ClassVar[str] = "liquidation"
    SCHEMA: ClassVar[int] = 4 << 8 | 1

    symbol: str
    venue: str
    ts_event_ns: TimeNs
    ts_recv_ns: TimeNs
    price: float
    size: float
    side: Int64
    """Side of the forced order: -1 means a long position was liquidated."""


class Bar(Message, array_like=True, frozen=True, gc=False):
    """One candle of one timeframe, at one revision."""

    KIND: ClassVar[str] = "bar"
    SCHEMA: ClassVar[int] = 5 << 8 | 1

    symbol: str
    venue: str
    timeframe: str
    ts_open_ns: TimeNs
    """Start of the interval, aligned to the symbol's session calendar."""
    ts_event_ns: TimeNs
    """Venue time of the newest event in it; the end of the interval where there was none."""
    open: float
    high: float
    low: float
    close: float
    volume: float
    buy_volume: float
    sell_volume: float
    vwap: float
    """Volume-weighted average price; the close where volume is 0."""
    count: Count
    """Trades (or quotes, see `source`) in it."""
    status: str
    """open, closed, quiet (no event, previous close repeated), gap (part of it was not seen), stale."""
    coverage: float
    """Share of the interval, 0 to 1, in which the feed was connected and gapless."""
    revision: Revision
    """0 while open, 1 at its close, one more each time a late or repaired event changes it."""
    source: str
    """trade, quote (mid price of a venue without trades), or the name of a REST provider."""
    ts_recv_ns: TimeNs = 0
    """When a provider's candle was fetched; 0: it was built here."""
    is_adjusted: bool = False
    """Its prices are adjusted for splits, by the provider."""
    reason: str = ""
    """Why it is not simply what the provider sent: what was repaired, whom else was asked, why nobody has it."""

    def validate(self) -> list[str]:
        faults = price_faults(open=self.open, high=self.high, low=self.low, close=self.close)
        faults += size_faults(volume=self.volume)
        if not self.low <= min(self.open, self.close) <= max(self.open, self.close) <= self.high:
            faults.append("low <= open, close <= high does not hold")
        if self.status not in BAR_STATUSES:
            faults.append(f"status {self.status!r} is none of {', '.join(BAR_STATUSES)}")
        return faults


class Verdict(Message, array_like=True, frozen=True, gc=False):
    """What became of a provider's candle that was not taken as it came."""

    KIND: ClassVar[str] = "verdict"
    SCHEMA: ClassVar[int] = 19 << 8 | 1

    symbol: str
    venue: str
    ts_event_ns: TimeNs
    """When it was judged, our clock."""
    timeframe: str
    ts_open_ns: TimeNs
    provider: str
    """Who gave the candle: yahoo, twelvedata."""
    verdict: str
    """repair (a mended one was published), quarantine (it was left out)."""
    reasons: list[str]
    """Rules that it broke, each with its numbers."""
    open: float
    """As it was sent, as the following ones; a number that was no number is 0."""
    high: float
    low: float
    close: float
    volume: float

    def validate(self) -> list[str]:
        faults = [] if self.reasons else ["reasons is empty"]
        if self.verdict not in VERDICTS:
            faults.append(f"verdict {self.verdict!r} is none of {', '.join(VERDICTS)}")
        return faults


class News(Message, array_like=True, frozen=True, gc=False):
    """One headline."""

    KIND: ClassVar[str] = "news"
    SCHEMA: ClassVar[int] = 8 << 8 | 1

    source: str
    news_id: str
    ts_event_ns: TimeNs
    ts_recv_ns: TimeNs
    title: str
    url: str
    symbols: list[str]


class Gap(Message, array_like=True, frozen=True, gc=False):
    """A hole in a feed: announced before the message that revealed it."""

    KIND: ClassVar[str] = "gap"
    SCHEMA: ClassVar[int] = 11 << 8 | 1

    gap_id: str
    """`<publisher>-<epoch>-<n>`: unique for ever."""
    venue: str
    symbol: str
    kind: str
    """trade, quote, book, or bar (of a REST provider): which messages are missing."""
    from_id: Int64
    """First missing venue id, 0 if the venue does not count; of bars the minute since 1970, as `to_id`."""
    to_id: Int64
    """Last missing venue id, 0 if unknown."""
    from_ts_ns: TimeNs
    to_ts_ns: TimeNs
    """End of the hole, 0 while it is still open."""
    cause: str
    """disconnect, venue_jump, restart, silence, bus_drop, writer_drop."""
    state: str
    """open, filling, filled, unfillable."""
    filled_by: str = ""
    count: Count = 0
    """Messages repaired so far."""
    reason: str = ""


MESSAGE_TYPES: Final[tuple[type[Message], ...]] = (
    Quote,
    Trade,
    Book,
    Liquidation,
    Bar,
    Feature,
    Flow,
    News,
    Alert,
    Signal,
    Gap,
    Footprint,
    Sweep,
    Verdict,
    Beat,
    Epoch,
    Watermark,
    CleanStop,
    Snap,
)
KINDS: Final = tuple(dict.fromkeys(kind.KIND for kind in MESSAGE_TYPES))
