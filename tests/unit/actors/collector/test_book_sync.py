"""A book that comes out is the venue's book, or it does not come out."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.collector.intake.book_sync import MAX_WAITING, BookSync
from actors.collector.outcomes import BookChange, BookImage
from protocol.book import OrderBook

BID, ASK = [(99.0, 1.0)], [(101.0, 1.0)]


def change(first: int, last: int, after: int | None = None, bids=BID, asks=ASK) -> BookChange:
    return BookChange(
        "A_B", last, 0, first, first - 1 if after is None else after, last, list(bids), list(asks)
    )


def image(last: int, bids=BID, asks=ASK) -> BookImage:
    return BookImage("A_B", last, 0, last, list(bids), list(asks))


def synced_at(last: int) -> BookSync:
    sync = BookSync("v")
    assert sync.image(image(last), sync.generation) is not None
    return sync


def test_the_snapshot_lands_inside_the_stream():
    """Older changes are dropped, the first usable one straddles it, the rest follows."""
    sync = BookSync("v")
    for first, last in ((1, 3), (4, 6), (7, 9)):
        assert sync.change(change(first, last)) is None
    published = sync.image(image(5), 0)
    assert (published.is_snapshot, published.last_update_id, published.prev_update_id) == (True, 9, 0)
    following = sync.change(change(10, 12))
    assert (following.first_update_id, following.last_update_id, following.prev_update_id) == (10, 12, 9)


def test_a_snapshot_older_than_the_first_change_is_not_used():
    sync = BookSync("v")
    sync.change(change(10, 12))
    assert sync.image(image(8), 0) is None
    assert not sync.is_synced
    assert "older" in sync.reason
    assert sync.image(image(9), 0) is not None


def test_a_snapshot_newer_than_everything_heard():
    sync = BookSync("v")
    sync.change(change(1, 3))
    assert sync.image(image(7), 0).last_update_id == 7
    assert sync.change(change(4, 7)) is None
    assert sync.change(change(8, 9)).prev_update_id == 7


def test_a_snapshot_before_the_stream():
    sync = synced_at(5)
    assert sync.change(change(2, 4)) is None
    assert sync.change(change(4, 7)).last_update_id == 7


def test_futures_changes_follow_their_predecessor():
    """Update ids are the market's: between two changes of a symbol lie those of others."""
    sync = BookSync("v")
    sync.change(change(105, 110, after=90))
    sync.change(change(130, 140, after=110))
    assert sync.image(image(110), 0).last_update_id == 140
    assert sync.change(change(200, 210, after=140)) is not None
    assert sync.change(change(300, 310, after=250)) is None
    assert not sync.is_synced


def test_a_snapshot_between_two_changes_joins():
    sync = BookSync("v")
    sync.change(change(105, 110, after=90))
    assert sync.image(image(97), 0).last_update_id == 110


def test_a_hole_loses_the_book_and_what_follows_waits():
    sync = synced_at(5)
    assert sync.change(change(8, 9)) is None
    assert (sync.is_synced, sync.times_lost, sync.waiting) == (False, 1, 1)
    assert sync.image(image(7), sync.generation).last_update_id == 9


def test_an_answer_to_an_older_question_is_not_used():
    sync = synced_at(5)
    asked_in = sync.generation
    sync.change(change(8, 9))
    assert sync.image(image(9), asked_in) is None
    assert not sync.is_synced


def test_duplicates_and_overlaps_of_two_connections():
    sync = synced_at(5)
    assert sync.change(change(6, 8)).prev_update_id == 5
    assert sync.change(change(6, 8)) is None
    assert sync.change(change(7, 10)).prev_update_id == 8
    assert sync.change(change(9, 10)) is None
    assert (sync.is_synced, sync.stale) == (True, 2)


def test_a_crossed_book_is_not_published():
    sync = synced_at(5)
    assert sync.change(change(6, 6, bids=[(101.5, 1.0)])) is None
    assert not sync.is_synced
    assert "crossed" in sync.reason


def test_a_crossed_snapshot_is_not_published():
    sync = BookSync("v")
    assert sync.image(image(5, bids=[(102.0, 1.0)]), 0) is None
    assert not sync.is_synced


def test_a_hole_among_the_waiting_forgets_what_came_before_it():
    sync = BookSync("v")
    sync.change(change(1, 3))
    sync.change(change(7, 8))
    assert sync.waiting == 1
    assert sync.image(image(3), 0) is None
    assert sync.image(image(6), 0).last_update_id == 8


def test_the_waiting_are_bounded():
    sync = BookSync("v")
    for number in range(1, MAX_WAITING + 100):
        sync.change(change(number, number))
    assert sync.waiting == MAX_WAITING
    assert sync.image(image(50), 0) is None
    assert sync.image(image(200), 0).last_update_id == MAX_WAITING + 99


