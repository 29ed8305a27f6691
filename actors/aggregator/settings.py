"""Settings of the aggregator. Pure."""

from __future__ import annotations

from typing import Annotated

import msgspec

Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class AggregatorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How candles are built."""

    timeframes: list[str] = msgspec.field(
        default_factory=lambda: ["1s", "1m", "5m", "15m", "1h", "4h", "1d"],
    )
    """Timeframes, shortest first; each must divide the next and the day. The first is built from events,
    every other one from the candles of the one before."""
    lateness_s: Seconds = 1.0
    """How long after its end a candle waits for events that are late, in seconds of venue time. Later ones
    still count, as a revision."""
    keep_bars: dict[str, Count] = msgspec.field(
        default_factory=lambda: {"1s": 120, "1m": 120, "5m": 36, "15m": 12, "1h": 6, "4h": 3, "1d": 2}
    )
    """Closed candles kept per symbol and timeframe, so that late events and repaired gaps can still change
    them; about 450 bytes each. A timeframe that is not named keeps 4."""
    max_ahead_s: Seconds = 5.0
    """An event whose venue time is so far ahead of the time we received it is refused, seconds. (Behind is
    legal at any distance: that is what playing an old recording looks like.)"""
    max_behind_s: Seconds = 3600.0
    """An event so far behind the newest event or watermark of its symbol is refused, seconds."""
    max_quiet_bars: Count = 300
    """Candles without events that one jump of venue time may produce, per symbol in the first timeframe;
    over a longer jump the series starts again instead."""
    open_interval_s: Seconds = 0.0
    """Least venue time between two publications of the running candles, seconds; 0: at each watermark, which
    is four times a second."""
    indicators: list[str] = msgspec.field(
        default_factory=lambda: [
            "rsi(14)",
            "ema(9)",
            "ema(20)",
            "ema(50)",
            "bbands(20,2)",
            "atr(14)",
            "macd(12,26,9)",
            "vwap",
            "volume_ma(20)",
            "mom(10)",
        ]
    )
    """Indicators of every candle, closed and running, each with its parameters; one that is new begins with the
    candles that are kept. `docs/howto/add-an-indicator.md` lists them; an empty list: none."""
    indicator_timeframes: list[str] = msgspec.field(
        default_factory=lambda: ["1m", "5m", "15m", "1h", "4h", "1d"]
    )
    """Timeframes with indicators, of those that are built."""
    snap_interval_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 5.0
    """Seconds between two records of everything it remembers in its own journal, from which a restart goes on;
    less often where that takes long."""
