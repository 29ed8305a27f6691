"""Indicators by name: what is written in the settings, and what is said of what is not one."""

import pytest

from actors.aggregator.indicators.definition import NAN, Indicator
from actors.aggregator.indicators.registry import functions, indicator, named, signature
from actors.aggregator.indicators.suite import suite_of
from actors.aggregator.rules import rules_of
from actors.aggregator.settings import AggregatorSettings
from protocol.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("rsi(14)", ("rsi_14",)),
        (" ema( 20 ) ", ("ema_20",)),
        ("bbands(20,2)", ("bb_upper_20_2", "bb_middle_20_2", "bb_lower_20_2")),
        ("bbands(20,2.5)", ("bb_upper_20_2.5", "bb_middle_20_2.5", "bb_lower_20_2.5")),
        ("macd(12,26,9)", ("macd_12_26_9", "macd_signal_12_26_9", "macd_hist_12_26_9")),
        ("macd", ("macd_12_26_9", "macd_signal_12_26_9", "macd_hist_12_26_9")),
        ("vwap", ("vwap",)),
        ("vwap()", ("vwap",)),
        ("volume_ma(20)", ("volume_ma_20",)),
    ],
)
def test_keys_carry_the_parameters(text, keys):
    assert named(text).keys == keys


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rsy(14)", r"there is no rsy; did you mean rsi\(period=14\)\?"),
        ("qqq(1)", r"there is no qqq; there are ad, "),
        ("rsi(14,2)", r"2 parameters, it is rsi\(period=14\)"),
        ("rsi(a)", r"'a' is not a whole number; it is rsi\(period=14\)"),
        ("rsi(2.5)", r"'2.5' is not a whole number"),
        ("rsi(0)", r"0 is not between 1 and 100000"),
        ("rsi(1)", r"the period is at least 2; it is rsi\(period=14\)"),
        ("bbands(20,nan)", r"nan is not a number that it can take"),
        ("macd(26,12,9)", r"fast is shorter than slow; it is macd\(fast=12, slow=26, signal=9\)"),
        ("rsi 14", r"write a name and its parameters, like rsi\(14\)"),
    ],
)
def test_a_mistake_is_told_with_the_way_out(text, says):
    with pytest.raises(ValueError, match=says):
        named(text)


def test_the_settings_name_every_mistake():
    settings = AggregatorSettings(
        indicators=["rsi(14)", "rsy(3)", "rsi", "ema(x)"], indicator_timeframes=["1m", "2x"]
    )
    with pytest.raises(ConfigError) as caught:
        rules_of(settings, "actors.aggregator.1")
    assert len(caught.value.problems) == 4
    assert "timeframe '2x'" in caught.value.problems[0]
    with pytest.raises(ConfigError) as caught:
        rules_of(AggregatorSettings(indicators=settings.indicators), "actors.aggregator.1")
    told = caught.value.problems
    assert len(told) == 3
    assert all(one.startswith("actors.aggregator.1: indicators: ") for one in told)
    assert "rsi and rsi(14) both give rsi_14" in told[1]


def test_the_default_indicators_are_ten():
    suite = suite_of(tuple(AggregatorSettings().indicators))
    assert len(suite.indicators) == 10
    assert suite.longest == 49


def test_every_indicator_has_a_sentence_and_a_signature():
    for name, function in functions().items():
        assert (function.__doc__ or "").endswith((".", ".\n    ")), name
        assert signature(name).startswith(name)


def test_a_parameter_without_a_default_is_refused():
    def nameless(period):
        return Indicator((NAN, 1), lambda state, past, bar: state)

    with pytest.raises(ValueError, match="each parameter needs a default"):
        indicator(nameless)


def test_a_name_that_is_taken_is_refused():
    functions()

    def rsi(period=14):
        return Indicator((NAN, 1), lambda state, past, bar: state)

    with pytest.raises(ValueError, match=r"indicator rsi is in .*\.library\.strength already"):
        indicator(rsi)
