"""Bybit's REST answers: newest trades and candles, and how it says no."""

import json

import msgspec
import pytest

from actors.collector.outcomes import Reject
from actors.collector.venue import Wanted
from actors.collector.venues import bybit_frames as frames
from actors.collector.venues.bybit import Bybit
from protocol.messages import BUY, SELL

VENUE = Bybit()
RECV_NS = 1_795_168_800_200_000_000
T_MS = 1_795_168_800_000
LINEAR = VENUE.parser("linear", {"BTCUSDT": "BTC_USDT.PERP", "ETHUSDT": "ETH_USDT.PERP"}, {})
INVERSE = VENUE.parser("inverse", {"BTCUSD": "BTC_USD.PERP"}, {})


def answer(result, code=0, text="OK"):
    return json.dumps(
        {"retCode": code, "retMsg": text, "result": result, "retExtInfo": {}, "time": T_MS}
    ).encode()


def row(number, raw="BTCUSDT", **changed):
    return {"execId": f"id-{number}", "symbol": raw, "price": "50000", "size": "0.5", "side": "Buy",
            "time": str(T_MS + number), "isBlockTrade": False, "isRPITrade": False, "seq": "1", **changed}  # fmt: skip


def recent(*rows, category="linear"):
    return answer({"category": category, "list": list(rows)})


def klines(*rows, raw="BTCUSDT"):
    return answer({"category": "linear", "symbol": raw, "list": list(rows)})


def test_the_newest_trades_come_out_oldest_first():
    body = recent(row(3, side="Sell"), row(2), row(1))
    found = LINEAR.parse_trades("BTC_USDT.PERP", body, RECV_NS)
    assert [trade.trade_id for trade in found] == ["id-1", "id-2", "id-3"]
    assert [trade.side for trade in found] == [BUY, BUY, SELL]
    assert found[0].ts_event_ns == (T_MS + 1) * 1_000_000
    assert (found[0].price, found[0].size, found[0].ts_recv_ns) == (50000.0, 0.5, RECV_NS)


def test_trades_of_one_moment_keep_the_venues_order():
    body = recent(row(3, time=str(T_MS)), row(2, time=str(T_MS)), row(1, time=str(T_MS)))
    assert [one.trade_id for one in LINEAR.parse_trades("BTC_USDT.PERP", body, RECV_NS)] == ["id-1", "id-2", "id-3"]  # fmt: skip


def test_block_trades_are_left_out_and_rpi_trades_kept():
    body = recent(row(2, isBlockTrade=True), row(1, isRPITrade=True))
    assert [trade.trade_id for trade in LINEAR.parse_trades("BTC_USDT.PERP", body, RECV_NS)] == ["id-1"]


def test_inverse_trades_are_usd():
    (found,) = INVERSE.parse_trades("BTC_USD.PERP", recent(row(1, "BTCUSD", size="1000")), RECV_NS)
    assert found.size == 0.02


def test_trades_of_another_symbol_are_not_taken():
    assert LINEAR.parse_trades("BTC_USDT.PERP", recent(row(1, "ETHUSDT")), RECV_NS).reason == "invalid_trades"
    assert LINEAR.parse_trades("BTC_USDT.PERP", recent(row(1, "NOPE")), RECV_NS).reason == "invalid_trades"


def test_candles_come_out_oldest_first_and_say_what_is_not_known():
    minute = T_MS - T_MS % 60_000
    body = klines(
        [str(minute + 60_000), "100", "102", "99", "101", "2", "201"],
        [str(minute), "100", "100", "100", "100", "0", "0"],
    )
    quiet, full = LINEAR.parse_klines("BTC_USDT.PERP", body)
    assert quiet.ts_open_ns == minute * 1_000_000
    assert (quiet.status, quiet.count, quiet.vwap) == ("quiet", 0, 100.0)
    assert (full.status, full.count, full.volume, full.vwap) == ("closed", 1, 2.0, 100.5)
    assert (full.buy_volume, full.sell_volume, full.revision, full.source) == (0.0, 0.0, 0, "bybit")
    assert full.ts_event_ns == (minute + 120_000) * 1_000_000
    assert full.validate() == []


