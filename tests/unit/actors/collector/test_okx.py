"""OKX: names and limits, every channel and control message, and everything that only looks like one."""

import json

import pytest

from actors.collector.outcomes import (
    Ack,
    Ignored,
    PastTrade,
    Pong,
    Refusal,
    Reject,
    Shutdown,
)
from actors.collector.registry import exchange
from actors.collector.venue import TradeIds, Wanted
from actors.collector.venues import okx_frames as shapes
from protocol.messages import BUY, SELL, Liquidation, Quote, Trade
from tests.unit.actors.collector.okx_frames import (
    CONTRACTS,
    EVENT_NS,
    RECV_NS,
    T_MS,
    VENUE,
    forced,
    frame,
    levels,
    liquidation,
    only,
    reader,
    top,
    trade,
)


def read(data: bytes, market: str = "spot"):
    return only(reader(market).parse(data, RECV_NS))


# names, addresses, limits


def test_the_registry_finds_it_by_name():
    assert exchange("okx").name == "okx"


def test_only_fills_have_an_address_of_their_own():
    base = "wss://ws.okx.com/"
    assert VENUE.stream_url("spot", base, "trades") == "wss://ws.okx.com/ws/v5/public"
    assert VENUE.stream_url("spot", base, "trades-all") == "wss://ws.okx.com/ws/v5/business"


def test_no_address_names_the_port_that_was_closed():
    assert not [url for url in VENUE.defaults.ws_url.values() if "8443" in url]
    assert set(VENUE.defaults.ws_url) == set(VENUE.markets) == set(VENUE.defaults.rest_url)


def test_every_default_stream_is_known():
    kinds = {
        market: {VENUE.kind_of(name) for name in names} for market, names in VENUE.defaults.streams.items()
    }
    assert kinds["spot"] == {"trade", "quote", "book"}
    assert kinds["swap"] == kinds["futures"] == {"trade", "quote", "book", "liquidation"}
    assert not VENUE.kind_of("candle1m")


@pytest.mark.parametrize(
    ("raw", "stream_type", "stream"),
    [
        ("BTC-USDT", "trades", "trades:BTC-USDT"),
        ("BTC-USDT-SWAP", "liquidation-orders", "liquidation-orders:SWAP"),
        ("BTC-USDT-261225", "liquidation-orders", "liquidation-orders:FUTURES"),
        ("BTC-USDT", "liquidation-orders", "liquidation-orders:MARGIN"),
    ],
)
def test_a_stream_names_channel_and_instrument_or_type(raw, stream_type, stream):
    assert VENUE.stream(raw, stream_type) == stream


def test_a_request_has_an_arg_for_each_stream():
    text = VENUE.subscribe(["trades:BTC-USDT", "liquidation-orders:SWAP"], 12)
    assert json.loads(text) == {
        "id": "12",
        "op": "subscribe",
        "args": [
            {"channel": "trades", "instId": "BTC-USDT"},
            {"channel": "liquidation-orders", "instType": "SWAP"},
        ],
    }
    assert json.loads(VENUE.unsubscribe(["books:BTC-USDT"], 13))["op"] == "unsubscribe"


def test_a_batch_is_the_first_streams_that_fit():
    streams = [f"books:COIN{number}-USDT-SWAP" for number in range(1000)]
    batch = list(VENUE.batch("swap", streams))
    assert 1 < len(batch) < 1000
    assert batch == streams[: len(batch)]
    assert list(VENUE.batch("swap", streams[:3])) == streams[:3]


def test_long_names_make_a_batch_smaller_and_never_empty():
    streams = [f"books:{'X' * 2000}-{number}" for number in range(100)]
    batch = VENUE.batch("swap", streams)
    assert 1 < len(batch) < 100
    assert len(json.dumps(json.loads(VENUE.subscribe(batch, 1))["args"])) < 64 * 1024
    assert len(VENUE.batch("swap", ["books:" + "X" * 100_000])) == 1


def test_allowances_stay_below_what_the_venue_allows():
    hourly = VENUE.request_allowance("spot")
    assert hourly.burst + 3600 * hourly.per_s <= 480
    connects = VENUE.connect_allowance("spot")
    assert connects.burst + connects.per_s <= 3


def test_it_pings_before_the_venue_loses_patience():
    ping = VENUE.ping("spot")
    assert (ping.text, ping.every_s < 25.0) == ("ping", True)
    assert VENUE.longest_silence_s("spot") > 2 * ping.every_s


