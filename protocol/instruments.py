"""Canonical symbols and what every venue calls them. Pure.

`BASE_QUOTE` for spot and FX, a suffix for derivatives (`BTC_USDT.PERP`). A venue's raw name is unique only
inside one of its markets (`BTCUSDT` is both spot and USD-M at Binance), so mappings read `market:RAW`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import msgspec

from protocol.errors import UnknownSymbol
from protocol.topics import is_symbol


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
    venues: dict[str, str] = {}
    """Venue name to `market:RAW`, for example `binance: "usdm:BTCUSDT"`."""
    aliases: list[str] = []
    """Other names people type for it."""


class Catalog:
    """All instruments, found by canonical name, alias, or venue name."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self._by_symbol: dict[str, Instrument] = {}
        self._aliases: dict[str, str] = {}
        self._canonical: dict[tuple[str, str, str], str] = {}
        for instrument in instruments:
            self.add(instrument)

    def add(self, instrument: Instrument) -> None:
        """Add one.

        Raises:
            ValueError: it is no canonical symbol, or one of its names is taken.
        """
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
        near = difflib.get_close_matches(symbol.upper(), names, n=3, cutoff=0.5)
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
