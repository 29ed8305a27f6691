"""Random bodies of pushes for `fuzz_push.py`: mostly good, with an odd value here and there. Pure."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

NOW_S: Final = 1_795_176_000
"""A Friday noon; it is replaced by the clock of the receiver wherever it stands."""
NAMES: Final = ("EURUSD", "GBPUSD.r", "XAUUSDm", "#EURUSD", "US100", "BTC_USD", "EUR_USD", "EURUSDX")
TIMEFRAMES: Final = ("M1", "PERIOD_M15", "H1", "1m", 5, "5m")
ODD_SHARE: Final = 0.04
WINDOWS: Final = 100
ODD: Final[tuple[Any, ...]] = (
    None, True, False, "", " ", "NaN", "Infinity", "-Infinity", "null", "true", "false", 0, -1, 2**63, 2**64, 10**30, 10**400,
    1e308, 1e-320, -0.0, [], {}, [[]], [{"symbol": "EURUSD"}], {"ticks": []}, "A" * 5000, "M" + "9" * 5000, "0" * 50 + "1m",
    "9" * 40, "1e999", "1e-999", "1_000", "\u0661\u0662", "\ud800", "\x00", "2026-11-20T12:00:00+23:59", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999-14:00", "2026.11.20 12:00", "1e5000", "1e250000", 7200, "7200", 50_400, 1e9, "mt5", "MT5", "push.mt5",
)  # fmt: skip


def body(random: Random, *, is_list: bool = False) -> Any:
    """An item, a list of them, or a map with lists; odd values in the places of some."""
    items = [_item(random) for _ in range(random.choice((0, 1, 1, 2, 3, 5, 12)))]
    if random.random() < 0.05:
        symbol = random.choice(NAMES)
        items = [_flow(random) | {"symbol": symbol, "window_s": float(number)} for number in range(WINDOWS)]
    found: Any = items
    shape = 0.0 if is_list else random.random()
    if shape > 0.85 and items:
        found = items[0]
    elif shape > 0.4:
        found = {random.choice(("ticks", "bars", "data")): items, "source": random.choice(("mt5", "other"))}
        if random.random() < 0.3:
            found["gmt_offset"] = random.choice((0, 7200, 10_800.0, "7200", 1e9))
        if random.random() < 0.3:
            found["bars"] = [_bar(random)] if random.random() < 0.6 else _bar(random)
    return _odd_in(found, random)


def _item(random: Random) -> dict[str, Any]:
    makers: tuple[Callable[[Random], dict[str, Any]], ...] = (_tick, _tick, _tick, _bar, _flow)
    found = random.choice(makers)(random)
    if random.random() < 0.3:
        found["source"] = random.choice(("mt5", "other", "engine-1", "third", "Fourth", ""))
    if random.random() < 0.4:
        found["gmt_offset"] = random.choice((0, 0, 3600, 7200, -18_000, 60))
    return found


def _tick(random: Random) -> dict[str, Any]:
    bid = random.choice((1.1, 1.2345, 2000.5, "1.1"))
    found = {
        "symbol": random.choice(NAMES),
        "bid": bid,
        "ask": float(bid) + random.choice((0, 0.0002, 1)),
        **_time(random),
    }
    if random.random() < 0.3:
        found |= {
            "bid_size": random.randrange(9),
            "ask_size": str(random.randrange(9)),
            "last": 0,
            "flags": 6,
        }
    if random.random() < 0.3:
        found["id"] = random.choice((random.randrange(1, 99), f"t-{random.randrange(99)}"))
    return found


def _bar(random: Random) -> dict[str, Any]:
    low, high = sorted((random.uniform(1, 2), random.uniform(1, 2)))
    start_s = NOW_S // 3600 * 3600 - random.randrange(1, 20) * 3600
    return {
        "symbol": random.choice(NAMES), "timeframe": random.choice(TIMEFRAMES), "time": start_s, "open": low, "high": high,
        "low": low, "close": high, "tick_volume": random.choice((0, 9, 100.0, 1e30)), "gmt_offset": 0,
    }  # fmt: skip


def _flow(random: Random) -> dict[str, Any]:
    values = {"delta": random.uniform(-9, 9), "ofi_5": random.choice((0, -3, 10**15))}
    window_s = random.choice((0, 60, 300.0, random.uniform(0, 700_000)))
    return {"symbol": random.choice(NAMES), "values": values, "window_s": window_s, **_time(random)}


def _time(random: Random) -> dict[str, Any]:
    """Now, in one of the ways to write it."""
    part = random.randrange(1000)
    return random.choice((
        {"time": NOW_S}, {"time": NOW_S, "time_msc": NOW_S * 1000 + part}, {"ts_event_ns": NOW_S * 10**9 + part * 1000},
        {"timestamp": str(NOW_S)}, {"ts": NOW_S + part / 1000}, {"time": "2026-11-20T12:00:00Z"},
        {"time_msc": (NOW_S + 7200) * 1000 + part},
    ))  # fmt: skip


def _odd_in(value: Any, random: Random) -> Any:
    if random.random() < ODD_SHARE / 4:
        return random.choice(ODD)
    if isinstance(value, dict):
        return {
            name
            if random.random() > ODD_SHARE / 4
            else random.choice(("", "bid", "7", "timeframe", "values")): random.choice(ODD)
            if random.random() < ODD_SHARE
            else _odd_in(inner, random)
            for name, inner in value.items()
        }
    return [_odd_in(inner, random) for inner in value] if isinstance(value, list) else value
