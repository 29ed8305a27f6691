"""Books that begin with a snapshot in the stream, and what two overlapping connections may not do to them."""

import pytest

from actors.collector.intake.normaliser import Rules
from protocol.messages import Book, Gap
from tests.unit.actors.collector.outcome_parser import SYMBOL, OutcomePath, change, image


@pytest.fixture
def path() -> OutcomePath:
    return OutcomePath(Rules(is_streamed=True))


def ids(messages: list) -> list:
    return [
        (one.is_snapshot, one.prev_update_id, one.last_update_id)
        if isinstance(one, Book)
        else (one.kind, one.state)
        for one in messages
    ]


def test_an_image_begins_a_book_and_changes_follow(path):
    assert path.normaliser.unsynced == {SYMBOL}
    assert path.say(change(0, 1, (99.0, 5.0))) == [], "nothing can be vouched for before the first image"
    assert ids(path.say(image(1), change(1, 2, (98.0, 2.0)))) == [(True, 0, 1), (False, 1, 2)]
    assert path.normaliser.unsynced == set()


def test_a_new_image_replaces_a_book_that_is_well(path):
    path.say(image(5), change(5, 6, (98.0, 2.0)))
    (book,) = path.say(image(1, bid=50.0, ask=51.0))
    assert (book.is_snapshot, book.bids, book.asks) == (True, [(50.0, 1.0)], [(51.0, 1.0)])
    assert ids(path.say(change(1, 2, (49.0, 1.0)))) == [(False, 1, 2)]
    assert not path.dropped


def test_a_hole_loses_the_book_until_the_next_image(path):
    path.say(image(5))
    (gap,) = path.say(change(7, 8, (98.0, 2.0)))
    assert isinstance(gap, Gap)
    assert (gap.kind, gap.state, gap.cause, path.normaliser.unsynced) == (
        "book",
        "open",
        "venue_jump",
        {SYMBOL},
    )
    assert path.say(change(8, 9, (97.0, 2.0))) == []
    assert path.normaliser.tapes[SYMBOL].book.waiting == 0, "nothing waits where no snapshot is fetched"
    ended, book = path.say(image(20, at_ms=5))
    assert (ended.gap_id, ended.state, ended.filled_by, book.is_snapshot) == (
        gap.gap_id,
        "filled",
        "snapshot",
        True,
    )


def test_a_crossed_image_is_not_published_and_needs_another(path):
    assert path.say(image(5, bid=102.0)) == []
    assert (path.dropped["unusable_snapshot"], path.normaliser.unsynced) == (1, {SYMBOL})
    path.say(image(6))
    (gap,) = path.say(image(7, bid=103.0))
    assert (gap.kind, gap.state) == ("book", "open")
    assert ids(path.say(image(8))) == [("book", "filled"), (True, 0, 8)]


def test_changes_of_a_connection_that_does_not_own_the_book_are_not_heard(path):
    old, new = path.normaliser.taker(), path.normaliser.taker()
    path.say(image(5), take=old)
    assert path.say(change(1, 2, (1.0, 1.0)), take=new) == [], "its numbers are its own"
    assert ids(path.say(change(5, 6, (98.0, 1.0)), take=old)) == [(False, 5, 6)]
    assert ids(path.say(image(2, bid=90.0), take=new)) == [(True, 0, 2)]
    assert path.say(change(6, 7, (97.0, 1.0)), take=old) == [], "the new connection has taken over"
    assert ids(path.say(change(2, 3, (89.0, 1.0)), take=new)) == [(False, 2, 3)]
    assert path.normaliser.unsynced == set()
    assert not path.dropped


def test_each_connection_has_a_reader_of_its_own(path):
    before = path.parser.readers
    path.normaliser.taker()
    path.normaliser.taker()
    assert path.parser.readers == before + 2


def test_an_interruption_loses_the_book(path):
    path.say(image(5))
    path.normaliser.interrupt(SYMBOL, "book", 0, "disconnect")
    (gap,) = path.out
    assert (gap.kind, gap.cause, path.normaliser.unsynced) == ("book", "disconnect", {SYMBOL})
