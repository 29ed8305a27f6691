"""After any damage to the end of a journal: no wrong record, and every record before the damage."""

import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.journal.index import read_index
from protocol.journal.recovery import recover
from protocol.journal.segment import (
    QUARANTINE,
    SEGMENT_HEADER_BYTES,
    JournalFull,
    JournalVersion,
    SegmentName,
    pack_header,
    read_header,
)
from protocol.record import FrameWriter
from tests.unit.protocol.journal.rig import (
    NAME,
    FailingDisk,
    QuickDisk,
    clean_stop,
    frames_of,
    read_all,
    write,
    writer_in,
)

FRAMES = frames_of(9, [0, 5, 40, 1, 0, 17, 64, 3])
HEADER = pack_header(SegmentName(9, 1), NAME, 1)
WHOLE = HEADER + b"".join(FRAMES)
ENDS = [SEGMENT_HEADER_BYTES]
for _frame in FRAMES:
    ENDS.append(ENDS[-1] + len(_frame))
GARBAGE = random.Random(4).randbytes(300)


def damaged(folder, content: bytes):
    folder.mkdir(exist_ok=True)
    path = folder / SegmentName(9, 1).file
    path.write_bytes(content)
    return path


def assert_recovers(folder, content: bytes, whole: int) -> None:
    """Recovery keeps exactly the first `whole` frames, puts the rest aside, and changes nothing when run again."""
    path = damaged(folder, content)
    end = recover(folder, NAME, QuickDisk())

    kept = path.read_bytes()
    assert kept[SEGMENT_HEADER_BYTES:] == b"".join(FRAMES[:whole])
    assert (end.epoch, end.seq) == ((9, whole) if whole else (0, 0))
    assert (end.highest_epoch, end.cut_bytes) == (9, len(content) - len(kept))
    if end.cut_bytes:
        assert end.quarantined.read_bytes() == content[len(kept) :]
        assert end.quarantined.parent == folder / QUARANTINE
    assert read_all(folder, 9) == (FRAMES[:whole], [])
    again = recover(folder, NAME, QuickDisk())
    assert (again[:2], again.cut_bytes) == (end[:2], 0)
    assert path.read_bytes() == kept


def frames_before(offset: int) -> int:
    """How many frames end at or before an offset of the segment."""
    return sum(end <= offset for end in ENDS[1:])


def test_cut_at_every_byte(tmp_path):
    for size in range(len(WHOLE) + 1):
        assert_recovers(tmp_path / str(size), WHOLE[:size], frames_before(size))


def test_garbage_or_zeros_from_every_byte(tmp_path):
    for size in range(SEGMENT_HEADER_BYTES, len(WHOLE) + 1, 3):
        assert_recovers(tmp_path / f"g{size}", WHOLE[:size] + GARBAGE, frames_before(size))
        # zeros may be what a frame's last bytes were: then it is whole
        zeroed = WHOLE[:size] + bytes(200)
        same = next((at for at in range(size, len(WHOLE)) if WHOLE[at] != 0), len(WHOLE))
        assert_recovers(tmp_path / f"z{size}", zeroed, frames_before(same))


def test_every_flipped_bit(tmp_path):
    for at in range(SEGMENT_HEADER_BYTES, len(WHOLE)):
        content = bytearray(WHOLE)
        content[at] ^= 1 << at % 8
        assert_recovers(tmp_path / str(at), bytes(content), frames_before(at))


def test_a_damaged_header_costs_no_frame(tmp_path):
    for at in range(SEGMENT_HEADER_BYTES):
        content = bytearray(WHOLE)
        content[at] ^= 1 << at % 8
        assert_recovers(tmp_path / str(at), bytes(content), len(FRAMES))


@settings(max_examples=150)
@given(
    before=st.integers(0, len(FRAMES)),
    tail=st.one_of(
        st.binary(max_size=400),
        st.permutations(FRAMES).map(b"".join),
        st.sampled_from(
            [
                b"".join(frames_of(8, [3] * 9)),
                b"".join(frames_of(9, [3] * 9, FrameWriter("collector.binance.2", 9))),
            ]
        ),
    ),
)
def test_a_tail_of_anything(tmp_path_factory, before, tail):
    """Frames of another epoch, publisher or place are no better than noise."""
    whole = before
    rest = tail
    while whole < len(FRAMES) and rest.startswith(FRAMES[whole]):
        rest = rest[len(FRAMES[whole]) :]
        whole += 1
    content = HEADER + b"".join(FRAMES[:before]) + tail
    assert_recovers(tmp_path_factory.mktemp("journal"), content, whole)


def test_a_disk_without_room_for_the_tail_still_starts(tmp_path):
    path = damaged(tmp_path, WHOLE + GARBAGE)
    end = recover(tmp_path, NAME, FailingDisk(room=10))
    assert (end.seq, end.cut_bytes, end.quarantined) == (8, len(GARBAGE), None)
    assert path.read_bytes() == WHOLE


