"""Indicators candle by candle against TA-Lib, which works out its whole window again for one new candle.

Eight indicators: three averages, rsi, Bollinger bands, atr, macd and the average volume. The values of both are
compared before anything is measured.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from actors.aggregator.bars import BarBuilder
from actors.aggregator.indicators.definition import Past, Sample
from actors.aggregator.indicators.history import Crowd, over
from actors.aggregator.indicators.registry import joint_reads, named
from actors.aggregator.indicators.suite import Suite
from actors.aggregator.rules import rules_of
from actors.aggregator.settings import AggregatorSettings
from protocol.messages import Trade
from protocol.sessions import NS_PER_S, session_named
from tests.bench.report import Row, interleaved, say

EIGHT: Final = tuple(
    named(text)
    for text in (
        "rsi(14)",
        "ema(9)",
        "ema(20)",
        "ema(50)",
        "bbands(20,2)",
        "atr(14)",
        "macd(12,26,9)",
        "volume_ma(20)",
    )
)
WINDOW: Final = 5000
SYMBOLS: Final = 500
GOAL: Final = 50.0
EQUAL_TO: Final = 1e-9
CLOSE_GOAL_MS: Final = 10.0
_BASE_NS: Final = 1_795_000_020 * NS_PER_S


def market(count: int, symbols: int = 0) -> dict[str, Any]:
    """Columns of a random walk, shaped (count,) or (count, symbols)."""
    rng = np.random.default_rng(4)
    shape = (count, symbols) if symbols else (count,)
    close = 1000.0 + np.cumsum(rng.normal(size=shape), axis=0)
    opened = np.concatenate((close[:1], close[:-1]))
    high = np.maximum(opened, close) + rng.random(shape)
    low = np.minimum(opened, close) - rng.random(shape)
    return {"open": opened, "high": high, "low": low, "close": close, "volume": rng.random(shape) * 100.0}


def samples(bars: dict[str, Any]) -> list[Sample]:
    """The candles one by one, as plain numbers."""
    rows = zip(*(column.tolist() for column in bars.values()), strict=True)
    return [Sample(*row, row[3] * row[4], 0) for row in rows]


def talib_of(talib: Any, bars: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """The same eight, of the whole window."""
    high, low, close, volume = (bars[name] for name in ("high", "low", "close", "volume"))

    def recompute() -> dict[str, Any]:
        upper, middle, lower = talib.BBANDS(close, 20, 2, 2, 0)
        line, signal, rest = talib.MACD(close, 12, 26, 9)
        return {
            "rsi_14": talib.RSI(close, 14),
            "ema_9": talib.EMA(close, 9),
            "ema_20": talib.EMA(close, 20),
            "ema_50": talib.EMA(close, 50),
            "bb_upper_20_2": upper,
            "bb_middle_20_2": middle,
            "bb_lower_20_2": lower,
            "atr_14": talib.ATR(high, low, close, 14),
            "macd_12_26_9": line,
            "macd_signal_12_26_9": signal,
            "macd_hist_12_26_9": rest,
            "volume_ma_20": talib.SMA(volume, 20),
        }

    return recompute


def per_call_us(work: Callable[[], object], calls: int) -> float:
    """Microseconds of one call, the mean of so many."""
    start_ns = time.perf_counter_ns()
    for _ in range(calls):
        work()
    return (time.perf_counter_ns() - start_ns) / calls / 1000


def one_bar_us(candles: list[Sample]) -> float:
    """Microseconds of one candle: a step of all eight and the closed candle noted, over all candles after warm-up."""
    suite = Suite(EIGHT)
    states, past = list(suite.start), Past(joint_reads(EIGHT))
    for bar in candles[:100]:
        states = suite.step(states, past, bar)
        past.append(bar)
    step, append = suite.step, past.append
    start_ns = time.perf_counter_ns()
    for bar in candles[100:]:
        states = step(states, past, bar)
        append(bar)
    return (time.perf_counter_ns() - start_ns) / (len(candles) - 100) / 1000


def peek_us(candles: list[Sample], calls: int) -> float:
    """Microseconds of the running candle: a step of all eight whose result is not kept."""
    suite = Suite(EIGHT)
    states, past = list(suite.start), Past(joint_reads(EIGHT))
    for bar in candles[:-1]:
        states = suite.step(states, past, bar)
        past.append(bar)
    step, last = suite.step, candles[-1]
    start_ns = time.perf_counter_ns()
    for _ in range(calls):
        step(states, past, last)
    return (time.perf_counter_ns() - start_ns) / calls / 1000


def crowd_ms(candles: int) -> float:
    """Milliseconds (of CPU) of one candle of 500 symbols as arrays, the median after warm-up."""
    columns = market(candles, SYMBOLS)
    columns["notional"] = columns["close"] * columns["volume"]
    columns["day_ns"] = np.zeros((candles, SYMBOLS), dtype=np.int64)
    crowd, took = Crowd(EIGHT, SYMBOLS), []
    for at in range(candles):
        bar = Sample(*(column[at] for column in columns.values()))
        start_ns = time.process_time_ns()
        crowd.step(bar)
        took.append((time.process_time_ns() - start_ns) / 1e6)
    return statistics.median(took[100:])


def live_ms(minutes: int, texts: list[str]) -> float:
    """Milliseconds (of CPU) in which the builders of 500 symbols close a minute, candles and features made, the median."""
    settings = AggregatorSettings(indicators=texts, timeframes=["1m"], keep_bars={"1m": 10})
    rules, session = rules_of(settings), session_named("crypto")
    builders = [
        BarBuilder("binance", f"S{number}_USDT", "trade", rules, session, Counter())
        for number in range(SYMBOLS)
    ]
    took = []
    for minute in range(minutes):
        ts_ns = _BASE_NS + minute * 60 * NS_PER_S
        for builder in builders:
            builder.add_trades(
                [Trade(builder.symbol, "binance", ts_ns, ts_ns, 100.0 + minute % 7, 1.0, 1, minute)]
            )
            builder.take()
        start_ns = time.process_time_ns()
        for builder in builders:
            builder.advance(ts_ns + 61 * NS_PER_S, is_connected=True)
            builder.take()
        took.append((time.process_time_ns() - start_ns) / 1e6)
    return statistics.median(took[minutes // 2 :])


def check(bars: dict[str, Any], wanted: dict[str, Any]) -> float:
    """Largest relative difference between ours and TA-Lib's; the same candles have no value."""
    found = over(EIGHT, bars)
    worst = 0.0
    for key, column in wanted.items():
        assert (np.isnan(found[key]) == np.isnan(column)).all(), key
        worst = max(worst, float(np.nanmax(np.abs(found[key] - column) / np.maximum(np.abs(column), 1e-3))))
    return worst


