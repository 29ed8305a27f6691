"""OKX over REST: trades by id, candles, instruments, books; and every way in which an answer can be bad."""

import pytest

from actors.collector.outcomes import BookImage, Reject
from actors.collector.venue import Contract
from actors.collector.venues import okx_frames as shapes
from protocol.messages import BUY, SELL, Trade
from tests.unit.actors.collector.okx_frames import (
    CONTRACTS,
    EVENT_NS,
    NAMES,
    RECV_NS,
    T_MS,
    VENUE,
    answer,
    levels,
)

MINUTE = 29_919_480
SPOT = VENUE.parser("spot", NAMES["spot"], CONTRACTS)
SWAP = VENUE.parser("swap", NAMES["swap"], CONTRACTS)


def row(trade_id, **changes):
    fill = {"instId": "BTC-USDT", "tradeId": str(trade_id), "px": "100.5", "sz": "2", "side": "sell"}
    return fill | {"source": "0", "ts": str(T_MS)} | changes


def test_fills_come_newest_first_and_leave_oldest_first():
    found = SPOT.parse_trades("BTC_USDT", answer(row(9), row(8, side="buy")), RECV_NS)
    assert found == [
        Trade("BTC_USDT", "okx", EVENT_NS, RECV_NS, 100.5, 2.0, BUY, 8),
        Trade("BTC_USDT", "okx", EVENT_NS, RECV_NS, 100.5, 2.0, SELL, 9),
    ]


def test_fills_of_contracts_are_in_base_units():
    (found,) = SWAP.parse_trades("BTC_USDT.PERP", answer(row(9)), RECV_NS)
    assert found.size == 0.02
    (found,) = SWAP.parse_trades("BTC_USD.PERP", answer(row(9)), RECV_NS)
    assert found.size == 200 / 100.5
    assert SWAP.parse_trades("ETH_USDT.PERP", answer(row(9)), RECV_NS) == Reject(
        "unknown_contract", "ETH_USDT.PERP"
    )


def test_no_trades_are_no_fault():
    assert SPOT.parse_trades("BTC_USDT", answer(), RECV_NS) == []


def readers():
    return [
        (lambda body: SPOT.parse_trades("BTC_USDT", body, RECV_NS), "invalid_trades"),
        (lambda body: SPOT.parse_klines("BTC_USDT", body), "invalid_klines"),
        (lambda body: SPOT.parse_snapshot("BTC_USDT", body, RECV_NS), "invalid_snapshot"),
        (lambda body: VENUE.parse_instruments("swap", body), "invalid_instruments"),
    ]


@pytest.mark.parametrize(("parse", "reason"), readers())
def test_an_error_with_http_200_is_refused_by_its_code(parse, reason):
    assert parse(answer(code="50011", msg="Too Many Requests")) == Reject(
        "rest_error", "50011 Too Many Requests"
    )
    assert parse(b'{"code":51001,"msg":"Instrument ID does not exist"}').reason == "rest_error"


@pytest.mark.parametrize(("parse", "reason"), readers())
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502</html>",
        b"[]",
        b'{"msg":""}',
        b'{"code":"0"}',
        b'{"code":"0","data":{}}',
        b'{"code":"0","data":[7]}',
        b"\xff",
        answer()[:-3],
    ],
)
def test_what_is_no_answer_is_refused(parse, reason, body):
    assert parse(body).reason == reason
    assert reason in shapes.REASONS


@pytest.mark.parametrize("changes", [{"px": "NaN"}, {"sz": "-1"}, {"side": ""}, {"ts": "x"}, {"tradeId": ""}])
def test_a_fill_that_does_not_fit_spoils_the_page(changes):
    assert (
        SPOT.parse_trades("BTC_USDT", answer(row(9), row(8, **changes)), RECV_NS).reason == "invalid_trades"
    )


# candles


def candle(minute=MINUTE, vol="3.5", ccy="353.5", quote="353.5", confirm="1", low="99"):
    return [str(minute * 60_000), "100", "102", low, "101", vol, ccy, quote, confirm]


def test_the_path_bounds_the_minutes_on_both_sides():
    start_ms = MINUTE * 60_000
    assert VENUE.klines_path("spot", "BTC-USDT", MINUTE, 3) == (
        "/api/v5/market/history-candles?instId=BTC-USDT&bar=1m"
        f"&before={start_ms - 1}&after={start_ms + 180_000}&limit=3"
    )
    assert VENUE.klines_per_page("spot") == 100


