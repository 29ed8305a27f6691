"""Settings of the hub. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class HubSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a hub keeps, and how long a value may be served."""

    bar_window: Count = 5000
    """Candles kept per symbol, venue and timeframe, 112 bytes each."""
    trade_window: Count = 1000
    """Trades kept per symbol and venue."""
    series_window: Count = 240
    """Candles whose indicator values and footprints are kept, per symbol, venue and timeframe."""
    event_window: Count = 1000
    """Alerts, revisions of signals, headlines, liquidations, sweeps and verdicts on candles kept, each of all symbols
    together; signals that are open are kept beyond that."""
    gap_window: Count = 10_000
    """Gaps kept, of all symbols together; open ones are forgotten last."""
    max_topics: Count = 50_000
    """Topics kept; frames of further ones are dropped and counted."""
    quote_ttl_s: Seconds = 5.0
    """Age at which a quote is refused as stale, seconds."""
    trade_ttl_s: Seconds = 60.0
    """Age at which the newest trade is refused as stale, seconds."""
    book_ttl_s: Seconds = 5.0
    """Age at which an order book is refused as stale, seconds."""
    bar_ttl_s: Seconds = 5.0
    """How much older than its timeframe the newest candle may be, seconds; also for indicator values."""
    flow_ttl_s: Seconds = 60.0
    """Age at which order-flow metrics, footprints and volume profiles are refused as stale, seconds."""
    venue_expiry_s: dict[Literal["quote", "book"], Seconds] = msgspec.field(
        default_factory=lambda: {"quote": 5.0, "book": 5.0}
    )
    """Age at which a venue's best prices (quote) or order book (book) no longer count in the best bid and offer, and
    in the depth, of all venues, seconds. A kind that is not named never expires by its age."""
    silence_s: Seconds = 1.5
    """A publisher without heartbeat, or a venue without watermark, for this long is down, seconds."""
    snap_retry_s: Seconds = 2.0
    """Pause between two requests for a snapshot of the same book, seconds."""
    ask_timeout_s: Seconds = 5.0
    """Patience when asking another actor for its last values or a book snapshot, seconds."""
    history_timeout_s: Seconds = 1.0
    """Patience when asking the persistence actor for the part of a `history` that is not kept here, seconds."""
    warm_timeout_s: Seconds = 2.0
    """How long a hub that starts waits for the stored windows before it goes on without, seconds."""
    warm_retry_s: Seconds = 2.0
    """Pause before it asks for them again, seconds."""
    board: bool = True
    """Whether engines of this host and user may read the newest values without asking, from a file in memory."""
    board_max_bytes: Annotated[int, msgspec.Meta(ge=4_194_304)] = 1024 * 1024 * 1024
    """Longest that file may become; candles lie in it instead of in the hub's own memory. What has no room is asked for."""
    max_reply_bytes: Annotated[int, msgspec.Meta(ge=65_536)] = 8 * 1024 * 1024
    """Longest answer to a question for many things at once (`snapshot`, `tail`), bytes."""
