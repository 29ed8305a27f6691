"""REST answers out of the generated exchange: books, trades, candles and rules of its markets. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Final

from actors.simulator.candle import MINUTE_MS, kline_row
from actors.simulator.exchange import Exchange
from actors.simulator.listing import Listing
from actors.simulator.market import Market
from actors.simulator.rest import (
    INVALID_INTERVAL,
    INVALID_SYMBOL,
    NOT_FOUND,
    Answer,
    Params,
    Respond,
    malformed,
    missing,
    number_of,
)

INTERVALS_MS: Final = {
    "1m": 60_000, "3m": 180_000, "5m": 300_000, "15m": 900_000, "30m": 1_800_000, "1h": 3_600_000,
    "2h": 7_200_000, "4h": 14_400_000, "6h": 21_600_000, "8h": 28_800_000, "12h": 43_200_000, "1d": 86_400_000,
}  # fmt: skip
FUTURES_DEPTHS: Final = (5, 10, 20, 50, 100, 500, 1000)
_FOREVER_MS: Final = 1 << 62


class ExchangeData:
    """Backend of REST over an exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def answer(self, market: str, endpoint: str, params: Params, respond: Respond) -> None:
        """Answer one request at once."""
        match endpoint:
            case "ping":
                respond(Answer(b"{}"))
            case "time":
                respond(Answer.of({"serverTime": self._now_ms}))
            case "exchangeInfo":
                respond(self._exchange_info(market, params))
            case _:
                respond(self._of_symbol(market, endpoint, params))

    @property
    def _now_ms(self) -> int:
        return self._exchange.now_ms + self._exchange.skew_ms

    def _of_symbol(self, market: str, endpoint: str, params: Params) -> Answer:
        raw = params.get("symbol")
        if not raw:
            return missing("symbol")
        found = self._exchange.markets.get((market, raw))
        if found is None:
            return INVALID_SYMBOL
        match endpoint:
            case "depth":
                return self._depth(found, params)
            case "trades" | "historicalTrades":
                return _trades(found, params)
            case "aggTrades":
                return _agg_trades(found, params)
            case "klines":
                return self._klines(found, params)
        return NOT_FOUND

    def _depth(self, market: Market, params: Params) -> Answer:
        is_spot = market.listing.market == "spot"
        limit = number_of(params, "limit", 100 if is_spot else 500)
        if limit is None or limit < 1:
            return malformed("limit")
        if not is_spot and limit not in FUTURES_DEPTHS:
            return Answer.error(-4021, f"'{limit}' is not valid depth limit.")
        return Answer(market.snapshot(self._now_ms, min(limit, 5_000)).encode())

    def _klines(self, market: Market, params: Params) -> Answer:
        interval_ms = INTERVALS_MS.get(params.get("interval", ""))
        if interval_ms is None:
            return INVALID_INTERVAL if "interval" in params else missing("interval")
        is_spot = market.listing.market == "spot"
        limit = number_of(params, "limit", 500)
        start_ms = number_of(params, "startTime", 0)
        end_ms = number_of(params, "endTime", _FOREVER_MS)
        if limit is None or start_ms is None or end_ms is None:
            return malformed("limit" if limit is None else "startTime" if start_ms is None else "endTime")
        market.candles.at(self._now_ms)
        candles = (
            list(market.candles.minutes) if interval_ms == MINUTE_MS else market.candles.rolled(interval_ms)
        )
        wanted = [candle for candle in candles if start_ms <= candle.open_ms <= end_ms]
        most = min(limit, 1_000 if is_spot else 1_500)
        chosen = wanted[:most] if start_ms else wanted[-most:]
        return Answer.of([kline_row(market.listing, candle) for candle in chosen])

    def _exchange_info(self, market: str, params: Params) -> Answer:
        raw = params.get("symbol")
        listings = [
            found.listing for found in self._exchange.markets.values() if found.listing.market == market
        ]
        if raw is not None:
            listings = [listing for listing in listings if listing.raw == raw]
            if not listings:
                return INVALID_SYMBOL
        limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1}
        return Answer.of(
            {
                "timezone": "UTC",
                "serverTime": self._now_ms,
                "rateLimits": [{**limit, "limit": 6_000 if market == "spot" else 2_400}],
                "exchangeFilters": [],
                "symbols": [symbol_info(listing) for listing in listings],
            }
        )


