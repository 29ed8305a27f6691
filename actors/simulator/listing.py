"""What is listed at the simulated exchange: names, ticks, lots and a plausible first price. Pure."""

from __future__ import annotations

import dataclasses
import math
import zlib
from collections.abc import Iterable
from decimal import Decimal
from functools import cached_property
from typing import Final

from protocol.instruments import Instrument

GENERATED_MARKETS: Final = ("spot", "usdm")
"""Markets the generator makes data for; COIN-M is only played from recordings."""

USD_PRICES: Final = {
    "BTC": 91_234.5, "ETH": 3_120.4, "BNB": 905.2, "SOL": 158.3, "XRP": 2.31, "DOGE": 0.2145, "ADA": 0.7621,
    "AVAX": 24.6, "LINK": 17.85, "DOT": 4.12, "LTC": 92.3, "BCH": 512.7, "TRX": 0.2891, "TON": 3.05,
    "XAU": 2_650.0, "EUR": 1.08, "GBP": 1.27, "JPY": 0.0066, "USD": 1.0, "USDT": 1.0, "USDC": 1.0,
    "FDUSD": 1.0, "BUSD": 1.0,
}  # fmt: skip
SPOT_DECIMALS: Final = 8
"""Spot writes every price and size with eight decimals, whatever the tick."""
GRID: Final = 1e-5
"""Distance of neighbouring book levels as a share of the price: with a one-tick grid a price of 90,000
would hardly move within a minute."""
LEVEL_USD: Final = 6_000.0
"""Typical value resting on one level."""


@dataclasses.dataclass(frozen=True)
class Listing:
    """One instrument of the exchange, with everything that turns its integers into the venue's text."""

    market: str
    raw: str
    """Name at the venue, upper case: `BTCUSDT`."""
    symbol: str
    """Canonical name, empty for generated load-test instruments."""
    base: str
    quote: str
    price_decimals: int
    tick_units: int
    """Smallest price step, in units of 10**-price_decimals."""
    grid_units: int
    """Distance of book levels, in the same units; a multiple of the tick."""
    lot_decimals: int
    first_level: int
    """Level of the first fair price."""
    typical_lots: int
    """Typical size of a level."""

    @property
    def key(self) -> tuple[str, str]:
        """(market, raw name): unique at the exchange."""
        return self.market, self.raw

    @cached_property
    def price_scale(self) -> int:
        """Price units per 1.0."""
        return int(10**self.price_decimals)

    @cached_property
    def lot_scale(self) -> int:
        """Lots per 1.0 of the base asset."""
        return int(10**self.lot_decimals)

    @cached_property
    def price_format(self) -> str:
        """%-format of divmod(price units, price_scale)."""
        return _decimal_format(self.price_decimals, self.market)

    @cached_property
    def lot_format(self) -> str:
        """%-format of divmod(lots, lot_scale)."""
        return _decimal_format(self.lot_decimals, self.market)

    def price_text(self, units: int) -> str:
        """Price in units of 10**-price_decimals as the venue writes it."""
        return self.price_format % divmod(units, self.price_scale)

    def level_text(self, level: int) -> str:
        """Price of a book level as the venue writes it."""
        return self.price_format % divmod(level * self.grid_units, self.price_scale)

    def lots_text(self, lots: int) -> str:
        """Size as the venue writes it."""
        return self.lot_format % divmod(lots, self.lot_scale)

    def value_text(self, units_times_lots: int) -> str:
        """Price times size, in quote currency."""
        decimals = self.price_decimals + self.lot_decimals
        value = Decimal(units_times_lots).scaleb(-decimals)
        return f"{value:.8f}" if self.market == "spot" else f"{value:.{min(decimals, 8)}f}"

    @cached_property
    def tick_text(self) -> str:
        """Price step, for exchangeInfo."""
        return self.price_text(self.tick_units)

    @cached_property
    def step_text(self) -> str:
        """Size step, for exchangeInfo."""
        return self.lots_text(1)