def test_trades_are_numbered_by_their_last_fill_and_fills_one_by_one():
    assert VENUE.trade_ids("spot", "trades") is TradeIds.SPANNED
    assert VENUE.trade_ids("spot", "trades-all") is TradeIds.COUNTED


def test_books_begin_in_the_stream_and_trades_are_had_by_id():
    assert VENUE.snapshot_path("spot", "BTC-USDT", 400) == ""
    assert VENUE.recent_path("spot", "BTC-USDT") == ""
    assert VENUE.repair_refusal("spot", "trades") == VENUE.repair_refusal("spot", "trades-all") == ""
    assert VENUE.repair_refusal("spot", "books")
    assert VENUE.repair_path("spot", "trades", "BTC-USDT", Wanted(500, 40, 0, 0)) == (
        "/api/v5/market/history-trades?instId=BTC-USDT&type=1&after=540&limit=40"
    )
    assert VENUE.repair_per_page("spot", "trades") == 100


# trades


def test_a_spot_trade_of_a_selling_taker():
    assert read(trade()) == Trade("BTC_USDT", "okx", EVENT_NS, RECV_NS, 100.5, 0.25, SELL, 7)


def test_the_taker_bought():
    assert read(trade(side="buy")).side == BUY


def test_an_aggregate_has_the_id_of_its_last_fill():
    found = read(trade(830639474, count="3", source="1"))
    assert (found.trade_id, found.count) == (830639474, 3)


def test_captures_without_count_are_single_fills():
    row = {"instId": "BTC-USDT", "tradeId": "9", "px": "1", "sz": "2", "side": "buy", "ts": str(T_MS)}
    assert read(frame("trades", "BTC-USDT", row)).count == 1
    assert read(frame("trades-all", "BTC-USDT", row)).trade_id == 9


def test_fractions_of_linear_contracts_are_base_units():
    found = read(trade(raw="BTC-USDT-SWAP", sz="34.95", px="63913.4"), "swap")
    assert found.size == pytest.approx(0.3495)


def test_inverse_contracts_are_dollars():
    assert read(trade(raw="BTC-USD-SWAP", sz="2", px="50000"), "swap").size == pytest.approx(0.004)


def test_several_trades_of_one_push_keep_their_order():
    rows = [json.loads(trade(number))["data"][0] for number in (1, 2, 3)]
    found = reader().parse(frame("trades", "BTC-USDT", *rows), RECV_NS)
    assert [each.trade_id for each in found] == [1, 2, 3]


def test_the_first_push_repeats_the_newest_trade_which_is_past_if_it_is_old():
    connection = reader()
    hour_ago = trade(6, ts=str(T_MS - 3_600_000))
    assert isinstance(only(connection.parse(hour_ago, RECV_NS)), PastTrade)
    assert isinstance(only(connection.parse(hour_ago, RECV_NS)), Trade)
    assert isinstance(only(connection.parse(trade(7), RECV_NS)), Trade)
    connection.parse(b'{"event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"}}', RECV_NS)
    assert isinstance(only(connection.parse(hour_ago, RECV_NS)), Trade)
    connection.parse(b'{"event":"subscribe","arg":{"channel":"trades","instId":"BTC-USDT"}}', RECV_NS)
    assert isinstance(only(connection.parse(hour_ago, RECV_NS)), PastTrade)
    recent = only(reader().parse(trade(6, ts=str(T_MS - 10_000)), RECV_NS))
    assert isinstance(recent, Trade)


# quotes


@pytest.mark.parametrize("channel", ["bbo-tbt", "books5"])
def test_the_best_levels_are_a_quote(channel):
    assert read(top(5, channel=channel)) == Quote(
        "BTC_USDT", "okx", EVENT_NS, RECV_NS, 99.0, 101.0, 1.0, 2.0, 5
    )


def test_quotes_of_contracts_are_in_base_units():
    found = read(top(raw="BTC-USD-SWAP"), "swap")
    assert (found.bid_size, found.ask_size) == (pytest.approx(100 / 99), pytest.approx(200 / 101))
    found = read(top(raw="BTC-USDT-261225"), "futures")
    assert (found.bid_size, found.ask_size) == (0.01, 0.02)


def test_a_quote_whose_ids_begin_anew_has_none_once():
    connection = reader()
    ids = [only(connection.parse(top(seq), RECV_NS)).update_id for seq in (5, 9, 9, 2, 3)]
    assert ids == [5, 9, 9, 0, 3]


