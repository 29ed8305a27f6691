"""The chain check: whatever is lost, doubled or fenced is counted, nothing else is."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from protocol.record import FrameWriter, parse_frame
from protocol.sequence import SequenceTracker, Verdict


def frames(topics: list[str], epoch: int = 1, publisher: str = "p"):
    writer = FrameWriter(publisher, epoch)
    return [parse_frame(writer.build(topic, 0, b"\x90", 0)) for topic in topics]


@given(
    st.lists(st.sampled_from(["trade.v.A", "trade.v.B", "quote.v.A"]), min_size=1, max_size=60),
    st.data(),
)
def test_missing_frames_are_counted_exactly(topics, data):
    sent = frames(topics)
    kept = [data.draw(st.booleans(), label=f"keep {number}") for number in range(len(sent))]
    tracker = SequenceTracker()
    heard = [frame for frame, keep in zip(sent, kept, strict=True) if keep]
    for frame in heard:
        assert tracker.observe(frame) in (Verdict.OK, Verdict.GAP)

    expected = 0
    for topic in set(topics):
        numbers = [frame.topic_seq for frame in heard if frame.topic == topic]
        expected += sum(later - earlier - 1 for earlier, later in itertools.pairwise(numbers))
    assert tracker.missing == expected


def test_a_frame_heard_twice_is_a_duplicate():
    sent = frames(["trade.v.A"] * 3)
    tracker = SequenceTracker()
    verdicts = [tracker.observe(frame) for frame in [*sent, sent[1], sent[2]]]

    assert verdicts == [Verdict.OK] * 3 + [Verdict.DUPLICATE] * 2
    assert tracker.duplicates == 2


def test_the_start_of_listening_is_not_a_gap():
    tracker = SequenceTracker()
    assert tracker.observe(frames(["trade.v.A"] * 9)[8]) is Verdict.OK
    assert tracker.missing == 0


def test_a_restart_that_we_hear_from_its_first_frame_is_a_new_epoch():
    tracker = SequenceTracker()
    tracker.observe(frames(["trade.v.A"])[0])
    assert tracker.observe(frames(["trade.v.A"], epoch=2)[0]) is Verdict.NEW_EPOCH
    assert tracker.missing == 0


def test_frames_lost_at_the_start_of_a_new_epoch_are_a_gap():
    tracker = SequenceTracker()
    tracker.observe(frames(["trade.v.A"])[0])
    assert tracker.observe(frames(["trade.v.A"] * 4, epoch=2)[3]) is Verdict.GAP
    assert (tracker.missing, tracker.last_missing) == (3, 3)


def test_an_old_epoch_is_fenced_on_every_topic():
    tracker = SequenceTracker()
    tracker.observe(frames(["trade.v.A"], epoch=5)[0])

    assert tracker.observe(frames(["trade.v.A"], epoch=4)[0]) is Verdict.FENCED
    assert tracker.observe(frames(["trade.v.B"], epoch=4)[0]) is Verdict.FENCED
    assert tracker.fenced == 2


def test_publishers_do_not_mix():
    tracker = SequenceTracker()
    for publisher in ("p", "q"):
        assert tracker.observe(frames(["trade.v.A"], publisher=publisher)[0]) is Verdict.OK
