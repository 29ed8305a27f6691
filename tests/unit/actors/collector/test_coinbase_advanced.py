"""Every message of Coinbase Advanced Trade, its numbers, and everything that only looks like one."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.collector.outcomes import (
    BookChange,
    BookImage,
    Broken,
    Ignored,
    PastTrade,
    Pong,
    Refusal,
    Reject,
    Subscribed,
)
from actors.collector.venues.coinbase import Coinbase
from protocol.messages import BUY, SELL, Quote, Trade

NAMES = {"BTC-USD": "BTC_USD", "ETH-USD": "ETH_USD"}
RECV_NS = 1_795_168_800_500_000_000
SENT = "2026-11-20T10:00:00.350000001Z"
SENT_NS = 1_795_168_800_350_000_001
TIME = "2026-11-20T10:00:00.223456Z"
EVENT_NS = 1_795_168_800_223_456_000
IMAGE_ID = RECV_NS // 1_000
PARSER = Coinbase().parser("advanced", NAMES, {})


class Connection:
    """A reader, and a venue that numbers what it says."""

    def __init__(self, names: dict[str, str] = NAMES) -> None:
        self.reader = Coinbase().parser("advanced", names, {}).reader()
        self.numbers = itertools.count()

    def hear(self, channel: str, *events: dict[str, Any], number: int | None = None):
        number = next(self.numbers) if number is None else number
        frame = {"channel": channel, "timestamp": SENT, "sequence_num": number, "events": events}
        return list(self.reader.parse(json.dumps(frame).encode(), RECV_NS))

    def only(self, channel: str, *events: dict[str, Any], number: int | None = None):
        (outcome,) = self.hear(channel, *events, number=number)
        return outcome


@pytest.fixture
def connection() -> Connection:
    return Connection()


def row(trade_id: int | str = "7", **changes: Any) -> dict[str, Any]:
    fields = {"product_id": "BTC-USD", "price": "100.5", "size": "0.25", "time": TIME, "side": "SELL"}
    return {"trade_id": str(trade_id)} | fields | changes


def prints(*rows: dict[str, Any], kind: str = "update") -> dict[str, Any]:
    return {"type": kind, "trades": list(rows)}


def best(**changes: Any) -> dict[str, Any]:
    fields = {"type": "ticker", "product_id": "BTC-USD", "price": "99", "best_bid": "99.5", "best_ask": "100"}
    return {"type": "update", "tickers": [fields | changes]}


def level(side: str, price: str, size: str, time: str = TIME) -> dict[str, Any]:
    return {"side": side, "event_time": time, "price_level": price, "new_quantity": size}


def levels(*updates: dict[str, Any], kind: str = "update", product: str = "BTC-USD") -> dict[str, Any]:
    return {"type": kind, "product_id": product, "updates": list(updates)}


def image(product: str = "BTC-USD") -> dict[str, Any]:
    sides = [
        level("bid", "99", "1"),
        level("bid", "98", "2"),
        level("offer", "100", "3"),
        level("offer", "101", "4"),
    ]
    return levels(*sides, kind="snapshot", product=product)


CHANGE = levels(level("bid", "99", "5"))


def test_the_taker_bought_from_a_resting_seller(connection):
    expected = Trade("BTC_USD", "coinbase", EVENT_NS, RECV_NS, 100.5, 0.25, BUY, 7)
    assert connection.only("market_trades", prints(row())) == expected
    assert connection.only("market_trades", prints(row(side="BUY"))).side == SELL


def test_trades_come_newest_first_and_go_oldest_first(connection):
    found = connection.hear("market_trades", prints(row(9), row(8), row(7)))
    assert [trade.trade_id for trade in found] == [7, 8, 9]


def test_the_first_list_is_of_past_trades(connection):
    found = connection.hear("market_trades", prints(row(9), row(8), kind="snapshot"))
    assert [type(outcome) for outcome in found] == [PastTrade, PastTrade]
    assert [outcome.trade.trade_id for outcome in found] == [8, 9]


def test_a_ticker_has_the_time_of_sending_and_no_number(connection):
    sizes = {"best_bid_quantity": "2", "best_ask_quantity": "3"}
    quote = Quote("BTC_USD", "coinbase", SENT_NS, RECV_NS, 99.5, 100.0, 2.0, 3.0, 0)
    assert connection.only("ticker", best(**sizes)) == quote
    assert connection.only("ticker", best()).bid_size == 0.0


@pytest.mark.parametrize("changes", [{"best_bid": "0"}, {"best_ask": "0"}])
def test_a_ticker_without_a_side_is_no_quote(connection, changes):
    assert connection.only("ticker", best(**changes)) == Ignored("ticker")


def test_a_book_is_counted_from_its_image_on(connection):
    assert connection.only("l2_data", image()) == BookImage(
        "BTC_USD", EVENT_NS, RECV_NS, IMAGE_ID, [(99.0, 1.0), (98.0, 2.0)], [(100.0, 3.0), (101.0, 4.0)]
    )
    update = levels(level("bid", "99", "0"), level("offer", "100", "7"))
    assert connection.only("l2_data", update) == BookChange(
        "BTC_USD", EVENT_NS, RECV_NS, IMAGE_ID + 1, IMAGE_ID, IMAGE_ID + 1, [(99.0, 0.0)], [(100.0, 7.0)]
    )


def test_a_change_has_the_newest_time_of_its_levels(connection):
    update = levels(level("bid", "99", "1", "2026-11-20T10:00:00.5Z"), level("bid", "98", "1", TIME))
    assert connection.only("l2_data", update).ts_event_ns == 1_795_168_800_500_000_000


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z"])
def test_levels_without_a_time_have_that_of_sending(connection, time):
    assert connection.only("l2_data", levels(level("bid", "99", "1", time))).ts_event_ns == SENT_NS


def test_a_change_of_no_level_still_counts(connection):
    first = connection.only("l2_data", image())
    assert connection.only("l2_data", levels()).after_id == first.last_id


def test_heartbeats_are_signs_of_life_and_their_time_is_not_read(connection):
    beat = {"current_time": "2026-11-20 10:00:01.0 +0000 UTC m=+1.0", "heartbeat_counter": "3049"}
    assert connection.only("heartbeats", beat) == Pong()


def test_subscriptions_list_all_channels(connection):
    listed = {
        "ticker": ["BTC-USD"],
        "heartbeats": ["heartbeats"],
        "level2": ["BTC-USD", "ETH-USD"],
        "x": None,
    }
    streams = {"tickers:BTC-USD", "heartbeats", "level2:BTC-USD", "level2:ETH-USD"}
    assert connection.only("subscriptions", {"subscriptions": listed}) == Subscribed(frozenset(streams))
    assert connection.only("subscriptions", {"subscriptions": {}}) == Subscribed(frozenset())


def test_what_it_lists_is_what_was_asked_for(connection):
    venue = Coinbase()
    for stream_type in venue.defaults.streams["advanced"]:
        stream = venue.stream("BTC-USD", stream_type)
        request = json.loads(venue.subscribe([stream], 1))
        answer = {"subscriptions": {request["channel"]: request["product_ids"]}}
        assert connection.only("subscriptions", answer) == Subscribed(frozenset({stream}))


def test_a_usdc_product_comes_back_as_the_usd_one():
    connection = Connection({"BTC-USDC": "BTC_USDC"})
    assert connection.only("market_trades", prints(row())).symbol == "BTC_USDC"
    assert connection.only("ticker", best()).symbol == "BTC_USDC"
    assert connection.only("l2_data", image()).symbol == "BTC_USDC"
    answer = connection.only("subscriptions", {"subscriptions": {"market_trades": ["BTC-USD"]}})
    assert "market_trades:BTC-USDC" in answer.streams


def test_where_both_are_mapped_the_id_that_came_decides():
    connection = Connection({"BTC-USDC": "BTC_USDC", "BTC-USD": "BTC_USD"})
    assert connection.only("market_trades", prints(row())).symbol == "BTC_USD"
    assert connection.only("market_trades", prints(row(product_id="BTC-USDC"))).symbol == "BTC_USDC"
    answer = connection.only("subscriptions", {"subscriptions": {"market_trades": ["BTC-USD"]}})
    assert answer.streams == {"market_trades:BTC-USD"}


def test_an_error_refuses_the_product_it_names(connection):
    frame = json.dumps({"type": "error", "message": "ETH-USD is no product, nor is FOO-BAR"}).encode()
    (found,) = connection.reader.parse(frame, RECV_NS)
    streams = ("market_trades:ETH-USD", "tickers:ETH-USD", "level2:ETH-USD")
    assert found == Refusal(0, 0, "ETH-USD is no product, nor is FOO-BAR", streams)


@pytest.mark.parametrize("channel", ["candles", "status", "ticker_batch", "x" * 50])
def test_other_channels_are_ignored_by_name_and_take_their_number(connection, channel):
    assert connection.only(channel, {"type": "snapshot"}) == Ignored(channel[:32])
    assert connection.only("heartbeats") == Pong()


@pytest.mark.parametrize(
    ("channel", "event"),
    [
        ("market_trades", prints(row(product_id="XRP-EUR"))),
        ("ticker", best(product_id="XRP-EUR")),
        ("l2_data", image("XRP-EUR")),
    ],
)
def test_a_product_that_nobody_maps_is_refused(connection, channel, event):
    assert connection.only(channel, event) == Reject("unmapped_symbol", "XRP-EUR")


# numbers of the connection


def test_a_jump_breaks_the_connection_once_and_is_read_all_the_same(connection):
    connection.only("heartbeats", number=4)
    broken, trade = connection.hear("market_trades", prints(row()), number=7)
    assert broken == Broken("sequence_num jumped from 4 to 7")
    assert trade.trade_id == 7
    assert connection.only("heartbeats", number=8) == Pong()
    assert connection.only("heartbeats", number=12) == Pong()


def test_a_jump_shows_in_what_nobody_reads_too(connection):
    connection.only("heartbeats", number=4)
    assert connection.hear("candles", number=6) == [
        Broken("sequence_num jumped from 4 to 6"),
        Ignored("candles"),
    ]


@pytest.mark.parametrize("channel", ["heartbeats", "candles", "market_trades"])
@pytest.mark.parametrize("number", [5, 3])
def test_a_number_again_is_not_read(connection, channel, number):
    connection.only("heartbeats", number=5)
    assert connection.only(channel, number=number) == Ignored("duplicate_sequence_num")
    assert connection.only("heartbeats", number=6) == Pong()


def test_a_jump_loses_every_book(connection):
    for product in NAMES:
        connection.only("l2_data", image(product))
    connection.hear("heartbeats", number=9)
    for number, product in enumerate(NAMES, 10):
        found = connection.only("l2_data", levels(level("bid", "9", "1"), product=product), number=number)
        assert found.after_id > IMAGE_ID


def test_numbers_from_zero_on_are_another_connection(connection):
    book = connection.only("l2_data", image())
    connection.only("heartbeats")
    assert connection.only("heartbeats", number=0) == Pong()
    assert connection.only("l2_data", CHANGE, number=1).after_id > book.last_id
    assert isinstance(connection.hear("heartbeats", number=5)[0], Broken)


def test_another_connection_begins_anew(connection):
    connection.only("heartbeats", number=40)
    assert Connection().only("heartbeats") == Pong()


@given(st.lists(st.integers(1, 4), min_size=1, max_size=30))
def test_a_connection_is_broken_once_and_only_if_a_number_is_missing(steps):
    connection = Connection()
    connection.only("heartbeats", number=0)
    found = []
    for number in itertools.accumulate(steps):
        found += connection.hear("heartbeats", number=number)
    breaks = [outcome for outcome in found if isinstance(outcome, Broken)]
    assert len(breaks) == (max(steps) > 1)
    assert found.count(Pong()) == len(steps)


# malformed


@pytest.mark.parametrize(
    ("channel", "event", "reason"),
    [
        ("market_trades", prints(row(side="sell")), "invalid_market_trades"),
        ("market_trades", prints(row("uuid")), "invalid_market_trades"),
        ("market_trades", prints(row(price="nan")), "invalid_market_trades"),
        ("market_trades", prints(row(time="")), "invalid_market_trades"),
        ("market_trades", prints(row(), kind="other"), "invalid_market_trades"),
        ("ticker", {"tickers": {}}, "invalid_ticker"),
        ("ticker", best(best_bid="-1"), "invalid_ticker"),
        ("l2_data", levels(level("ask", "1", "1")), "invalid_l2_data"),
        ("l2_data", levels(level("bid", "1", "1", "now")), "invalid_l2_data"),
        ("subscriptions", {"subscriptions": []}, "invalid_subscriptions"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_next_one_is_read(connection, channel, event, reason):
    assert connection.only(channel, event).reason == reason
    assert connection.only("market_trades", prints(row())).trade_id == 7


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"", "malformed_json"),
        (b'{"channel":"l2', "malformed_json"),
        (b"[" * 10_000, "invalid_frame"),
        (b'{"channel":"x","events":' + b"[" * 10_000, "malformed_json"),
        (b"[]", "invalid_frame"),
        (b"{}", "invalid_frame"),
        (b'{"channel":"heartbeats","sequence_num":"x"}', "invalid_frame"),
        (b'{"channel":"heartbeats"}', "invalid_heartbeats"),
    ],
)
def test_what_is_no_frame_is_refused(connection, frame, reason):
    (found,) = connection.reader.parse(frame, RECV_NS)
    assert found.reason == reason
    assert connection.only("heartbeats") == Pong()


@pytest.mark.parametrize("event", [levels(level("ask", "1", "1")), levels(level("bid", "1", "1", "now"))])
def test_a_book_is_not_vouched_for_after_an_unreadable_change(connection, event):
    book = connection.only("l2_data", image())
    connection.only("l2_data", event)
    assert connection.only("l2_data", CHANGE).after_id > book.last_id


# sides


def test_inverted_sides_are_said_once(connection):
    found = []
    for number in range(600):
        found += connection.hear("ticker", best())
        found += connection.hear(
            "market_trades", prints(row(number, price="99.5", side="SELL"))
        )  # bought at the bid?
    assert [outcome for outcome in found if isinstance(outcome, Reject)] == [
        Reject("side_looks_inverted", "0 of 500 trades lie at the side they are said to have taken")
    ]
    assert sum(isinstance(outcome, Trade) for outcome in found) == 600


def test_right_sides_are_not_spoken_of(connection):
    found = []
    for number in range(600):
        found += connection.hear("ticker", best())
        found += connection.hear("market_trades", prints(row(number, price="99.5", side="BUY")))
    assert not [outcome for outcome in found if isinstance(outcome, Reject)]


def test_there_is_no_rest_snapshot():
    assert PARSER.parse_snapshot("BTC_USD", b"{}", RECV_NS) == Reject("no_rest_snapshot", "BTC_USD")
