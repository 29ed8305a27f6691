"""Makes the feeds of a collector: one for each market of its venue. Each kind is imported only where it is used."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from actors.collector.checks import problems, with_defaults
from actors.collector.exchange.transports import lack_of
from actors.collector.market_feed import MarketFeed, ServingHost
from actors.collector.outbox import Outbox
from actors.collector.registry import EXCHANGES, exchange
from actors.collector.settings import CollectorSettings
from protocol.errors import ConfigError
from protocol.instruments import REST, Catalog
from protocol.pushing import VENUE as PUSH

FeedMaker = Callable[[ServingHost, str, Outbox, dict[str, str], Random], MarketFeed]
"""Makes the feed of one market: for a collector, the market (one of `markets_of`), who takes what is to be published, raw name
to canonical symbol of its instruments, and random numbers for jitter."""


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
    if lack := lack_of(settings.transport):
        found.append(f"transport: {lack}")
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


def feed_maker(venue: str) -> FeedMaker:
    """Who makes the feeds of a venue, one for each market. What they stand on is imported here.

    Args:
        venue: One of `registry.VENUES`.
    """
    match venue:
        case "ig":
            from actors.collector.ig.feed import IgFeed  # noqa: PLC0415 - only where it is used

            return _without_names(IgFeed)
        case "databento":
            from actors.collector.databento.feed import DatabentoFeed  # noqa: PLC0415 - it brings pandas

            return _without_names(DatabentoFeed)
        case "news":
            from actors.collector.news.feed import NewsFeed  # noqa: PLC0415 - only where it is used

            return _without_names(NewsFeed)
        case "rest":
            from actors.collector.bars.feed import BarsFeed  # noqa: PLC0415 - it brings an HTTP client

            return _without_names(BarsFeed)
        case "push":
            from actors.collector.push.feed import PushFeed  # noqa: PLC0415 - only where it is used

            return _without_names(PushFeed)
        case _:
            from actors.collector.exchange.feed import Feed  # noqa: PLC0415 - it brings WebSockets

            spoken = exchange(venue)
            return lambda host, market, outbox, names, random: Feed(
                host, spoken, market, outbox, names, random
            )


def _without_names(feed: Callable[[ServingHost, str, Outbox, Random], MarketFeed]) -> FeedMaker:
    return lambda host, market, outbox, _names, random: feed(host, market, outbox, random)
