"""What the journal holds already does not go out again; anything else does."""

from actors.runtime.refold import NamedRefold, Refold
from protocol.codec import encode_events
from protocol.messages import Bar
from protocol.record import FrameWriter, RecordKind, parse_frame

TOPIC = "bar.v.A_B.1m"


def bar(close, revision=1):
    return Bar(
        "A_B", "v", "1m", 0, 1, 1.0, 9.0, 1.0, close, 1.0, 1.0, 0.0, 1.0, 1, "closed", 1.0, revision, "trade"
    )


def published(*outputs, kind=RecordKind.DATA):
    writer = FrameWriter("aggregator.1", 1)
    return [
        parse_frame(writer.build(topic, Bar.SCHEMA, encode_events(bars), 0, kind)) for topic, bars in outputs
    ]


def test_what_is_there_is_left_out_once_and_in_order():
    refold = Refold(published((TOPIC, [bar(2.0)]), ("bar.v.A_B.1s", [bar(3.0)]), (TOPIC, [bar(4.0)])))
    assert refold.is_under_way
    assert [len(refold.new_ones(TOPIC, [bar(close)])) for close in (2.0, 4.0, 4.0)] == [0, 0, 1]
    assert not refold.new_ones("bar.v.A_B.1s", [bar(3.0)])
    assert not refold.is_under_way
    assert (refold.repeated, refold.differing) == (3, 0)


def test_a_difference_is_counted_and_everything_after_it_on_that_topic_goes_out():
    refold = Refold(published((TOPIC, [bar(2.0)]), (TOPIC, [bar(4.0)])))
    assert refold.new_ones(TOPIC, [bar(2.5)]) == [bar(2.5)]
    assert refold.new_ones(TOPIC, [bar(4.0)]) == [bar(4.0)]
    assert refold.differing == 1
    assert not refold.is_under_way


def test_marks_and_memories_are_not_outputs():
    assert not Refold(published((TOPIC, [bar(2.0)]), kind=RecordKind.SNAP)).is_under_way
    assert Refold().new_ones(TOPIC, [bar(2.0)])


def test_where_inputs_mix_a_message_is_known_by_its_name_in_any_order():
    frames = published((TOPIC, [bar(2.0), bar(3.0, 2)]), (TOPIC, [bar(4.0, 3)]))
    refold = NamedRefold(frames, lambda one: one.revision)
    assert not refold.is_under_way
    assert refold.new_ones(TOPIC, [bar(9.0, 3), bar(5.0, 4)]) == [bar(5.0, 4)]
    assert refold.new_ones("bar.v.A_B.1s", [bar(2.0)]) == [bar(2.0)]
    assert not refold.new_ones(TOPIC, [bar(2.0)])
    assert refold.repeated == 2


def test_a_frame_of_another_version_is_no_name():
    (frame,) = published((TOPIC, [bar(2.0)]))
    frame.payload = b"rubbish"
    assert NamedRefold([frame], lambda one: one.revision).new_ones(TOPIC, [bar(2.0)])
