"""Event logs and the gap ledger: bounded, filtered, upserted."""

from __future__ import annotations

from actors.hub.ledger import EventLog, GapLedger
from protocol.messages import Alert, News
from tests.unit.actors.hub.samples import BASE_NS, gap


def alert(symbol: str, text: str = "") -> Alert:
    return Alert(symbol, "binance", "volume", "info", BASE_NS, text, {})


def test_a_log_keeps_the_newest_of_one_symbol() -> None:
    log = EventLog(3)
    log.add([alert("A", str(number)) for number in range(5)])
    log.add([alert("B")])

    assert [event.text for event in log.newest(0, "A") if isinstance(event, Alert)] == ["3", "4"]
    assert len(log.newest(1)) == 1
    log.clear("A")
    assert log.newest(0) == [alert("B")]


def test_news_concern_every_symbol_they_name() -> None:
    log = EventLog(9)
    headline = News("wire", "1", BASE_NS, BASE_NS, "t", "u", ["A", "B"])
    log.add([headline])

    assert log.newest(0, "B") == [headline]
    assert log.newest(0, "C") == []


def test_a_gap_is_open_until_its_end_is_known() -> None:
    ledger = GapLedger(10)
    ledger.add([gap("c-1-1")])
    assert ledger.is_open("binance", "BTC_USDT", "trade")

    ledger.add([gap("c-1-1", "unfillable", to_ts_ns=BASE_NS + 1)])

    assert not ledger.is_open("binance", "BTC_USDT", "trade")
    assert [found.state for found in ledger.newest(0)] == ["unfillable"]


def test_two_open_gaps_are_open_until_both_are_closed() -> None:
    ledger = GapLedger(10)
    ledger.add([gap("c-1-1"), gap("c-1-2")])

    ledger.add([gap("c-1-1", "filled", to_ts_ns=1)])
    assert ledger.is_open("binance", "BTC_USDT", "trade")
    ledger.add([gap("c-1-2", "filled", to_ts_ns=1)])

    assert ledger.open_count == 0


def test_the_ledger_is_bounded_and_forgets_closed_gaps_first() -> None:
    ledger = GapLedger(3)
    ledger.add([gap("c-1-1"), *(gap(f"c-1-{n}", "filled", to_ts_ns=1) for n in range(2, 9))])

    assert [found.gap_id for found in ledger.newest(0)] == ["c-1-1", "c-1-7", "c-1-8"]
    ledger.add([gap(f"c-1-{n}") for n in range(10, 14)])
    assert len(ledger) == 3
    assert ledger.open_count == 3


def test_a_new_process_ends_the_gaps_of_the_one_before() -> None:
    ledger = GapLedger(10)
    ledger.add([gap("collector.binance.1-7-1"), gap("collector.binance.12-7-1", symbol="ETH_USDT")])

    ledger.abandon("collector.binance.1", 8)

    assert not ledger.is_open("binance", "BTC_USDT", "trade")
    assert ledger.is_open("binance", "ETH_USDT", "trade")


def test_missing_minutes_are_missing_until_their_last_one_is_known() -> None:
    """Of candles the ids are minutes since 1970; while nobody can be asked the hole grows."""
    ledger = GapLedger(10)
    minutes = {"kind": "bar", "symbol": "EUR_USD", "venue": "rest", "from_id": 29_000_000}
    ledger.add([gap("collector.rest.1-7-1", **minutes)])
    assert ledger.is_open("rest", "EUR_USD", "bar")

    for state, repaired in (("filling", 0), ("filled", 9)):
        told = gap(
            "collector.rest.1-7-1", state, **minutes, to_id=29_000_008, to_ts_ns=BASE_NS, count=repaired
        )
        ledger.add([told])
        assert not ledger.is_open("rest", "EUR_USD", "bar")
        assert ledger.newest(0, "EUR_USD", kind="bar") == [told]


def test_filters() -> None:
    ledger = GapLedger(10)
    ledger.add([gap("1"), gap("2", kind="book"), gap("3", symbol="ETH_USDT"), gap("4", "filled", to_ts_ns=1)])

    assert [found.gap_id for found in ledger.newest(0, symbol="BTC_USDT", kind="trade")] == ["1", "4"]
    assert [found.gap_id for found in ledger.newest(0, state="filled")] == ["4"]
    assert [found.gap_id for found in ledger.newest(1, venue="binance")] == ["4"]
    assert ledger.newest(0, venue="okx") == []
