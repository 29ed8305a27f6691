"""Every message of Coinbase's Exchange feed, and everything that only looks like one."""

import json
from typing import Any

import pytest

from actors.collector.outcomes import (
    BookChange,
    BookImage,
    Ignored,
    PastTrade,
    Refusal,
    Reject,
    Subscribed,
    TradeMark,
)
from actors.collector.venues.coinbase import Coinbase
from protocol.messages import BUY, SELL, Quote, Trade

NAMES = {"BTC-USD": "BTC_USD", "ETH-USD": "ETH_USD"}
RECV_NS = 1_795_168_800_500_000_000
TIME = "2026-11-20T10:00:00.123456Z"
EVENT_NS = 1_795_168_800_123_456_000
IMAGE_ID = RECV_NS // 1_000
PARSER = Coinbase().parser("exchange", NAMES, {})


@pytest.fixture
def reader():
    return PARSER.reader()


def said(kind: str, **fields: Any) -> bytes:
    return json.dumps({"type": kind, "product_id": "BTC-USD", "time": TIME, "new_key": [1]} | fields).encode()


def match(kind: str = "match", **changes: Any) -> bytes:
    fields = {"trade_id": 7, "side": "sell", "size": "0.25", "price": "100.5", "sequence": 99}
    return said(kind, **fields | changes)


def ticker(**changes: Any) -> bytes:
    return said("ticker", **{"sequence": 99, "best_bid": "99.5", "best_ask": "100", "side": "buy"} | changes)


def image(**changes: Any) -> bytes:
    return said(
        "snapshot", **{"bids": [["99", "1"], ["98", "2"]], "asks": [["100", "3"], ["101", "4"]]} | changes
    )


def change(*changes: list[str], **fields: Any) -> bytes:
    return said("l2update", **{"changes": changes or [["buy", "99", "5"]]} | fields)


def only(reader, frame: bytes):
    (outcome,) = reader.parse(frame, RECV_NS)
    return outcome


def test_the_taker_bought_from_a_resting_seller(reader):
    expected = Trade("BTC_USD", "coinbase", EVENT_NS, RECV_NS, 100.5, 0.25, BUY, 7)
    assert only(reader, match()) == expected
    assert only(reader, match(side="buy")).side == SELL


def test_the_last_match_is_a_past_trade(reader):
    past = only(reader, match("last_match"))
    assert past == PastTrade(Trade("BTC_USD", "coinbase", EVENT_NS, RECV_NS, 100.5, 0.25, BUY, 7))


def test_a_ticker_of_today_has_sizes_and_one_of_2019_has_none(reader):
    frame = ticker(best_bid_size="2", best_ask_size="3")
    assert only(reader, frame) == Quote("BTC_USD", "coinbase", EVENT_NS, RECV_NS, 99.5, 100.0, 2.0, 3.0, 99)
    assert only(reader, ticker()) == Quote(
        "BTC_USD", "coinbase", EVENT_NS, RECV_NS, 99.5, 100.0, 0.0, 0.0, 99
    )


@pytest.mark.parametrize("changes", [{"best_bid": "0"}, {"best_ask": 0}])
def test_a_ticker_without_a_side_is_no_quote(reader, changes):
    assert only(reader, ticker(**changes)) == Ignored("ticker")


def test_a_book_is_counted_from_its_image_on(reader):
    first = only(reader, image())
    assert first == BookImage(
        "BTC_USD", EVENT_NS, RECV_NS, IMAGE_ID, [(99.0, 1.0), (98.0, 2.0)], [(100.0, 3.0), (101.0, 4.0)]
    )
    second = only(reader, change(["buy", "99", "0"], ["sell", "100", "7"], ["buy", "97", "1"]))
    assert second == BookChange(
        "BTC_USD",
        EVENT_NS,
        RECV_NS,
        IMAGE_ID + 1,
        IMAGE_ID,
        IMAGE_ID + 1,
        [(99.0, 0.0), (97.0, 1.0)],
        [(100.0, 7.0)],
    )
    assert only(reader, change()).after_id == IMAGE_ID + 1


def test_products_are_counted_apart(reader):
    only(reader, image())
    only(reader, image(product_id="ETH-USD"))
    only(reader, change())
    assert only(reader, change(product_id="ETH-USD")).after_id == IMAGE_ID


def test_an_image_again_has_a_greater_number(reader):
    only(reader, image())
    for _ in range(3):
        last = only(reader, change())
    assert only(reader, image()).last_id == last.last_id + 1


def test_the_next_connection_goes_on_above(reader):
    only(reader, image())
    last = only(reader, change())
    later = PARSER.reader().parse(image(), RECV_NS + 1_000_000)[0]
    assert later.last_id > last.last_id


def test_levels_are_best_first_whatever_the_order(reader):
    frame = image(bids=[["98", "2"], ["99", "1"]], asks=[["101", "4"], ["100", "3"]])
    found = only(reader, frame)
    assert (found.bids[0], found.asks[0]) == ((99.0, 1.0), (100.0, 3.0))


@pytest.mark.parametrize(
    "frame", [image(time="0001-01-01T00:00:00Z"), change(time="0001-01-01T00:00:00.000000Z")]
)
def test_no_time_is_the_time_of_arrival(reader, frame):
    assert only(reader, frame).ts_event_ns == RECV_NS


