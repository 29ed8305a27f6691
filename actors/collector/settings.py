"""Settings of a collector. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.collector.bars.settings import RestSettings
from actors.collector.databento.settings import DatabentoSettings
from actors.collector.ig.settings import IgSettings
from actors.collector.news.settings import NewsSettings
from actors.collector.push.settings import PushSettings

Positive = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class CollectorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section of a `collector.VENUE.N` actor."""

    venue: str = ""
    """Venue whose protocol is spoken: binance, bybit, coinbase, databento, ig, news, okx, push, rest; empty: the second word of the
    actor's name."""
    ws_url: dict[str, str] = {}
    """Market to WebSocket base address; a market that is not named is not collected. Empty: the venue's own. For Binance
    USD-M `/public` and `/market` are added as the venue wants it since 2026-04-23."""
    rest_url: dict[str, str] = {}
    """Market to REST base address, for order-book snapshots and missing trades; a market that is not named: the
    venue's own where `ws_url` is empty too, else none."""
    streams: dict[str, list[str]] = {}
    """Market to stream types, in the venue's words (for Binance: trade or aggTrade, bookTicker, depth[@0ms, @100ms],
    forceOrder); a market that is not named: the venue's default, see docs/venues.md."""
    symbols: list[str] = []
    """Canonical symbols to subscribe at the start; empty means all that symbols.yaml maps to this venue."""
    transport: Literal["websocket-client", "picows"] = "websocket-client"
    """Only for exchanges: what cuts the frames out of a connection's bytes; picows (`pip install 'tapehub[picows]'`) is for
    more than 100,000 frames a second on one connection, see docs/venues.md."""
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
    snapshot_weight_per_min: dict[str, Count] = {}
    """Market to the request weight that snapshots may use each minute; one that is not named: the venue's default
    (Binance: 4000 of its 6000 on spot, 1600 of 2400 on futures)."""
    snapshot_retry_s: Positive = 0.5
    """Longest first pause before asking again for the snapshot of one book, seconds; it doubles up to 30."""
    repair_weight_per_min: dict[str, Count] = {}
    """Market to the request weight that fetching missing trades may use each minute; one that is not named: the venue's
    default (Binance: 1200 on spot, 600 on futures). Snapshots and repairs together stay below what the venue allows."""
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
    ig: IgSettings = IgSettings()
    """Only for venue ig: account, stream and prices."""
    databento: DatabentoSettings = DatabentoSettings()
    """Only for venue databento: datasets, schemas and replay."""
    news: NewsSettings = NewsSettings()
    """Only for venue news: sources and polling."""
    rest: RestSettings = RestSettings()
    """Only for venue rest: providers of bars, and how they are asked."""
    push: PushSettings = PushSettings()
    """Only for venue push: who may send ticks and bars, and how they are read."""
    kline_check_s: Annotated[float, msgspec.Meta(ge=0)] = 60.0
    """Only for exchanges: seconds between two requests for the venue's own 1m candles of one symbol, each in its turn, with
    which the detector compares ours; they spend what repairs leave over. 0: never."""
