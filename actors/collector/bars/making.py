"""Makes the lines, providers and budgets of a collector of bars from its settings. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from actors.collector.bars.choosing import Market, Standing
from actors.collector.bars.jobs import limits_of
from actors.collector.bars.judging import judged
from actors.collector.bars.line import Line
from actors.collector.bars.memory import LineState
from actors.collector.bars.providers.provider import Provider
from actors.collector.bars.providers.registry import PROVIDERS, provider
from actors.collector.bars.rules import Rules, tier_of, tolerance_bp
from actors.collector.bars.settings import ProviderSettings, RestSettings
from actors.collector.bars.spending.account import Account
from actors.collector.bars.spending.breaker import BreakerRules
from actors.collector.bars.timeline import Timeline
from protocol.instruments import Instrument
from protocol.sessions import session_named

SHORTEST_TRIAL_S: Final = 60.0
"""A call that has not come back after this, or three times the patience for an answer, is lost."""


def settings_of(settings: RestSettings, name: str) -> ProviderSettings:
    """Settings of one provider, named or not."""
    return settings.providers.get(name) or ProviderSettings()


def asked(settings: RestSettings) -> dict[str, Provider]:
    """Providers that are asked: in `order` or a tier, enabled, and with their key if they need one."""
    wanted = dict.fromkeys(
        [*settings.order, *(name for tier in settings.tiers.values() for name in tier.providers)]
    )
    found = {name: provider(name) for name in wanted if name in PROVIDERS}
    return {name: one for name, one in found.items() if not lack(settings, name, one)}


def lack(settings: RestSettings, name: str, found: Provider) -> str:
    """Why a provider is not asked, empty if it is."""
    given = settings_of(settings, name)
    if not given.enabled:
        return "it is not enabled"
    return "it needs a key" if found.needs_key and not given.key else ""


def market_of(
    settings: RestSettings, providers: Mapping[str, Provider], random: Callable[[], float], now_ns: int
) -> Market:
    """Providers with their budgets."""
    longest_s = max((settings_of(settings, name).timeout_s for name in providers), default=0.0)
    rules = BreakerRules(
        settings.breaker_failures,
        settings.breaker_open_s,
        settings.breaker_cap_s,
        max(SHORTEST_TRIAL_S, 3.0 * longest_s),
    )
    return Market(
        providers,
        {
            name: Account(
                name,
                limits_of(settings, name, one),
                rules,
                random,
                now_ns,
                history_share=settings.history_share,
            )
            for name, one in providers.items()
        },
    )


def line_of(
    settings: RestSettings,
    rules: Rules,
    providers: Iterable[str],
    instrument: Instrument,
    prefix: str,
    state: LineState,
) -> Line:
    """The line of one instrument.

    Args:
        settings: Of the collector.
        rules: Made of them.
        providers: Those that are asked.
        instrument: With its names.
        prefix: For ids of gaps.
        state: Where it goes on.
    """
    session = session_named(instrument.session)
    market = judged.Market(
        instrument.symbol,
        instrument.asset_class,
        instrument.tick_size,
        session,
        tolerance_bp(settings, instrument) / 1e4,
    )
    standings = {
        name: Standing(instrument.providers[name]) for name in providers if name in instrument.providers
    }
    timeline = timeline_of(instrument, rules, prefix, state)
    return Line(market, tier_of(settings, instrument), standings, timeline)


def timeline_of(instrument: Instrument, rules: Rules, prefix: str, state: LineState) -> Timeline:
    """The minutes of an instrument, or of a stretch of its past."""
    session = session_named(instrument.session)
    return Timeline(
        instrument.symbol, session, f"{prefix}-{instrument.symbol}", state, rules.quiet_minutes + 1
    )