def test_inverse_candles_have_volume_and_turnover_the_other_way_round():
    minute = T_MS - T_MS % 60_000
    body = klines([str(minute), "50000", "50000", "50000", "50000", "1000", "0.02"], raw="BTCUSD")
    (bar,) = INVERSE.parse_klines("BTC_USD.PERP", body)
    assert (bar.volume, bar.vwap) == (0.02, 50000.0)


@pytest.mark.parametrize(
    "body",
    [
        klines([str(T_MS + 1), "1", "1", "1", "1", "1", "1"]),
        klines([str(T_MS), "1", "0.5", "1", "1", "1", "1"]),
        klines([str(T_MS), "nan", "1", "1", "1", "1", "1"]),
        klines([str(T_MS), "1", "1"]),
        klines([str(T_MS), "1", "1", "1", "1", "1", "1"], raw="ETHUSDT"),
        b"[]",
        b"<html>",
        b"\xff",
        answer(None),
        answer({"list": 5}),
    ],
)
def test_candles_that_do_not_fit_are_refused(body):
    assert LINEAR.parse_klines("BTC_USDT.PERP", body).reason == "invalid_klines"


@pytest.mark.parametrize(
    "body",
    [
        recent(row(1, price="0")),
        recent(row(1, size="-1")),
        recent(row(1, side="None")),
        recent(row(1, time="x")),
        b"[]",
        b"",
        b"{}",
        answer([]),
        answer({"list": {}}),
    ],
)
def test_trades_that_do_not_fit_are_refused(body):
    assert LINEAR.parse_trades("BTC_USDT.PERP", body, RECV_NS).reason == "invalid_trades"


def test_a_refusal_with_http_200_is_named():
    body = answer({}, 10006, "Too many visits!")
    expected = Reject("rest_refused", "retCode 10006: Too many visits!")
    assert LINEAR.parse_trades("BTC_USDT.PERP", body, RECV_NS) == expected
    assert LINEAR.parse_klines("BTC_USDT.PERP", body) == expected


def test_no_trades_and_no_candles_are_no_fault():
    assert LINEAR.parse_trades("BTC_USDT.PERP", recent(), RECV_NS) == []
    assert LINEAR.parse_klines("BTC_USDT.PERP", klines()) == []


def test_paths():
    assert (
        VENUE.recent_path("spot", "BTCUSDT")
        == "/v5/market/recent-trade?category=spot&symbol=BTCUSDT&limit=60"
    )
    assert VENUE.recent_path("linear", "BTCUSDT").endswith("category=linear&symbol=BTCUSDT&limit=1000")
    assert VENUE.klines_path("inverse", "BTCUSD", 10, 3) == (
        "/v5/market/kline?category=inverse&symbol=BTCUSD&interval=1&start=600000&end=720000&limit=3"
    )
    assert VENUE.klines_per_page("spot") == 1000


def test_why_trades_cannot_be_asked_for_is_said():
    for market, newest in (("spot", "60"), ("linear", "1000"), ("inverse", "1000")):
        refusal = VENUE.repair_refusal(market, "publicTrade")
        assert "does not count its trades" in refusal
        assert f"newest {newest} " in refusal
    assert VENUE.repair_path("linear", "publicTrade", "BTCUSDT", Wanted(1, 1, 0, 0)) == ""


def test_books_and_instruments_need_no_request():
    assert VENUE.snapshot_path("linear", "BTCUSDT", 1000) == ""
    assert VENUE.instruments_path("linear") == ""
    assert VENUE.parse_instruments("linear", b"{}") == {}
    assert LINEAR.parse_snapshot("BTC_USDT.PERP", b"{}", RECV_NS).reason == "unused_snapshot"


def test_numbers_too_small_to_divide_by_are_refused():
    for text in ("1e-320", "1e-13"):
        with pytest.raises(msgspec.ValidationError):
            frames.amount(text)
    assert frames.amount("0") == frames.amount("") == 0.0
    assert frames.amount("1e-12") == 1e-12
