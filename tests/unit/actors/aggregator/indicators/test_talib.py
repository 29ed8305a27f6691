"""Every indicator against TA-Lib: the same candles without a value, and the same values to 1e-9 from the first on.

What is a difference of two large terms (macd at its zero, a momentum) is held to 1e-12 of those terms as well.
"""

import numpy as np
import pytest
from hypothesis import given, settings

from actors.aggregator.indicators.history import over
from actors.aggregator.indicators.registry import functions, named
from tests.unit.actors.aggregator.indicators.market import (
    CORE,
    FILES,
    differences,
    recorded,
    reference,
    walks,
)

NOT_IN_TALIB = {"vwap"}
UNSTEADY = ("stochrsi", "cci")
"""Of a series that stands still they divide rounding by rounding: here 0, there what is left of it."""


def mistakes(bars, reference_values, skip=()):
    found = []
    for text, wanted in reference_values.items():
        if text.startswith(skip):
            continue
        one = named(text)
        got = over([one], bars)
        columns = wanted if isinstance(wanted, tuple | list) else [wanted]
        for key, column in zip(one.keys, columns, strict=True):
            where = differences(got[key], np.asarray(column), key, bars)
            if where:
                found.append(f"{key}: {len(where)} differ, the first at {where[0]}: "
                             f"{got[key][where[0]]!r}, TA-Lib {column[where[0]]!r}")  # fmt: skip
    return found


@pytest.mark.recording
@pytest.mark.parametrize("name", FILES)
def test_real_candles_equal_talib(name):
    bars = recorded(name)
    stands_still = not np.diff(bars["close"]).all()
    assert mistakes(bars, reference(bars), UNSTEADY if stands_still else ()) == []


@settings(max_examples=25, deadline=None)
@given(walks())
def test_generated_candles_equal_talib(bars):
    texts = reference(bars)
    assert mistakes(bars, {text: texts[text] for text in CORE}) == []


@settings(max_examples=8, deadline=None)
@given(walks())
def test_generated_candles_of_all_indicators_equal_talib(bars):
    assert mistakes(bars, reference(bars), UNSTEADY) == []


def test_a_walk_equals_talib_also_where_others_are_unsteady():
    rng = np.random.default_rng(7)
    close = 100 + np.cumsum(rng.normal(size=300))
    bars = dict(zip(("open", "high", "low", "close", "volume"),
                    (close, close + rng.random(300), close - rng.random(300), close, rng.random(300)), strict=True))  # fmt: skip
    assert mistakes(bars, reference(bars)) == []


def test_every_indicator_that_talib_has_is_compared():
    bars = {field: np.ones(100) for field in ("open", "high", "low", "close", "volume")}
    assert {named(text).function for text in reference(bars)} | NOT_IN_TALIB >= set(functions())


def test_a_difference_is_noticed():
    bars = {field: np.linspace(1, 2, 50) for field in ("open", "high", "low", "close", "volume")}
    assert mistakes(bars, {"sma(20)": reference(bars)["ema(9)"]})
