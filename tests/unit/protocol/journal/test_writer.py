"""What the writer returned for is in the file, whole and in order, whatever the disk does."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.journal.disk import Disk
from protocol.journal.index import pack_index, read_index
from protocol.journal.reader import JournalReader
from protocol.journal.recovery import recover
from protocol.journal.segment import SEGMENT_HEADER_BYTES, JournalFull, SegmentName, read_header, segments_of
from tests.unit.protocol.journal.rig import NAME, FailingDisk, Hands, frames_of, read_all, write, writer_in


def segments(folder):
    return segments_of(Disk().names(folder))


def test_a_segment_is_its_header_and_the_frames_as_sent(tmp_path):
    frames = frames_of(9, [10, 0, 300])
    write(tmp_path, 9, frames)

    content = (tmp_path / "0000000009-00000000000000000001.seg").read_bytes()
    assert content[SEGMENT_HEADER_BYTES:] == b"".join(frames)
    assert read_header(content, "")[1:] == (9, 1, Hands().ns, NAME)


@settings(max_examples=40)
@given(
    sizes=st.lists(st.integers(0, 400), min_size=1, max_size=120),
    batch=st.integers(1, 30),
    max_bytes=st.integers(500, 20_000),
    read_bytes=st.integers(1, 5_000),
)
def test_every_frame_comes_back(tmp_path_factory, sizes, batch, max_bytes, read_bytes):
    folder = tmp_path_factory.mktemp("journal")
    frames = frames_of(9, sizes)
    write(folder, 9, frames, batch, max_bytes=max_bytes)

    assert read_all(folder, 9, read_bytes) == (frames, [])


def test_segments_end_at_their_size_and_get_an_index(tmp_path):
    write(tmp_path, 9, frames_of(9, [100] * 100), batch=10, max_bytes=5_000)

    names = segments(tmp_path)
    assert len(names) > 3
    for name, following in itertools.pairwise(names):
        size = (tmp_path / name.file).stat().st_size
        assert size <= 5_000
        marks = read_index((tmp_path / name.index_file).read_bytes())
        assert marks[0] == (name.first_seq, SEGMENT_HEADER_BYTES)
        assert marks[-1] == (following.first_seq, size)
    assert not (tmp_path / names[-1].index_file).exists()


def test_segments_end_at_their_age(tmp_path):
    hands = Hands()
    writer = writer_in(tmp_path, 9, hands=hands, max_age_ns=1_000)
    frames = frames_of(9, [10] * 4)
    for frame, later_ns in zip(frames, (0, 999, 1, 999), strict=True):
        hands.ns += later_ns
        writer.append([frame])
    writer.close()

    assert segments(tmp_path) == [SegmentName(9, 1), SegmentName(9, 3)]
    assert read_all(tmp_path, 9) == (frames, [])


def test_frames_out_of_order_are_our_own_fault(tmp_path):
    writer = writer_in(tmp_path, 9)
    frames = frames_of(9, [1, 2, 3])
    writer.append(frames[:1])
    for wrong in (frames[0], frames[2], frames_of(8, [1, 1])[1]):
        with pytest.raises(ValueError, match="is not 9/2"):
            writer.append([wrong])
    writer.close()


def test_an_epoch_is_written_once(tmp_path):
    write(tmp_path, 9, frames_of(9, [1]))
    with pytest.raises(FileExistsError):
        writer_in(tmp_path, 9)


@pytest.mark.parametrize("room", [*range(0, 700, 13), 699, 700])
def test_a_full_disk_keeps_order_and_whole_frames(tmp_path, room):
    disk = FailingDisk()
    writer = writer_in(tmp_path, 9, disk)
    frames = frames_of(9, [60] * 30)
    writer.append(frames[:3])
    disk.room = room
    parked = frames[3:]
    with pytest.raises(JournalFull) as full:
        writer.append(parked)

    stored = full.value.stored
    assert stored == writer.seq - 3 == room // len(frames[0])
    kept = b"".join(frames[: 3 + stored])
    assert (tmp_path / writer.segment.file).read_bytes()[SEGMENT_HEADER_BYTES:] == kept
    assert read_all(tmp_path, 9) == (frames[: 3 + stored], [])

    parked = parked[stored:]
    with pytest.raises(JournalFull) as full:
        writer.append(parked)
    assert full.value.stored == 0
    disk.room = None
    writer.append(parked)
    writer.close()
    assert read_all(tmp_path, 9) == (frames, [])


def test_half_a_frame_that_cannot_be_cut_is_followed_by_nothing(tmp_path):
    disk = FailingDisk()
    writer = writer_in(tmp_path, 9, disk)
    frames = frames_of(9, [60] * 6)
    writer.append(frames[:2])
    disk.room, disk.broken = 40, {"truncate"}
    with pytest.raises(JournalFull):
        writer.append(frames[2:])
    disk.room = None
    with pytest.raises(JournalFull):
        writer.append(frames[2:])
    assert read_all(tmp_path, 9) == (frames[:2], [])

    disk.broken = set()
    writer.append(frames[2:])
    writer.close()
    assert read_all(tmp_path, 9) == (frames, [])


def test_a_segment_that_cannot_be_made_leaves_the_old_one_open(tmp_path):
    disk = FailingDisk()
    writer = writer_in(tmp_path, 9, disk, max_bytes=500)
    frames = frames_of(9, [100] * 10)
    disk.broken = {"create"}
    for frame in frames[:5]:
        writer.append([frame])
    assert segments(tmp_path) == [SegmentName(9, 1)]

    disk.broken = set()
    writer._rotate_bytes = 500
    for frame in frames[5:]:
        writer.append([frame])
    writer.close()
    assert segments(tmp_path)[1] == SegmentName(9, 6)
    assert read_all(tmp_path, 9) == (frames, [])


def test_a_header_without_room_leaves_no_file(tmp_path):
    with pytest.raises(OSError, match="no room"):
        writer_in(tmp_path, 9, FailingDisk(room=30))
    assert segments(tmp_path) == []


def test_sync_says_what_a_power_cut_leaves(tmp_path):
    disk = FailingDisk()
    writer = writer_in(tmp_path, 9, disk)
    frames = frames_of(9, [10] * 6)
    writer.append(frames[:2])
    assert (writer.seq, writer.durable_seq) == (2, 0)
    assert writer.sync() == writer.durable_seq == 2
    assert disk.synced[-1] == SEGMENT_HEADER_BYTES + sum(map(len, frames[:2]))

    writer.append(frames[2:4])
    disk.broken = {"sync"}
    with pytest.raises(OSError, match="sync"):
        writer.sync()
    disk.broken = set()
    with pytest.raises(
        OSError, match="sync"
    ):  # the kernel may have dropped those pages: a later success is no proof
        writer.sync()
    writer.append(frames[4:])
    writer.close()
    assert writer.durable_seq == 2
    assert read_all(tmp_path, 9) == (frames, [])


def test_rotation_and_close_sync_what_is_behind_them(tmp_path):
    writer = writer_in(tmp_path, 9, max_bytes=400)
    frames = frames_of(9, [100] * 4)
    for frame in frames:
        writer.append([frame])
    assert writer.durable_seq == segments(tmp_path)[-1].first_seq - 1 > 0
    writer.close()
    assert writer.durable_seq == 4


def test_a_thread_syncs_while_segments_come_and_go(tmp_path):
    writer = writer_in(tmp_path, 9, max_bytes=2_000)
    seen, is_over = [0], threading.Event()

    def sync_on():
        while not is_over.is_set():
            seen.append(writer.sync())
            assert seen[-2] <= seen[-1] <= writer.seq

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(sync_on)
        frames = frames_of(9, [100] * 800)
        for start in range(0, 800, 4):
            writer.append(frames[start : start + 4])
        writer.close()
        is_over.set()
        done.result()
    assert writer.sync() == 800
    assert len(segments(tmp_path)) > 50
    assert read_all(tmp_path, 9) == (frames, [])


def test_epochs_stand_side_by_side(tmp_path):
    kept = {}
    for epoch in (3, 7, 8):
        kept[epoch] = frames_of(epoch, [epoch] * epoch)
        write(tmp_path, epoch, kept[epoch])
        assert recover(tmp_path, NAME)[:2] == (epoch, epoch)

    assert JournalReader(tmp_path, NAME).epochs() == [3, 7, 8]
    for epoch, frames in kept.items():
        assert read_all(tmp_path, epoch) == (frames, [])


@given(
    marks=st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)), min_size=1), at=st.data()
)
def test_an_index_comes_back_or_is_refused(marks, at):
    packed = pack_index(marks[:-1], marks[-1])
    assert read_index(packed) == marks
    bit = at.draw(st.integers(0, len(packed) * 8 - 1))
    damaged = bytearray(packed)
    damaged[bit // 8] ^= 1 << bit % 8
    assert read_index(bytes(damaged)) is None
    assert read_index(packed[: bit // 8]) is None
