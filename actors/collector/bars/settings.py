"""Settings of a collector of bars over REST. Pure."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=1)]


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many calls in any stretch of so many seconds."""

    calls: Count
    """Calls (credits where the provider counts these)."""
    per_s: Positive
    """Length of the stretch, seconds: 60, 86400."""


class ProviderSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider."""

    enabled: bool = True
    """Whether it is asked."""
    key: str = ""
    """Its API key, a secret: write `${TWELVEDATA_API_KEY:-}`. One that needs a key and has none is not asked."""
    url: str = ""
    """Its base address; empty: its own."""
    limits: list[LimitSettings] = []
    """What its plan allows; empty: what its free plan allows."""
    timeout_s: Positive = 10.0
    """Patience for one answer, seconds."""

    def __repr__(self) -> str:
        return f"ProviderSettings(enabled={self.enabled}, url={self.url!r})"


class TierSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Instruments that are treated alike."""

    symbols: list[str] = []
    """Canonical symbols in it."""
    asset_classes: list[str] = []
    """... and all of these asset classes (fx, metal, index, equity, crypto) that no tier names by symbol."""
    rank: int = 10
    """Who is asked for first when calls are short: the lowest."""
    refresh_s: Positive = 60.0
    """Seconds between two looks at one instrument."""
    providers: list[str] = []
    """Whom to ask, the best first; empty: `order`."""


class RestSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Part `rest` of the section of a `collector.rest.N` actor."""

    providers: dict[str, ProviderSettings] = {}
    """Provider (yahoo, alphavantage, twelvedata, polygon) to its settings; one that is not named has the defaults."""
    order: list[str] = msgspec.field(
        default_factory=lambda: ["yahoo", "twelvedata", "polygon", "alphavantage"]
    )
    """Whom to ask, the best first; one that is not named is not asked."""
    tiers: dict[str, TierSettings] = {}
    """Name to the instruments that are treated alike; one in none of them: rank 100, each `refresh_s`."""
    cycle_s: Positive = 1.0
    """Seconds between two looks at what is due."""
    refresh_s: Positive = 60.0
    """Seconds between two looks at an instrument that is in no tier."""
    settle_s: NotNegative = 4.0
    """A minute is asked for so long after its end: before, providers do not have it, seconds."""
    late_s: Positive = 90.0
    """A minute that nobody has so long after its end is published as a gap; what comes later is a revision, seconds."""
    stale_after_s: Positive = 180.0
    """In market hours: an answer whose newest bar is older than this is stale, and another provider is asked, seconds."""
    demote_s: Positive = 300.0
    """A provider that was stale or wrong for an instrument comes last for it for so long, seconds."""
    quiet_minutes: Annotated[int, Meta(ge=0, le=1440)] = 5
    """So many minutes in a row without a bar are quiet if one provider says so; of more, another one is asked too."""
    cross_check_s: NotNegative = 3600.0
    """Seconds between two comparisons of an instrument with a second provider, where calls are to spare; 0: never."""
    tolerance_bp: dict[str, Positive] = msgspec.field(
        default_factory=lambda: {"fx": 10.0, "metal": 25.0, "index": 25.0, "equity": 40.0, "crypto": 40.0}
    )
    """Asset class to the greatest difference between the closes of one minute at two providers, basis points."""
    bootstrap_days: Annotated[int, Meta(ge=0, le=3650)] = 90
    """History to load of an instrument of which nothing is stored, days; 0: none."""
    history_share: Share = 0.5
    """Share of each limit that history may use while live data flows."""
    page_pause_s: NotNegative = 0.0
    """Pause between two pages of history of one instrument, seconds."""
    breaker_failures: Count = 3
    """Failures in a row after which an endpoint of a provider is left alone."""
    breaker_open_s: Positive = 30.0
    """Longest first pause of an open breaker, seconds; it doubles with each failed trial."""
    breaker_cap_s: Positive = 900.0
    """Longest pause of an open breaker that the provider did not ask for, seconds."""
    max_connections: Annotated[int, Meta(ge=1, le=64)] = 16
    """HTTP connections kept open, over all providers."""
