"""A book is served only while its chain is whole."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actors.hub.books import BookSlot
from protocol.messages import Book
from protocol.topics import Topic
from tests.unit.actors.hub.samples import BASE_NS, Pen, book

NAME = "book.binance.BTC_USDT"
TOPIC = Topic("book", "binance", "BTC_USDT")


class Feed:
    """A book topic and the slot that hears it."""

    def __init__(self) -> None:
        self.pen = Pen()
        self.slot: BookSlot | None = None

    def send(self, *messages: Book, is_lost: bool = False) -> BookSlot:
        frame = self.pen.frame(NAME, messages)
        self.slot = self.slot or BookSlot(NAME, TOPIC, frame)
        if not is_lost:
            self.slot.apply(frame)
        return self.slot


def delta(last_id: int, prev_id: int, **changes: Any) -> Book:
    return book(last_id, prev_id, **{"bids": [], "asks": [], **changes})


def test_changes_on_top_of_a_snapshot() -> None:
    feed = Feed()
    feed.send(book(10))
    slot = feed.send(
        delta(12, 10, bids=[(100.0, 5.0)], asks=[(101.0, 0.0)]), delta(13, 12, bids=[(99.5, 1.0)])
    )

    top = slot.top(2)

    assert slot.is_synced
    assert top.bids == [(100.0, 5.0), (99.5, 1.0)]
    assert top.asks == [(102.0, 2.0)]
    assert top.last_update_id == 13


def test_without_a_snapshot_nothing_is_vouched_for() -> None:
    slot = Feed().send(delta(12, 10, bids=[(100.0, 5.0)]))

    assert not slot.is_synced
    assert "snapshot" in slot.reason


def test_a_change_that_does_not_chain_loses_the_book_until_the_next_snapshot() -> None:
    feed = Feed()
    feed.send(book(10))

    slot = feed.send(delta(15, 14, bids=[(1.0, 1.0)]))
    assert not slot.is_synced
    feed.send(delta(16, 15, bids=[(1.0, 1.0)]))
    assert not slot.is_synced

    feed.send(book(20))
    assert slot.is_synced
    assert slot.top(0).bids == [(100.0, 1.0), (99.0, 2.0)]


def test_a_frame_that_never_came_loses_the_book_even_where_ids_chain() -> None:
    feed = Feed()
    feed.send(book(10))
    feed.send(delta(10, 10), is_lost=True)

    slot = feed.send(delta(11, 10))

    assert not slot.is_synced
    assert slot.times_lost == 1


def test_a_change_that_the_snapshot_holds_already_is_left_out() -> None:
    feed = Feed()
    feed.send(book(10))

    slot = feed.send(delta(9, 8, bids=[(100.0, 7.0)]), delta(11, 10, bids=[(98.0, 1.0)]))

    assert slot.is_synced
    assert slot.top(0).bids == [(100.0, 1.0), (99.0, 2.0), (98.0, 1.0)]


def test_a_new_process_of_the_collector_begins_with_its_own_snapshot() -> None:
    feed = Feed()
    feed.send(book(10))
    feed.pen = Pen(epoch=2)

    slot = feed.send(delta(11, 5, bids=[(1.0, 1.0)]))
    assert not slot.is_synced
    feed.send(book(3, recv_ns=BASE_NS + 9))

    assert slot.is_synced
    assert slot.top(1).ts_recv_ns == BASE_NS + 9


sides = st.dictionaries(st.integers(1, 30), st.integers(0, 5), max_size=6)


@given(st.lists(st.tuples(sides, sides), max_size=15))
def test_the_replica_equals_a_plain_dict_of_levels(
    steps: list[tuple[dict[int, int], dict[int, int]]],
) -> None:
    feed, wanted = Feed(), ({100.0: 1.0, 99.0: 2.0}, {101.0: 1.0, 102.0: 2.0})
    slot = feed.send(book(1))
    for number, step in enumerate(steps, start=2):
        levels = [[(float(price), float(size)) for price, size in side.items()] for side in step]
        slot = feed.send(delta(number, number - 1, bids=levels[0], asks=levels[1]))
        for side, changes in zip(wanted, levels, strict=True):
            side.update(changes)

    top = slot.top(0)

    assert top.bids == sorted(((p, s) for p, s in wanted[0].items() if s), reverse=True)
    assert top.asks == sorted((p, s) for p, s in wanted[1].items() if s)