def test_frames_longer_than_the_window(tmp_path):
    frames = frames_of(9, [3_000_000, 5, 1_100_000, 5])
    write(tmp_path, 9, frames, batch=1)
    path = tmp_path / SegmentName(9, 1).file
    path.write_bytes(path.read_bytes()[:-1])
    assert recover(tmp_path, NAME).seq == 3
    assert read_all(tmp_path, 9) == (frames[:3], [])


def test_a_clean_stop_is_seen_only_at_the_end(tmp_path):
    numbers = FrameWriter(NAME, 9)
    writer = writer_in(tmp_path, 9)
    writer.append(frames_of(9, [5, 5], numbers))
    assert not recover(tmp_path, NAME).is_clean
    writer.append([clean_stop(numbers)])
    writer.close()
    assert recover(tmp_path, NAME)[:4] == (9, 3, True, 9)

    write(tmp_path, 10, frames_of(10, [1]))
    assert not recover(tmp_path, NAME).is_clean


def test_a_clean_stop_with_something_behind_it_was_not_clean(tmp_path):
    write(tmp_path, 9, [clean_stop(FrameWriter(NAME, 9))])
    path = tmp_path / SegmentName(9, 1).file
    path.write_bytes(path.read_bytes() + b"?")
    assert not recover(tmp_path, NAME).is_clean
    assert recover(tmp_path, NAME).is_clean  # it is now


def test_what_is_built_upon_is_on_the_medium(tmp_path):
    """kill -9 leaves frames that no sync has seen; the next epoch says that they are there."""
    path, disk = damaged(tmp_path, WHOLE + GARBAGE), FailingDisk()
    recover(tmp_path, NAME, disk)
    assert path.stat().st_size == len(WHOLE)
    assert len(WHOLE) in disk.synced


def test_epochs_without_a_record_are_passed_over_but_not_reused(tmp_path):
    write(tmp_path, 9, FRAMES)
    for epoch in (10, 11):
        writer = writer_in(tmp_path, epoch)
        writer._disk.close(writer._fd)
    (tmp_path / SegmentName(12, 1).file).write_bytes(b"")

    end = recover(tmp_path, NAME)
    assert (end.epoch, end.seq, end.highest_epoch) == (9, 8, 12)
    assert read_all(tmp_path, 11) == ([], [])


def test_nothing_to_recover(tmp_path):
    assert recover(tmp_path / "none", NAME)[:4] == (0, 0, False, 0)


def test_the_index_of_the_last_segment_is_made_again(tmp_path):
    frames = frames_of(9, [3] * 2_500)
    write(tmp_path, 9, frames, batch=50)
    recover(tmp_path, NAME)

    path = tmp_path / SegmentName(9, 1).file
    content = path.read_bytes()
    marks = read_index((tmp_path / SegmentName(9, 1).index_file).read_bytes())
    assert [seq for seq, _ in marks] == [1, 1001, 2001, 2501]
    for seq, offset in marks[:-1]:
        assert content[offset:].startswith(frames[seq - 1])
    assert marks[-1][1] == len(content)


def test_a_newer_journal_is_left_alone(tmp_path):
    blank = bytearray(HEADER)
    blank[2], blank[4:8] = 2, bytes(4)
    blank[4:8] = zlib.crc32(blank).to_bytes(4, "little")
    path = damaged(tmp_path, bytes(blank) + b"what a later version keeps here")
    before = path.read_bytes()
    with pytest.raises(JournalVersion, match=f"{path.name}.*version 2.*reads up to 1"):
        recover(tmp_path, NAME)
    assert path.read_bytes() == before
    assert read_header(HEADER, "").version == 1


@settings(max_examples=25)
@given(
    lives=st.lists(
        st.tuples(
            st.integers(0, 40),  # frames
            st.integers(1, 9),  # batch
            st.sampled_from(["stop", "kill", "torn", "full"]),
            st.integers(0, 90),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_many_lives_of_one_publisher(tmp_path_factory, lives):
    """Each life recovers, writes an epoch and ends somehow; at the end every epoch holds what it was given."""
    folder, epoch, expected = tmp_path_factory.mktemp("journal"), 0, {}
    last = (0, 0)
    for count, batch, ending, extra in lives:
        end = recover(folder, NAME)
        assert end[:2] == last
        epoch = end.highest_epoch + 1
        disk = FailingDisk()
        writer = writer_in(folder, epoch, disk, max_bytes=1_500)
        frames = frames_of(epoch, [20] * count)
        if ending == "full":
            disk.room = extra * 30
        for start in range(0, count, batch):
            try:
                writer.append(frames[start : start + batch])
            except JournalFull:
                break
        expected[epoch] = frames[: writer.seq]
        disk.room = None
        if ending == "stop":
            writer.close()
        elif ending == "torn" and extra:
            disk.write(writer._fd, frames_of(epoch, [20])[0][:extra])
        if writer.seq:
            last = (epoch, writer.seq)
        if ending != "stop":
            disk.close(writer._fd)
    assert recover(folder, NAME)[:2] == last
    for number, frames in expected.items():
        assert read_all(folder, number, 700) == (frames, [])