def listings_of(instruments: Iterable[Instrument], limit: int = 0, extra: int = 0) -> list[Listing]:
    """The exchange's listings: instruments with a Binance name, then generated ones for load tests.

    Args:
        instruments: The catalogue's instruments; those without a `binance` name, or with one of a market that
            the generator does not make, are left out.
        limit: At most so many of them, 0 for all.
        extra: Spot instruments `LOAD0001USDT`... to add.
    """
    found: list[Listing] = []
    for instrument in sorted(instruments, key=_rank):
        market, _, raw = instrument.venues.get("binance", "").rpartition(":")
        if market in GENERATED_MARKETS and (not limit or len(found) < limit):
            base, _, quote = instrument.symbol.partition(".")[0].partition("_")
            names = (instrument.base or base, instrument.quote or quote)
            found.append(listing(market, raw, instrument.symbol, *names, tick_size=instrument.tick_size))
    for number in range(1, extra + 1):
        base = f"LOAD{number:04d}"
        found.append(listing("spot", f"{base}USDT", "", base, "USDT"))
    return found


def listing(market: str, raw: str, symbol: str, base: str, quote: str, tick_size: float = 0.0) -> Listing:
    """Derive ticks, lots and the first price of one instrument; tick size 0 means unknown."""
    base_usd, quote_usd = _usd(base), _usd(quote)
    price = base_usd / quote_usd
    decimals, tick_units = _tick(tick_size) if tick_size > 0 else (_decimals_for(price), 1)
    price_units = max(1_000, round(price * 10**decimals))
    grid_units = _grid(price_units, tick_units)
    lot_decimals = _lot_decimals(market, base_usd)
    return Listing(
        market=market,
        raw=raw,
        symbol=symbol,
        base=base,
        quote=quote,
        price_decimals=decimals,
        tick_units=tick_units,
        grid_units=grid_units,
        lot_decimals=lot_decimals,
        first_level=price_units // grid_units,
        typical_lots=max(20, round(LEVEL_USD / base_usd * 10**lot_decimals)),
    )


def _rank(instrument: Instrument) -> tuple[int, str]:
    """Well-known assets first: the first of the list are the busiest."""
    base = instrument.symbol.partition("_")[0]
    known = list(USD_PRICES)
    return (known.index(base) if base in USD_PRICES else len(known)), instrument.symbol


def _usd(asset: str) -> float:
    known = USD_PRICES.get(asset)
    if known is not None:
        return known
    # Python's own hash differs from run to run; this one does not.
    return float(10.0 ** ((zlib.crc32(asset.encode()) % 3_000) / 1_000.0 - 1.0))


def _tick(tick_size: float) -> tuple[int, int]:
    exponent = Decimal(repr(tick_size)).normalize().as_tuple().exponent
    decimals = min(SPOT_DECIMALS, max(0, -int(exponent)))
    return decimals, max(1, round(tick_size * 10**decimals))


def _decimals_for(price: float) -> int:
    return min(SPOT_DECIMALS, max(1, 5 - math.floor(math.log10(price))))


def _grid(price_units: int, tick_units: int) -> int:
    """Largest 1-2-5 multiple of the tick that is at most GRID of the price, at least one tick."""
    ticks = int(price_units * GRID / tick_units)
    step = 1
    for candidate in (digit * 10**power for power in range(12) for digit in (1, 2, 5)):
        if candidate > ticks:
            break
        step = candidate
    return step * tick_units


def _lot_decimals(market: str, base_usd: float) -> int:
    magnitude = math.floor(math.log10(base_usd))
    return min(5, max(1, magnitude + 1)) if market == "spot" else min(3, max(0, magnitude - 1))


def _decimal_format(decimals: int, market: str) -> str:
    if market == "spot":
        # the value part has `decimals` digits, the rest up to eight is zeros
        return (f"%d.%0{decimals}d" if decimals else "%d.%.0s") + "0" * (SPOT_DECIMALS - decimals)
    return f"%d.%0{decimals}d" if decimals else "%d%.0s"
