from protocol.client import Tick, TopicInfo
from tapehub.overview import BarEnd, symbol_rows


def topic(name: str, rate: float = 1.0, age_s: float = 1.0) -> TopicInfo:
    return TopicInfo(name, "collector.binance.1", 1, 1, 1, 1, age_s, 1, 1, rate)


def tick(symbol: str, state: str = "fresh") -> Tick:
    return Tick(
        symbol=symbol, venue="binance", ts_event_ns=1, ts_recv_ns=1, bid=10.0, ask=11.0, bid_size=1.0, ask_size=1.0,
        age_s=0.5, state=state, source="", epoch=0, seq=0, hub_epoch=0,
    )  # fmt: skip


def test_rates_of_all_feeds_of_a_symbol_add_up_and_the_busiest_stands_first() -> None:
    topics = [
        topic("trade.binance.ETH_USDT", 5.0),
        topic("trade.binance.BTC_USDT", 4.0),
        topic("quote.binance.BTC_USDT", 3.0, age_s=0.2),
        topic("bar.binance.BTC_USDT.1m", 100.0),
        topic("beat.hub.1", 100.0),
        topic("not a topic", 100.0),
    ]

    rows = symbol_rows({}, topics, {})

    assert [(row.symbol, row.rate_per_s, row.age_s) for row in rows] == [
        ("BTC_USDT", 7.0, 0.2),
        ("ETH_USDT", 5.0, 1.0),
    ]


def test_quote_and_candle_complete_the_row() -> None:
    (row,) = symbol_rows(
        {"BTC_USDT": tick("BTC_USDT", "stale")},
        [topic("trade.binance.BTC_USDT", age_s=2.0)],
        {"BTC_USDT": BarEnd(10.25, "open"), "OTHER": BarEnd(1.0, "open")},
    )

    assert (row.bid, row.ask, row.spread, row.last) == (10.0, 11.0, 1.0, 10.25)
    assert (row.state, row.bar_status, row.age_s) == ("stale", "open", 0.5)


def test_without_a_candle_the_middle_of_the_quote_is_the_last_price() -> None:
    (row,) = symbol_rows({"BTC_USDT": tick("BTC_USDT")}, [], {})

    assert row.last == 10.5
