"""Several venues as one: what the hub answers about the best prices and the books of one symbol at all of them. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

CONDITIONS: Final = ("ok", "locked", "crossed", "one_sided", "empty")
"""Best bid below best ask; equal to it; above it; only one of them; none."""
EXPIRED: Final = ("old", "venue_down", "gap_open", "closed_market", "not_synced", "empty")
"""Why a venue is left out: older than the hub's `venue_expiry_s`; not connected; messages missing; outside of its
session; its book cannot be vouched for; it says no price."""
ALL_VENUES: Final = "*"
"""As the venue of a book: those of all venues."""

VenueLevel = tuple[float, float, str]
"""(price, size, venue) of one level."""


class VenueQuote(msgspec.Struct, array_like=True, frozen=True):
    """Best bid and ask of one venue; a side that it has not is 0."""

    venue: str
    bid: float
    bid_size: float
    ask: float
    ask_size: float
    age_s: float
    """Seconds since it was received."""
    ts_event_ns: int
    kind: str
    """quote, or book: the top of its order book."""
    expired: str = ""
    """Why it is left out, see `EXPIRED`; empty: it counts."""


class Consolidated(msgspec.Struct, array_like=True, frozen=True):
    """The best bid and offer of one symbol over its venues."""

    symbol: str
    condition: str
    """See `CONDITIONS`."""
    bid: float
    """0: nobody bids."""
    bid_size: float
    bid_venue: str
    ask: float
    """0: nobody asks."""
    ask_size: float
    ask_venue: str
    venues: list[VenueQuote]
    """Every venue that has ever sent prices of it, by name."""


class VenueBook(msgspec.Struct, array_like=True, frozen=True):
    """What is known of one venue's book."""

    venue: str
    age_s: float
    update_id: int
    ts_event_ns: int
    expired: str = ""
    """Why its levels are left out, see `EXPIRED`; empty: they are there."""


class ConsolidatedDepth(msgspec.Struct, array_like=True, frozen=True):
    """The books of one symbol at several venues as one."""

    symbol: str
    condition: str
    bids: list[VenueLevel]
    """Best first; of one price the larger size first."""
    asks: list[VenueLevel]
    venues: list[VenueBook]
    """Every venue that has ever sent a book of it, by name."""
