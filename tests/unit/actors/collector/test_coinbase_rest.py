"""Coinbase's REST answers: missing trades, candles."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.collector.outcomes import Reject
from actors.collector.venues.coinbase import Coinbase
from protocol.messages import BUY, SELL, Trade

RECV_NS = 1_795_168_800_500_000_000
TIME = "2026-11-20T10:00:00.123456Z"
EVENT_NS = 1_795_168_800_123_456_000
MINUTE = 29_919_480
EXCHANGE = Coinbase().parser("exchange", {}, {})
ADVANCED = Coinbase().parser("advanced", {}, {})


def exchange_row(trade_id: int | str, **changes: Any) -> dict[str, Any]:
    fields = {"trade_id": trade_id, "side": "sell", "size": "0.25", "price": "100.5", "time": TIME}
    return fields | changes


def advanced_row(trade_id: int | str, **changes: Any) -> dict[str, Any]:
    fields = {
        "product_id": "BTC-USD",
        "price": "100.5",
        "size": "0.25",
        "time": TIME,
        "side": "SELL",
        "bid": "",
    }
    return {"trade_id": str(trade_id)} | fields | changes


def exchange_trades(*rows: dict[str, Any]):
    return EXCHANGE.parse_trades("BTC_USD", json.dumps(rows).encode(), RECV_NS)


def advanced_trades(*rows: dict[str, Any]):
    body = {"trades": rows, "best_bid": "1", "best_ask": "2"}
    return ADVANCED.parse_trades("BTC_USD", json.dumps(body).encode(), RECV_NS)


@pytest.mark.parametrize(("read", "row"), [(exchange_trades, exchange_row), (advanced_trades, advanced_row)])
class TestTrades:
    def test_newest_first_becomes_oldest_first(self, read, row):
        assert [trade.trade_id for trade in read(row(9), row(8), row(7))] == [7, 8, 9]

    def test_the_side_is_the_resting_one(self, read, row):
        (found,) = read(row(7))
        assert found == Trade("BTC_USD", "coinbase", EVENT_NS, RECV_NS, 100.5, 0.25, BUY, 7)
        other = "buy" if row is exchange_row else "BUY"
        assert read(row(7, side=other))[0].side == SELL

    def test_no_trades_are_no_fault(self, read, row):
        assert read() == []

    @pytest.mark.parametrize("changes", [{"side": "x"}, {"time": "x"}, {"price": "inf"}, {"size": 0}])
    def test_a_row_that_does_not_fit_refuses_the_page(self, read, row, changes):
        assert read(row(9), row(8, **changes)).reason == "invalid_trades"

    def test_an_id_that_is_no_number_refuses_the_page(self, read, row):
        assert read(row("34b080bf-fcfd")).reason == "invalid_trades"


@pytest.mark.parametrize("parser", [EXCHANGE, ADVANCED])
@pytest.mark.parametrize("body", [b"", b"{", b"[[", b"[" * 10_000, b'{"message":"NotFound"}', b'"\xff"'])
def test_an_answer_that_is_none_is_refused(parser, body):
    assert parser.parse_trades("BTC_USD", body, RECV_NS).reason == "invalid_trades"
    assert parser.parse_klines("BTC_USD", body).reason == "invalid_klines"


# candles


def exchange_candles(*rows: tuple[int, float, float, float, float, float]):
    """Rows of (minute, low, high, open, close, volume)."""
    body = [[minute * 60, *rest] for minute, *rest in rows]
    return EXCHANGE.parse_klines("BTC_USD", json.dumps(body).encode())


def advanced_candles(*rows: tuple[int, float, float, float, float, float]):
    """The same as objects of texts."""
    keys = ("start", "low", "high", "open", "close", "volume")
    candles = [dict(zip(keys, map(str, (minute * 60, *rest)), strict=True)) for minute, *rest in rows]
    return ADVANCED.parse_klines("BTC_USD", json.dumps({"candles": candles}).encode())


@pytest.mark.parametrize("read", [exchange_candles, advanced_candles])
class TestCandles:
    def test_low_and_high_come_before_open(self, read):
        (bar,) = read((MINUTE, 98.0, 103.0, 99.0, 102.0, 1.5))
        assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (99.0, 103.0, 98.0, 102.0, 1.5)
        assert (bar.symbol, bar.venue, bar.source, bar.timeframe) == ("BTC_USD", "coinbase", "coinbase", "1m")
        assert (bar.ts_open_ns, bar.ts_event_ns) == (MINUTE * 60 * 10**9, (MINUTE + 1) * 60 * 10**9)
        assert (bar.count, bar.status, bar.coverage, bar.revision) == (1, "closed", 1.0, 0)
        assert (bar.buy_volume, bar.sell_volume, bar.vwap) == (0.0, 0.0, pytest.approx(101.0))

    def test_a_minute_left_out_between_two_was_quiet(self, read):
        found = read((MINUTE + 3, 5.0, 6.0, 5.0, 6.0, 1.0), (MINUTE, 1.0, 2.0, 1.0, 2.0, 1.0))
        assert [bar.ts_open_ns // (60 * 10**9) for bar in found] == [MINUTE + step for step in range(4)]
        for quiet in found[1:3]:
            assert (quiet.open, quiet.high, quiet.low, quiet.close, quiet.vwap) == (2.0,) * 5
            assert (quiet.volume, quiet.count, quiet.status) == (0.0, 0, "quiet")
            assert not quiet.validate()

    def test_nothing_is_filled_before_the_first_or_after_the_last(self, read):
        assert len(read((MINUTE, 1.0, 2.0, 1.0, 2.0, 1.0))) == 1
        assert read() == []

    def test_a_minute_without_volume_was_quiet(self, read):
        (bar,) = read((MINUTE, 2.0, 2.0, 2.0, 2.0, 0.0))
        assert (bar.status, bar.count) == ("quiet", 0)

    @pytest.mark.parametrize(
        "rows",
        [
            [(MINUTE, 3.0, 2.0, 1.0, 2.0, 1.0)],
            [(MINUTE + 0.5, 1.0, 2.0, 1.0, 2.0, 1.0)],
            [(MINUTE, 1.0, 2.0, 1.0, 2.0, 1.0)] * 2,
            [(MINUTE, 1.0, 2.0, 1.0, 2.0, 1.0), (MINUTE + 100_000_00, 1.0, 2.0, 1.0, 2.0, 1.0)],
            [(MINUTE, 0.0, 2.0, 1.0, 2.0, 1.0)],
            [(-1, 1.0, 2.0, 1.0, 2.0, 1.0)],
        ],
    )
    def test_rows_that_are_no_minutes_refuse_the_page(self, read, rows):
        found = read(*[(int(minute) if minute == int(minute) else minute, *rest) for minute, *rest in rows])
        assert isinstance(found, Reject)
        assert found.reason == "invalid_klines"

    def test_a_full_page_with_its_lead_is_believed(self, read):
        assert len(read((MINUTE, 1.0, 2.0, 1.0, 2.0, 1.0), (MINUTE + 349, 1.0, 2.0, 1.0, 2.0, 1.0))) == 350


@given(st.sets(st.integers(0, 300), min_size=1))
def test_minutes_are_complete_between_first_and_last(minutes):
    rows = [(MINUTE + minute, 1.0, 2.0, 1.0, 2.0, 1.0) for minute in sorted(minutes, reverse=True)]
    found = exchange_candles(*rows)
    opened = [bar.ts_open_ns // (60 * 10**9) - MINUTE for bar in found]
    assert opened == list(range(min(minutes), max(minutes) + 1))
    assert {start for start, bar in zip(opened, found, strict=True) if bar.count} == minutes
