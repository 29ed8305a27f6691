"""What is told at the border of two epochs."""

from __future__ import annotations

import pytest

from protocol.replay import END, EXPIRED, Fetched, Position
from tests.unit.protocol.hearing import Ear, Source, live_at


@pytest.fixture
def source():
    return Source()


@pytest.mark.parametrize(
    ("have", "prev", "holes", "orphans"),
    [
        (5, (1, 5), [], []),
        (5, (1, 8), [(1, 6, 8)], []),
        (5, (1, 3), [], [(1, 4, 5)]),
        (5, (0, 0), [(1, 6, 0)], []),
        (5, (2, 7), [(1, 6, 0), (2, 1, 7)], []),
    ],
)
def test_the_chain_is_checked_at_a_new_epoch(have, prev, holes, orphans):
    ear, new = Ear(Position(1, have)), Source(3, prev)
    ear.answer(Fetched(END, 1, have + 1, have, 3))
    ear.answer(new.answer(1, 2))

    assert ear.told() == holes
    assert [one[1:] for one in ear.orphans] == orphans
    assert ear.applied == [(3, 1), (3, 2)]


def test_an_epoch_that_only_we_have_is_an_orphan():
    ear = Ear(Position(2, 4))
    ear.answer(Fetched(END, 2, 5, 4, 3))
    ear.answer(Source(3, (1, 9)).answer(1, 1))

    assert [one[1:] for one in ear.orphans] == [(2, 1, 4)]
    assert ear.told() == []


def test_what_was_sent_and_never_stored_is_applied_or_told(source):
    """Its publisher's disk was full, and then it died: only the bus had these."""
    ear = live_at(source, 3)
    ear.hear(source[6], source.beat(8))
    ear.answer(source.end(4, next_epoch=2))
    ear.answer(Source(2, (1, 3)).answer(1, 2))

    assert ear.told() == [(1, 4, 5), (1, 7, 8)]
    assert ear.applied == [(1, 6), (2, 1), (2, 2)]
    assert [one[1:] for one in ear.orphans] == [(1, 4, 6)]


def test_retention_that_overtook_us_is_told():
    ear, new = Ear(Position(1, 3)), Source(4, (3, 9))
    ear.answer(Fetched(EXPIRED, 1, 4, 0, 4))
    ear.answer(Fetched(EXPIRED, 4, 1, 2, 0))
    ear.answer(new.answer(3, 5))

    assert ear.told() == [(1, 4, 0), (4, 1, 2)]
    assert ear.applied == [(4, 3), (4, 4), (4, 5)]


def test_an_epoch_that_vanishes_while_we_are_on_our_way_to_it_is_told():
    ear, new = Ear(Position(1, 3)), Source(3, (2, 9))
    ear.answer(Fetched(END, 1, 4, 3, 2))
    ear.answer(Fetched(EXPIRED, 2, 1, 0, 3))
    ear.answer(Fetched(EXPIRED, 3, 1, 1, 0))
    ear.answer(new.answer(2, 2))

    assert ear.told() == [(1, 4, 0), (3, 1, 1)]
