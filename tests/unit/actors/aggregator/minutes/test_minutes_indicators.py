"""Indicators over minutes that were folded page by page: those of the whole series at once, and TA-Lib's."""

from datetime import time
from random import Random

import numpy as np
import pytest

from actors.aggregator.indicators.history import over
from actors.aggregator.indicators.registry import named
from protocol.messages import Bar
from protocol.sessions import Hours, Session
from tests.unit.actors.aggregator.indicators.market import CORE, FIELDS, differences, reference
from tests.unit.actors.aggregator.minutes.line import (
    MINUTE_NS,
    MONDAY,
    USUAL,
    builder,
    minute,
    play,
    quiet,
    running,
)

SHORT_DAYS = Session(
    "short", "UTC", time(10), tuple(Hours(day, time(10), day, time(10, 45)) for day in range(7))
)
"""45 minutes a day: 3,000 minutes are enough days for the slow indicators."""
INDICATORS = [*CORE, "ema(20)", "vwap"]
COUNT = 3000


def random_minutes():
    rng = Random(7)
    found, price, open_ns = [], 1.1, SHORT_DAYS.next_open_ns(MONDAY)
    for _ in range(COUNT):
        if rng.random() < 0.05:
            found.append(quiet(open_ns, price))
        else:
            opened, price = price, max(0.5, round(price + rng.gauss(0, 2e-4), 5))
            high, low = (
                max(opened, price) + rng.randint(0, 9) / 1e5,
                min(opened, price) - rng.randint(0, 9) / 1e5,
            )
            vwap = (high + low) / 2
            found.append(
                minute(open_ns, opened, high, low, price, volume=float(rng.randint(0, 50)), vwap=vwap)
            )
        open_ns = SHORT_DAYS.next_open_ns(open_ns + MINUTE_NS)
    return found


@pytest.fixture(scope="module")
def folded():
    """The minutes, and what came out: with running minutes and corrections between the pages."""
    told = random_minutes()
    made = builder(USUAL, SHORT_DAYS, keep=20, indicators=INDICATORS)
    tape = None
    for start in range(0, COUNT, 500):
        page = told[start : start + 500]
        wrong = [minute(one.ts_open_ns, one.close * 1.01) for one in page[-8:-5]]
        tape = play(made, [*page[:-8], *wrong, *page[-5:]], tape)
        play(made, [running(page[-1].ts_open_ns + MINUTE_NS, 1.3), *_second(page[-8:-5])], tape)
    return told, tape


def _second(bars):
    return [minute(bar.ts_open_ns, bar.open, bar.high, bar.low, bar.close, volume=bar.volume, vwap=bar.vwap,
                   status=bar.status, revision=2) for bar in bars]  # fmt: skip


@pytest.mark.parametrize("timeframe", USUAL)
def test_indicators_equal_a_recompute_of_the_whole_series(folded, timeframe):
    told, tape = folded
    candles = told if timeframe == "1m" else list(tape.closed(timeframe).values())
    features = list(tape.features(timeframe).values())
    assert [one.ts_open_ns for one in features] == [bar.ts_open_ns for bar in candles]
    assert len(candles) >= COUNT // 45
    bars = {field: np.array([getattr(bar, field) for bar in candles]) for field in FIELDS}
    days = np.array([SHORT_DAYS.day_ns(bar.ts_open_ns)[0] for bar in candles])
    notional = np.array([bar.vwap * bar.volume for bar in candles])
    texts = [named(text) for text in INDICATORS]
    wanted = over(texts, {**bars, "day_ns": days, "notional": notional})
    talib = {text: column for text, column in reference(bars).items() if text in CORE}
    for one in texts:
        columns = talib.get(one.name, ())
        columns = dict(zip(one.keys, columns if isinstance(columns, tuple) else (columns,), strict=False))
        for key in one.keys:
            got = np.array([feature.values.get(key, np.nan) for feature in features])
            assert differences(got, wanted[key], key, bars) == [], key
            if key in columns:
                assert differences(got, np.asarray(columns[key]), key, bars) == [], f"{key} of TA-Lib"
    assert features[-1].is_ready


def test_the_candles_of_a_corrected_fold_are_those_of_the_right_minutes(folded):
    told, tape = folded
    assert any(bar.revision > 1 for bar in tape.of(Bar, "5m"))
    right = play(builder(USUAL, SHORT_DAYS), told)
    for timeframe in USUAL[1:]:
        ours = [
            (bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in tape.closed(timeframe).values()
        ]
        theirs = [
            (bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in right.closed(timeframe).values()
        ]
        assert ours == theirs