def _limit(params: Params, default: int = 500) -> int | None:
    limit = number_of(params, "limit", default)
    return limit if limit is None or limit <= 1_000 else 1_000


def _trades(market: Market, params: Params) -> Answer:
    limit, from_id = _limit(params), number_of(params, "fromId", 0)
    if limit is None or from_id is None:
        return malformed("limit" if limit is None else "fromId")
    rows = market.trades.rows(from_id, limit) if "fromId" in params else market.trades.newest(limit)
    listing = market.listing
    is_spot = listing.market == "spot"
    found: list[dict[str, Any]] = []
    for trade_id, (price, lots, t_ms, is_buyer_maker) in rows:
        row: dict[str, Any] = {
            "id": trade_id,
            "price": listing.price_text(price),
            "qty": listing.lots_text(lots),
            "quoteQty": listing.value_text(price * lots),
            "time": t_ms,
            "isBuyerMaker": bool(is_buyer_maker),
        }
        found.append({**row, "isBestMatch": True} if is_spot else row)
    return Answer.of(found)


def _agg_trades(market: Market, params: Params) -> Answer:
    limit, from_id = _limit(params), number_of(params, "fromId", 0)
    start_ms, end_ms = number_of(params, "startTime", 0), number_of(params, "endTime", _FOREVER_MS)
    if limit is None or from_id is None or start_ms is None or end_ms is None:
        return malformed("fromId" if from_id is None else "limit")
    listing = market.listing
    is_spot = listing.market == "spot"
    found: list[dict[str, Any]] = []
    for agg_id, row in _agg_rows(market, params, limit, from_id, start_ms, end_ms):
        price, lots, first_id, last_id, t_ms, is_buyer_maker = row
        size = listing.lots_text(lots)
        extra: dict[str, Any] = {"M": True} if is_spot else {"nq": size}
        found.append(
            {
                "a": agg_id,
                "p": listing.price_text(price),
                "q": size,
                "f": first_id,
                "l": last_id,
                "T": t_ms,
                "m": bool(is_buyer_maker),
                **extra,
            }
        )
    return Answer.of(found)


def _agg_rows(
    market: Market, params: Params, limit: int, from_id: int, start_ms: int, end_ms: int
) -> Iterator[tuple[int, tuple[int, ...]]]:
    history = market.agg_trades
    if "fromId" in params:
        return history.rows(from_id, limit)
    if "startTime" in params or "endTime" in params:
        rows = history.rows(history.from_time(4, start_ms), limit)
        return itertools.takewhile(lambda item: item[1][4] <= end_ms, rows)
    return history.newest(limit)


def symbol_info(listing: Listing) -> dict[str, Any]:
    """One entry of exchangeInfo."""
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": listing.tick_text},
        {"filterType": "LOT_SIZE", "minQty": listing.step_text, "stepSize": listing.step_text},
    ]
    common = {
        "symbol": listing.raw,
        "status": "TRADING",
        "baseAsset": listing.base,
        "quoteAsset": listing.quote,
        "filters": filters,
    }
    if listing.market == "spot":
        return {**common, "isSpotTradingAllowed": True, "permissions": ["SPOT"]}
    return {
        **common,
        "pair": f"{listing.base}{listing.quote}",
        "contractType": "PERPETUAL",
        "marginAsset": listing.quote,
        "pricePrecision": listing.price_decimals,
        "quantityPrecision": listing.lot_decimals,
    }
