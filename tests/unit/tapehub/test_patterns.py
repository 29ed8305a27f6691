import pytest

from tapehub.patterns import TopicPattern, TopicPatterns


@pytest.mark.parametrize(
    ("text", "prefix", "wanted", "unwanted"),
    [
        ("trade", b"trade", "trade.binance.BTC_USDT", "quote.binance.BTC_USDT"),
        ("trade.binance.*", b"trade.binance.", "trade.binance.BTC_USDT", "trade.okx.BTC_USDT"),
        ("trade.>", b"trade.", "trade.binance.BTC_USDT", "quote.binance.BTC_USDT"),
        (
            "trade.binance.BTC_USDT",
            b"trade.binance.BTC_USDT",
            "trade.binance.BTC_USDT.PERP",
            "trade.binance.ETH_USDT",
        ),
        (
            "trade.binance.BTC_USDT$",
            b"trade.binance.BTC_USDT\x00",
            "trade.binance.BTC_USDT",
            "trade.binance.BTC_USDT.PERP",
        ),
        ("*.binance.BTC_USDT$", b"", "quote.binance.BTC_USDT", "quote.binance.BTC_USDT.PERP"),
        ("*.binance.BTC_USDT", b"", "bar.binance.BTC_USDT.1m", "bar.okx.BTC_USDT.1m"),
        ("bar.*.BTC_USDT.1m$", b"bar.", "bar.binance.BTC_USDT.1m", "bar.binance.BTC_USDT.15m"),
    ],
)
def test_pattern_splits_into_a_prefix_and_a_match(
    text: str, prefix: bytes, wanted: str, unwanted: str
) -> None:
    pattern = TopicPattern(text)

    assert pattern.prefix == prefix
    assert pattern.matches(wanted)
    assert not pattern.matches(unwanted)


@pytest.mark.parametrize("text", ["", "*", ">", " "])
def test_everything_matches_a_bare_wildcard(text: str) -> None:
    assert TopicPattern(text).prefix == b""
    assert TopicPattern(text).matches("beat.hub.1")


def test_dots_of_a_wildcard_pattern_are_dots() -> None:
    assert not TopicPattern("bar.*.BTC.1m$").matches("barxbinance.BTC.1m")


@pytest.mark.parametrize("text", ["trade.é", "x" * 129])
def test_an_impossible_topic_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ASCII"):
        TopicPattern(text)


def test_several_patterns_ask_each_prefix_once() -> None:
    patterns = TopicPatterns(["trade.*", "trade.", "quote.binance"])

    assert patterns.prefixes == [b"trade.", b"quote.binance"]
    assert patterns.matches("trade.binance.BTC_USDT")
    assert patterns.matches("quote.binance.BTC_USDT")
    assert not patterns.matches("quote.okx.BTC_USDT")


def test_no_pattern_means_everything() -> None:
    assert TopicPatterns([]).prefixes == [b""]
    assert TopicPatterns([]).matches("beat.hub.1")


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["trade"], "trade"),
        (["trade.binance", "trade.okx.*"], "trade"),
        (["trade", "quote"], ""),
        (["*.binance"], ""),
        ([], ""),
        (["tra*"], "tra"),
    ],
)
def test_one_kind_is_recognised(texts: list[str], kind: str) -> None:
    assert TopicPatterns(texts).only_kind == kind
