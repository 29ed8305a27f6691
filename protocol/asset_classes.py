"""What sort of thing an instrument is, and how its entry shows it. Pure."""

from __future__ import annotations

from typing import Final, Literal

AssetClass = Literal["fx", "metal", "index", "equity", "crypto", "future", ""]

METALS: Final = frozenset({"XAU", "XAG", "XPT", "XPD"})
CURRENCIES: Final = frozenset({
    "AED", "AUD", "BRL", "CAD", "CHF", "CLP", "CNH", "CNY", "COP", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "IDR",
    "ILS", "INR", "JPY", "KRW", "MXN", "MYR", "NOK", "NZD", "PEN", "PHP", "PLN", "RON", "SAR", "SEK", "SGD", "THB",
    "TRY", "TWD", "USD", "ZAR",
})  # fmt: skip
"""Currencies of countries that are traded against each other, by their ISO 4217 codes (and CNH)."""


def asset_class_of(base: str, quote: str, session: str) -> AssetClass:
    """What the currencies and the session calendar show; empty where they show nothing.

    An index is never recognised: it looks like a share.
    """
    if session == "cme":
        return "future"
    if base in METALS:
        return "metal"
    is_pair = base in CURRENCIES and quote in CURRENCIES
    if session == "fx":
        return "fx" if is_pair else ""
    if session == "us_equity":
        return "equity"
    return "crypto" if session == "crypto" and not is_pair else ""
