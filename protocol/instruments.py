"""Canonical symbols and what every venue calls them. Pure.

`BASE_QUOTE` for spot and FX, a suffix for derivatives (`BTC_USDT.PERP`). A venue's raw name is unique only
inside one of its markets (`BTCUSDT` is both spot and USD-M at Binance), so mappings read `market:RAW`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec.structs import replace

from protocol.asset_classes import AssetClass, asset_class_of
from protocol.errors import UnknownSymbol
from protocol.likeness import nearest
from protocol.topics import is_symbol

REST: Final = "rest"
"""Venue of the bars that providers give over REST: every instrument with `providers` is at it."""
BARS: Final = "bars"
"""Market of that venue; the raw name in it is the symbol."""


class Instrument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tradable thing and its names."""

    symbol: str = ""
    """Canonical name, for example `EUR_USD`; in symbols.yaml it is the key."""
    base: str = ""
    """Base asset; derived from the symbol where empty."""
    quote: str = ""
    """Quote currency; derived from the symbol where empty."""
    tick_size: float = 0.0
    """Smallest price step, in quote currency; 0 if unknown."""
    pip_size: float = 0.0
    """Size of a pip, in quote currency; 0 where pips are not used."""
    contract_size: float = 1.0
    """Base units (or quote units of an inverse contract) per contract."""
    inverse_of: str = ""
    """Symbol whose price is the reciprocal of this one's (6J quotes USD per JPY)."""
    flow_for: str = ""
    """Pair whose order flow this instrument stands for as well (a currency future for spot); turned over if it is also
    its `inverse_of`. Empty: none."""
    session: str = "crypto"
    """Session calendar: crypto, fx, cme, us_equity."""
    bars_from: str = "trade"
    """What candles are built from: trade, or quote (mid price) where a venue has no trades."""
    asset_class: AssetClass = ""
    """fx, metal, index, equity, crypto or future; empty: derived by the catalog from session and currencies, where these
    show it. An index must say so."""
    venues: dict[str, str] = {}
    """Venue name to `market:RAW`, for example `binance: "usdm:BTCUSDT"`."""
    providers: dict[str, str] = {}
    """Provider of bars over REST to its name, verbatim, for example `yahoo: EURUSD=X`. With one the instrument is at the
    venue `rest` too."""
    aliases: list[str] = []
    """Other names people type for it."""


class Catalog:
    """All instruments, found by canonical name, alias, or venue name."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self._by_symbol: dict[str, Instrument] = {}
        self._aliases: dict[str, str] = {}
        self._canonical: dict[tuple[str, str, str], str] = {}
        self._provided: dict[tuple[str, str], str] = {}
        for instrument in instruments:
            self.add(instrument)

    def add(self, instrument: Instrument) -> None:
        """Add one; its asset class and its place at the venue `rest` are filled in.

        Raises:
            ValueError: it is no canonical symbol, or one of its names is taken.
        """
        instrument = completed(instrument)
        symbol = instrument.symbol
        if not is_symbol(symbol):
            raise ValueError(f"{symbol!r} is not a canonical symbol (like BTC_USDT or BTC_USDT.PERP)")
        if symbol in self._by_symbol:
            raise ValueError(f"{symbol} is listed twice")
        self._by_symbol[symbol] = instrument
        for alias in instrument.aliases:
            other = self._aliases.setdefault(alias.upper(), symbol)
            if other != symbol:
                raise ValueError(f"alias {alias} names both {other} and {symbol}")
        for venue, name in instrument.venues.items():
            market, _, raw = name.rpartition(":")
            other = self._canonical.setdefault((venue, market, raw), symbol)
            if other != symbol:
                raise ValueError(f"{venue} {name} is mapped to both {other} and {symbol}")
        for provider, name in instrument.providers.items():
            other = self._provided.setdefault((provider, name), symbol)
            if other != symbol:
                raise ValueError(f"{provider} {name} is mapped to both {other} and {symbol}")

    @property
    def symbols(self) -> list[str]:
        """Canonical names, sorted."""
        return sorted(self._by_symbol)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._by_symbol

    def __len__(self) -> int:
        return len(self._by_symbol)

    def get(self, symbol: str) -> Instrument:
        """Find an instrument by canonical name or alias.

        Raises:
            UnknownSymbol: with the nearest names as suggestions.
        """
        found = self._by_symbol.get(symbol) or self._by_symbol.get(self._aliases.get(symbol.upper(), ""))
        if found is not None:
            return found
        names = [*self._by_symbol, *self._aliases]
        near = nearest(symbol.upper(), names, n=3, cutoff=0.5)
        suggestions = list(dict.fromkeys(self._aliases.get(name, name) for name in near))
        hint = f"; did you mean {' or '.join(suggestions)}?" if suggestions else ""
        raise UnknownSymbol(f"no instrument {symbol!r}{hint}", symbol=symbol, suggestions=suggestions)

    def canonical(self, venue: str, market: str, raw: str) -> str | None:
        """Canonical name of a venue's raw one, None if nobody mapped it."""
        return self._canonical.get((venue, market, raw))

    def raw(self, symbol: str, venue: str) -> tuple[str, str] | None:
        """(market, raw name) of a symbol at a venue, None if it is not there."""
        instrument = self._by_symbol.get(symbol)
        name = instrument.venues.get(venue) if instrument else None
        if name is None:
            return None
        market, _, raw = name.rpartition(":")
        return market, raw

    def of_venue(self, venue: str) -> list[Instrument]:
        """Instruments that a venue has, by symbol."""
        return [self._by_symbol[name] for name in self.symbols if venue in self._by_symbol[name].venues]


def completed(instrument: Instrument) -> Instrument:
    """An instrument with what follows from the rest of it: its asset class, and its place at the venue `rest`."""
    venues = instrument.venues
    if instrument.providers:
        venues = venues | {REST: f"{BARS}:{instrument.symbol}"}
    asset_class = instrument.asset_class or asset_class_of(*currencies_of(instrument), instrument.session)
    if (venues, asset_class) == (instrument.venues, instrument.asset_class):
        return instrument
    return replace(instrument, venues=venues, asset_class=asset_class)


def currencies_of(instrument: Instrument) -> tuple[str, str]:
    """(base, quote); from the symbol where the instrument does not say, empty where that does not either."""
    base, separator, rest = instrument.symbol.partition("_")
    return instrument.base or (base if separator else ""), instrument.quote or rest.partition(".")[0]
