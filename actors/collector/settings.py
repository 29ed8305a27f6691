"""Settings of a collector. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class CollectorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section of a `collector.VENUE.N` actor."""

    venue: Literal["binance"] = "binance"
    """Venue whose protocol is spoken."""
    ws_url: dict[str, str] = msgspec.field(
        default_factory=lambda: {
            "spot": "wss://stream.binance.com:9443",
            "usdm": "wss://fstream.binance.com",
        }
    )
    """Market to WebSocket base address; a market that is not named is not collected. For USD-M `/public` and
    `/market` are added as the venue wants it since 2026-04-23."""
    rest_url: dict[str, str] = msgspec.field(
        default_factory=lambda: {
            "spot": "https://api.binance.com",
            "usdm": "https://fapi.binance.com",
            "coinm": "https://dapi.binance.com",
        }
    )
    """Market to REST base address, for order-book snapshots and missing trades."""
    streams: dict[str, list[str]] = msgspec.field(
        default_factory=lambda: {
            "spot": ["trade", "bookTicker", "depth@100ms"],
            "usdm": ["aggTrade", "bookTicker", "depth@100ms", "forceOrder"],
            "coinm": ["aggTrade", "bookTicker", "depth@100ms"],
        }
    )
    """Market to stream types, in the venue's words: trade or aggTrade, bookTicker, depth[@0ms, @100ms],
    forceOrder."""
    symbols: list[str] = []
    """Canonical symbols to subscribe at the start; empty means all that symbols.yaml maps to this venue."""
    max_streams_per_connection: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 200
    """Streams on one connection; more open another one."""
    max_frame_bytes: Annotated[int, msgspec.Meta(ge=4096, le=256 * 1024 * 1024)] = 16 * 1024 * 1024
    """A longer WebSocket frame is skipped and counted, bytes."""
    connect_timeout_s: Positive = 10.0
    """Patience for a connection's handshake, seconds."""
    answer_timeout_s: Positive = 10.0
    """Patience for the answer to a subscription; then the connection is replaced, seconds."""
    rotate_after_s: Positive = 82_800.0
    """Age at which a connection is replaced while it still works, seconds; the venue ends it at 24 hours."""
    backoff_base_s: Positive = 1.0
    """Longest first pause before connecting again, seconds; it doubles with each failure."""
    backoff_cap_s: Positive = 60.0
    """Longest pause before connecting again, seconds."""
    rest_timeout_s: Positive = 10.0
    """Patience for each step of a REST request, seconds."""
    snapshot_depth: Annotated[int, msgspec.Meta(ge=5, le=5000)] = 1000
    """Levels per side of an order-book snapshot; the venue offers 5, 10, 20, 50, 100, 500, 1000, spot 5000."""
    snapshot_weight_per_min: dict[str, Count] = msgspec.field(
        default_factory=lambda: {"spot": 4000, "usdm": 1600, "coinm": 1600}
    )
    """Market to the request weight that snapshots may use each minute, of the venue's 6000 and 2400."""
    snapshot_retry_s: Positive = 0.5
    """Longest first pause before asking again for the snapshot of one book, seconds; it doubles up to 30."""
    repair_weight_per_min: dict[str, Count] = msgspec.field(
        default_factory=lambda: {"spot": 1200, "usdm": 600, "coinm": 600}
    )
    """Market to the request weight that fetching missing trades may use each minute; a page of up to 1000 costs
    25 (spot trade), 4 (spot aggTrade) or 20 (usdm aggTrade). Snapshots and repairs together stay below the venue's
    6000 and 2400."""
    repair_max_trades: Count = 100_000
    """A gap of more trades than this is not fetched, trades."""
    repair_klines: bool = True
    """Where missing trades cannot be fetched: fetch the venue's 1m candles of those minutes, for an aggregator that
    takes them in their place."""
    repair_retry_s: Positive = 1.0
    """Longest first pause before asking again for the same missing trades, seconds; it doubles up to 30."""
    checkpoint_s: Positive = 10.0
    """Seconds between two records of what is known of each feed, in the journal; a restart goes on from the newest."""
    snap_interval_s: Positive = 1.0
    """Least time between two whole books published for one symbol because somebody asked (`snap`), seconds."""
    watermark_s: Positive = 0.25
    """Seconds between two publications of the event time reached."""
    max_ahead_s: Positive = 5.0
    """A message whose venue time is further ahead of our clock is refused, seconds."""
    silence_factor: Positive = 20.0
    """A stream is silent after so many times its own mean time between messages."""
    silence_floor_s: Positive = 10.0
    """... but never earlier than this, seconds."""
    silence_cap_s: Positive = 600.0
    """... and never later than this, seconds."""
    first_message_s: Positive = 60.0
    """A subscribed stream that has sent nothing is silent after this, seconds."""
    no_frame_floor_s: Positive = 5.0
    """A connection whose own rate promises more is dead after so many seconds without any frame; the upper
    bound is the venue's ping interval."""
