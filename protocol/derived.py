"""Messages that are made of others: indicator values, order flow, footprints, sweeps, alerts, signals. Pure.

A value that does not exist (a vwap without volume, an indicator that has not warmed up) is left out of `values`,
never NaN and never 0 instead.
"""

from __future__ import annotations

import itertools
import math
from typing import Annotated, ClassVar, Final

import msgspec

from protocol.message import (
    BUY,
    SELL,
    Count,
    Int64,
    Message,
    Revision,
    TimeNs,
    price_faults,
    share_faults,
    size_faults,
    value_faults,
)

FLOW_REASONS: Final = ("warm-up", "gap", "disconnected")
FOOTPRINT_STATUSES: Final = ("open", "closed", "gap")
SIGNAL_STATES: Final = ("open", "vetoed", "target", "stopped", "expired", "cancelled")
SESSION: Final = "session"
"""Timeframe of a `Footprint` that runs since the session began: the volume profile."""


class Feature(Message, array_like=True, frozen=True, gc=False):
    """Indicator values of one candle."""

    KIND: ClassVar[str] = "feature"
    SCHEMA: ClassVar[int] = 6 << 8 | 1

    symbol: str
    venue: str
    timeframe: str
    ts_open_ns: TimeNs
    ts_event_ns: TimeNs
    is_ready: bool
    """False until every indicator has warmed up."""
    values: dict[str, float]
    """Indicator to number, `rsi_14`, `bb_upper_20_2`; only of those that have warmed up."""
    revision: Revision = 0
    """That of the candle; 0 while it runs."""
    coverage: float = 1.0
    """Lowest coverage, 0 to 1, of the candles that the indicators look back on."""

    def validate(self) -> list[str]:
        return value_faults(self.values) + share_faults(coverage=self.coverage)


class Flow(Message, array_like=True, frozen=True, gc=False):
    """Order-flow metrics of one symbol over one window."""

    KIND: ClassVar[str] = "flow"
    SCHEMA: ClassVar[int] = 7 << 8 | 1

    symbol: str
    venue: str
    window_s: Annotated[float, msgspec.Meta(ge=0, le=1e9)]
    """Length of the window, seconds; 0: since the session began."""
    ts_event_ns: TimeNs
    """Venue time at which the window ends."""
    is_complete: bool
    values: dict[str, float]
    """Metric to number; one that does not exist (a vwap without volume) is left out."""
    coverage: float = 1.0
    """Share of the window, 0 to 1, in which the feed was connected and gapless, after the first event."""
    reason: str = ""
    """Why not complete: warm-up, gap, disconnected, joined by commas; empty if it is."""
    inferred_share: float = 0.0
    """Share of the traded volume, 0 to 1, whose aggressor was inferred by Lee and Ready's rule."""

    def validate(self) -> list[str]:
        faults = value_faults(self.values)
        faults += share_faults(coverage=self.coverage, inferred_share=self.inferred_share)
        unknown = [word for word in self.reason.split(",") if word and word not in FLOW_REASONS]
        if unknown:
            faults.append(f"reason {', '.join(unknown)} is none of {', '.join(FLOW_REASONS)}")
        return faults


class Footprint(Message, array_like=True, frozen=True, gc=False):
    """Volume by price and aggressor of one interval, or since the session began (the volume profile)."""

    KIND: ClassVar[str] = "footprint"
    SCHEMA: ClassVar[int] = 17 << 8 | 1

    symbol: str
    venue: str
    timeframe: str
    """`1m`, or `session`: since the session began."""
    ts_open_ns: TimeNs
    """Start of the interval, of the session for `session`."""
    ts_event_ns: TimeNs
    """Venue time of the newest event in it; the end of the interval where there was none."""
    price_step: float
    """Height of a bucket, quote currency."""
    prices: list[float]
    """Lower edge of each bucket with volume, ascending."""
    buy_volumes: list[float]
    """Per bucket, base currency: buyers were the aggressors."""
    sell_volumes: list[float]
    """Per bucket, base currency: sellers were the aggressors."""
    unknown_volumes: list[float]
    """Per bucket, base currency: nobody says and nothing tells."""
    volume: float
    """Traded size, base currency."""
    delta: float
    """Buy volume minus sell volume, base currency."""
    poc: float
    """Point of control: lower edge of the bucket with the most volume; 0 without volume."""
    value_area_low: float
    """Lower edge of the buckets around the point of control that hold 70 % of the volume; 0 without volume."""
    value_area_high: float
    """Upper edge of those buckets; 0 without volume."""
    count: Count
    """Trades in it."""
    status: str
    """open, closed, gap (part of it was not seen)."""
    coverage: float
    """Share of the interval, 0 to 1, in which the feed was connected and gapless."""
    revision: Revision
    """0 while open, 1 at its close, one more each time a late or repaired trade changes it."""

    def validate(self) -> list[str]:
        faults = price_faults(price_step=self.price_step)
        faults += size_faults(volume=self.volume) + share_faults(coverage=self.coverage)
        columns = (self.buy_volumes, self.sell_volumes, self.unknown_volumes)
        if any(len(column) != len(self.prices) for column in columns):
            faults.append(f"{len(self.prices)} prices, but volumes of {[len(column) for column in columns]}")
        if any(low >= high for low, high in itertools.pairwise(self.prices)):
            faults.append("prices do not ascend")
        if not all(math.isfinite(size) and size >= 0 for column in columns for size in column):
            faults.append("a volume of a bucket is not a finite number >= 0")
        if self.status not in FOOTPRINT_STATUSES:
            faults.append(f"status {self.status!r} is none of {', '.join(FOOTPRINT_STATUSES)}")
        return faults