def run(rounds: int, *, quick: bool) -> list[Row]:
    """Rows of the suite; without TA-Lib those against it say so."""
    bars = market(WINDOW)
    candles = samples(bars)
    texts = [one.name for one in EIGHT]
    rows = []
    try:
        import talib
    except ImportError:
        alone_us = min(one_bar_us(candles) for _ in range(rounds))
        note = "TA-Lib is not installed: nothing to compare with"
        rows.append(Row("indicators", "one candle, 8 indicators", alone_us, 0.0, "us", 0.0, note=note))
    else:
        recompute = talib_of(talib, bars)
        worst = check(bars, recompute())
        rows.append(
            Row(
                "indicators", "largest difference from TA-Lib", worst, 0.0, "of the value", 0.0, EQUAL_TO, of_value=True,
                goal_id="indicators",
            )
        )  # fmt: skip
        calls = 100 if quick else 500
        theirs = lambda: per_call_us(recompute, calls)  # noqa: E731
        say("% one candle")
        ours_us, theirs_us, ratio = interleaved(rounds, lambda: one_bar_us(candles), theirs)
        what = f"one candle, 8 indicators, against TA-Lib over {WINDOW:,}"
        note = f"times faster; equal to {worst:.0e}"
        rows.append(
            Row(
                "indicators", what, ours_us, theirs_us, "us", 1 / ratio, GOAL, at_most=False, note=note,
                goal_id="indicators", peer="TA-Lib",
            )
        )  # fmt: skip
        ours_us, theirs_us, ratio = interleaved(rounds, lambda: peek_us(candles, calls * 10), theirs)
        what = "the running candle, 8 indicators, against the same"
        rows.append(
            Row(
                "indicators",
                what,
                ours_us,
                theirs_us,
                "us",
                1 / ratio,
                GOAL,
                at_most=False,
                note="times faster",
            )
        )
        say("% whole history")
        mine = lambda: per_call_us(lambda: over(EIGHT, bars), 2)  # noqa: E731
        ours_us, theirs_us, ratio = interleaved(rounds, mine, theirs)
        what = f"{WINDOW:,} candles of one symbol, 8 indicators"
        rows.append(Row("indicators", what, ours_us / 1000, theirs_us / 1000, "ms", ratio))
    say("% 500 symbols")
    candles_each = 130 if quick else 200
    took_ms = statistics.median(crowd_ms(candles_each) for _ in range(rounds))
    what = "one candle of 500 symbols as arrays, 8 indicators"
    rows.append(Row("indicators", what, took_ms, 0.0, "ms", 0.0, CLOSE_GOAL_MS, of_value=True))
    minutes = 40 if quick else 120
    with_ms, without_ms, _ = interleaved(
        rounds, lambda: live_ms(minutes, texts), lambda: live_ms(minutes, [])
    )
    what = "a minute of 500 symbols closes, 8 indicators, live"
    note = f"indicators and features; the candles alone take {without_ms:.2f} ms"
    rows.append(
        Row("indicators", what, with_ms - without_ms, 0.0, "ms", 0.0, CLOSE_GOAL_MS, of_value=True, note=note)
    )
    return rows
