"""One publisher heard step by step; the whole of it with crashes and losses is in joins/test_joins.py."""

from __future__ import annotations

import collections

import pytest

from protocol.chain import NEVER_STORED, NOT_ANSWERED, SET_BACK, UNREADABLE
from protocol.consumer import PATIENCE_NS, State
from protocol.errors import FrameError
from protocol.fetching import UNREADABLE_TRIES
from protocol.record import FrameWriter
from protocol.replay import CORRUPT, DATA, END, UNKNOWN, Fetched, Position
from tests.unit.protocol.hearing import NAME, SECOND_NS, TRADE, Ear, Source, live_at


@pytest.fixture
def source():
    return Source()


def test_a_heartbeat_shows_a_lost_last_record(source):
    ear = live_at(source, 3)

    ear.hear(source.beat(3))
    assert ear.is_live
    ear.hear(source.beat(5))
    assert not ear.is_live
    ear.answer(source.answer(4, 5))
    ear.answer(source.end(6))

    assert ear.applied == [(1, 4), (1, 5)]
    assert ear.is_live


def test_a_heartbeat_in_every_state(source):
    waiting = Ear(None)
    waiting.hear(source.beat(7))
    assert (waiting.is_live, waiting.consumer.position) == (True, Position(1, 7))

    pulling = Ear()
    pulling.hear(source.beat(9))
    assert pulling.consumer.state is State.PULL

    alone = Ear(Position(1, 3), can_pull=False)
    alone.hear(source.beat(9))
    assert alone.told() == [(1, 4, 9)]
    alone.hear(source[10])
    assert alone.applied == [(1, 10)]


def test_a_handler_that_raises_stops_nothing(source):
    ear = Ear()
    ear.bad = {(1, 5), (1, 6), (1, 8)}
    ear.hear(source[7], source[8], source[9])
    ear.answer(source.answer(4, 6))  # the last one of the answer cannot be used, nor the first one behind it
    ear.answer(source.end(7))

    assert ear.applied == [(1, seq) for seq in range(4, 10)]
    assert ear.is_live


def test_a_handler_may_rewind(source):
    ear = Ear()
    ear.consumer._handler = lambda frame: (
        ear.applied.append((frame.epoch, frame.seq)),
        frame.seq == 5 and len(ear.applied) == 2 and ear.consumer.rewind(Position(1, 3)),
    )
    ear.answer(source.answer(4, 8))
    assert ear.applied == [(1, 4), (1, 5)]
    ear.answer(source.answer(4, 8))
    assert ear.applied[2:] == [(1, seq) for seq in range(4, 9)]


def test_an_answer_to_something_else_is_left_aside(source):
    ear = Ear()
    assert ear.consumer.request(ear.now_ns) == Position(1, 3)
    assert ear.consumer.request(ear.now_ns) is None
    ear.consumer.fetched(source.answer(9, 10), ear.now_ns)
    ear.consumer.fetched(source.answer(4, 10), ear.now_ns)  # nobody asks at this moment
    ear.work()
    assert ear.applied == []
    ear.answer(source.answer(4, 10))
    assert len(ear.applied) == 7


def test_a_record_that_cannot_be_read_costs_itself(source):
    source.raw[4] = source.raw[4][:-1] + b"\x91"
    ear = Ear()
    ear.answer(source.answer(4, 6))
    for _ in range(UNREADABLE_TRIES):
        with pytest.raises(FrameError):
            ear.answer(source.answer(5, 6))
    ear.answer(source.answer(5, 6))
    ear.answer(source.answer(6, 6))

    assert ear.applied == [(1, 4), (1, 6)]
    assert [hole[2:] for hole in ear.holes] == [(5, 5, UNREADABLE)]


def test_what_came_live_fills_what_the_journal_lost(source):
    ear = Ear()
    ear.hear(source[6], source[7])
    ear.answer(Fetched(CORRUPT, 1, 4, 8, 0))

    assert ear.told() == [(1, 4, 5), (1, 8, 8)]
    assert ear.applied == [(1, 6), (1, 7)]


def test_a_journal_that_lags_is_waited_for_and_then_left(source):
    ear = live_at(source, 3)
    ear.hear(source[6])
    ear.answer(source.end(4))
    assert not ear.is_live
    ear.answer(source.answer(4, 4))
    ear.now_ns += PATIENCE_NS
    ear.answer(source.end(5))  # it has moved: the wait begins anew
    assert (ear.told(), ear.is_live) == ([], False)
    ear.now_ns += PATIENCE_NS
    ear.answer(source.end(5))

    assert [hole[2:] for hole in ear.holes] == [(5, 5, NEVER_STORED)]
    assert ear.applied == [(1, 4), (1, 6)]
    assert ear.is_live


def test_a_full_buffer_is_not_let_run_over_while_the_journal_lags(source):
    ear = live_at(source, 3)
    ear.consumer._waiting = collections.deque(maxlen=4)
    ear.hear(*(source[seq] for seq in range(6, 10)))
    ear.answer(source.end(4))
    ear.answer(source.end(4))

    assert ear.told() == [(1, 4, 5)]
    assert ear.applied == [(1, seq) for seq in range(6, 10)]


