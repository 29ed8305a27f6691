"""Topic names split into the parts they were joined from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.topics import (
    Topic,
    beat_topic,
    is_publisher,
    is_symbol,
    is_venue,
    mark_topic,
    market_topic,
    parse_topic,
    subscription,
)

VENUE_PART = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)
SYMBOL_PART = st.from_regex(r"[A-Z0-9][A-Z0-9_&-]{0,8}", fullmatch=True)
VENUE = st.lists(VENUE_PART, min_size=1, max_size=2).map(".".join)
SYMBOL = st.lists(SYMBOL_PART, min_size=1, max_size=3).map(".".join)
TIMEFRAME = st.sampled_from(["", "1s", "1m", "15m", "4h", "1d"])


@given(VENUE, SYMBOL, TIMEFRAME)
def test_a_market_topic_splits_into_what_it_was_joined_from(venue, symbol, timeframe):
    assert parse_topic(market_topic("bar", venue, symbol, timeframe)) == Topic(
        "bar", venue, symbol, timeframe
    )


@given(st.text(max_size=60))
def test_any_text_is_a_topic_or_a_value_error(text):
    try:
        topic = parse_topic(text)
    except ValueError:
        return
    assert str(topic) == text


def test_beats_and_marks_name_a_publisher():
    assert parse_topic(beat_topic("collector.binance.1")) == Topic("beat", "collector.binance.1")
    assert parse_topic(mark_topic("hub.1")) == Topic("mark", "hub.1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "trade",
        "trade.binance",
        "trade.binance.btc",
        "TRADE.binance.BTC",
        "trade..BTC",
        "trade.b.BTC\n",
        "beat.",
    ],
)
def test_what_is_not_a_topic_says_why(text):
    with pytest.raises(ValueError, match="topic"):
        parse_topic(text)


@pytest.mark.parametrize(
    ("typed", "prefix"),
    [
        ("trade.", b"trade."),
        ("trade.binance.*", b"trade.binance."),
        ("trade.>", b"trade."),
        ("*", b""),
        ("trade.binance.BTC_USDT$", b"trade.binance.BTC_USDT\x00"),
    ],
)
def test_subscriptions_are_prefixes_unless_closed(typed, prefix):
    assert subscription(typed) == prefix


def test_names_do_not_match_before_a_newline():
    assert is_symbol("BTC_USDT.PERP")
    assert not is_symbol("BTC_USDT\n")
    assert is_venue("push.mt5")
    assert not is_venue("Binance")
    assert is_publisher("collector.binance.1")
    assert not is_publisher("x" * 33)