class Sweep(Message, array_like=True, frozen=True, gc=False):
    """One aggressive order that took several price levels at once."""

    KIND: ClassVar[str] = "sweep"
    SCHEMA: ClassVar[int] = 18 << 8 | 1

    symbol: str
    venue: str
    ts_event_ns: TimeNs
    """Venue time of its last trade."""
    ts_first_ns: TimeNs
    """Venue time of its first trade."""
    side: Int64
    """Aggressor (taker): 1 buy, -1 sell."""
    first_price: float
    """Price of its first trade."""
    last_price: float
    """Price of its last trade."""
    levels: Int64
    """Different prices it traded at."""
    size: float
    """Traded size, base currency."""
    notional: float
    """Sum of price times size, quote currency."""
    vwap: float
    """Notional over size."""
    count: Count
    """Trades in it."""
    is_inferred: bool
    """The aggressor was inferred by Lee and Ready's rule, the venue does not say."""

    def validate(self) -> list[str]:
        faults = price_faults(first_price=self.first_price, last_price=self.last_price, vwap=self.vwap)
        faults += size_faults(size=self.size, notional=self.notional)
        if self.side not in (BUY, SELL):
            faults.append(f"side {self.side!r} is none of 1, -1")
        return faults


class Alert(Message, array_like=True, frozen=True, gc=False):
    """Something unusual, with the numbers that caused it."""

    KIND: ClassVar[str] = "alert"
    SCHEMA: ClassVar[int] = 9 << 8 | 1

    symbol: str
    venue: str
    rule: str
    severity: str
    ts_event_ns: TimeNs
    text: str
    values: dict[str, float]


class Signal(Message, array_like=True, frozen=True, gc=False):
    """What a strategy says, with the inputs behind it, and what became of it: a new revision each time that changes."""

    KIND: ClassVar[str] = "signal"
    SCHEMA: ClassVar[int] = 10 << 8 | 1

    symbol: str
    strategy: str
    ts_event_ns: TimeNs
    """Venue time of this revision: of the first one when the strategy said it, later of what ended it."""
    side: Int64
    """1 buy, -1 sell."""
    entry: float
    """Price at which it could be entered when it was said: the ask to buy, the bid to sell."""
    stop: float
    """Price at which it was wrong."""
    target: float
    """Price at which it was right."""
    confidence: float
    """0 to 1, the strategy's own."""
    inputs: dict[str, float]
    """Name and value of what the signal was made from."""
    venue: str = ""
    """Market it was seen in."""
    timeframe: str = ""
    """Of the candles it rests on."""
    signal_id: str = ""
    """Strategy, venue, symbol and first time: the same in all its revisions, and no other signal has it."""
    revision: Revision = 1
    """1 when it was said, one more with each change of its state."""
    state: str = "open"
    """open, vetoed (the shield refused it), target, stopped, expired, cancelled."""
    ts_opened_ns: TimeNs = 0
    """Venue time at which it was said."""
    ts_expires_ns: TimeNs = 0
    """Venue time at which it is void if neither stop nor target was touched."""
    score: float = 1.0
    """0 to 1, the shield's: 1 where nothing spoke against it, 0 where it was vetoed."""
    reasons: list[str] = msgspec.field(default_factory=list)
    """What the shield's rules said, worst first: `spread: 2.4 pips is above 2 (-0.3)`."""
    text: str = ""
    """The strategy's words."""
    exit_price: float = 0.0
    """Price that ended it; 0: it has not ended, or by time."""

    def validate(self) -> list[str]:
        faults = price_faults(entry=self.entry, stop=self.stop, target=self.target)
        faults += share_faults(confidence=self.confidence, score=self.score) + value_faults(self.inputs)
        if self.side not in (BUY, SELL):
            faults.append(f"side {self.side!r} is none of 1, -1")
        elif not self.side * self.stop < self.side * self.entry < self.side * self.target:
            faults.append("stop, entry and target are not in that order for its side")
        if self.state not in SIGNAL_STATES:
            faults.append(f"state {self.state!r} is none of {', '.join(SIGNAL_STATES)}")
        return faults
