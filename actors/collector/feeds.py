"""Makes the feeds of a collector: one for each market of its venue. Each kind is imported only where it is used."""

from __future__ import annotations

from random import Random

from actors.collector.checks import problems, with_defaults
from actors.collector.exchange.feed import Feed
from actors.collector.market_feed import MarketFeed, ServingHost
from actors.collector.outbox import Outbox
from actors.collector.registry import EXCHANGES, exchange
from actors.collector.settings import CollectorSettings
from protocol.errors import ConfigError
from protocol.instruments import REST, Catalog
from protocol.pushing import VENUE as PUSH


def complete(name: str, venue: str, settings: CollectorSettings, catalog: Catalog) -> CollectorSettings:
    """The settings of a collector with everything filled in.

    Raises:
        ConfigError: every mistake that their types allow.
    """
    if venue == REST:
        from actors.collector.bars.providers.registry import PROVIDERS  # noqa: PLC0415 - only where it is used
        from actors.collector.bars.rules import problems as rest_problems  # noqa: PLC0415 - as above

        found = rest_problems(settings.rest, PROVIDERS, catalog.of_venue(REST))
        if found:
            raise ConfigError([f"actors.{name}.{problem}" for problem in found])
    if venue == PUSH and settings.symbols:
        lack = "sources send what they like: leave it out"
        raise ConfigError([f"actors.{name}.symbols: {lack}"])
    if venue not in EXCHANGES:
        return settings
    spoken = exchange(venue)
    full = with_defaults(settings, spoken)
    found = problems(full, spoken, catalog)
    if found:
        raise ConfigError([f"actors.{name}.{problem}" for problem in found])
    return full


def markets_of(venue: str, settings: CollectorSettings) -> tuple[str, ...]:
    """Markets that a collector with these (complete) settings collects."""
    match venue:
        case "ig":
            return ("cfd",)
        case "databento":
            return tuple(settings.databento.datasets)
        case "news":
            return ("news",)
        case "rest":
            return ("bars",)
        case "push":
            return ("push",)
        case _:
            return tuple(settings.ws_url)


def make_feed(
    host: ServingHost, venue: str, market: str, names: dict[str, str], outbox: Outbox, random: Random
) -> MarketFeed:
    """The feed of one market.

    Args:
        host: The collector.
        venue: One of `registry.VENUES`.
        market: One of `markets_of`.
        names: Raw name to canonical symbol of its instruments.
        outbox: Takes what is to be published.
        random: For jitter.
    """
    match venue:
        case "ig":
            from actors.collector.ig.feed import IgFeed  # noqa: PLC0415 - only where it is used

            return IgFeed(host, market, outbox, random)
        case "databento":
            from actors.collector.databento.feed import DatabentoFeed  # noqa: PLC0415 - it brings pandas

            return DatabentoFeed(host, market, outbox, random)
        case "news":
            from actors.collector.news.feed import NewsFeed  # noqa: PLC0415 - only where it is used

            return NewsFeed(host, market, outbox, random)
        case "rest":
            from actors.collector.bars.feed import BarsFeed  # noqa: PLC0415 - it brings an HTTP client

            return BarsFeed(host, market, outbox, random)
        case "push":
            from actors.collector.push.feed import PushFeed  # noqa: PLC0415 - only where it is used

            return PushFeed(host, market, outbox, random)
        case _:
            return Feed(host, exchange(venue), market, outbox, names, random)
