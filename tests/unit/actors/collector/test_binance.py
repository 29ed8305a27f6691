"""Every shape that Binance sends, and everything that only looks like it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.collector.outcomes import Ack, BookChange, BookImage, Excluded, Ignored, Refusal, Reject, Shutdown
from actors.collector.venue import Contract
from actors.collector.venues.binance import Binance
from protocol.messages import BUY, SELL, Liquidation, Quote, Trade
from tests.unit.actors.collector.frames import NAMES, RECV_NS, T_MS, depth, frame, snapshot, ticker, trade

VENUE = Binance()
EVENT_NS = T_MS * 1_000_000
SPOT = VENUE.parser("spot", NAMES, {})
USDM = VENUE.parser("usdm", {"BTCUSDT": "BTC_USDT.PERP", "XRPUSDT": "XRP_USDT.PERP"}, {})
CONTRACTS = {
    "BTC_USD.PERP": Contract(100.0, is_inverse=True),
    "ETH_USD.PERP": Contract(10.0, is_inverse=True),
}
COINM = VENUE.parser("coinm", {"BTCUSD_PERP": "BTC_USD.PERP", "ETHUSD_PERP": "ETH_USD.PERP"}, CONTRACTS)


def only(parser, data: bytes):
    (outcome,) = parser.parse(data, RECV_NS)
    return outcome


def test_a_spot_trade_of_a_selling_taker():
    assert only(SPOT, trade(7)) == Trade("BTC_USDT", "binance", EVENT_NS, RECV_NS, 100.5, 0.25, SELL, 7)


def test_the_aggressor_bought_where_the_buyer_was_not_the_maker():
    assert only(SPOT, trade(m=False)).side == BUY


def test_sixteen_digits_are_microseconds():
    assert only(SPOT, trade(t_ms=T_MS * 1000 + 456)).ts_event_ns == EVENT_NS + 456_000


def test_an_aggregate_counts_its_fills():
    data = {
        "e": "aggTrade",
        "E": T_MS,
        "s": "BTCUSDT",
        "a": 9,
        "p": "1",
        "q": "2",
        "nq": "2",
        "T": T_MS,
        "m": False,
    }
    assert only(USDM, frame("btcusdt@aggTrade", **data, f=5, l=7, st=1)).count == 3
    assert only(USDM, frame("btcusdt@aggTrade", **data, f=-1, l=-1)).count == 0
    assert only(USDM, frame("btcusdt@aggTrade", **data)).trade_id == 9


def test_spot_quotes_have_no_time_of_their_own():
    assert only(SPOT, ticker(5)) == Quote("BTC_USDT", "binance", RECV_NS, RECV_NS, 99.0, 101.0, 1.0, 2.0, 5)


def test_futures_quotes_have_one():
    assert only(USDM, ticker(e="bookTicker", T=T_MS, E=T_MS + 5)).ts_event_ns == EVENT_NS


def test_a_spot_change_builds_on_the_update_before_its_first():
    change = only(SPOT, depth(11, 15))
    assert change == BookChange("BTC_USDT", EVENT_NS, RECV_NS, 11, 10, 15, [(99.0, 2.0)], [(102.0, 0.0)])


def test_a_futures_change_names_what_it_builds_on():
    assert only(USDM, depth(11, 15, pu=7, T=T_MS)).after_id == 7


def test_a_futures_change_without_predecessor_is_not_one():
    assert only(USDM, depth(11, 15, T=T_MS)).reason == "invalid_depth"


def test_coin_margined_sizes_are_contracts():
    quote = only(COINM, ticker(s="BTCUSD_PERP", b="50000", B="10", a="50010", A="20"))
    assert quote.bid_size == 10 * 100 / 50000
    assert quote.ask_size == 20 * 100 / 50010
    data = {
        "e": "trade",
        "E": T_MS,
        "T": T_MS,
        "s": "ETHUSD_PERP",
        "t": 1,
        "p": "2000",
        "q": "4",
        "X": "MARKET",
    }
    assert only(COINM, frame("ethusd_perp@trade", **data, m=False)).size == 4 * 10 / 2000
    change = only(COINM, depth(2, 3, s="BTCUSD_PERP", pu=1, T=T_MS, b=[["50000", "5"]], a=[]))
    assert change.bids == [(50000.0, 5 * 100 / 50000)]


def test_the_catalog_may_say_another_contract_size():
    parser = VENUE.parser(
        "coinm", {"BTCUSD_PERP": "BTC_USD.PERP"}, {"BTC_USD.PERP": Contract(1000.0, is_inverse=True)}
    )
    assert only(parser, ticker(s="BTCUSD_PERP")).bid_size == 1 * 1000 / 99


def test_an_execution_that_is_no_market_trade():
    assert only(USDM, trade(8, X="INSURANCE_FUND")) == Excluded(
        "BTC_USDT.PERP", EVENT_NS, 8, "INSURANCE_FUND"
    )


def test_coin_margined_frames_in_usd_margined_streams():
    assert only(USDM, trade(st=2)).reason == "coinm_in_usdm"
    assert only(USDM, ticker(st=2)).reason == "coinm_in_usdm"
    assert isinstance(only(USDM, trade(st=1)), Trade)


def test_a_liquidation_is_priced_at_its_average_fill():
    order = {"s": "XRPUSDT", "S": "BUY", "q": "127.2", "p": "1.4984", "ap": "1.4912", "l": "108.1", "z": "127.2",
             "X": "FILLED", "T": T_MS, "st": 1}  # fmt: skip
    expected = Liquidation("XRP_USDT.PERP", "binance", EVENT_NS, RECV_NS, 1.4912, 127.2, BUY)
    data = {"e": "forceOrder", "E": T_MS, "o": order}
    assert only(USDM, frame("xrpusdt@forceOrder", **data)) == expected
    assert only(USDM, json.dumps(data).encode()) == expected
    many = json.dumps({"stream": "!forceOrder@arr", "data": [data, data]}).encode()
    assert USDM.parse(many, RECV_NS) == [expected, expected]


def test_bare_payloads_without_an_envelope():
    bare = json.loads(trade(3))["data"]
    assert only(SPOT, json.dumps(bare).encode()).trade_id == 3
    assert only(SPOT, json.dumps(json.loads(ticker(4))["data"]).encode()).update_id == 4


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"result": None, "id": 3}, Ack(3)),
        ({"id": 3, "result": ["btcusdt@trade"]}, Ack(3)),
        ({"result": None, "id": "x"}, Ack(0)),
        ({"code": 2, "msg": "Invalid request", "id": 5}, Refusal(5, 2, "Invalid request")),
        ({"error": {"code": -1128, "msg": "no"}, "id": 7}, Refusal(7, -1128, "no")),
        ({"code": 3, "msg": "Invalid JSON"}, Refusal(0, 3, "Invalid JSON")),
        ({"e": "serverShutdown", "E": T_MS}, Shutdown()),
        ({"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": T_MS}}, Shutdown()),
    ],
)
def test_control_messages(answer, expected):
    assert only(SPOT, json.dumps(answer).encode()) == expected


@pytest.mark.parametrize(
    "stream", ["btcusdt@kline_1m", "btcusdt@markPrice", "btcusdt@depth20@100ms", "!ticker@arr"]
)
def test_types_that_nobody_reads_are_named(stream):
    family = stream.lstrip("!").split("@")[0] if stream.startswith("!") else stream.split("@")[1]
    assert only(SPOT, frame(stream, e="x")) == Ignored(family)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b"hello", "malformed_json"),
        (b"\xff\xfe", "malformed_json"),
        (b"[" * 100_000, "invalid_frame"),
        (b"[]", "invalid_frame"),
        (b"null", "invalid_frame"),
        (b"{}", "invalid_frame"),
        (b'{"stream":5,"data":{}}', "invalid_frame"),
        (b'{"stream":"btcusdt@trade"}', "invalid_trade"),
        (b'{"stream":"btcusdt@trade","data":[]}', "invalid_trade"),
        (trade(p="NaN"), "invalid_trade"),
        (trade(p="inf"), "invalid_trade"),
        (trade(p="-1"), "invalid_trade"),
        (trade(p="0"), "invalid_trade"),
        (trade(p="1e400"), "invalid_trade"),
        (trade(p=None), "invalid_trade"),
        (trade(p=True), "invalid_trade"),
        (trade(p="abc"), "invalid_trade"),
        (trade(q="-0.1"), "invalid_trade"),
        (trade(q="0"), "invalid_trade"),
        (trade(t_ms=0), "invalid_trade"),
        (trade(t_ms=10**18), "invalid_trade"),
        (trade(trade_id=-1), "invalid_trade"),
        (trade(trade_id=2**64), "invalid_trade"),
        (trade(m=7), "invalid_trade"),
        (trade(e="aggTrade"), "invalid_trade"),
        (ticker(b="nan"), "invalid_bookTicker"),
        (ticker(B="-1"), "invalid_bookTicker"),
        (ticker(e="trade"), "invalid_bookTicker"),
        (depth(5, 4), "invalid_depth"),
        (depth(4, 5, b=[["1", "nan"]]), "invalid_depth"),
        (depth(4, 5, b=[["-1", "1"]]), "invalid_depth"),
        (depth(4, 5, b=[["1"]]), "invalid_depth"),
        (depth(4, 5, b="x"), "invalid_depth"),
        (trade(s="DOGEUSDT"), "unmapped_symbol"),
        (ticker(s="дог"), "unmapped_symbol"),
        (b'{"e":"depthUpdate"}', "invalid_depthUpdate"),
        (b'{"s":"BTCUSDT"}', "invalid_frame"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_rejected_with_a_reason(data, reason):
    outcome = only(SPOT, data)
    assert isinstance(outcome, Reject)
    assert outcome.reason == reason


@given(st.one_of(st.binary(), st.text().map(str.encode), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["stream", "data", "e", "o", "id", "s", "p"]), inner),
).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_no_bytes_raise(data):
    for parser in (SPOT, USDM, COINM):
        assert list(parser.parse(data, RECV_NS))
        assert parser.parse_snapshot("BTC_USDT", data, RECV_NS)


def test_a_clock_two_seconds_ahead_is_legal():
    assert only(SPOT, trade(t_ms=RECV_NS // 1_000_000 + 2000)).ts_event_ns - RECV_NS == 2_000_000_000


def test_names_made_up_by_a_peer_are_not_remembered():
    parser = VENUE.parser("spot", NAMES, {})
    for number in range(1000):
        parser.parse(frame(f"x{number}@nonsense"), RECV_NS)
        parser.parse(frame(f"{'x' * 500}{number}@trade"), RECV_NS)
    assert len(parser._readers) == 0


def test_a_snapshot():
    image = SPOT.parse_snapshot("BTC_USDT", snapshot(5), RECV_NS)
    assert image == BookImage("BTC_USDT", RECV_NS, RECV_NS, 5, [(99.0, 1.0)], [(101.0, 2.0), (102.0, 3.0)])
    assert USDM.parse_snapshot("BTC_USDT.PERP", snapshot(5, T=T_MS, E=T_MS), RECV_NS).ts_event_ns == EVENT_NS
    coin = COINM.parse_snapshot("BTC_USD.PERP", snapshot(5, bids=[["50000", "5"]], asks=[]), RECV_NS)
    assert coin.bids == [(50000.0, 5 * 100 / 50000)]


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", snapshot(5, bids=[["1", "NaN"]]), snapshot(-1)])
def test_a_snapshot_that_is_none(body):
    assert SPOT.parse_snapshot("BTC_USDT", body, RECV_NS).reason == "invalid_snapshot"


def test_addresses_since_the_split_of_2026():
    base = "wss://fstream.binance.com/"
    assert VENUE.stream_url("usdm", base, "aggTrade") == "wss://fstream.binance.com/market/stream"
    assert VENUE.stream_url("usdm", base, "depth@100ms") == "wss://fstream.binance.com/public/stream"
    assert VENUE.stream_url("usdm", base, "trade") == "wss://fstream.binance.com/public/stream"
    assert VENUE.stream_url("spot", "wss://stream.binance.com:9443", "trade").endswith(":9443/stream")
    assert VENUE.stream("BTCUSDT", "depth@100ms") == "btcusdt@depth@100ms"


def test_requests_and_their_price():
    assert json.loads(VENUE.subscribe(["a@trade"], 3)) == {
        "method": "SUBSCRIBE",
        "params": ["a@trade"],
        "id": 3,
    }
    assert json.loads(VENUE.unsubscribe(["a@trade"], 4))["method"] == "UNSUBSCRIBE"
    assert VENUE.snapshot_path("usdm", "BTCUSDT", 1000) == "/fapi/v1/depth?symbol=BTCUSDT&limit=1000"
    assert VENUE.snapshot_path("spot", "币安人生USDT", 5).isascii()
    assert [VENUE.snapshot_weight("spot", depth) for depth in (100, 500, 1000, 5000)] == [5, 25, 50, 250]
    assert [VENUE.snapshot_weight("usdm", depth) for depth in (50, 100, 500, 1000)] == [2, 5, 10, 20]


def test_kinds_of_stream_types():
    types = ("trade", "aggTrade", "bookTicker", "depth@0ms", "forceOrder", "kline_1m", "depth20", "Trade")
    assert [VENUE.kind_of(name) for name in types] == [
        "trade",
        "trade",
        "quote",
        "book",
        "liquidation",
        "",
        "",
        "",
    ]


def test_a_time_after_2100_is_refused_wherever_it_stands():
    late_ms = 7_791_091_175_227
    for body in (
        {
            "stream": "btcusdt@trade",
            "data": {"e": "trade", "s": "BTCUSDT", "t": 1, "p": "1", "q": "1", "T": late_ms, "m": True},
        },
        {
            "stream": "btcusdt@aggTrade",
            "data": {"e": "aggTrade", "s": "BTCUSDT", "a": 1, "p": "1", "q": "1", "T": late_ms, "m": True},
        },
        {
            "stream": "btcusdt@depth",
            "data": {"e": "depthUpdate", "s": "BTCUSDT", "E": late_ms, "U": 1, "u": 2, "b": [], "a": []},
        },
    ):
        (reject,) = SPOT.parse(json.dumps(body).encode(), 1)
        assert isinstance(reject, Reject), body
    book = {"lastUpdateId": 9, "T": late_ms, "bids": [["99", "1"]], "asks": [["101", "2"]]}
    assert isinstance(USDM.parse_snapshot("BTC_USDT.PERP", json.dumps(book).encode(), 1), Reject)
    rows = [{"id": 5, "price": "1", "qty": "2", "time": late_ms, "isBuyerMaker": True}]
    assert isinstance(SPOT.parse_trades("BTC_USDT", json.dumps(rows).encode(), 1), Reject)


def test_a_candle_whose_volume_is_too_small_to_divide_by_is_refused():
    row = [1791091140000, "100", "102", "99", "101", "1e-320", 1791091199999, "1200", 7, "5", "500", "0"]
    assert isinstance(SPOT.parse_klines("BTC_USDT", json.dumps([row]).encode()), Reject)
