"""Whole columns and many symbols at once: the bits of candle by candle; and a state that went through msgpack."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.aggregator.indicators.definition import Past, Sample
from actors.aggregator.indicators.history import FIELDS, Crowd, over
from actors.aggregator.indicators.registry import functions, named
from tests.unit.actors.aggregator.indicators.market import walks

ALL = [named(name) for name in functions()]
SHORT = [
    named(text)
    for text in ("rsi(3)", "bbands(4,2)", "atr(3)", "macd(2,4,2)", "vwap", "dema(3)", "stoch(4,2,2)")
]


def samples(bars):
    return [Sample(*row, row[3] * row[4], at // 25) for at, row in enumerate(zip(*(c.tolist() for c in bars.values()), strict=True))]  # fmt: skip


@settings(max_examples=10, deadline=None)
@given(st.lists(walks(least=60, most=60), min_size=2, max_size=4), st.sampled_from((ALL, SHORT)))
def test_many_symbols_have_the_bits_of_one(markets, indicators):
    columns = {field: np.stack([one[field] for one in markets], axis=1) for field in FIELDS[:5]}
    columns["day_ns"] = np.repeat(np.arange(60) // 25, len(markets)).reshape(60, -1)

    together = over(indicators, columns)

    for number in range(len(markets)):
        alone = over(indicators, {name: column[:, number] for name, column in columns.items()})
        differing = [key for key in alone if alone[key].tobytes() != together[key][:, number].tobytes()]
        assert differing == []


@settings(max_examples=10, deadline=None)
@given(walks(), st.data())
def test_a_state_kept_by_msgpack_goes_on_with_the_same_bits(bars, data):
    candles = samples(bars)
    cut = data.draw(st.integers(0, len(candles)))
    for one in ALL:
        past, state, again = Past(one.reads), one.start, None
        for at, candle in enumerate(candles):
            if at == cut:
                kept = msgspec.msgpack.encode((state, past.columns()))
                again, columns = msgspec.msgpack.decode(
                    kept, type=tuple[tuple[float | int, ...], dict[str, list[float]]]
                )
                other_past = Past(one.reads, columns)
            state = one.step(state, past, candle)
            past.append(candle)
            if again is not None:
                again = one.step(again, other_past, candle)
                other_past.append(candle)
                assert msgspec.msgpack.encode(again) == msgspec.msgpack.encode(state), one.name


@settings(max_examples=5, deadline=None)
@given(walks(least=60, most=80))
def test_a_step_changes_nothing(bars):
    candles = samples(bars)
    for one in ALL:
        past, state = Past(one.reads), one.start
        for candle in candles:
            before = msgspec.msgpack.encode((state, past.columns(), candle))
            first, second = one.step(state, past, candle), one.step(state, past, candle)
            assert msgspec.msgpack.encode((state, past.columns(), candle)) == before, one.name
            assert msgspec.msgpack.encode(first) == msgspec.msgpack.encode(second), one.name
            past.append(candle)
            state = first


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_the_first_value_comes_after_the_lookback(one):
    rng = np.random.default_rng(3)
    close = 100 + np.cumsum(rng.normal(size=200))
    bars = {
        "open": close - 0.1,
        "high": close + 1,
        "low": close - 1,
        "close": close,
        "volume": rng.random(200) + 1,
    }
    found = over([one], bars)
    for key in one.keys:
        assert int(np.flatnonzero(np.isfinite(found[key]))[0]) == one.lookback
        assert np.isfinite(found[key][one.lookback :]).all()


def test_columns_of_different_shapes_are_refused():
    bars = {field: np.ones(10) for field in FIELDS[:5]}
    with pytest.raises(ValueError, match="different shapes"):
        over(SHORT, {**bars, "volume": np.ones(9)})


def test_a_crowd_goes_candle_by_candle():
    crowd = Crowd([named("mom(1)"), named("bop")], 2)
    first = crowd.step(Sample(*(np.array([1.0, 2.0]) for _ in FIELDS[:6]), np.zeros(2)))
    assert np.isnan(first["mom_1"]).all()
    second = crowd.step(Sample(*(np.array([4.0, 9.0]) for _ in FIELDS[:6]), np.zeros(2)))
    assert second["mom_1"].tolist() == [3.0, 7.0]
    assert second["bop"].tolist() == [0.0, 0.0]
