"""What a currency is worth in US dollars, from the quotes that pass by. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from actors.detector.market import Market

USD: Final = "USD"
STABLE_COINS: Final = ("USDT", "USDC", "FDUSD", "DAI")
MAX_AGE_NS: Final = 3600 * 1_000_000_000
"""A quote so much older than the newest one of its currency is no rate any more."""


class Rates:
    """Dollars per unit of each currency: BASE_USD, or the reciprocal of USD_QUOTE, also through stable coins.

    Args:
        stable_coins: Currencies that count as a dollar.
    """

    def __init__(self, stable_coins: Iterable[str] = STABLE_COINS) -> None:
        self._dollars = frozenset((USD, *stable_coins))
        self._sources: dict[str, list[tuple[Market, bool]]] = {}
        """Markets that tell a currency's rate, and whether as its reciprocal."""
        self._markets: list[Market] = []

    def replace_stable_coins(self, stable_coins: Iterable[str]) -> None:
        """Count other currencies as a dollar from now on."""
        self._dollars = frozenset((USD, *stable_coins))
        self._sources.clear()
        for market in self._markets:
            self._sort_in(market)

    def add(self, market: Market) -> None:
        """Know one more market; its quotes are read when a rate is asked for."""
        self._markets.append(market)
        self._sort_in(market)

    def rate(self, currency: str) -> float:
        """Dollars for one unit, 0 where no quote tells: who gets it cannot judge."""
        if currency in self._dollars:
            return 1.0
        best_ns, best = 0, 0.0
        for market, is_reciprocal in self._sources.get(currency, ()):
            bid, ask = market.bid, market.ask
            if (
                0.0 < bid <= ask
                and market.quote_ns > best_ns
                and market.now_ns - market.quoted_ns < MAX_AGE_NS
            ):
                mid = (bid + ask) / 2.0
                best_ns, best = market.quote_ns, 1.0 / mid if is_reciprocal else mid
        return best

    def _sort_in(self, market: Market) -> None:
        if not market.is_spot:
            return
        base, quote = market.base, market.quote_currency
        if quote in self._dollars and base not in self._dollars:
            self._sources.setdefault(base, []).append((market, False))
        elif base in self._dollars and quote not in self._dollars:
            self._sources.setdefault(quote, []).append((market, True))
