"""Settings of the scanner: which strategies are asked about which markets, and when an input is too old. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400 * 30)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class StrategySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One strategy: a plugin with parameters, asked about some markets."""

    plugin: str = ""
    """Name of the plugin; empty: that of the entry."""
    params: dict[str, Any] = {}
    """Parameters that differ from the plugin's defaults."""
    symbols: list[str] = msgspec.field(default_factory=lambda: ["*"])
    """Canonical symbols; patterns with `*` and `?`."""
    venues: list[str] = msgspec.field(default_factory=lambda: ["*"])
    """Venues, the same way."""
    expires_s: Seconds = 3600.0
    """A signal is void so long after it was said, seconds of venue time."""
    cooldown_s: Annotated[float, msgspec.Meta(ge=0, le=86_400 * 30)] = 900.0
    """After a signal has ended or was vetoed there is no other of this strategy and market for so long, seconds of venue
    time."""


EXAMPLES: Final = ("trend_pullback", "mean_reversion", "flow_confirmation")


class ScannerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which strategies run, and how fresh and complete their inputs must be."""

    strategies: dict[str, StrategySettings] = {}
    """Name of the signals' strategy to what it is: `{trend_pullback: {symbols: [EUR_*]}}`. Without any the three that come
    with tapehub, which are examples and no advice."""
    strategies_folder: str = "strategies"
    """Python files whose `STRATEGIES` are plugins; a relative path counts from the configuration's folder."""
    shield_file: str = "shield.yaml"
    """Rules that score and veto; a relative path counts from the configuration's folder. Without the file nothing is
    vetoed. It is read again whenever it changes."""
    watch_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 2.0
    """Seconds between two looks whether that file has changed."""
    quote_ttl_s: Seconds = 10.0
    """A quote older than this is stale, seconds of venue time."""
    min_coverage: Share = 0.95
    """Candles, indicators and order flow whose coverage is below are gapped."""
    candle_wait_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 1.0
    """So long after its end a candle is expected: what the aggregators' `lateness_s` says, seconds of venue time."""
    flow_wait_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 1.0
    """So long after its end a step of order flow is expected: at least the `lateness_s` of order flow, seconds."""
    max_wait_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 3.0
    """A market whose inputs are late holds up the round of its venue so long, seconds of our clock; then the others go on
    without it."""
    give_up_s: Seconds = 300.0
    """The same in venue time, for recordings that are played faster than they were made."""
    keep_bars: Annotated[int, msgspec.Meta(ge=2, le=5000)] = 500
    """Most closed candles that a strategy may look back on, per timeframe; so many as are needed are kept."""
    news_keep_s: Seconds = 7200.0
    """Headlines are remembered so long, seconds."""
    snap_interval_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 10.0
    """Seconds between two records of everything it remembers in its own journal, from which a restart goes on;
    less often where that takes long."""

    @property
    def wanted(self) -> dict[str, StrategySettings]:
        """`strategies`, or the examples."""
        return self.strategies or {name: StrategySettings() for name in EXAMPLES}