def test_spot_counts_base_units_first():
    (bar,) = SPOT.parse_klines("BTC_USDT", answer(candle()))
    assert (bar.ts_open_ns, bar.ts_event_ns) == (MINUTE * 60 * 10**9, (MINUTE + 1) * 60 * 10**9)
    assert (bar.open, bar.high, bar.low, bar.close) == (100.0, 102.0, 99.0, 101.0)
    assert (bar.volume, bar.vwap, bar.buy_volume, bar.sell_volume) == (3.5, 101.0, 0.0, 0.0)
    assert (bar.count, bar.status, bar.source, bar.revision) == (1, "closed", "okx", 0)


def test_derivatives_count_contracts_first():
    (bar,) = SWAP.parse_klines("BTC_USDT.PERP", answer(candle(vol="350", ccy="3.5", quote="353.5")))
    assert (bar.volume, bar.vwap) == (3.5, 101.0)


def test_rounded_volumes_do_not_carry_the_mean_out_of_the_candle():
    (bar,) = SWAP.parse_klines("BTC_USDT.PERP", answer(candle(ccy="0.0017", quote="100")))
    assert bar.vwap == 102.0


def test_a_minute_without_trades_is_quiet():
    (bar,) = SPOT.parse_klines("BTC_USDT", answer(candle(vol="0", ccy="0", quote="0")))
    assert (bar.count, bar.status, bar.vwap) == (0, "quiet", 101.0)


def test_candles_leave_oldest_first_without_the_unfinished_one():
    found = SPOT.parse_klines(
        "BTC_USDT", answer(candle(MINUTE + 2, confirm="0"), candle(MINUTE + 1), candle())
    )
    assert [bar.ts_open_ns // 60_000_000_000 for bar in found] == [MINUTE, MINUTE + 1]


def test_candles_of_2022_lack_the_quote_volume():
    (bar,) = SWAP.parse_klines("BTC_USDT.PERP", answer(candle()[:7]))
    assert (bar.volume, bar.vwap) == (353.5, 101.0)
    (bar,) = SPOT.parse_klines("BTC_USDT", answer(candle()[:7]))
    assert (bar.volume, bar.vwap) == (3.5, 101.0)


@pytest.mark.parametrize(
    "bad", [candle(low="200"), [str(T_MS), *candle()[1:]], candle()[:5], candle(vol="x")]
)
def test_a_candle_that_does_not_fit_spoils_the_page(bad):
    assert SPOT.parse_klines("BTC_USDT", answer(bad)).reason == "invalid_klines"


# instruments


def instrument(raw="BTC-USDT-SWAP", value="0.01", kind="linear", **changes):
    listed = {
        "instType": "SWAP", "instId": raw, "instFamily": "BTC-USDT", "ctVal": value, "ctMult": "1", "ctType": kind,
        "tickSz": "0.1", "lotSz": "0.01", "state": "live", "baseCcy": "", "expTime": "",
    }  # fmt: skip
    return listed | changes


def test_only_derivatives_need_their_instruments():
    assert VENUE.instruments_path("spot") == ""
    assert VENUE.instruments_path("swap") == "/api/v5/public/instruments?instType=SWAP"
    assert VENUE.instruments_path("futures") == "/api/v5/public/instruments?instType=FUTURES"


def test_a_contract_is_its_value_times_its_multiplier():
    body = answer(
        instrument(),
        instrument("BTC-USD-SWAP", "100", "inverse"),
        instrument("X-USDT-SWAP", "10", ctMult="0.1"),
    )
    assert VENUE.parse_instruments("swap", body) == {
        "BTC-USDT-SWAP": Contract(0.01),
        "BTC-USD-SWAP": Contract(100.0, is_inverse=True),
        "X-USDT-SWAP": Contract(1.0),
    }


@pytest.mark.parametrize("changes", [{"value": ""}, {"value": "0"}, {"value": "nan"}, {"kind": ""}])
def test_an_instrument_without_a_size_is_left_out(changes):
    body = answer(instrument(), instrument("NEW-USDT-SWAP", **changes))
    assert VENUE.parse_instruments("swap", body) == {"BTC-USDT-SWAP": Contract(0.01)}


def test_no_contract_at_all_is_a_fault_of_the_answer():
    assert VENUE.parse_instruments("swap", answer()).reason == "invalid_instruments"
    assert VENUE.parse_instruments("spot", answer(instrument("BTC-USDT", "", ""))) == {}


# books


def test_a_book_over_rest():
    body = answer({"asks": levels(("101", "2")), "bids": levels(("99", "1")), "ts": str(T_MS), "seqId": 12})
    assert SWAP.parse_snapshot("BTC_USDT.PERP", body, RECV_NS) == BookImage(
        "BTC_USDT.PERP", EVENT_NS, RECV_NS, 12, [(99.0, 0.01)], [(101.0, 0.02)]
    )
    assert SPOT.parse_snapshot("BTC_USDT", answer(), RECV_NS).reason == "invalid_snapshot"
    assert SWAP.parse_snapshot("X.PERP", body, RECV_NS).reason == "unknown_contract"
