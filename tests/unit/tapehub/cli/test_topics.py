from protocol.client import TopicInfo
from tapehub.cli.topics import with_silent
from tapehub.patterns import TopicPatterns


def test_known_topics_that_were_not_heard_follow_with_rate_0() -> None:
    heard = [{"topic": "trade.binance.BTC_USDT", "per_s": 5.0}]
    known = [
        TopicInfo(topic, "collector.binance.1", 1, 9, 7, 123, 60.0, 1, 1, 2.0)
        for topic in ("trade.binance.BTC_USDT", "trade.binance.ADA_USDT", "quote.binance.ADA_USDT")
    ]

    rows = with_silent(heard, known, TopicPatterns(["trade"]))

    assert [(row["topic"], row["per_s"]) for row in rows] == [
        ("trade.binance.ADA_USDT", 0.0),
        ("trade.binance.BTC_USDT", 5.0),
    ]
    assert (rows[0]["last_seq"], rows[0]["last_ts_ns"]) == (7, 123)
