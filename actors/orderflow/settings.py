"""Settings of the order-flow actor. Pure."""

from __future__ import annotations

from typing import Annotated

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Amount = Annotated[float, msgspec.Meta(ge=0)]


class OrderFlowSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is measured of trades, quotes and books, and how often it is published."""

    interval_s: Seconds = 1.0
    """Step of venue time at whose ends flows are published, seconds; it must divide a quarter of an hour."""
    windows_s: list[Seconds] = msgspec.field(default_factory=lambda: [60.0, 300.0])
    """Lengths of the windows that end at each step, seconds, whole steps each; beside them there is always
    one since the session began."""
    lateness_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0.25
    """How long after the end of a step events of it are waited for, in seconds of venue time. Later ones go
    to their own step too, and show in what is published next."""
    ofi_levels: Annotated[int, msgspec.Meta(ge=1, le=50)] = 5
    """Levels of a side of the book in the multi-level order-flow imbalance and the depth imbalance."""
    sweep_levels: Annotated[int, msgspec.Meta(ge=2)] = 3
    """Different prices that trades of one aggressor must take to be a sweep."""
    sweep_ms: Annotated[float, msgspec.Meta(ge=0, le=60_000)] = 5.0
    """Longest venue time from the first to the last trade of a sweep, milliseconds."""
    sweep_notional: Amount = 0.0
    """Least notional of a sweep, quote currency."""
    large_trade_notional: Amount = 100_000.0
    """A trade of at least this notional (price times size, quote currency) is a large one."""
    large_trade_notionals: dict[str, Amount] = {}
    """The same for single symbols: `{EUR_USD: 1000000}`."""
    footprint_timeframes: list[str] = msgspec.field(default_factory=lambda: ["1m"])
    """Timeframes of the footprints: volume by price and aggressor."""
    footprint_interval_s: Seconds = 1.0
    """Venue time between two publications of a running footprint, seconds, whole steps."""
    profile_interval_s: Seconds = 10.0
    """Venue time between two publications of the volume profile of the session, seconds, whole steps."""
    keep_footprints: Count = 3
    """Closed footprints kept per symbol and timeframe, so that late and repaired trades can still change them."""
    price_steps: dict[str, Annotated[float, msgspec.Meta(gt=0)]] = {}
    """Height of a footprint's buckets for single symbols, quote currency. For others: the tick size times 1, 2,
    5, 10, 20 and so on, whichever is next to a basis point of the price."""
    max_levels: Annotated[int, msgspec.Meta(ge=2)] = 500
    """Most buckets of a footprint or profile; beyond it their height doubles."""
    max_ahead_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 5.0
    """An event whose venue time is so far ahead of the time we received it is refused, seconds."""
    snap_interval_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 10.0
    """Seconds between two records of everything it remembers in its own journal, from which a restart goes on;
    less often where that takes long."""
