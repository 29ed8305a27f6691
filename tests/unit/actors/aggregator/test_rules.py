"""Settings become rules, or every mistake is named."""

import pytest

from actors.aggregator.rules import rules_of
from actors.aggregator.settings import AggregatorSettings
from protocol.errors import ConfigError
from protocol.sessions import NS_PER_S


def test_the_defaults_are_in_order():
    rules = rules_of(AggregatorSettings())
    assert rules.timeframes == ("1s", "1m", "5m", "15m", "1h", "4h", "1d")
    assert rules.lateness_ns == NS_PER_S
    assert len(rules.keep_bars) == 7


def test_a_timeframe_that_is_not_named_keeps_a_few():
    assert rules_of(AggregatorSettings(timeframes=["1m"], keep_bars={})).keep_bars == (4,)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"timeframes": []}, "at least one"),
        ({"timeframes": ["1s", "1min"]}, "1min"),
        ({"timeframes": ["1m", "1s"]}, "1m does not divide 1s"),
        ({"timeframes": ["1m", "1m"]}, "does not divide"),
        ({"timeframes": ["2m", "5m"]}, "2m does not divide 5m"),
        ({"keep_bars": {"1x": 5}}, "1x"),
    ],
)
def test_a_mistake_is_named(settings, words):
    with pytest.raises(ConfigError, match=words) as caught:
        rules_of(AggregatorSettings(**settings), "actors.aggregator.1")
    assert caught.value.problems[0].startswith("actors.aggregator.1: ")


def test_all_mistakes_are_named_at_once():
    with pytest.raises(ConfigError) as caught:
        rules_of(AggregatorSettings(timeframes=["x", "1s"], keep_bars={"y": 1}))
    assert len(caught.value.problems) == 2
