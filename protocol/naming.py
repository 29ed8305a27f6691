"""Any spelling of an instrument to its canonical name, and back. Pure.

Read in this order; the first step that finds anything decides, and two instruments in one step are an error:

    BTC_USDT.PERP                          canonical
    EURUSD                                 alias, as it is written in symbols.yaml
    EURUSD=X  BTC-USDT-SWAP  GOLD          what a venue, a provider or a broker calls it, as it is written there
    yahoo:EURUSD=X  binance:usdm:BTCUSDT   the same with its owner, which decides where several use one name
    eur-usd  Eur/Usd  c:eurusd             one of these in other capitals or with other separators
    EURUSD.m  #US100                       one of ours with the affixes of a broker

The last two are guesses and count as one step: an instrument EURUSDM makes `EURUSDm` ambiguous. Names of ours (canonical,
alias) come before those of others in it. `Catalog.get` knows canonical names and aliases only, and is fast.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

from protocol.brokers import ANY, Broker
from protocol.errors import InvalidRequest, UnknownSymbol
from protocol.instruments import Catalog, Instrument, currencies_of
from protocol.likeness import nearest

Kind = Literal["canonical", "alias", "venue", "provider", "broker"]
How = Literal["exact", "normalised", "affixed"]

LONGEST_NAME: Final = 64
"""Longer ones are not compared with what is known: no name is so long."""
_SEPARATORS: Final = str.maketrans("", "", "/-_ ")


class Spelling(NamedTuple):
    """One name of an instrument."""

    symbol: str
    """Canonical."""
    kind: Kind
    owner: str
    """Venue, provider or broker whose name it is; empty for canonical names and aliases."""
    name: str
    """As the owner writes it; at a venue with its market, `usdm:BTCUSDT`."""

    def __str__(self) -> str:
        return f"{self.owner}:{self.name}" if self.owner else self.name


class Reading(NamedTuple):
    """What a name was taken for."""

    spelling: Spelling
    how: How
    broker: str = ""
    """Whose affixes were taken off."""

    @property
    def symbol(self) -> str:
        """Canonical name."""
        return self.spelling.symbol

    def __str__(self) -> str:
        known_from = self.spelling.kind if self.spelling.kind in ("canonical", "alias") else ""
        whose = "any broker" if self.broker == ANY else self.broker
        affixes = f" without the affixes of {whose}" if whose else ""
        return f"{known_from} {self.spelling}".lstrip() + affixes


class Names:
    """Every name of every instrument.

    Args:
        catalog: The instruments.
        brokers: `brokers:` of symbols.yaml.
    """

    def __init__(self, catalog: Catalog, brokers: Mapping[str, Broker] | None = None) -> None:
        self.catalog = catalog
        self.brokers = dict(brokers or {})
        self._aliases = _Index()
        self._ours = _Index()
        self._theirs = _Index()
        self._of: dict[str, _Index] = {broker: _Index() for broker in self.brokers}
        for symbol in catalog.symbols:
            instrument = catalog.get(symbol)
            self._ours.add(symbol, Spelling(symbol, "canonical", "", symbol))
            for alias in instrument.aliases:
                spelling = Spelling(symbol, "alias", "", alias)
                self._aliases.add(alias, spelling)
                self._ours.add(alias, spelling)
            for venue, name in instrument.venues.items():
                self._enter(Spelling(symbol, "venue", venue, name), name, name.rpartition(":")[2])
            for provider, name in instrument.providers.items():
                self._enter(Spelling(symbol, "provider", provider, name), name)
        for broker, entry in self.brokers.items():
            for name, symbol in entry.names.items():
                self._enter(Spelling(symbol, "broker", broker, name), name)

    def _enter(self, spelling: Spelling, *texts: str) -> None:
        for text in dict.fromkeys(texts):
            self._theirs.add(text, spelling)
            self._of.setdefault(spelling.owner, _Index()).add(text, spelling)

    @property
    def owners(self) -> list[str]:
        """Venues, providers and brokers, sorted."""
        return sorted(self._of)

    def resolve(self, name: str, owner: str = "") -> Reading:
        """The one instrument that a name means.

        Args:
            name: Any spelling.
            owner: Venue, provider or broker that uses it; empty: it is not known.

        Raises:
            InvalidRequest: it may mean several, `details["candidates"]` names them; or there is no such owner.
            UnknownSymbol: nothing is called so; with the nearest as suggestions.
        """
        if owner and owner not in self._of:
            near = nearest(owner, self.owners)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(self.owners) or 'none'}"
            raise InvalidRequest(f"no venue, provider or broker {owner!r}; {hint}", errors=["owner"])
        found = self._owned(name, owner) if owner else self._anywhere(name)
        by_symbol = {one.symbol: one for one in reversed(found)}
        if len(by_symbol) == 1:
            return found[0]
        if not by_symbol:
            raise self._unknown(name, owner)
        candidates = [f"{symbol} ({by_symbol[symbol]})" for symbol in sorted(by_symbol)]
        place = f" at {owner}" if owner else ""
        raise InvalidRequest(
            f"{name!r}{place} may be {', '.join(candidates[:-1])} or {candidates[-1]}",
            errors=candidates,
            candidates=sorted(by_symbol),
        )

    def spellings(self, symbol: str, owner: str = "") -> list[Spelling]:
        """What others call an instrument, venues first; each is understood by `resolve` with its owner.

        Args:
            symbol: Canonical name or alias.
            owner: Only of this one. What every broker may do (`any`) is told only where it is asked for.

        Raises:
            UnknownSymbol: no such instrument.
        """
        instrument = self.catalog.get(symbol)
        symbol = instrument.symbol
        found = [Spelling(symbol, "venue", venue, name) for venue, name in sorted(instrument.venues.items())]
        found += [Spelling(symbol, "provider", *one) for one in sorted(instrument.providers.items())]
        for broker, entry in sorted(self.brokers.items()):
            if broker == owner or (not owner and broker != ANY):
                names = dict.fromkeys(entry.spelled(symbol, plain_name(instrument)))
                found += [
                    Spelling(symbol, "broker", broker, name)
                    for name in names
                    if self._is(name, broker, symbol)
                ]
        return [one for one in found if not owner or one.owner == owner]

    def _is(self, name: str, broker: str, symbol: str) -> bool:
        return {one.symbol for one in self._owned(name, broker)} == {symbol}

    def _anywhere(self, name: str) -> list[Reading]:
        exact = self._exact(name) or self._theirs.exact(name)
        if exact:
            return exact
        owner, _, rest = name.partition(":")
        if rest and owner in self._of:
            return self._owned(rest, owner)
        guesses = self._ours.folded(name) or self._theirs.folded(name)
        return guesses + [one for broker in self.brokers for one in self._affixed(name, broker)]

    def _exact(self, name: str) -> list[Reading]:
        """One of ours, as it is written."""
        if name in self.catalog:
            return [Reading(Spelling(name, "canonical", "", name), "exact")]
        return self._aliases.exact(name)

    def _owned(self, name: str, owner: str) -> list[Reading]:
        """Readings of a name that this owner uses: a broker may use ours, a venue or provider only its own."""
        if owner not in self.brokers:
            return self._of[owner].exact(name) or self._of[owner].folded(name)
        return self._plain(name, owner) or self._folded(name, owner) + self._affixed(name, owner)

    def _plain(self, name: str, broker: str) -> list[Reading]:
        tables = [self._of[one] for one in (broker, ANY) if one in self.brokers]
        for table in tables:
            if found := table.exact(name):
                return found
        return self._exact(name)

    def _folded(self, name: str, broker: str) -> list[Reading]:
        tables = [self._of[one] for one in dict.fromkeys((broker, ANY)) if one in self.brokers]
        return [found for table in (*tables, self._ours) for found in table.folded(name)]

    def _affixed(self, name: str, broker: str) -> list[Reading]:
        """Readings without affixes of this broker, or of those that every broker may use."""
        found = []
        for whose in dict.fromkeys((broker, ANY)):
            entry = self.brokers.get(whose)
            for stem in entry.stems(name) if entry else ():
                readings = self._plain(stem, broker) or self._folded(stem, broker)
                found += [Reading(one.spelling, "affixed", whose) for one in readings]
        return found

    def _unknown(self, name: str, owner: str) -> UnknownSymbol:
        tables = [self._of[owner]] if owner else [self._theirs]
        if owner in self.brokers or not owner:
            tables.insert(0, self._ours)
        near = [one for table in tables for one in table.nearest(name)] if len(name) <= LONGEST_NAME else []
        by_symbol = {one.symbol: one for one in reversed(near)}
        suggestions = list(dict.fromkeys(one.symbol for one in near))[:3]
        shown = [f"{one} ({by_symbol[one]})" if by_symbol[one].owner else one for one in suggestions]
        hint = f"; did you mean {' or '.join(shown)}?" if shown else ""
        place = f" at {owner}" if owner else ""
        return UnknownSymbol(f"no instrument {name!r}{place}{hint}", symbol=name, suggestions=suggestions)


class _Index:
    """Names of one owner, as they are written and folded."""

    def __init__(self) -> None:
        self._exact: dict[str, list[Spelling]] = {}
        self._folded: dict[str, list[Spelling]] = {}

    def add(self, text: str, spelling: Spelling) -> None:
        self._exact.setdefault(text, []).append(spelling)
        self._folded.setdefault(folded(text), []).append(spelling)

    def exact(self, text: str) -> list[Reading]:
        return [Reading(one, "exact") for one in self._exact.get(text, ())]

    def folded(self, text: str) -> list[Reading]:
        return [Reading(one, "normalised") for one in self._folded.get(folded(text), ())]

    def nearest(self, text: str) -> Iterable[Spelling]:
        near = nearest(folded(text), self._folded, n=3)
        return [one for key in near for one in self._folded[key]]


def folded(name: str) -> str:
    """A name without what people write differently: capitals, and the separators `/ - _` and space."""
    return name.upper().translate(_SEPARATORS)


def plain_name(instrument: Instrument) -> str:
    """The usual name of an instrument, to which brokers add their affixes: `EURUSD`, `NAS100`, `6E`."""
    joined = "".join(currencies_of(instrument)).upper()
    names = instrument.aliases or [folded(instrument.symbol)]
    return joined if joined in names else names[0]
