"""Bybit's books and quotes: what a connection remembers of each topic."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.collector.outcomes import BookChange, BookImage, Ignored
from protocol.messages import Quote
from tests.unit.actors.collector.bybit_world import (
    EVENT_NS,
    FULL_TICKER,
    RECV_NS,
    TS,
    book,
    encoded,
    only,
    reader,
    ticker,
)

# books


def test_a_snapshot_is_an_image_at_the_matching_engines_time():
    assert only(reader(), book()) == BookImage(
        "BTC_USDT.PERP", EVENT_NS - 3_000_000, RECV_NS, 100, [(91240.0, 3.2)], [(91240.1, 1.0)]
    )


def test_without_an_engine_time_the_frames_own_has_to_do():
    assert only(reader(), book(cts=None)).ts_event_ns == EVENT_NS
    assert only(reader(), book(cts=None, ts=str(TS))).ts_event_ns == EVENT_NS
    assert only(reader(), book(cts=None, ts=None)).reason == "invalid_orderbook"


def test_a_change_builds_on_the_update_before():
    source = reader()
    source.parse(book(u=100), RECV_NS)
    change = only(source, book(u=101, kind="delta", b=[("91240", "0")], a=[]))
    assert change == BookChange(
        "BTC_USDT.PERP", EVENT_NS - 3_000_000, RECV_NS, 101, 100, 101, [(91240.0, 0.0)], []
    )


def test_a_jump_of_ids_is_seen_by_the_chain():
    source = reader()
    source.parse(book(u=100), RECV_NS)
    assert only(source, book(u=103, kind="delta")).after_id == 102


def test_after_a_restart_of_the_service_ids_still_grow_and_chain():
    source = reader()
    source.parse(book(u=100), RECV_NS)
    image = only(source, book(u=1))
    change = only(source, book(u=2, kind="delta"))
    assert image.last_id > 100
    assert (change.after_id, change.last_id) == (image.last_id, image.last_id + 1)


def test_a_restart_that_begins_without_a_snapshot_breaks_the_chain():
    source = reader()
    image = only(source, book(u=100))
    change = only(source, book(u=2, kind="delta"))
    assert change.after_id > image.last_id
    later = only(source, book(u=3, kind="delta"))
    assert later.after_id == change.last_id


def test_a_repeated_change_keeps_its_id():
    source = reader()
    source.parse(book(u=100), RECV_NS)
    first, again = only(source, book(u=101, kind="delta")), only(source, book(u=101, kind="delta"))
    assert first == again


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 12)), min_size=1, max_size=40))
@settings(max_examples=150, deadline=None)
def test_whatever_the_venue_counts_ids_never_go_back_and_only_a_step_of_one_chains(steps):
    source, newest, last_u = reader(), 0, 0
    for is_image, u in steps:
        found = only(source, book(u=u, kind="snapshot" if is_image else "delta"))
        assert found.last_id >= newest
        if not is_image and last_u:
            assert (found.after_id == newest) == (u == last_u + 1)
        newest, last_u = found.last_id, u


def test_each_topic_and_each_connection_counts_for_itself():
    source = reader()
    source.parse(book(u=100), RECV_NS)
    assert only(source, book(u=7, depth=200)).last_id == 7
    assert only(reader(), book(u=7)).last_id == 7


def test_inverse_levels_are_usd():
    data = book(b=[("50000", "5000")], a=[("50010", "10")], raw="BTCUSD")
    image = only(reader("inverse"), data)
    assert image.bids == [(50000.0, 0.1)]
    assert image.asks == [(50010.0, 10 / 50010)]


def test_a_level_of_an_image_that_has_no_size_is_no_level():
    assert only(reader(), book(b=[("1", "0"), ("0.9", "2")])).bids == [(0.9, 2.0)]


# quotes


def test_one_level_is_a_quote():
    assert only(reader(), book(depth=1)) == Quote(
        "BTC_USDT.PERP", "bybit", EVENT_NS - 3_000_000, RECV_NS, 91240.0, 91240.1, 3.2, 1.0, 7100
    )


def test_the_same_level_again_says_nothing():
    source = reader()
    source.parse(book(depth=1), RECV_NS)
    assert isinstance(only(source, book(depth=1, cts=TS + 3000)), Ignored)
    assert isinstance(only(source, book(depth=1, u=101)), Quote)
    assert isinstance(only(source, book(depth=1, u=1)), Quote)


def test_a_side_that_is_missing_gives_no_quote():
    source = reader()
    assert isinstance(only(source, book(depth=1, a=[])), Ignored)
    assert isinstance(only(source, book(depth=1, u=101)), Quote)


def test_changes_of_one_level_as_they_came_in_2023():
    source = reader()
    unfounded = only(source, book(depth=1, u=9, kind="delta"))
    assert isinstance(unfounded, Ignored)
    source.parse(book(depth=1, u=10, b=[("99", "1")], a=[("101", "1")]), RECV_NS)
    quote = only(source, book(depth=1, u=11, kind="delta", b=[("99", "0"), ("98", "2")], a=[]))
    assert (quote.bid, quote.bid_size, quote.ask) == (98.0, 2.0, 101.0)
    assert isinstance(only(source, book(depth=1, u=12, kind="delta", b=[], a=[("101", "0")])), Ignored)
    assert isinstance(only(source, book(depth=1, u=14, kind="delta")), Ignored)


def test_a_ticker_keeps_what_a_change_leaves_out():
    source = reader()
    first = only(source, ticker("snapshot", **FULL_TICKER))
    assert first == Quote("BTC_USDT.PERP", "bybit", EVENT_NS, RECV_NS, 99.0, 101.0, 2.0, 3.0, 5)
    second = only(source, ticker(cs=6, bid1Size="7"))
    assert (second.bid, second.bid_size, second.ask, second.ask_size, second.update_id) == (99, 7, 101, 3, 6)


def test_a_ticker_that_says_nothing_of_bid_and_ask_is_no_quote():
    source = reader()
    source.parse(ticker("snapshot", **FULL_TICKER), RECV_NS)
    assert only(source, ticker(markPrice="100")) == Ignored("tickers")


def test_no_quote_while_a_side_or_a_size_is_not_known():
    source = reader()
    assert only(source, ticker(bid1Price="99", bid1Size="1")) == Ignored("tickers")
    assert only(source, ticker(ask1Price="101")) == Ignored("tickers")
    assert isinstance(only(source, ticker(ask1Size="1")), Quote)


@pytest.mark.parametrize("gone", ["", "0"])
def test_no_quote_while_a_side_is_gone(gone):
    source = reader()
    source.parse(ticker("snapshot", **FULL_TICKER), RECV_NS)
    assert only(source, ticker(ask1Price=gone, ask1Size=gone)) == Ignored("tickers")
    assert only(source, ticker(bid1Size="1")) == Ignored("tickers")
    assert isinstance(only(source, ticker(ask1Price="102", ask1Size="1")), Quote)


def test_a_snapshot_forgets_and_so_does_another_connection():
    source = reader()
    source.parse(ticker("snapshot", **FULL_TICKER), RECV_NS)
    assert only(source, ticker("snapshot", bid1Price="99", bid1Size="1")) == Ignored("tickers")
    assert only(reader(), ticker(bid1Size="1")) == Ignored("tickers")


def test_after_a_bad_ticker_nothing_of_it_is_believed():
    source = reader()
    source.parse(ticker("snapshot", **FULL_TICKER), RECV_NS)
    assert only(source, ticker(bid1Price="nan")).reason == "invalid_tickers"
    assert only(source, ticker(bid1Size="1")) == Ignored("tickers")


def test_spot_tickers_have_no_bid_and_are_ignored():
    data = encoded("tickers.BTCUSDT", {"symbol": "BTCUSDT", "lastPrice": "1", "usdIndexPrice": "1"}, cs=1)
    assert only(reader("spot"), data) == Ignored("tickers")
