"""The settings in the form the orchestrator wants: in nanoseconds, per instrument. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from actors.collector.bars.line import Tier
from actors.collector.bars.settings import RestSettings, TierSettings
from protocol.instruments import Instrument

LAST_RANK: Final = 100
"""Of an instrument in no tier."""
DEFAULT_TOLERANCE_BP: Final = 25.0


class Rules(NamedTuple):
    """See `RestSettings` for what each means."""

    settle_ns: int
    late_ns: int
    stale_after_ns: int
    demote_ns: int
    cross_check_ns: int
    page_pause_ns: int
    quiet_minutes: int


def rules_of(settings: RestSettings) -> Rules:
    """Convert the units."""
    return Rules(
        settle_ns=ns(settings.settle_s),
        late_ns=ns(settings.late_s),
        stale_after_ns=ns(settings.stale_after_s),
        demote_ns=ns(settings.demote_s),
        cross_check_ns=ns(settings.cross_check_s),
        page_pause_ns=ns(settings.page_pause_s),
        quiet_minutes=settings.quiet_minutes,
    )


def ns(seconds: float) -> int:
    """Seconds in nanoseconds."""
    return round(seconds * 1e9)


def tier_of(settings: RestSettings, instrument: Instrument) -> Tier:
    """How an instrument is treated: a tier that names it, else one of its asset class, else as the last."""
    named = [tier for tier in settings.tiers.values() if instrument.symbol in tier.symbols]
    alike = [tier for tier in settings.tiers.values() if instrument.asset_class in tier.asset_classes]
    rest = TierSettings(rank=LAST_RANK, refresh_s=settings.refresh_s)
    tier = next(iter([*named, *alike]), rest)
    return Tier(tier.rank, ns(tier.refresh_s), tuple(tier.providers or settings.order))


def tolerance_bp(settings: RestSettings, instrument: Instrument) -> float:
    """Greatest difference between two providers, basis points."""
    return settings.tolerance_bp.get(instrument.asset_class, DEFAULT_TOLERANCE_BP)


def problems(settings: RestSettings, known: Iterable[str], instruments: Sequence[Instrument]) -> list[str]:
    """Mistakes of the settings that their types allow.

    Args:
        settings: Of the collector.
        known: Providers that there are.
        instruments: Those that have a name at a provider.
    """
    providers, there = set(known), {one.symbol for one in instruments}
    found = [
        f"rest.providers.{name}: {_choice(providers)}" for name in settings.providers if name not in providers
    ]
    found += [
        f"rest.order: {name!r}: {_choice(providers)}" for name in settings.order if name not in providers
    ]
    for name, tier in settings.tiers.items():
        found += [
            f"rest.tiers.{name}.providers: {one!r}: {_choice(providers)}"
            for one in tier.providers
            if one not in providers
        ]
        found += [
            f"rest.tiers.{name}.symbols: {one} has no provider in symbols.yaml"
            for one in tier.symbols
            if one not in there
        ]
    found += [
        f"symbols: {one.symbol}.providers.{name}: {_choice(providers)}"
        for one in instruments
        for name in one.providers
        if name not in providers
    ]
    if settings.late_s <= settings.settle_s:
        found.append("rest.late_s: is not more than settle_s")
    return found


def _choice(providers: Iterable[str]) -> str:
    return f"is no provider; there are {', '.join(sorted(providers))}"
