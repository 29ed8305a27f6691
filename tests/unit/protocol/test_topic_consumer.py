"""Some topics of one publisher, heard step by step."""

from __future__ import annotations

import pytest

from protocol.replay import DATA, END, Fetched, Position
from protocol.topic_consumer import TopicConsumer
from tests.unit.protocol.hearing import NAME, SECOND_NS, Ear, Source


@pytest.fixture
def source():
    return Source()


def topics(position=Position(1, 1), **options):  # noqa: B008
    ear = Ear(position, TopicConsumer, wanted=("trade.",), **options)
    assert ear.consumer.prefixes == ("trade.", f"mark.{NAME}\0")
    return ear


def test_a_record_lost_before_what_came_is_fetched_once(source):
    """2, 4, 6, 8 are trades; what came behind the lost one is not handed out again."""
    ear = topics(None)
    ear.hear(source.beat(1))
    ear.hear(source[2], source[6])
    assert ear.applied == [(1, 2)]
    frames = b"".join(source.raw[seq - 1] for seq in (4, 6))
    ear.answer(Fetched(DATA, 1, 3, 7, 0, frames))
    ear.answer(source.end(8))
    ear.hear(source[8])

    assert ear.applied == [(1, seq) for seq in (2, 4, 6, 8)]
    assert (ear.told(), ear.is_live) == ([], True)


def test_the_probe_runs_while_live_frames_pass(source):
    ear = topics(None)
    ear.hear(source.beat(1), source[2], source[4])
    ear.now_ns += 11 * SECOND_NS
    ear.hear(source.beat(8))
    assert ear.is_live
    assert ear.consumer.request(ear.now_ns) == Position(1, 2)
    ear.consumer.fetched(
        Fetched(DATA, 1, 3, 8, 0, b"".join(source.raw[seq - 1] for seq in (4, 6, 8))), ear.now_ns
    )
    ear.work()
    ear.hear(source[10])
    ear.answer(source.end(9))

    assert ear.applied == [(1, seq) for seq in (2, 4, 6, 8, 10)]
    assert ear.consumer.position == Position(1, 8)


def test_a_new_epoch_is_checked_too():
    ear, new = topics(Position(1, 3)), Source(3, (2, 7))
    ear.answer(Fetched(END, 1, 4, 3, 3))
    ear.answer(Fetched(DATA, 3, 1, 3, 0, new.raw[0] + new.raw[1]))

    assert ear.told() == [(1, 4, 0), (2, 1, 7)]
    assert ear.applied == [(3, 2)]


def test_a_probe_that_is_not_answered_is_dropped(source):
    ear = topics(None, gives_up_ns=2 * SECOND_NS)
    ear.hear(source.beat(1), source[2])
    ear.now_ns += 11 * SECOND_NS
    ear.hear(source.beat(8))
    for _ in range(4):
        ear.consumer.request(ear.now_ns)
        ear.now_ns += SECOND_NS
        ear.consumer.failed(ear.now_ns)
    ear.work()

    assert ear.is_live
    assert ear.consumer.request(ear.now_ns + SECOND_NS) is None
    assert ear.told() == []
