"""Is a whole configuration in order: the settings, the actors' sections, the symbols file? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from actors.runtime.conformity import Fault, faults, hint, line
from actors.runtime.host_conformity import host_faults
from actors.runtime.yaml_source import PathKey
from protocol.brokers import Broker
from protocol.instruments import REST, Instrument
from protocol.topics import is_publisher, is_symbol, is_venue

if TYPE_CHECKING:
    from actors.runtime.layers import Tree


def problems_of_tree(tree: Tree, common: type, sections: Mapping[str, type] | None) -> list[str]:
    """Every mistake of a whole configuration; see `settings.check`."""
    found = list(faults(tree.data, common, ()))
    found += host_faults(tree.data)
    found += _actor_faults(tree.data.get("actors", {}), tree.symbols, sections)
    found += _symbol_faults(tree.symbols)
    found += _broker_faults(tree.brokers, tree.symbols)
    return tree.problems + [line(fault, tree.where) for fault in found]


def _actor_faults(
    actors: Any, symbols: Mapping[str, Any], sections: Mapping[str, type] | None
) -> Iterator[Fault]:
    if not isinstance(actors, dict):
        return
    if not actors and sections is not None:
        yield Fault(("actors",), "no actor at all: there is nothing to run")
    for name, row in actors.items():
        path: PathKey = ("actors", name)
        kind = name.partition(".")[0]
        if not is_publisher(name):
            yield Fault(path, "an actor's name is 1 to 32 of a-z 0-9 . _ -", is_key=True)
        elif sections is not None and kind not in sections:
            text = f"unknown kind of actor {kind!r}{hint(kind, sections)}; there are: {', '.join(sections)}"
            yield Fault(path, text, is_key=True)
        elif sections is not None and isinstance(row, dict):
            yield from faults(row, sections[kind], path)
            yield from _unmapped(row.get("symbols"), symbols, (*path, "symbols"))


def _unmapped(named: Any, symbols: Mapping[str, Any], path: PathKey) -> Iterator[Fault]:
    """A list called `symbols` in any section names entries of the symbols file."""
    for index, symbol in enumerate(named if isinstance(named, list) else ()):
        if isinstance(symbol, str) and symbol not in symbols:
            yield Fault(
                (*path, index), f"no instrument {symbol!r} in the symbols file{hint(symbol, symbols)}"
            )


def _symbol_faults(symbols: Mapping[str, Any]) -> Iterator[Fault]:
    taken: dict[tuple[str, str], str] = {}
    aliases: dict[str, str] = {}
    for symbol, row in symbols.items():
        path: PathKey = ("symbols", symbol)
        if not is_symbol(symbol):
            yield Fault(path, "not a canonical symbol, like BTC_USDT or BTC_USDT.PERP", is_key=True)
        found = list(faults(row, Instrument, path))
        yield from found
        if found:
            continue
        for venue, name in row.get("venues", {}).items():
            market, _, raw = str(name).rpartition(":")
            place: PathKey = (*path, "venues", venue)
            if venue == REST:
                yield Fault(place, "follows from providers: name these instead", is_key=True)
            elif not is_venue(venue) or not market or not raw:
                yield Fault(place, f"expected market:RAW, like spot:BTCUSDT (got {name!r})")
            yield from _double(taken, venue, name, symbol, place)
        for provider, name in row.get("providers", {}).items():
            place = (*path, "providers", provider)
            if not is_venue(provider) or not name:
                yield Fault(place, f"expected a provider and its name, like yahoo: EURUSD=X (got {name!r})")
            yield from _double(taken, f"provider {provider}", name, symbol, place)
        for index, alias in enumerate(row.get("aliases", [])):
            other = aliases.setdefault(str(alias).upper(), symbol)
            if other != symbol:
                yield Fault((*path, "aliases", index), f"alias {alias} already names {other}")


def _double(
    taken: dict[tuple[str, str], str], owner: str, name: str, symbol: str, place: PathKey
) -> Iterator[Fault]:
    """One name of an owner is one instrument; both sorts of owners are told apart by their names in `taken`."""
    other = taken.setdefault((owner, name), symbol)
    if other != symbol:
        yield Fault(place, f"{owner} {name} is already mapped to {other}")


def _broker_faults(brokers: Any, symbols: Mapping[str, Any]) -> Iterator[Fault]:
    path: PathKey = ("symbols", "brokers")
    if not isinstance(brokers, dict):
        yield Fault(path, "expected a mapping of brokers, like acme: {suffixes: [.m]}")
        return
    for broker, row in brokers.items():
        if not is_venue(broker):
            yield Fault((*path, broker), "a broker's name is small letters, digits, . _ -", is_key=True)
        found = list(faults(row, Broker, (*path, broker)))
        yield from found
        if found:
            continue
        for key in ("prefixes", "suffixes"):
            for index, affix in enumerate(row.get(key, [])):
                if not affix:
                    yield Fault((*path, broker, key, index), "is empty")
        for name, symbol in row.get("names", {}).items():
            if symbol not in symbols:
                text = f"no instrument {symbol!r} in this file{hint(symbol, symbols)}"
                yield Fault((*path, broker, "names", name), text)
