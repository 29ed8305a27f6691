"""What may go goes, oldest first; what somebody has not stored stays, and so does the newest segment."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.journal.retention import Deletion, Fullness, Limits, Reason, Stored, plan
from protocol.journal.room import DiskRoom, disk_room, folder_bytes
from protocol.journal.segment import SegmentName
from protocol.replay import Position

HOUR_NS = 3_600 * 10**9
NOW_NS = 1_700_000_000 * 10**9
ROOMY, LOW, CRITICAL = DiskRoom(50, 100), DiskRoom(12, 100), DiskRoom(4, 100)
MOST = int(os.environ.get("TAPEHUB_EXAMPLES", "150"))


def segment(epoch: int, first: int, last: int, age_h: float, size: int = 100) -> Stored:
    return Stored(SegmentName(epoch, first), last, size, NOW_NS - round(age_h * HOUR_NS))


SEGMENTS = [
    segment(8, 1, 100, 200),
    segment(9, 1, 100, 50),
    segment(9, 101, 200, 30),
    segment(9, 201, 300, 10),
    segment(9, 301, 400, 0.5),
    segment(9, 401, 450, 0),
]


def gone(acks: dict[str, Position], room: DiskRoom = ROOMY, segments=None, **limits) -> list[tuple[int, int]]:
    found = plan(segments or SEGMENTS, acks, NOW_NS, room, Limits()._replace(**limits))
    return [tuple(one.name) for one in found]


def test_what_all_have_stored_goes_at_its_age():
    everybody = {"persistence.1": Position(9, 450), "engine.1": Position(9, 420)}
    assert gone(everybody) == [(8, 1), (9, 1), (9, 101)]
    assert gone(everybody, min_age_ns=5 * HOUR_NS) == [(8, 1), (9, 1), (9, 101), (9, 201)]
    assert gone(everybody | {"engine.1": Position(9, 199)}) == [(8, 1), (9, 1)]
    assert gone(everybody | {"engine.1": Position(9, 200)}) == [(8, 1), (9, 1), (9, 101)]
    assert gone(everybody | {"engine.1": Position(8, 100)}) == [(8, 1)]
    assert gone(everybody | {"engine.1": Position(8, 99)}) == []
    assert gone(everybody | {"engine.1": Position(0, 0)}) == []
    assert gone({"persistence.1": Position(10, 0)}, min_age_ns=0)[-1] == (9, 301)


def test_without_a_consumer_only_age_counts():
    assert gone({}) == [(8, 1)]
    assert gone({}, CRITICAL) == [(8, 1)]
    assert gone({}, max_age_ns=20 * HOUR_NS) == [(8, 1), (9, 1), (9, 101)]


def test_a_full_disk_shortens_the_age_of_what_is_stored():
    everybody = {"persistence.1": Position(9, 450)}
    assert gone(everybody, LOW) == [(8, 1), (9, 1), (9, 101), (9, 201)]
    assert gone(everybody, CRITICAL) == [(8, 1), (9, 1), (9, 101), (9, 201), (9, 301)]
    assert gone({"persistence.1": Position(9, 100)}, CRITICAL) == [(8, 1), (9, 1)]
    shares = [0, 69, 70, 84, 85, 94, 95, 100]
    assert [Limits().fullness(DiskRoom(100 - used, 100)) for used in shares] == [
        Fullness.OK, Fullness.OK, Fullness.WARN, Fullness.WARN, Fullness.LOW, Fullness.LOW,
        Fullness.CRITICAL, Fullness.CRITICAL,
    ]  # fmt: skip


def test_only_the_limit_of_bytes_takes_what_is_not_stored():
    acks = {"persistence.1": Position(9, 100)}
    found = plan(SEGMENTS, acks, NOW_NS, ROOMY, Limits(max_bytes=250, min_age_ns=100 * HOUR_NS))
    assert found == [
        Deletion(SegmentName(8, 1), Reason.STORED, 100),
        Deletion(SegmentName(9, 1), Reason.MAX_BYTES, 100),
        Deletion(SegmentName(9, 101), Reason.UNSTORED, 100),
        Deletion(SegmentName(9, 201), Reason.UNSTORED, 100),
    ]
    assert gone(acks, max_bytes=600, min_age_ns=100 * HOUR_NS) == [(8, 1)]
    assert gone(acks, max_bytes=1)[-1] == (9, 301)


positions = st.builds(Position, st.integers(0, 5), st.integers(0, 60))


@st.composite
def journals(draw):
    """Segments of a few epochs, each with some records or none."""
    found = []
    for epoch in sorted(draw(st.sets(st.integers(1, 5), max_size=4))):
        first = 1
        for count in draw(st.lists(st.integers(0, 20), min_size=1, max_size=3)):
            age_h = draw(st.floats(-5, 300))
            found.append(segment(epoch, first, first + count - 1, age_h, draw(st.integers(64, 1000))))
            first += max(1, count)
    return found


@settings(max_examples=MOST)
@given(
    segments=journals(),
    acks=st.dictionaries(st.sampled_from("abc"), positions, max_size=3),
    free=st.integers(0, 100),
    max_bytes=st.sampled_from([0, 100, 1_000]),
)
def test_laws(segments, acks, free, max_bytes):
    limits = Limits(max_bytes=max_bytes)
    found = plan(segments, acks, NOW_NS, DiskRoom(free, 100), limits)
    ordered = sorted(segments)
    assert [one.name for one in found] == [one.name for one in ordered[: len(found)]]
    assert not ordered or len(found) < len(ordered)  # the newest stays
    left = sum(one.size for one in ordered)
    for deletion, one in zip(found, ordered, strict=False):
        records = [Position(one.name.epoch, seq) for seq in range(one.name.first_seq, one.last_seq + 1)]
        is_stored = all(ack >= record for ack in acks.values() for record in records)
        age_ns = NOW_NS - one.written_ns
        if deletion.reason is Reason.UNSTORED:
            assert max_bytes
            assert left > max_bytes
        else:
            assert is_stored
        if deletion.reason is Reason.AGED:
            assert not acks
            assert age_ns >= limits.max_age_ns
        if deletion.reason is Reason.STORED and free > 15:
            assert age_ns >= limits.min_age_ns
        left -= one.size
    if not max_bytes:
        assert not any(one.reason in (Reason.UNSTORED, Reason.MAX_BYTES) for one in found)
    elif len(ordered) > len(found) + 1:
        assert left <= max_bytes


def test_room_of_a_disk_and_of_a_folder(tmp_path):
    room = disk_room(tmp_path / "not" / "yet")
    assert 0 < room.free_bytes < room.total_bytes
    assert 0 < room.used_share < 1
    (tmp_path / "quarantine").mkdir()
    for path, size in (("a", 10), ("quarantine/b", 20)):
        (tmp_path / path).write_bytes(bytes(size))
    (tmp_path / "link").symlink_to(tmp_path.parent)
    assert folder_bytes(tmp_path) - 30 == len(str((tmp_path / "link").readlink()))
    assert folder_bytes(tmp_path / "none") == 0


@pytest.mark.parametrize("used", [0, 70, 100])
def test_nothing_to_plan(used):
    assert plan([], {}, NOW_NS, DiskRoom(100 - used, 100), Limits()) == []
    assert plan([segment(9, 1, 5, 9_999)], {}, NOW_NS, DiskRoom(100 - used, 100), Limits(max_bytes=1)) == []