def test_an_image_of_2019_has_no_time_at_all(reader):
    frame = json.loads(image())
    del frame["time"]
    assert only(reader, json.dumps(frame).encode()).ts_event_ns == RECV_NS


def test_a_heartbeat_marks_the_newest_trade(reader):
    assert only(reader, said("heartbeat", sequence=9, last_trade_id=912)) == TradeMark(
        "BTC_USD", EVENT_NS, 912
    )


def test_subscriptions_list_everything_and_name_the_batch_another_way(reader):
    channels = [
        {"name": "matches", "product_ids": ["BTC-USD", "ETH-USD"], "account_ids": None},
        {"name": "level2_50", "product_ids": ["BTC-USD"]},
        {"name": "status", "product_ids": None},
    ]
    listed = {"matches:BTC-USD", "matches:ETH-USD", "level2_batch:BTC-USD"}
    frame = json.dumps({"type": "subscriptions", "channels": channels}).encode()
    assert only(reader, frame) == Subscribed(frozenset(listed))
    assert only(reader, b'{"type":"subscriptions","channels":[]}') == Subscribed(frozenset())


def error(message: str, reason: str = "") -> bytes:
    return json.dumps({"type": "error", "message": message, "reason": reason}).encode()


def test_an_error_refuses_the_product_it_names(reader):
    found = only(reader, error("Failed to subscribe", "BTC-USD is not a valid product"))
    streams = ("matches:BTC-USD", "ticker:BTC-USD", "level2_batch:BTC-USD")
    assert found == Refusal(0, 0, "Failed to subscribe: BTC-USD is not a valid product", streams)


def test_an_error_cannot_make_up_products(reader):
    assert only(reader, error("Failed to subscribe", "FOO-BAR is not a valid product")).streams == ()
    assert only(reader, b'{"type":"error"}') == Refusal(0, 0, "", ())


@pytest.mark.parametrize("kind", ["status", "auction", "open", "x" * 50])
def test_other_types_are_ignored_by_name(reader, kind):
    assert only(reader, said(kind)) == Ignored(kind[:32])


@pytest.mark.parametrize(
    "frame", [match(), match("last_match"), ticker(), image(), change(), said("heartbeat", last_trade_id=1)]
)
def test_a_product_that_nobody_maps_is_refused(reader, frame):
    frame = frame.replace(b"BTC-USD", b"XRP-USD")
    assert only(reader, frame) == Reject("unmapped_symbol", "XRP-USD")


def test_a_name_mapped_later_is_found():
    names: dict[str, str] = {}
    reader = Coinbase().parser("exchange", names, {}).reader()
    assert only(reader, match()).reason == "unmapped_symbol"
    names["BTC-USD"] = "BTC_USD"
    assert only(reader, match()).symbol == "BTC_USD"


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"", "malformed_json"),
        (b'{"type":"match"', "malformed_json"),
        (b'{"type":"\xff"}', "malformed_json"),
        (b"[" * 10_000, "invalid_frame"),
        (b'{"type":"match","x":' + b"[" * 10_000, "malformed_json"),
        (b"[]", "invalid_frame"),
        (b"{}", "invalid_frame"),
        (b'{"type":5}', "invalid_frame"),
        (match(side="hold"), "invalid_match"),
        (match(price="NaN"), "invalid_match"),
        (match(price="0"), "invalid_match"),
        (match(price="1e400"), "invalid_match"),
        (match(size="-1"), "invalid_match"),
        (match(trade_id=-1), "invalid_match"),
        (match(trade_id=2**70), "invalid_match"),
        (match(time="yesterday"), "invalid_match"),
        (match("last_match", time=5), "invalid_last_match"),
        (ticker(sequence=None), "invalid_ticker"),
        (image(bids=[["1"]]), "invalid_snapshot"),
        (change(["hold", "1", "2"]), "invalid_l2update"),
        (change(time="2026-11-20"), "invalid_l2update"),
        (said("heartbeat"), "invalid_heartbeat"),
        (b'{"type":"subscriptions","channels":{}}', "invalid_subscriptions"),
        (b'{"type":"error","reason":[]}', "invalid_error"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_next_one_is_read(reader, frame, reason):
    assert only(reader, frame).reason == reason
    assert only(reader, match()).trade_id == 7


@pytest.mark.parametrize("frame", [change(["buy", "x", "1"]), b'{"type":"l2up'])
def test_a_book_is_not_vouched_for_after_an_unreadable_change(reader, frame):
    book = only(reader, image())
    assert isinstance(only(reader, frame), Reject)
    assert only(reader, change()).after_id > book.last_id


def test_only_the_book_it_names_is_lost(reader):
    only(reader, image())
    only(reader, image(product_id="ETH-USD"))
    only(reader, change(["buy", "x", "1"], product_id="ETH-USD"))
    assert only(reader, change()).after_id == IMAGE_ID
    assert only(reader, change(product_id="ETH-USD")).after_id == IMAGE_ID + 1


def test_an_unreadable_match_costs_no_book(reader):
    only(reader, image())
    only(reader, match(side="hold"))
    assert only(reader, change()).after_id == IMAGE_ID


def test_there_is_no_rest_snapshot():
    assert PARSER.parse_snapshot("BTC_USD", b"{}", RECV_NS) == Reject("no_rest_snapshot", "BTC_USD")