def test_a_buffer_that_ran_over_costs_nothing_that_the_journal_has(source):
    ear = Ear()
    ear.consumer._waiting = collections.deque(maxlen=4)
    ear.hear(*(source[seq] for seq in range(4, 14)))
    ear.answer(source.answer(4, 8))
    ear.answer(source.answer(9, 13))
    ear.answer(source.end(14))

    assert ear.applied == [(1, seq) for seq in range(4, 14)]
    assert ear.told() == []


def test_a_server_that_does_not_answer_is_given_up():
    source, ear = Source(), Ear(gives_up_ns=5 * SECOND_NS)
    ear.hear(source[6], source[7], source[9], source.beat(11))
    for _ in range(6):
        assert ear.consumer.request(ear.now_ns) == Position(1, 3)
        assert not ear.is_live
        ear.now_ns += SECOND_NS
        ear.consumer.failed(ear.now_ns)
        ear.now_ns += SECOND_NS // 10
    ear.work()

    assert ear.is_live
    assert {hole.reason for hole in ear.holes} == {NOT_ANSWERED}
    assert ear.told() == [(1, 4, 5), (1, 8, 8), (1, 10, 11)]
    assert ear.applied == [(1, 6), (1, 7), (1, 9)]

    ear.hear(source[13])  # still dead: one question, and on
    ear.consumer.request(ear.now_ns)
    ear.consumer.failed(ear.now_ns + SECOND_NS)
    ear.work()
    assert (ear.is_live, ear.told()[-1]) == (True, (1, 12, 12))

    ear.hear(source[15])  # it is back
    ear.now_ns += 2 * SECOND_NS
    ear.answer(source.answer(14, 15))
    ear.answer(source.end(16))
    assert ear.applied[-2:] == [(1, 14), (1, 15)]


def test_a_server_that_is_never_given_up(source):
    ear = Ear()
    ear.hear(source[6])
    for _ in range(100):
        ear.now_ns += SECOND_NS
        assert ear.consumer.request(ear.now_ns) is not None
        ear.consumer.failed(ear.now_ns)
    ear.work()
    assert (ear.is_live, ear.told()) == (False, [])


def test_from_the_very_beginning():
    ear, new = Ear(Position(0, 0)), Source(7, (6, 3))
    ear.answer(Fetched(UNKNOWN, 0, 1, 0, 7))
    ear.answer(new.answer(1, 3))
    ear.answer(new.end(4))

    assert (ear.applied, ear.told(), ear.is_live) == ([(7, 1), (7, 2), (7, 3)], [], True)


def test_an_older_epoch_is_fenced_off(source):
    ear = Ear(Position(2, 3))
    ear.answer(Fetched(END, 2, 4, 3, 0))
    for _ in range(20):
        ear.now_ns += SECOND_NS
        ear.hear(source[4], source.beat(9))
        if not ear.is_live:
            ear.answer(Fetched(END, 2, 4, 3, 0))

    assert (ear.applied, ear.told()) == ([], [])
    assert ear.consumer.counts["fenced"] == 40


def test_a_position_from_the_future_is_given_up_aloud(source):
    ear = Ear(Position(900, 3))
    ear.answer(Fetched(UNKNOWN, 900, 4, 0, 0))
    ear.hear(source[4])
    ear.now_ns += PATIENCE_NS // 2
    ear.hear(source.beat(4))
    assert ear.told() == []
    ear.now_ns += PATIENCE_NS
    ear.hear(source.beat(4))

    assert [hole[1:] for hole in ear.holes] == [(900, 4, 0, SET_BACK)]
    ear.answer(source.answer(1, 4))
    assert ear.applied == [(1, 1), (1, 2), (1, 3), (1, 4)]


def test_a_stranger_with_a_huge_epoch_is_got_rid_of(source):
    ear = live_at(source, 3)
    ear.hear(Source(900)[5])
    ear.answer(source.end(4))
    ear.now_ns += PATIENCE_NS
    ear.answer(source.end(4))
    assert ear.consumer.position == Position(900, 5)
    for _ in range(20):
        ear.now_ns += SECOND_NS
        ear.hear(source[4], source.beat(4))
        if ear.consumer.position == Position(900, 5) and not ear.is_live:
            ear.answer(Fetched(UNKNOWN, 900, 6, 0, 0))
    ear.answer(source.answer(4, 5))

    assert ear.applied == [(900, 5), (1, 4), (1, 5)]
    assert ear.holes[-1][1:] == (900, 6, 0, SET_BACK)


def test_far_behind_live_frames_are_of_no_use(source):
    ear = Ear()
    writer = FrameWriter(NAME, 1)
    writer.seq = 3
    blob = writer.build(TRADE, 257, b"\x90" * 600_000, 0)
    ear.answer(Fetched(DATA, 1, 4, 4, 0, blob))
    assert not ear.consumer.wants_live
    ear.answer(source.end(5))
    assert ear.consumer.wants_live