def test_old_captures_have_no_id():
    assert read(top(None)).update_id == 0


def test_a_quote_needs_both_sides():
    assert read(top(bids=[])) == Ignored("one-sided quote")


def ticker(**changes):
    row = {"instType": "SPOT", "instId": "BTC-USDT", "last": "1", "askPx": "101", "askSz": "2", "bidPx": "99"}
    return frame("tickers", "BTC-USDT", row | {"bidSz": "1", "ts": str(T_MS)} | changes)


def test_a_ticker_is_a_quote_without_id():
    assert read(ticker()) == Quote("BTC_USDT", "okx", EVENT_NS, RECV_NS, 99.0, 101.0, 1.0, 2.0)
    assert read(ticker(bidPx="", bidSz="")) == Ignored("one-sided quote")
    assert read(ticker(askPx="x")).reason == "invalid_tickers"


# liquidations


def test_a_liquidation_has_the_side_of_its_order_whatever_the_position():
    assert read(liquidation(forced()), "swap") == Liquidation(
        "BTC_USDT.PERP", "okx", EVENT_NS, RECV_NS, 90800.1, pytest.approx(0.135), SELL
    )
    assert read(liquidation(forced(side="buy", posSide="short")), "swap").side == BUY


def test_liquidations_of_others_are_no_fault():
    assert read(liquidation(forced(), raw="DOGE-USDT-SWAP"), "swap") == Ignored(
        "liquidation-orders of others"
    )
    assert isinstance(read(liquidation(forced(bkPx=""), raw="DOGE-USDT-SWAP"), "swap"), Ignored)


def test_all_details_of_a_push_come_out_in_order():
    found = reader("swap").parse(liquidation(forced(sz="1"), forced(sz="2")), RECV_NS)
    assert [each.size for each in found] == [0.01, 0.02]


def test_the_first_push_replays_old_liquidations():
    connection = reader("swap")
    old = liquidation(forced(ts=str(T_MS - 120_000)), forced())
    replayed, news = connection.parse(old, RECV_NS)
    assert replayed == Ignored("liquidation-orders of before")
    assert isinstance(news, Liquidation)
    assert all(isinstance(each, Liquidation) for each in connection.parse(old, RECV_NS))


def test_a_stream_that_is_subscribed_anew_replays_too():
    connection = reader("swap")
    old = liquidation(forced(ts=str(T_MS - 120_000)))
    connection.parse(old, RECV_NS)
    for channel in ("books", "trades"):
        text = '{"event":"subscribe","arg":{"channel":"%s","instId":"BTC-USDT-SWAP"}}'
        connection.parse((text % channel).encode(), RECV_NS)
    assert isinstance(only(connection.parse(old, RECV_NS)), Liquidation)
    connection.parse(
        b'{"event":"subscribe","arg":{"channel":"liquidation-orders","instType":"SWAP"}}', RECV_NS
    )
    assert only(connection.parse(old, RECV_NS)) == Ignored("liquidation-orders of before")


def test_liquidations_of_margin_positions_have_no_price():
    assert isinstance(read(liquidation(forced(bkPx=""), inst_type="MARGIN"), "spot"), Ignored)


# control


def test_the_text_pong_is_a_sign_of_life():
    assert read(b"pong") == Pong()


def test_an_ack_names_its_stream():
    text = b'{"id":"1512","event":"subscribe","arg":{"channel":"trades","instId":"BTC-USDT"},"connId":"a4d3ae55"}'
    assert read(text) == Ack(1512, ("trades:BTC-USDT",))
    text = b'{"event":"unsubscribe","arg":{"channel":"liquidation-orders","instType":"SWAP"},"connId":"a"}'
    assert read(text) == Ack(0, ("liquidation-orders:SWAP",))


def error(code="60018", msg="", **more):
    return json.dumps({"event": "error", "code": code, "msg": msg, "connId": "a4d3ae55", **more}).encode()


def test_a_refusal_names_its_stream_in_words():
    text = "Wrong URL or channel:trades-all,instId:BTC-USDT doesn't exist. Please use the correct URL"
    assert read(error(msg=text, id="1512")) == Refusal(1512, 60018, text, ("trades-all:BTC-USDT",))
    text = "Wrong URL or channel:liquidation-orders,instType:SWAPS doesn't exist."
    assert read(error(msg=text)) == Refusal(0, 60018, text, ("liquidation-orders:SWAPS",))


