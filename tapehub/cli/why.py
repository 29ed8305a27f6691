"""`tapehub why`: walks from the venue to the hub and names the first hop where a symbol's data stops."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tapehub.cli import context, exit_codes
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson, TimeoutS, duration
from tapehub.cli.output import print_json, print_table, say, seconds_text

if TYPE_CHECKING:
    from tapehub.hops import Actor, Hop
    from tapehub.walking import Walk


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("why")(why)


def why(
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="Canonical name or alias.")],
    limit: Annotated[
        float, typer.Option("--limit", parser=duration, metavar="TIME", help="Older than this is silent.")
    ] = 60.0,
    listen: Annotated[
        float, typer.Option("--for", parser=duration, metavar="TIME", help="How long to listen on the bus.")
    ] = 1.0,
    timeout: TimeoutS = 2.0,
    as_json: AsJson = False,
) -> None:
    """Find where the data of a symbol stops: venue, collector, bus, aggregator, hub or bridge.

    Every hop says how old its newest message of the symbol is. Exit code 0: all hops are fine, 3: one is
    broken, and it is named.

      tapehub why BTC_USDT

      tapehub why EUR_USD --limit 10m --json
    """
    from actors.runtime.clock import SystemClock
    from protocol.instruments import Catalog
    from protocol.pushing import is_receiver
    from tapehub.hops import first_broken
    from tapehub.walking import Walker

    here = context.current()
    instrument = Catalog(here.loaded.instruments).get(symbol)
    markets = {venue: _market(name) for venue, name in instrument.venues.items()}
    receivers = [name for name, section in here.loaded.common.actors.items() if is_receiver(name, section)]
    with context.current().wire() as wire:
        walker = Walker(wire, here.endpoints, here.actors, SystemClock())
        markets |= walker.pushed(instrument.symbol, receivers, timeout)
        if not markets:
            what = f"{instrument.symbol} is mapped to no venue, and nobody has pushed it"
            raise Failure(what, f"give it one in {here.loaded.common.symbols_file}", exit_codes.NO_DATA)
        seen = walker.walk(instrument.symbol, markets, listen, timeout)
    hops = hops_of(seen, {venue: _collectors_of(venue) for venue in markets}, limit, instrument.symbol)
    broken = first_broken(hops)
    if as_json:
        print_json(_document(instrument.symbol, hops, broken))
    else:
        _print(instrument.symbol, hops, broken)
    raise typer.Exit(exit_codes.DEGRADED if broken else exit_codes.OK)


def hops_of(seen: Walk, serving: Mapping[str, Sequence[str]], silent_s: float, symbol: str = "") -> list[Hop]:
    """Every hop in the order the data takes.

    Args:
        seen: What the walk brought.
        serving: Venue to its collectors.
        silent_s: A symbol that brought nothing for so long is silent.
        symbol: Its name.
    """
    from tapehub import hops
    from tapehub.bridge_rows import bridge_hop
    from tapehub.walking import FETCHED_KINDS

    limits = hops.Limits(silent_s)
    found: list[Hop] = []
    for venue, names in serving.items():
        if not names:
            is_served = any(serving.values())
            status, fix = (hops.SKIP, "") if is_served else (hops.FAIL, f"add collector.{venue}.1 to actors")
            found.append(hops.Hop("venue", venue, status, None, "no collector of it is configured", fix))
        for name in names:
            collector = seen.collectors[name]
            found += [
                hops.venue_hop(venue, collector, limits),
                hops.collector_hop(collector),
                hops.bus_hop(collector, seen.heard[name], seen.gaps[name], seen.listened_s, seen.readers),
            ]
    source = max(seen.collectors.values(), key=lambda one: one.newest_ns, default=None)
    for shard in _serving(seen.aggregators):
        found.append(hops.aggregator_hop(shard, source, limits))
    streams = [one for one in seen.collectors.values() if one.kinds != FETCHED_KINDS]
    streamed = max(streams, key=lambda one: one.newest_ns, default=None)
    found += [hops.orderflow_hop(one, streamed, limits) for one in _serving(seen.orderflows)]
    found += [hops.detector_hop(one) for one in seen.detectors.values()]
    source_age_s = source.age_s if source is not None else None
    for name, (answers, error) in seen.hubs.items():
        found.append(hops.hub_hop(name, answers, source_age_s, limits, error))
    found += [bridge_hop(name, status, error, symbol) for name, (status, error) in seen.bridges.items()]
    order = ("venue", "collector", "bus", "aggregator", "orderflow", "detector", "hub", "bridge")
    return sorted(found, key=lambda hop: order.index(hop.place))


def _serving(actors: Mapping[str, Actor]) -> Collection[Actor]:
    """Of several that share the symbols those that have this one; all where none has."""
    return [one for one in actors.values() if one.newest_ns or one.error] or actors.values()


def _market(name: str) -> tuple[str, str]:
    """(market, raw name) of `market:RAW`."""
    market, _, raw = name.rpartition(":")
    return market, raw


def _collectors_of(venue: str) -> list[str]:
    from protocol.pushing import is_pushed, is_receiver

    here = context.current()
    sections = here.loaded.common.actors
    if is_pushed(venue):
        return [name for name in here.actors_of("collector") if is_receiver(name, sections[name])]
    return [
        name
        for name in here.actors_of("collector")
        if name.startswith(f"collector.{venue}.") or sections[name].get("venue") == venue
    ]


def _document(symbol: str, hops: list[Hop], broken: Hop | None) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "ok": broken is None,
        "broken": f"{broken.place} {broken.name}" if broken else None,
        "hops": [hop._asdict() for hop in hops],
    }


def _print(symbol: str, hops: list[Hop], broken: Hop | None) -> None:
    rows = [
        [
            hop.status,
            hop.place,
            hop.name,
            "-" if hop.age_s is None else seconds_text(hop.age_s),
            hop.text + (f"  -> {hop.fix}" if hop.fix and hop.status != "OK" else ""),
        ]
        for hop in hops
    ]
    print_table(["STATE", "HOP", "NAME", "AGE", ""], rows, right=("AGE",))
    if broken is None:
        say(f"{symbol}: every hop is fine")
    else:
        say(f"{symbol}: stops at {broken.place} {broken.name}: {broken.text}")
