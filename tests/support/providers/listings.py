"""The instruments of the local market, and what each provider calls them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple


class Listing(NamedTuple):
    """One instrument."""

    symbol: str
    """Canonical."""
    asset_class: str
    session: str
    price: float
    """Around which it moves."""
    decimals: int
    """Of its prices: the tick is 10 ** -decimals."""
    minute_bp: float
    """How far it moves in a minute, about."""
    volume: float
    """Of a minute, about; 0: nobody knows any. That of a metal is of its future, which is what Yahoo has."""
    raws: Mapping[str, str]
    """Provider to its name."""
    title: str
    quiet: float = 0.002
    """Share of minutes without a trade."""

    @property
    def tick_size(self) -> float:
        """Smallest price step."""
        return float(f"1e-{self.decimals}")

    @property
    def base(self) -> str:
        """First half of the name of a pair."""
        return self.symbol.partition("_")[0]

    @property
    def quote(self) -> str:
        """Second half of the name of a pair, USD for the others."""
        return self.symbol.partition("_")[2] or "USD"

    def entry(self) -> dict[str, Any]:
        """Its entry of symbols.yaml."""
        return {
            "session": self.session,
            "asset_class": self.asset_class,
            "tick_size": self.tick_size,
            "providers": dict(self.raws),
        }


def _fx(symbol: str, price: float, decimals: int = 5) -> Listing:
    base, quote = symbol.split("_")
    raws = {
        "yahoo": f"{base}{quote}=X",
        "alphavantage": f"{base}/{quote}",
        "twelvedata": f"{base}/{quote}",
        "polygon": f"C:{base}{quote}",
    }
    return Listing(symbol, "fx", "fx", price, decimals, 0.9, 0.0, raws, f"{base}/{quote}")


def _metal(symbol: str, price: float, decimals: int, yahoo: str) -> Listing:
    pair = symbol.replace("_", "/")
    raws = {"yahoo": yahoo, "alphavantage": pair, "twelvedata": pair, "polygon": f"C:{pair.replace('/', '')}"}
    return Listing(symbol, "metal", "fx", price, decimals, 2.0, 60.0, raws, pair)


def _equity(symbol: str, price: float, title: str) -> Listing:
    raws = dict.fromkeys(("yahoo", "alphavantage", "twelvedata", "polygon"), symbol)
    return Listing(symbol, "equity", "us_equity", price, 2, 4.0, 40_000.0, raws, title)


def _crypto(symbol: str, price: float, decimals: int, volume: float, title: str) -> Listing:
    base, quote = symbol.split("_")
    raws = {"yahoo": f"{base}-{quote}", "twelvedata": f"{base}/{quote}", "polygon": f"X:{base}{quote}"}
    return Listing(symbol, "crypto", "crypto", price, decimals, 5.0, volume, raws, title, quiet=0.0005)


LISTINGS: Final = (
    _fx("EUR_USD", 1.1515),
    _fx("GBP_USD", 1.3120),
    _fx("USD_JPY", 151.25, 3),
    _fx("AUD_USD", 0.6550),
    _fx("USD_CAD", 1.3950),
    _fx("USD_CHF", 0.8940),
    _fx("NZD_USD", 0.5920),
    _fx("EUR_GBP", 0.8660),
    _metal("XAU_USD", 4050.0, 2, "GC=F"),
    _metal("XAG_USD", 49.5, 3, "SI=F"),
    Listing(
        "NAS100", "index", "us_equity", 24_800.0, 2, 3.0, 0.0,
        {"yahoo": "^NDX", "twelvedata": "NDX", "polygon": "I:NDX"}, "NASDAQ 100", quiet=0.0,
    ),
    _equity("AAPL", 268.0, "Apple Inc."),
    _equity("MSFT", 492.0, "Microsoft Corporation"),
    _equity("NVDA", 186.0, "NVIDIA Corporation"),
    _equity("TSLA", 402.0, "Tesla, Inc."),
    _equity("QQQ", 601.0, "Invesco QQQ Trust"),
    _crypto("BTC_USD", 91_500.0, 2, 12.0, "Bitcoin USD"),
    _crypto("ETH_USD", 3_010.0, 2, 150.0, "Ethereum USD"),
    _crypto("SOL_USD", 138.0, 2, 2_500.0, "Solana USD"),
    _crypto("XRP_USD", 2.15, 4, 90_000.0, "XRP USD"),
)  # fmt: skip
"""Twenty of them."""


def listings(count: int) -> tuple[Listing, ...]:
    """So many of them: beyond twenty, invented shares `T021`, `T022` ..."""
    invented = (
        _equity(f"T{n:03}", 20.0 + n * 7 % 400, f"Test {n:03} Inc.")
        for n in range(len(LISTINGS) + 1, count + 1)
    )
    return (*LISTINGS, *invented)[:count]


def entries(found: Iterable[Listing] = LISTINGS) -> dict[str, dict[str, Any]]:
    """The symbols.yaml of these."""
    return {listing.symbol: listing.entry() for listing in found}
