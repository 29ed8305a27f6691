"""What an engine gets: frozen values that say how old and how complete they are. Pure.

Every result carries `age_s` (seconds since our socket received the value, at the moment of the answer),
`state` (fresh, gap_open, closed_market; with `allow_stale` also stale, venue_down) and where it came from.
"""

from __future__ import annotations

from typing import Any

import msgspec

from protocol.across import VenueBook, VenueLevel, VenueQuote
from protocol.errors import HubError
from protocol.messages import Level


class Result(msgspec.Struct, frozen=True):
    """Base: what is known of a value besides the value."""

    age_s: float
    """Seconds since the value was received from its venue, by the hub's clock."""
    state: str
    """fresh, gap_open, closed_market, stale, venue_down."""
    source: str
    """Publisher of the value."""
    epoch: int
    """Epoch of that publisher."""
    seq: int
    """Sequence number of the frame that brought it."""
    hub_epoch: int
    """Epoch of the hub that answered: it changes when that restarts."""

    @property
    def is_fresh(self) -> bool:
        """Whether there is nothing to be said against the value."""
        return self.state == "fresh"

    def to_dict(self) -> dict[str, Any]:
        """Field names and plain values."""
        row: dict[str, Any] = msgspec.to_builtins(self)
        return row


class Tick(Result, frozen=True, gc=False):
    """Best bid and ask."""

    symbol: str
    venue: str
    ts_event_ns: int
    ts_recv_ns: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    update_id: int = 0

    @property
    def mid(self) -> float:
        """Half-way between bid and ask."""
        return (self.bid + self.ask) / 2.0

    @property
    def spread(self) -> float:
        """Ask minus bid, in quote currency."""
        return self.ask - self.bid


class Ticks(dict[str, Tick]):
    """Symbol to tick; `errors` holds, by symbol, why the others have none."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: dict[str, HubError] = {}


class Book(Result, frozen=True, kw_only=True):
    """Order book, best level first."""

    symbol: str
    venue: str
    ts_event_ns: int
    ts_recv_ns: int
    update_id: int
    bids: list[Level]
    asks: list[Level]

    @property
    def best_bid(self) -> Level | None:
        """(price, size), None if nobody bids."""
        return self.bids[0] if self.bids else None

    @property
    def best_ask(self) -> Level | None:
        """(price, size), None if nobody asks."""
        return self.asks[0] if self.asks else None


class Bbo(Result, frozen=True, kw_only=True):
    """The best bid and offer of one symbol over its venues; `age_s` is that of the older side."""

    symbol: str
    condition: str
    """ok, locked (bid equals ask), crossed (bid above ask), one_sided, empty."""
    bid: float
    """0: nobody bids."""
    bid_size: float
    bid_venue: str
    ask: float
    """0: nobody asks."""
    ask_size: float
    ask_venue: str
    venues: list[VenueQuote]
    """Every venue, by name; those with `expired` are left out of the best prices."""

    @property
    def spread(self) -> float:
        """Ask minus bid, in quote currency: negative when crossed; NaN where a side is missing."""
        return self.ask - self.bid if self.bid and self.ask else float("nan")

    @property
    def mid(self) -> float:
        """Half-way between bid and ask; NaN where a side is missing."""
        return (self.bid + self.ask) / 2.0 if self.bid and self.ask else float("nan")

    @property
    def expired(self) -> dict[str, str]:
        """Venue that is left out to the reason."""
        return {one.venue: one.expired for one in self.venues if one.expired}


class Bbos(dict[str, Bbo]):
    """Symbol to best bid and offer; `errors` holds, by symbol, why the others have none."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: dict[str, HubError] = {}


class ConsolidatedBook(Result, frozen=True, kw_only=True):
    """The order books of one symbol at several venues as one; `age_s` is that of the oldest."""

    symbol: str
    condition: str
    """ok, locked (bid equals ask), crossed (bid above ask), one_sided, empty."""
    bids: list[VenueLevel]
    """(price, size, venue), best first."""
    asks: list[VenueLevel]
    venues: list[VenueBook]
    """Every venue, by name; those with `expired` have no level here."""

    @property
    def expired(self) -> dict[str, str]:
        """Venue that is left out to the reason."""
        return {one.venue: one.expired for one in self.venues if one.expired}


class OrderFlow(Result, frozen=True, kw_only=True):
    """Order-flow metrics over one window; a metric that does not exist (a vwap without volume) is not there."""

    symbol: str
    venue: str
    window_s: float
    """Length of the window, seconds; 0: since the session began."""
    ts_event_ns: int
    """Venue time at which the window ends."""
    is_complete: bool
    values: dict[str, float]
    coverage: float = 1.0
    """Share of the window, 0 to 1, in which the feed was connected and gapless, after the first event."""
    reason: str = ""
    """Why not complete: warm-up, gap, disconnected, joined by commas."""
    inferred_share: float = 0.0
    """Share of the volume, 0 to 1, whose aggressor was inferred."""

    def __getitem__(self, name: str) -> float:
        return self.values[name]


class Features(Result, frozen=True, kw_only=True):
    """Indicator values of one candle."""

    symbol: str
    venue: str
    timeframe: str
    ts_open_ns: int
    ts_event_ns: int
    is_ready: bool
    """False until every indicator has warmed up; one that has not is not in `values`."""
    values: dict[str, float]
    revision: int = 0
    """That of the candle; 0 while it runs."""
    coverage: float = 1.0
    """Lowest coverage, 0 to 1, of the candles that the indicators look back on."""

    def __getitem__(self, name: str) -> float:
        return self.values[name]


class Profile(Result, frozen=True, kw_only=True):
    """Volume by price since the session began: fields as of the message `Footprint`."""

    symbol: str
    venue: str
    timeframe: str
    ts_open_ns: int
    """When the session began."""
    ts_event_ns: int
    price_step: float
    prices: list[float]
    """Lower edge of each bucket, ascending."""
    buy_volumes: list[float]
    sell_volumes: list[float]
    unknown_volumes: list[float]
    volume: float
    delta: float
    poc: float
    """Point of control: lower edge of the bucket with the most volume; 0 without volume."""
    value_area_low: float
    value_area_high: float
    count: int
    status: str
    coverage: float
    revision: int

    @property
    def volumes(self) -> list[float]:
        """Volume of each bucket, whoever was the aggressor."""
        sides = zip(self.buy_volumes, self.sell_volumes, self.unknown_volumes, strict=True)
        return [buy + sell + unknown for buy, sell, unknown in sides]


class SymbolInfo(msgspec.Struct, frozen=True):
    """One symbol that the hub knows."""

    session: str = ""
    """Session calendar."""
    mapped: list[str] = []
    """Venues it is configured for."""
    venues: dict[str, list[str]] = {}
    """Venue to the kinds that have arrived from it."""
    age_s: float = -1.0
    """Seconds since the newest message about it was published; -1: none was."""
    tick_size: float = 0.0
    """Smallest price step, quote currency; 0 if unknown."""
    pip_size: float = 0.0
    """Size of a pip, quote currency; 0 where pips are not used."""


class TopicInfo(msgspec.Struct, frozen=True):
    """One topic that the hub has heard."""

    topic: str
    publisher: str
    epoch: int
    seq: int
    topic_seq: int
    ts_pub_ns: int
    age_s: float
    frames: int
    events: int
    rate_per_s: float
    """Events a second, over the last second."""
