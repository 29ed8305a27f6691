"""Every shape that Bybit sends, and everything that only looks like it; books and quotes are in test_bybit_books."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.collector.outcomes import Ack, Ignored, Pong, Refusal, Reject
from actors.collector.venue import TradeIds
from protocol.messages import BUY, SELL, Liquidation, Trade
from tests.unit.actors.collector.bybit_world import (
    EVENT_NS,
    RECV_NS,
    TS,
    UUID,
    VENUE,
    book,
    encoded,
    only,
    reader,
    ticker,
    trade_row,
    trades,
)

# trades


def test_the_side_of_a_trade_is_the_takers():
    expected = Trade("BTC_USDT.PERP", "bybit", EVENT_NS - 3_000_000, RECV_NS, 91240.1, 0.012, BUY, UUID)
    assert only(reader(), trades(trade_row())) == expected
    assert only(reader(), trades(trade_row(S="Sell"))).side == SELL


def test_spot_trades_have_digits_as_ids_which_stay_texts():
    row = trade_row(i="2290000000050703789")
    del row["L"], row["RPI"]
    assert only(reader("spot"), trades(row)).trade_id == "2290000000050703789"


def test_inverse_sizes_are_usd():
    found = only(reader("inverse"), trades(trade_row(s="BTCUSD", v="5823", p="28560.50"), raw="BTCUSD"))
    assert found.size == 5823 / 28560.5


def test_a_message_holds_up_to_1024_trades_in_their_order():
    rows = [trade_row(i=str(number), T=TS + number) for number in range(1024)]
    found = reader().parse(trades(*rows), RECV_NS)
    assert [trade.trade_id for trade in found] == [str(number) for number in range(1024)]
    assert [trade.ts_event_ns for trade in found] == [(TS + number) * 1_000_000 for number in range(1024)]


def test_a_block_trade_is_left_out_and_counted_and_the_others_stay():
    found = reader().parse(
        trades(trade_row(), trade_row(BT=True, i="b"), trade_row(RPI=True, i="r")), RECV_NS
    )
    assert [type(one) for one in found] == [Trade, Reject, Trade]
    assert found[1].reason == "block_trade"
    assert found[2].trade_id == "r"


# liquidations


def test_a_liquidated_position_is_closed_by_the_opposite_order():
    row = {"T": TS - 5, "s": "BTCUSDT", "S": "Buy", "v": "0.500", "p": "90800.10"}
    found = reader().parse(encoded("allLiquidation.BTCUSDT", [row, {**row, "S": "Sell"}]), RECV_NS)
    assert found == [
        Liquidation("BTC_USDT.PERP", "bybit", EVENT_NS - 5_000_000, RECV_NS, 90800.1, 0.5, side)
        for side in (SELL, BUY)
    ]


def test_inverse_liquidations_are_usd():
    row = {"T": TS, "s": "BTCUSD", "S": "Sell", "v": "1000", "p": "50000"}
    assert only(reader("inverse"), encoded("allLiquidation.BTCUSD", [row])).size == 0.02


# control

TOPIC = "orderbook.500.BTCUSDT"
MISSING = f"error:handler not found,topic:{TOPIC}"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"success": True, "ret_msg": "", "conn_id": "x", "req_id": "3", "op": "subscribe"}, Ack(3)),
        ({"success": True, "ret_msg": "subscribe", "req_id": "4", "op": "subscribe"}, Ack(4)),
        ({"success": True, "ret_msg": "subscribe", "op": "subscribe"}, Ack(0)),
        ({"success": True, "ret_msg": "", "req_id": "", "op": "subscribe"}, Ack(0)),
        ({"success": True, "ret_msg": "", "req_id": "sub-1", "op": "subscribe"}, Ack(0)),
        ({"success": True, "ret_msg": "", "req_id": 5, "op": "unsubscribe"}, Ack(5)),
        ({"success": False, "ret_msg": MISSING, "req_id": "6", "op": "subscribe"}, Refusal(6, 0, MISSING, (TOPIC,))),
        (
            {"success": False, "ret_msg": "Invalid symbol :[publicTrade.NOPEUSDT]", "req_id": "7", "op": "subscribe"},
            Refusal(7, 0, "Invalid symbol :[publicTrade.NOPEUSDT]", ("publicTrade.NOPEUSDT",)),
        ),
        ({"success": False, "ret_msg": "args size >10", "req_id": "8", "op": "subscribe"}, Refusal(8, 0, "args size >10")),
        (
            {"success": False, "ret_msg": f"error:already subscribed,topic:{TOPIC}", "req_id": "9", "op": "subscribe"},
            Ack(0, (TOPIC,), is_partial=False),
        ),
        ({"success": False, "ret_msg": "error:invalid op", "ret_code": 10001}, Refusal(0, 10001, "error:invalid op")),
        ({"success": True, "ret_msg": "pong", "conn_id": "x", "req_id": "ping", "op": "ping"}, Pong()),
        ({"req_id": "ping", "op": "pong", "args": ["1795168800123"], "conn_id": "x"}, Pong()),
        ({"success": False, "ret_msg": "slow down", "req_id": "ping", "op": "ping"}, Pong()),
        ({"op": "auth", "conn_id": "x"}, Ignored("control")),
        ({"success": True, "ret_msg": "", "conn_id": "x", "request": {"op": "subscribe", "args": []}}, Ignored("control")),
    ],
)  # fmt: skip
def test_control_messages(answer, expected):
    assert only(reader(), json.dumps(answer).encode()) == expected


# what is not read, and what is wrong


@pytest.mark.parametrize(
    ("topic", "name"),
    [
        ("kline.1.BTCUSDT", "kline"),
        ("liquidation.BTCUSDT", "liquidation"),
        ("orderbook.rpi.BTCUSDT", "orderbook.rpi"),
        ("orderbook.full.BTCUSDT", "orderbook.full"),
        ("orderBookL2_25.BTCUSD", "orderBookL2_25"),
        ("depth", "depth"),
        ("publicTrade", "publicTrade"),
        ("x" * 100, "x" * 32),
    ],
)
def test_types_that_nobody_reads_are_named(topic, name):
    assert only(reader(), encoded(topic, [])) == Ignored(name)


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
        (b'{"topic":5}', "invalid_frame"),
        (b'{"topic":"publicTrade.BTCUSDT"}', "invalid_publicTrade"),
        (encoded("publicTrade.BTCUSDT", {}), "invalid_publicTrade"),
        (trades(trade_row(p="NaN")), "invalid_publicTrade"),
        (trades(trade_row(p="inf")), "invalid_publicTrade"),
        (trades(trade_row(p="0")), "invalid_publicTrade"),
        (trades(trade_row(v="-1")), "invalid_publicTrade"),
        (trades(trade_row(v="0")), "invalid_publicTrade"),
        (trades(trade_row(S="None")), "invalid_publicTrade"),
        (trades(trade_row(T=0)), "invalid_publicTrade"),
        (trades(trade_row(T=TS * 1000)), "invalid_publicTrade"),
        (trades(trade_row(i="")), "invalid_publicTrade"),
        (trades(trade_row(i="x" * 65)), "invalid_publicTrade"),
        (trades(trade_row(s="ETHUSDT")), "invalid_publicTrade"),
        (trades(trade_row(s="SOLUSDT"), raw="SOLUSDT"), "unmapped_symbol"),
        (book(raw="SOLUSDT"), "unmapped_symbol"),
        (book(raw="SOLUSDT", depth=1), "unmapped_symbol"),
        (ticker(raw="SOLUSDT"), "unmapped_symbol"),
        (book(u=0), "invalid_orderbook"),
        (book(u=-4), "invalid_orderbook"),
        (book(kind="other"), "invalid_orderbook"),
        (book(kind="other", depth=1), "invalid_orderbook"),
        (book(b=[("1", "nan")]), "invalid_orderbook"),
        (book(b=[("-1", "1")]), "invalid_orderbook"),
        (book(b=[("1",)]), "invalid_orderbook"),
        (ticker("other", bid1Price="1"), "invalid_tickers"),
        (ticker(bid1Price="-1"), "invalid_tickers"),
        (ticker(bid1Size="abc"), "invalid_tickers"),
        (ticker(bid1Size="1e400"), "invalid_tickers"),
        (encoded("tickers.BTCUSDT", {"symbol": "BTCUSDT", "bid1Price": "1"}, "delta", None), "invalid_tickers"),
        (encoded("allLiquidation.BTCUSDT", [{"T": TS, "s": "BTCUSDT", "S": "Long", "v": "1", "p": "1"}]),
         "invalid_allLiquidation"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_and_the_next_frame_read(data, reason):
    source = reader()
    assert only(source, data).reason == reason
    assert isinstance(only(source, trades(trade_row())), Trade)


def test_keys_that_nobody_knows_are_tolerated():
    assert isinstance(only(reader(), trades(trade_row(new=[1]), new={"a": 1})), Trade)


def test_names_that_are_mapped_later_are_read_then():
    names = {}
    source = reader(names=names)
    assert only(source, book()).reason == "unmapped_symbol"
    names["BTCUSDT"] = "BTC_USDT.PERP"
    assert only(source, book()).symbol == "BTC_USDT.PERP"


def test_topics_of_a_peers_making_are_not_remembered():
    source = reader()
    for number in range(1000):
        source.parse(trades(raw=f"A{number}USDT"), RECV_NS)
    assert not source._topics


# the venue


def test_addresses_and_topics():
    assert (
        VENUE.stream_url("linear", "wss://stream.bybit.com/", "tickers")
        == "wss://stream.bybit.com/v5/public/linear"
    )
    assert VENUE.stream("BTCUSDT", "orderbook.200") == "orderbook.200.BTCUSDT"
    assert VENUE.standing_streams("linear", "wss://x") == ()


def test_requests_carry_their_number_as_a_text():
    assert json.loads(VENUE.subscribe(["publicTrade.BTCUSDT"], 12)) == {
        "req_id": "12", "op": "subscribe", "args": ["publicTrade.BTCUSDT"]
    }  # fmt: skip
    assert json.loads(VENUE.unsubscribe(["a", "b"], 13)) == {
        "req_id": "13",
        "op": "unsubscribe",
        "args": ["a", "b"],
    }


def test_a_request_of_spot_holds_ten_topics():
    streams = [f"publicTrade.A{number}USDT" for number in range(25)]
    assert list(VENUE.batch("spot", streams)) == streams[:10]
    assert list(VENUE.batch("linear", streams)) == streams


@given(st.lists(st.integers(1, 9000), min_size=1, max_size=60), st.sampled_from(["linear", "inverse"]))
def test_a_request_of_derivatives_holds_21000_characters_and_at_least_one_topic(lengths, market):
    streams = ["x" * length for length in lengths]
    found = list(VENUE.batch(market, streams))
    assert found == streams[: len(found)]
    assert len(found) == 1 or len(json.dumps(found, separators=(",", ":"))) <= 21_000
    if len(found) < len(streams):
        assert len(json.dumps(streams[: len(found) + 1], separators=(",", ":"))) > 21_000 - 2


def test_every_default_stream_is_of_a_kind_and_what_the_venue_no_longer_has_is_not():
    for market in VENUE.markets:
        kinds = [VENUE.kind_of(stream_type) for stream_type in VENUE.defaults.streams[market]]
        assert all(kinds)
        assert len(kinds) == len(set(kinds))
        assert VENUE.trade_ids(market, "publicTrade") is TradeIds.UNORDERED
    assert VENUE.kind_of("tickers") == "quote"
    assert [VENUE.kind_of(name) for name in ("orderbook.500", "liquidation", "kline.1", "")] == [""] * 4


def test_the_limits_stay_below_what_the_venue_allows():
    allowance = VENUE.connect_allowance("linear")
    assert allowance.burst + 300 * allowance.per_s <= 500
    assert VENUE.longest_silence_s("linear") > 2 * VENUE.ping("linear").every_s
    assert json.loads(VENUE.ping("linear").text)["op"] == "ping"
    assert sum(VENUE.defaults.repair_weight_per_min.values()) <= 7200