def test_a_whole_book_starts_a_chain_anew():
    sync = synced_at(5)
    sync.change(change(6, 7, bids=[(98.0, 4.0)]))
    book = sync.snapshot("A_B", 77)
    assert (book.is_snapshot, book.first_update_id, book.last_update_id, book.prev_update_id) == (
        True,
        7,
        7,
        0,
    )
    assert (book.bids, book.ts_event_ns, book.ts_recv_ns) == ([(99.0, 1.0), (98.0, 4.0)], 7, 77)


class Venue:
    """A book that changes, its stream, and its REST answers."""

    def __init__(self, seed: int, *, is_futures: bool) -> None:
        self.random = random.Random(seed)
        self.is_futures = is_futures
        self.book = OrderBook()
        self.book.snapshot([(90.0, 1.0)], [(110.0, 1.0)], 1000)
        self.history = {1000: self.book.top()}
        self.change_last = 1000

    def step(self) -> BookChange:
        """Make one change of one to three updates; the history keeps the book after each change."""
        random_ = self.random
        before = self.change_last
        first = before + 1 + (random_.randrange(5) if self.is_futures else 0)
        last = first + random_.randrange(3)
        bids = [
            (90.0 + random_.randrange(9), float(random_.randrange(4))) for _ in range(random_.randrange(3))
        ]
        asks = [
            (101.0 + random_.randrange(9), float(random_.randrange(4))) for _ in range(random_.randrange(3))
        ]
        self.book.apply(bids, asks, last)
        self.history[last] = self.book.top()
        self.change_last = last
        return change(first, last, after=before if self.is_futures else None, bids=bids, asks=asks)

    def image(self, behind: int) -> BookImage:
        """The book now, or as it was some changes ago: REST answers may be old."""
        moments = list(self.history)
        moment = moments[max(0, len(moments) - 1 - behind)]
        bids, asks = self.history[moment]
        return image(moment, bids, asks)


class Subscriber:
    """Applies what is published, checking the chain."""

    def __init__(self) -> None:
        self.book = OrderBook()

    def take(self, message) -> None:
        if message is None:
            return
        if message.is_snapshot:
            self.book.snapshot(message.bids, message.asks, message.last_update_id)
        else:
            assert message.prev_update_id == self.book.update_id
            self.book.apply(message.bids, message.asks, message.last_update_id)


FAULTS = st.sampled_from(["ok"] * 6 + ["drop", "twice", "late", "old", "image", "stale image", "resubscribe"])


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32), is_futures=st.booleans(), faults=st.lists(FAULTS, max_size=80))
def test_whatever_gets_lost_doubled_or_swapped(seed, is_futures, faults):
    """What is published equals the venue's book at that update; in the end one snapshot makes it whole."""
    venue, sync, subscriber = Venue(seed, is_futures=is_futures), BookSync("v"), Subscriber()
    held: BookChange | None = None
    sent: list[BookChange] = []
    for fault in faults:
        if fault in {"image", "stale image"}:
            subscriber.take(sync.image(venue.image(0 if fault == "image" else 3), sync.generation))
        elif fault == "resubscribe":
            sync.lose("disconnected")
        elif fault == "old" and sent:
            subscriber.take(sync.change(venue.random.choice(sent)))
        else:
            change_ = venue.step()
            if fault == "late":
                held = change_
                continue
            if fault != "drop":
                sent.append(change_)
                subscriber.take(sync.change(change_))
            if fault == "twice":
                subscriber.take(sync.change(change_))
            if held is not None:
                subscriber.take(sync.change(held))
                held = None
        if sync.is_synced:
            assert subscriber.book.update_id == sync.book.update_id
            assert subscriber.book.top() == venue.history[sync.book.update_id]
    subscriber.take(sync.change(venue.step()))
    subscriber.take(sync.image(venue.image(0), sync.generation))
    subscriber.take(sync.change(venue.step()))
    assert sync.is_synced
    assert subscriber.book.top() == venue.book.top()


@pytest.mark.parametrize("is_futures", [False, True])
def test_the_property_would_notice_a_missing_change(is_futures):
    """The check above is worth something: leaving one change out usually gives another book."""
    venue = Venue(1, is_futures=is_futures)
    changes = [venue.step() for _ in range(20)]

    def without(missing: int) -> OrderBook:
        book = OrderBook()
        book.snapshot([(90.0, 1.0)], [(110.0, 1.0)], 1000)
        for index, change_ in enumerate(changes):
            if index != missing:
                book.apply(change_.bids, change_.asks, change_.last_id)
        return book

    assert without(-1).top() == venue.book.top()
    assert sum(without(index).top() != venue.book.top() for index in range(20)) > 3
