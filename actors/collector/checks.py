"""Mistakes in the settings of a collector that their types allow, and what the venue fills in. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from actors.collector.registry import VENUES
from actors.collector.settings import CollectorSettings
from actors.collector.venue import Venue
from protocol.errors import ConfigError, InvalidRequest, UnknownSymbol
from protocol.instruments import Catalog


def venue_of(name: str, settings: CollectorSettings) -> str:
    """The venue of a collector: its setting, or the second word of its name.

    Raises:
        ConfigError: there is no such venue.
    """
    words = name.split(".")
    venue = settings.venue or (words[1] if len(words) > 2 else "")
    if venue not in VENUES:
        known = ", ".join(VENUES)
        raise ConfigError([f"actors.{name}.venue: {venue or 'none'!r} is not a venue; there are {known}"])
    return venue


def with_defaults(settings: CollectorSettings, venue: Venue) -> CollectorSettings:
    """The settings, with what the venue knows where they say nothing."""
    known = venue.defaults
    ws_url = settings.ws_url or known.ws_url
    markets = [market for market in ws_url if market in venue.markets]
    return replace(
        settings,
        venue=venue.name,
        ws_url=ws_url,
        rest_url=settings.rest_url or ({} if settings.ws_url else known.rest_url),
        streams={market: known.streams[market] for market in markets} | settings.streams,
        snapshot_weight_per_min=known.snapshot_weight_per_min | settings.snapshot_weight_per_min,
        repair_weight_per_min=known.repair_weight_per_min | settings.repair_weight_per_min,
    )


def problems(settings: CollectorSettings, venue: Venue, catalog: Catalog) -> list[str]:
    """Every mistake of the settings of an exchange, as `key: what is wrong`."""
    found = []
    for name, urls, schemes in (
        ("ws_url", settings.ws_url, ("ws://", "wss://")),
        ("rest_url", settings.rest_url, ("http://", "https://")),
    ):
        for market, url in urls.items():
            if market not in venue.markets:
                found.append(f"{name}.{market}: {venue.name} has {', '.join(venue.markets)}")
            if not url.startswith(schemes):
                found.append(f"{name}.{market}: {url!r} does not begin with {' or '.join(schemes)}")
    for market in settings.ws_url:
        if market in venue.markets:
            found += _problems_of_streams(settings, venue, market)
        elif not settings.streams.get(market):
            found.append(f"streams.{market}: name at least one stream type")
    for symbol in settings.symbols:
        try:
            market_of(symbol, venue.name, settings.ws_url, catalog)
        except UnknownSymbol as unknown:
            found.append(f"symbols: {unknown.message}")
        except InvalidRequest as refusal:
            found.append(f"symbols: {refusal.message}")
    return found


def _problems_of_streams(settings: CollectorSettings, venue: Venue, market: str) -> list[str]:
    types = settings.streams.get(market, [])
    kinds = [venue.kind_of(stream_type) for stream_type in types]
    found = [] if types else [f"streams.{market}: name at least one stream type"]
    if market not in settings.rest_url:
        if "book" in kinds and venue.snapshot_path(market, "", settings.snapshot_depth):
            found.append(f"rest_url.{market}: order books need it for their snapshots")
        if venue.instruments_path(market):
            found.append(f"rest_url.{market}: sizes are contracts, and only the venue can tell what they are")
    found += [
        f"streams.{market}: {stream_type!r} is not a stream type that is understood"
        for stream_type, kind in zip(types, kinds, strict=True)
        if not kind
    ]
    found += [
        f"streams.{market}: {stream_type!r}: {lack}"
        for stream_type, kind in zip(types, kinds, strict=True)
        if kind and (lack := venue.lacks(market, stream_type))
    ]
    found += [
        f"streams.{market}: more than one stream type for messages of kind {kind}"
        for kind in dict.fromkeys(kinds)
        if kind and kinds.count(kind) > 1
    ]
    return found


def market_of(symbol: str, venue: str, markets: Sequence[str] | dict[str, str], catalog: Catalog) -> str:
    """Market in which a venue has a symbol.

    Raises:
        UnknownSymbol: nobody has configured it.
        InvalidRequest: it is not at this venue, or its market is not collected here.
    """
    instrument = catalog.get(symbol)
    if venue not in instrument.venues:
        raise InvalidRequest(f"{instrument.symbol} has no name at {venue} in symbols.yaml")
    market = instrument.venues[venue].partition(":")[0]
    if market not in markets:
        raise InvalidRequest(f"{instrument.symbol} is a {market} instrument; no ws_url.{market} is set")
    return market
