"""Who is behind leaves out quotes that newer ones have overtaken, and nothing else, whatever the bus loses."""

import itertools
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime.overtaken import events_in, is_overtaken, note_newest, overtaken_ends
from protocol.codec import encode_events
from protocol.messages import Quote
from protocol.record import (
    FLAG_NOT_JOURNALLED,
    FLAG_REPAIRED,
    FLAG_REPEATED,
    FrameWriter,
    RecordKind,
    parse_frame,
)
from protocol.replay import Position
from tests.unit.actors.runtime.conflating_subscriber import QUOTES, ConflatingSubscriber
from tests.unit.protocol.joins.driver import go_wrong
from tests.unit.protocol.joins.world import World

HEADS = (QUOTES.encode(),)
TOPICS = ("quote.v.A_B", "quote.v.C_D", "trade.v.A_B", "book.v.A_B", "quotes.v.A_B")
RECORDS = st.lists(
    st.tuples(
        st.sampled_from(TOPICS),
        st.sampled_from([RecordKind.DATA] * 6 + [RecordKind.UPSTREAM_GAP, RecordKind.TIME]),
        st.sampled_from([0] * 6 + [FLAG_NOT_JOURNALLED, FLAG_REPAIRED, FLAG_REPEATED]),
    ),
    max_size=60,
)


def frames_of(records, epoch=1):
    writer = FrameWriter("source.1", epoch)
    return [
        parse_frame(writer.build(topic, 257, b"\x91\x01", 0, kind, flags)) for topic, kind, flags in records
    ]


def is_plain_quote(frame):
    return (
        frame.topic.startswith(QUOTES)
        and frame.kind == RecordKind.DATA
        and not frame.flags & ~FLAG_NOT_JOURNALLED
    )


def kept(frames, left_out):
    """What is handed on; checks that it may be."""
    found = [frame for frame in frames if (frame.epoch, frame.seq) not in left_out]
    newest = {frame.topic: frame.seq for frame in frames if is_plain_quote(frame)}
    assert [frame for frame in frames if not is_plain_quote(frame)] == [
        frame for frame in found if not is_plain_quote(frame)
    ]
    assert [frame.seq for frame in found if is_plain_quote(frame)] == sorted(newest.values())
    return found


@given(RECORDS, st.lists(st.integers(0, 60), max_size=4))
def test_of_what_was_fetched_the_newest_quote_of_each_topic_stays_and_everything_else(records, cuts):
    """Fetched at once or in pieces."""
    frames, newest = frames_of(records), {}
    places = [0, *sorted({min(cut, len(frames)) for cut in cuts}), len(frames)]

    for start, stop in itertools.pairwise(places):
        known_to = Position(1, start)  # numbers begin with 1
        note_newest(reversed(frames[:stop]), (QUOTES,), known_to, newest)

    kept(frames, {(frame.epoch, frame.seq) for frame in frames if is_overtaken(frame, newest)})


@given(RECORDS)
def test_of_what_waits_the_newest_quote_of_each_topic_stays_and_everything_else(records):
    frames = frames_of(records)

    ends = overtaken_ends([frame.data for frame in frames], HEADS)

    kept(frames, {(frame.epoch, frame.seq) for frame, end in zip(frames, ends, strict=True) if end})
    assert all(
        frame.data[:end].decode() == frame.topic + "\0"
        for frame, end in zip(frames, ends, strict=True)
        if end
    )


def test_a_quote_is_not_overtaken_by_one_of_another_process():
    record = ("quote.v.A_B", RecordKind.DATA, 0)
    frames = [frames_of([record], epoch=1)[0], frames_of([record, record], epoch=2)[1]]

    newest: dict[str, Position] = {}
    note_newest(reversed(frames), (QUOTES,), Position(0, 0), newest)
    assert not any(is_overtaken(frame, newest) for frame in frames)
    assert overtaken_ends([frame.data for frame in frames], HEADS) == [0, 0]


def test_a_frame_that_comes_twice_is_not_left_out_for_itself():
    (frame,) = frames_of([("quote.v.A_B", RecordKind.DATA, 0)])

    assert overtaken_ends([frame.data, frame.data], HEADS) == [0, 0]


def test_what_is_left_out_is_counted_off_and_not_missed():
    world = World(1)
    subscriber = world.join(kind=ConflatingSubscriber)
    world.settle()
    pulls, subscriber.behind_share, subscriber.input.is_behind = (
        subscriber.consumer.counts["pulls"],
        1.0,
        True,
    )
    world.publish(200)
    world.settle()

    assert subscriber.conflated == {"quote.binance.BTC_USDT": 49}, (
        "each fourth is a quote, and the newest stays"
    )
    assert subscriber.consumer.counts["pulls"] == pulls


@pytest.mark.parametrize(
    "data", [b"", b"quote.", b"quote.v.A_B\x00", b"quote.v.A_B\x00" + bytes(80), b"\x00" * 200]
)
def test_rubbish_is_handed_on_to_who_refuses_it(data):
    assert overtaken_ends([data, data], HEADS) == [0, 0]


@pytest.mark.parametrize("count", [0, 1, 15, 16, 300])
def test_the_events_of_a_payload_are_counted_from_its_first_bytes(count):
    quote = Quote("A_B", "v", 1, 2, 1.0, 2.0, 1.0, 1.0, 1)

    assert events_in(encode_events([quote] * count)[:5]) == count


def test_nothing_but_overtaken_quotes_is_left_out_whatever_goes_wrong():
    """Lives with losses, restarts and rewinds of both ends, and a subscriber that is behind half of the time."""
    left_out, told, wrong = 0, 0, []
    for seed in range(60):
        world, rng = World(seed), random.Random(seed + 1)
        subscriber = world.join(kind=ConflatingSubscriber)
        subscriber.rewinds_share = rng.choice((0.0, 0.01))
        subscriber.bus.drop_share = rng.choice((0.0, 0.05, 0.2))
        for _ in range(150):
            go_wrong(world, rng, subscriber, is_harsh=False)
            world.tick(rng.randrange(1, 3), rng.choice((2_000_000, 40_000_000)))
        world.settle()
        (verdict,) = world.verdicts()
        wrong += [(seed, verdict)] if verdict._replace(lost=[]).is_good is False else []
        wrong += [(seed, here) for here in without_heir(verdict.lost, subscriber, world)]
        left_out += len(verdict.lost)
        told += sum(subscriber.conflated.values())
        assert not subscriber.stored.holes

    assert wrong == []
    assert left_out > 100
    assert told >= left_out / 2, "what a process that was killed had left out is not told"


def without_heir(lost, subscriber, world):
    """Those left out that are no quotes, or behind which no newer quote of the topic was handed on."""
    newest = Counter()
    for frame in subscriber.stored.frames:
        if is_plain_quote(frame):
            newest[frame.epoch, frame.topic] = max(newest[frame.epoch, frame.topic], frame.seq)
    return [
        here
        for here in lost
        if not is_plain_quote(world.published(here)) or newest[here[0], world.published(here).topic] < here[1]
    ]