def test_a_refusal_may_name_nothing():
    assert read(error("60012", "Invalid request: {...}")) == Refusal(0, 60012, "Invalid request: {...}")
    assert read(error("60014", None)) == Refusal(0, 60014, "")
    assert read(error(None, "x", id="not mine")) == Refusal(0, 0, "x")


def test_a_refusal_may_carry_its_arg():
    arg = {"channel": "books", "instId": "BTC-USDT"}
    assert read(error(msg="no", arg=arg)).streams == ("books:BTC-USDT",)


def test_a_service_upgrade_is_a_shutdown():
    notice = '{"event":"notice","code":"%s","msg":"The connection will soon be closed","connId":"a"}'
    assert read((notice % "64008").encode()) == Shutdown()
    assert read((notice % "64009").encode()) == Ignored("notice")


@pytest.mark.parametrize("event", ["channel-conn-count", "login", "something new"])
def test_other_events_are_ignored(event):
    assert read(json.dumps({"event": event, "channel": "books", "connCount": "1"}).encode()) == Ignored(event)


@pytest.mark.parametrize("channel", ["candle1m", "books-l2-tbt", "mark-price", "x" * 99])
def test_other_channels_are_ignored(channel):
    assert read(frame(channel, "BTC-USDT", ["1", "2"])) == Ignored(channel[:32])


def test_frames_of_the_old_api_are_told_apart():
    assert read(b'{"table":"spot/trade","data":[{"instrument_id":"BCH-USDT"}]}') == Reject(
        "retired_api", "spot/trade"
    )


def test_rest_answers_among_frames_are_ignored():
    assert read(b'{"code":"0","msg":"","data":[]}') == Ignored("rest answer")


# faults: each refused under its reason, and the next good frame read


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "malformed_json"),
        (b"pongpong", "malformed_json"),
        (b'{"arg":{"channel":"trades"', "malformed_json"),
        (b"\xff\xfe", "malformed_json"),
        (b"[]", "invalid_frame"),
        (b'{"arg":7}', "invalid_frame"),
        (b"{}", "invalid_frame"),
        (trade(px="NaN"), "invalid_trades"),
        (trade(px="0"), "invalid_trades"),
        (trade(px="1e-300"), "invalid_trades"),
        (trade(sz="0"), "invalid_trades"),
        (trade(sz="inf"), "invalid_trades"),
        (trade(side="maker"), "invalid_trades"),
        (trade(count="0"), "invalid_trades"),
        (trade(tradeId="x"), "invalid_trades"),
        (trade(ts="99999999999999999"), "invalid_trades"),
        (trade(channel="trades-all", ts=""), "invalid_trades_all"),
        (trade(raw="DOGE-USDT"), "unmapped_symbol"),
        (top(raw="DOGE-USDT"), "unmapped_symbol"),
        (frame("bbo-tbt", "BTC-USDT", {"asks": []}), "invalid_bbo_tbt"),
        (top(channel="books5", bids=levels(("-1", "1"))), "invalid_books5"),
        (frame("books", "BTC-USDT", {"asks": [], "bids": [], "ts": str(T_MS)}), "invalid_books"),
        (frame("books", "BTC-USDT", action="partial"), "invalid_books"),
        (b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update"}', "invalid_books"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_next_frame_read(data, reason):
    connection = reader()
    assert only(connection.parse(data, RECV_NS)).reason == reason
    assert reason in shapes.REASONS
    assert isinstance(only(connection.parse(trade(), RECV_NS)), Trade)


def test_sizes_of_an_unknown_contract_are_refused_until_it_is_known():
    contracts = {}
    connection = VENUE.parser("swap", {"BTC-USDT-SWAP": "BTC_USDT.PERP"}, contracts).reader()
    swap = "BTC-USDT-SWAP"
    for data in (trade(raw=swap), top(raw=swap), liquidation(forced())):
        assert only(connection.parse(data, RECV_NS)) == Reject("unknown_contract", "BTC_USDT.PERP")
    contracts.update(CONTRACTS)
    assert isinstance(only(connection.parse(trade(raw=swap), RECV_NS)), Trade)


def test_a_spot_reader_takes_no_swap():
    assert read(trade(raw="BTC-USDT-SWAP")).reason == "unmapped_symbol"
