"""Two copies of one feed, with holes, delays and restarts of either side: what comes out is the union, once."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.book import OrderBook
from protocol.feeders import LAPSE_NS, Feeders, common, merged
from protocol.first_copy import BEHIND_NS, Copies, CopiesState, FirstCopies, Replica, copies_after
from protocol.messages import Bar, Book, Gap, Liquidation, Quote, Trade

S = 1_000_000_000
A, B = "collector.binance.1", "collector.binance.2"


def trade(number, at_s=None, venue="binance", count=1):
    at_ns = round((number if at_s is None else at_s) * S)
    return Trade("BTC_USDT", venue, at_ns, at_ns, 100.0, 1.0, 1, number, count)


def quote(number, at_s, bid=100.0):
    return Quote("BTC_USDT", "binance", round(at_s * S), round(at_s * S), bid, 101.0, 1.0, 1.0, number)


def change(number, price, size, at_s=0.0):
    at_ns = round(at_s * S)
    return Book("BTC_USDT", "binance", at_ns, at_ns, False, number, number, [(price, size)], [], number - 1)


def snapshot(number, bids, at_s=0.0):
    at_ns = round(at_s * S)
    return Book("BTC_USDT", "binance", at_ns, at_ns, True, number, number, sorted(bids, reverse=True), [])


@st.composite
def two_feeds(draw, length=40):
    """Numbers of one feed as two publishers send them: each leaves some out and sends some of those later."""
    feeds = []
    for name in (A, B):
        hole = draw(st.sets(st.integers(1, length), max_size=length // 2))
        late = draw(st.lists(st.sampled_from(sorted(hole)), unique=True)) if hole else []
        feeds.append(
            [(name, number) for number in (*(n for n in range(1, length + 1) if n not in hole), *late)]
        )
    order = draw(st.permutations([0] * len(feeds[0]) + [1] * len(feeds[1])))
    queues = [iter(feed) for feed in feeds]
    return [next(queues[which]) for which in order]


@given(two_feeds(), st.sampled_from(["binance", "texts", "okx"]))
def test_trades_of_both_are_taken_exactly_once(arrivals, style):
    def made(number):
        if style == "okx":  # each id stands for three fills
            return trade(number * 3, at_s=1.0, venue="okx", count=3)
        return trade(f"t{number}" if style == "texts" else number, at_s=1.0)

    copies = Copies("okx" if style == "okx" else "binance", A)
    taken = [one.trade_id for name, number in arrivals for one in copies.fresh(name, [made(number)], A)]
    assert len(taken) == len(set(taken))
    assert set(taken) == {made(number).trade_id for _, number in arrivals}
    assert copies.second == len(arrivals) - len(taken)


@given(two_feeds(), st.data())
def test_what_is_remembered_makes_no_difference(arrivals, data):
    whole, parts = Copies("binance", A), Copies("binance", A)
    for name, number in arrivals:
        if data.draw(st.booleans()):
            kept = msgspec.msgpack.decode(msgspec.msgpack.encode(parts.state()), type=CopiesState)
            parts = Copies("binance", "x")
            parts.restore(kept)
        for event in (
            trade(number, 1.0),
            quote(number, number),
            liquidation(number),
            change(number, 1.0, 1.0),
        ):
            assert parts.fresh(name, [event], A) == whole.fresh(name, [event], A)


def liquidation(number):
    return Liquidation("BTC_USDT", "binance", number * S, number * S + 1, 100.0, 1.0, -1)


@given(two_feeds())
def test_liquidations_are_known_by_what_they_say(arrivals):
    copies = Copies("binance", A)
    taken = [
        one.ts_event_ns for name, number in arrivals for one in copies.fresh(name, [liquidation(number)], A)
    ]
    assert len(taken) == len(set(taken))
    assert set(taken) == {number * S for _, number in arrivals}


@given(two_feeds())
def test_quotes_never_go_back_and_those_of_a_whole_feed_all_come(arrivals):
    copies = Copies("binance", A)
    taken = [
        one.update_id for name, number in arrivals for one in copies.fresh(name, [quote(number, 1.0)], A)
    ]
    assert taken == sorted(set(taken))
    in_order, newest = [], 0
    for _, number in arrivals:
        if number > newest:
            in_order.append(number)
            newest = number
    assert taken == in_order


def test_a_venue_that_counts_its_quotes_anew_is_followed():
    copies = Copies("binance", A)
    assert copies.fresh(A, [quote(1000, 1.0)], A)
    assert not copies.fresh(B, [quote(3, 1.5)], A)
    assert copies.fresh(B, [quote(3, 3.0)], A)


def test_quotes_without_an_id_come_from_who_is_followed():
    copies = Copies("binance", A)
    assert [one.bid for one in copies.fresh(A, [quote(0, 1.0, 98.0)], A)] == [98.0]
    assert copies.fresh(B, [quote(0, 1.1, 99.0)], A) == []
    assert [one.bid for one in copies.turn(B)] == [99.0]
    assert copies.turn(B) == []
    assert copies.fresh(A, [quote(0, 1.2, 97.0)], B) == []
    assert [one.bid for one in copies.fresh(B, [quote(0, 1.3, 96.0)], B)] == [96.0]


def test_trades_without_an_id_come_from_who_is_followed():
    copies = Copies("binance", A)
    assert len(copies.fresh(A, [trade("", 1.0)], A)) == 1
    assert copies.fresh(B, [trade("", 1.0)], A) == []
    assert len(copies.fresh(B, [trade("", 2.0)], B)) == 1


def test_what_has_a_key_elsewhere_passes():
    bar = msgspec.convert(["BTC_USDT", "binance", "1m", 0, 0, *[1.0] * 8, 1, "closed", 1.0, 1, "x"], Bar)
    copies = Copies("binance", A)
    assert copies.fresh(B, [bar], A) == [bar]
    assert copies.fresh(B, [], A) == []


# books


class Strict:
    """A book that takes nothing but what follows on."""

    def __init__(self):
        self.book, self.is_begun = OrderBook(), False

    def take(self, messages):
        for message in messages:
            if message.is_snapshot:
                self.book.snapshot(message.bids, message.asks, message.last_update_id)
                self.is_begun = True
            elif self.is_begun:
                assert message.prev_update_id == self.book.update_id, "a change that does not follow on"
                self.book.apply(message.bids, message.asks, message.last_update_id)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 9)), min_size=1, max_size=80), st.data()
)
def test_a_book_of_two_is_one_whole_book_whomever_it_follows(plan, data):
    truth: dict[float, float] = {}
    number = 100
    begin = snapshot(number, [])
    copies, strict = Copies("binance", A), Strict()
    whole = {A: True, B: True}
    strict.take(copies.fresh(A, [begin], A))
    strict.take(copies.fresh(B, [begin], A))
    for a_hears, b_hears, level in plan:
        number += 1
        size = float(number % 4)
        truth[float(level)] = size
        truth = {price: held for price, held in truth.items() if held}
        for name, hears in data.draw(st.permutations([(A, a_hears), (B, b_hears)])):
            follow = data.draw(st.sampled_from([one for one in (A, B) if whole[one]] or [A]))
            if not hears:
                whole[name] = False  # a hole: its collector resynchronises with a snapshot
                continue
            message = change(number, float(level), size) if whole[name] else snapshot(number, truth.items())
            whole[name] = True
            strict.take(copies.fresh(name, [message], follow))
        strict.take(copies.turn(next((one for one in (A, B) if whole[one]), A)))
        if whole[copies.leader]:
            assert dict(strict.book.top()[0]) == truth


def test_a_leader_that_stays_behind_is_left_and_its_return_changes_nothing():
    copies, strict = Copies("binance", A), Strict()
    for name in (A, B):
        strict.take(copies.fresh(name, [snapshot(1, [(1.0, 1.0)])], A))
    strict.take(copies.fresh(B, [change(2, 2.0, 1.0, at_s=10.0)], A))
    assert copies.leader == A  # one change that came a little earlier is no reason
    late = 10.0 + BEHIND_NS / S + 0.1
    found = copies.fresh(B, [change(3, 3.0, 1.0, at_s=late)], A)
    assert [one.is_snapshot for one in found] == [True]
    assert copies.leader == B
    strict.take(found)
    assert copies.fresh(A, [change(2, 2.0, 1.0, at_s=10.0)], A) == []
    assert copies.turn(A) == []
    strict.take(copies.fresh(B, [change(4, 4.0, 1.0, at_s=late + 0.1)], A))
    assert strict.book.top()[0] == [(4.0, 1.0), (3.0, 1.0), (2.0, 1.0), (1.0, 1.0)]


def test_one_whose_book_is_not_known_is_followed_from_its_snapshot_on():
    copies = Copies("binance", A)
    copies.fresh(A, [snapshot(1, [(1.0, 1.0)])], A)
    assert copies.fresh(B, [change(2, 2.0, 1.0)], B) == []
    assert (copies.leader, copies.is_known(B)) == (A, False)
    assert copies.fresh(B, [snapshot(2, [(2.0, 1.0)])], B)[0].bids == [(2.0, 1.0)]
    assert copies.leader == B
    book = copies.book()
    assert book is not None
    assert book.bids == [(2.0, 1.0)]


def test_a_replica_that_missed_a_change_waits_for_a_snapshot():
    replica = Replica.of(snapshot(1, [(1.0, 1.0)]))
    replica.take(change(3, 3.0, 1.0))
    assert not replica.is_followed
    replica.take(snapshot(3, [(3.0, 1.0)]))
    replica.take(change(2, 2.0, 1.0))  # the snapshot holds it
    assert replica.is_followed
    assert replica.snapshot().bids == [(3.0, 1.0)]


# everything that somebody hears


def test_nothing_is_left_out_until_a_second_publisher_sends_the_same():
    found = FirstCopies()
    topic = "trade.binance.BTC_USDT"
    first, second = (name.encode().ljust(32, b"\0") for name in (A, B))
    same = [trade(1), trade(1)]
    assert found.fresh(topic, first, same) is same
    assert found.fresh(topic, second, [trade(1), trade(2)]) == [trade(2)]
    assert found.fresh(topic, first, [trade(2), trade(3)]) == [trade(3)]
    assert found.fresh("bar.binance.BTC_USDT.1m", second, same) is same


def test_what_is_older_than_what_is_known_counts_as_known():
    copies = copies_after("binance", A, [trade(12), trade(11)])
    assert copies.fresh(B, [trade(10), trade(11), trade(12), trade(13)], A) == [trade(13)]


# who vouches for what


def gap(gap_id, state="open", to_s=None, kind="trade"):
    to_ns = 0 if to_s is None else round(to_s * S)
    return Gap(gap_id, "binance", "BTC_USDT", kind, 0, 0, S, to_ns, "disconnect", state)


def pair():
    feeders = Feeders()
    feeders.add(A)
    feeders.add(B)
    return feeders


def test_the_time_of_one_that_is_not_connected_does_not_count():
    feeders = pair()
    assert feeders.mark(A, 10 * S, is_connected=True)
    assert not feeders.mark(B, 11 * S, is_connected=False)
    assert not feeders.is_fit(B, "trade")
    assert feeders.mark(B, 11 * S, is_connected=True)
    assert not feeders.mark(A, 12 * S, is_connected=False)
    assert feeders.mark(B, 12 * S, is_connected=False)  # nobody is: then everybody's time counts


def test_one_that_stands_still_has_lapsed_and_missed_nothing_if_it_goes_on():
    feeders = pair()
    feeders.heard(A, 9 * S)
    feeders.heard(B, 9 * S)
    feeders.mark(A, 10 * S, is_connected=True)
    feeders.mark(B, 10 * S + LAPSE_NS, is_connected=True)
    assert feeders.lapses == []
    feeders.mark(B, 10 * S + LAPSE_NS + 1, is_connected=True)
    assert feeders.lapses == [(A, 9 * S, 0)]
    assert feeders.follow(A, "trade") == B
    feeders.lapses.clear()
    feeders.mark(A, 13 * S, is_connected=True)
    assert feeders.lapses == [(A, 0, 0)]
    assert feeders.follow(A, "trade") == A


def test_one_that_sends_time_without_events_has_lapsed_from_the_first_one_it_did_not_send():
    feeders = pair()
    for second in (1, 2, 3, 4):
        feeders.heard(A, second * S)
        feeders.mark(A, second * S, is_connected=True)
        feeders.mark(B, second * S, is_connected=True)
    assert feeders.lapses == [(B, 1 * S, 0)]
    feeders.lapses.clear()
    feeders.heard(B, 5 * S)
    feeders.mark(B, 5 * S, is_connected=True)
    assert feeders.lapses == [(B, 0, 5 * S)]


def test_a_gap_of_a_kind_and_a_new_epoch_make_unfit():
    feeders = pair()
    feeders.mark(A, S, is_connected=True)
    feeders.mark(B, S, is_connected=True)
    feeders.gap(A, gap("1", kind="book"))
    assert (feeders.follow(A, "book"), feeders.follow(A, "quote")) == (B, A)
    feeders.gap(A, gap("1", "unfillable", to_s=2, kind="book"))
    assert feeders.follow(A, "book") == A
    feeders.heard(A, 3 * S)
    assert feeders.restart(A) == 3 * S
    assert feeders.follow(A, "book") == B
    feeders.mark(A, 4 * S, is_connected=True)
    assert feeders.is_fit(A, "book")


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8)), max_size=6), min_size=1, max_size=3)
)
def test_what_is_common_is_what_is_in_every_one(lists):
    spans = [[(start, start + length) for start, length in one] for one in lists]
    found = common([merged(one) for one in spans])
    for moment in range(40):
        inside = all(any(start <= moment < end for start, end in one) for one in spans)
        assert any(start <= moment < end for start, end in found) == inside


def test_nobody_has_nothing_in_common():
    assert common([]) == []


@pytest.mark.parametrize("name", [A, B])
def test_a_stranger_is_not_fit(name):
    assert not Feeders().is_fit(name, "trade")
