"""A market that is a function of time: the same second always has the same prices, candles and books. Pure."""

from __future__ import annotations

import functools
import math
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

SECOND_NS: Final = 1_000_000_000
DAY_S: Final = 86_400
TIMEFRAME_S: Final = {"1s": 1, "1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14400, "1d": 86400}
INDICATORS: Final = (
    "atr_14", "bb_lower_20_2", "bb_middle_20_2", "bb_upper_20_2", "ema_20", "ema_50", "ema_9", "macd_12_26_9",
    "macd_hist_12_26_9", "macd_signal_12_26_9", "mom_10", "rsi_14", "volume_ma_20", "vwap",
)  # fmt: skip


class Listing(NamedTuple):
    """One instrument at one venue."""

    symbol: str
    venue: str
    price: float
    tick_size: float
    pip_size: float = 0.0
    asset_class: str = "crypto"

    @property
    def seed(self) -> int:
        """What makes it move unlike the others."""
        return zlib.crc32(f"{self.symbol}.{self.venue}".encode()) % 10_000


def listings(extra: int = 0) -> list[Listing]:
    """What is traded; `extra` adds `LOAD0001_USDT` and so on."""
    known = [
        Listing("BTC_USDT", "binance", 91_230.0, 0.01),
        Listing("BTC_USDT", "okx", 91_231.0, 0.1),
        Listing("ETH_USDT", "binance", 3_105.0, 0.01),
        Listing("SOL_USDT", "binance", 142.3, 0.01),
        Listing("BTC_USDT.PERP", "binance", 91_260.0, 0.1),
        Listing("ETH_USDT.PERP", "binance", 3_107.0, 0.01),
        Listing("EUR_USDT", "binance", 1.0853, 0.0001, 0.0001, "fx"),
        Listing("EUR_USD", "ig", 1.0851, 0.00001, 0.0001, "fx"),
        Listing("USD_JPY", "ig", 154.62, 0.001, 0.01, "fx"),
    ]
    return known + [Listing(f"LOAD{n:04}_USDT", "binance", 10.0 + n, 0.01) for n in range(1, extra + 1)]


def _noise(seed: int, step: int) -> float:
    return (zlib.crc32(f"{seed}:{step}".encode()) / 0xFFFFFFFF) * 2.0 - 1.0


def price_at(listing: Listing, ts_s: float) -> float:
    """Mid price at a time."""
    seed = listing.seed
    slow = sum(
        math.sin(ts_s / period + seed * phase) * share
        for period, phase, share in ((9000.0, 1.0, 0.012), (1500.0, 2.0, 0.004), (240.0, 3.0, 0.0012))
    )
    step = int(ts_s * 4)
    fast = 0.00006 * (_noise(seed, step) + 0.8 * _noise(seed, step // 5) + 0.9 * _noise(seed, step // 17))
    scale = 0.15 if listing.asset_class == "fx" else 1.0
    return listing.price * (1.0 + scale * (slow + fast))


def _round(listing: Listing, price: float) -> float:
    return round(round(price / listing.tick_size) * listing.tick_size, 8)


def quote(listing: Listing, now_ns: int) -> dict[str, Any]:
    """Best bid and ask."""
    now_s = now_ns / SECOND_NS
    mid, half = (
        price_at(listing, now_s),
        listing.tick_size * (1 + int(2 + 2 * _noise(listing.seed, int(now_s)))),
    )
    bid = _round(listing, mid - half)
    ask = max(_round(listing, mid + half), _round(listing, bid + listing.tick_size))
    return {
        "symbol": listing.symbol, "venue": listing.venue, "ts_event_ns": now_ns - 4_000_000,
        "ts_recv_ns": now_ns, "bid": bid, "ask": ask, "bid_size": 1.25, "ask_size": 0.75, "update_id": now_ns // 1000,
        "spread": ask - bid,
    }  # fmt: skip


def book(listing: Listing, now_ns: int, depth: int) -> dict[str, Any]:
    """The best levels of both sides."""
    best, step = quote(listing, now_ns), int(now_ns / SECOND_NS * 2)
    sides: dict[str, list[list[float]]] = {"bids": [], "asks": []}
    for name, sign, first in (("bids", -1, best["bid"]), ("asks", 1, best["ask"])):
        for level in range(depth):
            price = _round(listing, first + sign * level * listing.tick_size * 20)
            bucket = round(price / (listing.tick_size * 160))
            wall = 9.0 if _noise(listing.seed, bucket) > 0.72 else 1.0
            size = wall * (0.15 + abs(_noise(listing.seed + level, step + level)) * (0.4 + level / depth))
            sides[name].append([price, round(size, 4)])
    return {
        "symbol": listing.symbol, "venue": listing.venue, "ts_event_ns": now_ns - 4_000_000, "ts_recv_ns": now_ns,
        "is_snapshot": True, "first_update_id": now_ns, "last_update_id": now_ns, **sides,
    }  # fmt: skip


def trade(listing: Listing, now_ns: int, number: int) -> dict[str, Any]:
    """One execution."""
    draw = _noise(listing.seed, number)
    best = quote(listing, now_ns)
    size = abs(draw) ** 3 * 2.4 + 0.001
    return {
        "symbol": listing.symbol, "venue": listing.venue, "ts_event_ns": now_ns - 4_000_000, "ts_recv_ns": now_ns,
        "price": best["ask"] if draw > 0 else best["bid"], "size": round(size, 5),
        "side": "buy" if draw > 0 else "sell", "trade_id": number, "count": 1,
    }  # fmt: skip


def bar(listing: Listing, timeframe: str, ts_open_s: int, now_ns: int) -> dict[str, Any]:
    """The candle that begins at a time; three of 97 are gaps, every 31st one is revised."""
    is_over = now_ns >= (ts_open_s + TIMEFRAME_S[timeframe]) * SECOND_NS
    return dict((_closed if is_over else _bar)(listing, timeframe, ts_open_s, 2**62 if is_over else now_ns))


def _bar(listing: Listing, timeframe: str, ts_open_s: int, now_ns: int) -> dict[str, Any]:
    length, now_s = TIMEFRAME_S[timeframe], now_ns / SECOND_NS
    end = min(now_s, ts_open_s + length)
    points = [price_at(listing, ts_open_s + (end - ts_open_s) * part / 12) for part in range(13)]
    number, is_open = ts_open_s // length, now_s < ts_open_s + length
    prices = [_round(listing, point) for point in points]
    status, coverage, revision = "open" if is_open else "closed", 1.0, 0 if is_open else 1
    if not is_open:
        place = number % 97
        if place in (40, 41, 42):
            status, coverage = "gap", 0.35
        elif place == 60:
            status, prices = "quiet", [prices[0]] * len(prices)
        elif place == 75:
            status = "stale"
        elif number % 31 == 7:
            revision = 2
    volume = (
        0.0
        if status == "quiet"
        else abs(_noise(listing.seed, number)) * 40 + 8 + (prices[-1] - prices[0]) ** 2 % 30
    )
    share = min(
        0.92,
        max(
            0.08,
            0.5 + 0.25 * _noise(listing.seed + 5, number) + (prices[-1] - prices[0]) / listing.price * 120,
        ),
    )
    return {
        "symbol": listing.symbol, "venue": listing.venue, "timeframe": timeframe, "ts_open_ns": ts_open_s * SECOND_NS,
        "ts_event_ns": int(end * SECOND_NS), "open": prices[0], "high": max(prices), "low": min(prices), "close": prices[-1],
        "volume": round(volume, 4), "buy_volume": round(volume * share, 4),
        "sell_volume": round(volume * (1 - share), 4), "vwap": sum(prices) / len(prices), "count": int(volume * 7),
        "status": status, "coverage": coverage, "revision": revision, "source": "trade", "ts_recv_ns": 0,
        "is_adjusted": False, "reason": "",
    }  # fmt: skip


_closed = functools.lru_cache(200_000)(_bar)


def bars(
    listing: Listing, timeframe: str, now_ns: int, limit: int, before_s: int = 0
) -> list[dict[str, Any]]:
    """The newest candles before a time, oldest first."""
    length = TIMEFRAME_S[timeframe]
    last = (before_s or int(now_ns / SECOND_NS) + length) // length * length - length
    return [bar(listing, timeframe, last - length * back, now_ns) for back in range(limit - 1, -1, -1)]


def day_of(ts_ns: int) -> str:
    """UTC day of a time: 2026-11-20."""
    return datetime.fromtimestamp(ts_ns // SECOND_NS, UTC).date().isoformat()


def footprint(listing: Listing, now_ns: int, levels: int = 200) -> dict[str, Any]:
    """The volume profile of the UTC day up to now: most where the price was at its open, a second hill above it."""
    day_s = now_ns // SECOND_NS // DAY_S * DAY_S
    grown = 0.2 + (now_ns / SECOND_NS - day_s) / DAY_S
    step = listing.tick_size * 50
    middle = round(price_at(listing, day_s) / step)
    numbers = [middle - levels // 2 + at for at in range(levels)]
    hills = [
        math.exp(-(((at - levels * 0.42) / 26) ** 2)) + 0.6 * math.exp(-(((at - levels * 0.75) / 16) ** 2))
        for at in range(levels)
    ]
    sizes = [
        (0.02 + hill) * (1 + 0.35 * _noise(listing.seed, number)) * 40 * grown
        for hill, number in zip(hills, numbers, strict=True)
    ]
    halves = [0.5 + 0.2 * _noise(listing.seed + 3, number) for number in numbers]
    buys = [round(size * half, 4) for size, half in zip(sizes, halves, strict=True)]
    sells = [round(size * (1 - half), 4) for size, half in zip(sizes, halves, strict=True)]
    totals = [buy + sell for buy, sell in zip(buys, sells, strict=True)]
    low = high = totals.index(max(totals))
    while sum(totals[low : high + 1]) < 0.7 * sum(totals):
        below = totals[low - 1] if low else 0.0
        above = totals[high + 1] if high + 1 < levels else 0.0
        low, high = (low - 1, high) if below > above else (low, high + 1)
    edge = [round(number * step, 8) for number in [*numbers, numbers[-1] + 1]]
    return {
        "symbol": listing.symbol, "venue": listing.venue, "timeframe": "session", "ts_open_ns": day_s * SECOND_NS,
        "ts_event_ns": now_ns, "price_step": step, "prices": edge[:-1], "buy_volumes": buys, "sell_volumes": sells,
        "unknown_volumes": [0.0] * levels, "volume": sum(totals), "delta": sum(buys) - sum(sells),
        "poc": edge[totals.index(max(totals))], "value_area_low": edge[low], "value_area_high": edge[high + 1],
        "count": int(sum(totals) * 7), "status": "open", "coverage": 1.0, "revision": 0,
    }  # fmt: skip


def features(listing: Listing, timeframe: str, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Indicator values that look like some; exactness is the aggregator's matter."""
    averages = dict.fromkeys((9, 12, 20, 26, 50), rows[0]["close"] if rows else 0.0)
    signal, gain, loss, spread = 0.0, 1e-9, 1e-9, listing.price * 0.001
    before = rows[0]["close"] if rows else 0.0
    for row in rows:
        close = row["close"]
        for length in averages:
            averages[length] += (close - averages[length]) * 2 / (length + 1)
        gain += (max(0.0, close - before) - gain) / 14
        loss += (max(0.0, before - close) - loss) / 14
        spread += (abs(close - averages[20]) - spread) / 20
        macd = averages[12] - averages[26]
        signal += (macd - signal) * 0.2
        numbers = (
            spread * 1.2, averages[20] - 2.2 * spread, averages[20], averages[20] + 2.2 * spread, averages[20], averages[50],
            averages[9], macd, macd - signal, signal, close - before, 100 * gain / (gain + loss), 25.0, row["vwap"],
        )  # fmt: skip
        before = close
        yield {
            "symbol": listing.symbol, "venue": listing.venue, "timeframe": timeframe, "ts_open_ns": row["ts_open_ns"],
            "ts_event_ns": row["ts_event_ns"], "is_ready": True, "values": dict(zip(INDICATORS, numbers, strict=True)),
            "revision": row["revision"], "coverage": row["coverage"],
        }  # fmt: skip


def flow(listing: Listing, now_ns: int, window_s: float = 60.0) -> dict[str, Any]:
    """Order flow of the window that ends now."""
    step = now_ns // SECOND_NS
    ofi = 12 * _noise(listing.seed + 9, step // 30) + 5 * _noise(listing.seed + 9, step)
    return {
        "symbol": listing.symbol, "venue": listing.venue, "window_s": window_s, "ts_event_ns": step * SECOND_NS,
        "is_complete": True, "values": {"ofi": ofi, "delta": ofi / 2, "book_imbalance": _noise(listing.seed, step)},
        "coverage": 1.0, "reason": "", "inferred_share": 0.0,
    }  # fmt: skip
