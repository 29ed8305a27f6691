"""Collectors of bars over REST in a configuration: who has which instrument, and what a stretch of history costs there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from actors.collector.bars import making
from actors.collector.bars.choosing import Standing
from actors.collector.bars.jobs import Cost, Order, cost_of, limits_of
from actors.collector.bars.providers.provider import MINUTE_NS, Limit
from actors.collector.bars.providers.registry import PROVIDERS, provider
from actors.collector.bars.rules import tier_of
from actors.collector.bars.settings import RestSettings
from actors.collector.checks import venue_of
from actors.collector.settings import CollectorSettings
from actors.runtime.settings import Loaded
from protocol.instruments import REST, Catalog, Instrument
from protocol.sessions import session_named

ANYBODY: Final = REST
"""In place of a provider's name: whoever can, in the order of the settings."""
SOURCES: Final = (ANYBODY, *PROVIDERS)


class BarCollector(NamedTuple):
    """One collector of bars, as it is configured."""

    name: str
    settings: RestSettings
    symbols: tuple[str, ...]
    """Canonical, of what it collects."""

    def lack_of(self, source: str) -> str:
        """Why a provider is not asked, as far as the configuration tells; empty if it is, or for anybody."""
        if source == ANYBODY:
            return ""
        why = making.lack(self.settings, source, provider(source))
        return why or ("" if source in making.asked(self.settings) else "no `order` and no tier names it")

    def limits(self) -> dict[str, tuple[Limit, ...]]:
        """Limits of the providers that are asked."""
        found = making.asked(self.settings)
        return {name: limits_of(self.settings, name, one) for name, one in found.items()}

    def cost(self, order: Order, instrument: Instrument, now_ns: int) -> Cost:
        """What an order costs, as the running collector would say; only what it has used is not known."""
        providers = making.asked(self.settings)
        standings = {name: Standing(raw) for name, raw in instrument.providers.items() if name in providers}
        turn = tier_of(self.settings, instrument).order
        return cost_of(order, standings, turn, providers, session_named(instrument.session), now_ns)


def bar_collectors(loaded: Loaded, catalog: Catalog) -> list[BarCollector]:
    """Those of a configuration, in its order.

    Raises:
        ConfigError: a section of a collector cannot be.
    """
    found = []
    for name in loaded.common.actors:
        if name.partition(".")[0] != "collector":
            continue
        section = loaded.section(name, CollectorSettings)
        if venue_of(name, section) == REST:
            chosen = [catalog.get(symbol) for symbol in section.symbols] or catalog.of_venue(REST)
            found.append(BarCollector(name, section.rest, tuple(one.symbol for one in chosen)))
    return found


def shared_out(collectors: Sequence[BarCollector], symbols: Iterable[str]) -> dict[str, list[str]]:
    """Collector to those of the symbols that it has; the first one that has a symbol takes it.

    Raises:
        LookupError: nobody collects some of them; names these.
    """
    found: dict[str, list[str]] = {}
    strangers = []
    for symbol in symbols:
        owner = next((one.name for one in collectors if symbol in one.symbols), None)
        if owner is None:
            strangers.append(symbol)
        else:
            found.setdefault(owner, []).append(symbol)
    if strangers:
        names = ", ".join(one.name for one in collectors)
        raise LookupError(f"{', '.join(strangers)}: not collected by {names}")
    return found


def page_ns(name: str) -> int:
    """Length of one page of history of a provider."""
    found = provider(name)
    return min(found.longest_ns, found.bars_per_call * MINUTE_NS)


def collector_of(job_id: str) -> str:
    """The collector that gave a backfill its id: `<collector>-<start>-<n>`.

    Raises:
        ValueError: the text is not such an id.
    """
    parts = job_id.rsplit("-", 2)
    if len(parts) != 3 or not parts[0] or not parts[1].isdecimal() or not parts[2].isdecimal():
        raise ValueError(
            f"{job_id!r} is not the id of a backfill such as collector.rest.1-1795168800000000000-3"
        )
    return parts[0]
