"""A full disk slows nobody down: what is sent, what is stored, in which order, and what is told to be lost."""

import contextlib
import errno

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.crash import POINTS
from protocol.journal.disk import Disk
from protocol.journal.journal import Journal
from protocol.journal.recovery import recover
from protocol.journal.segment import SEGMENT_HEADER_BYTES, segments_of
from protocol.record import FLAG_NOT_JOURNALLED, FLAG_REPAIRED, FrameWriter, parse_frame, with_flag
from tests.unit.protocol.journal.rig import NAME, clean_stop, frames_of, read_all, writer_in
from tests.unit.protocol.journal.small_disk import SmallDisk, Times
from tests.unit.protocol.journal.test_crashes import Crash, MortalDisk

FRAMES = frames_of(9, [60] * 40)
ONE = len(FRAMES[0])


def journal_in(folder, disk=None, times=None, **sizes):
    times = times or Times()
    return Journal(
        folder, NAME, 9, times.now, times.now, disk or SmallDisk(), **{"ballast_bytes": 0, **sizes}
    )


def flagged(frames):
    return [with_flag(frame, FLAG_NOT_JOURNALLED) for frame in frames]


@given(size=st.integers(0, 300), before=st.integers(0, 15), flag=st.sampled_from([1, 2, 4, 8]))
def test_a_flag_changes_the_flag_and_the_sum(size, before, flag):
    frame = FrameWriter(NAME, 9).build("trade.binance.BTC_USDT", 257, b"x" * size, 5, flags=before)
    copy = with_flag(frame, flag)

    assert parse_frame(copy).flags == before | flag
    head = frame.index(0) + 1
    changed = {at - head for at, (ours, theirs) in enumerate(zip(frame, copy, strict=True)) if ours != theirs}
    assert changed <= {4, 5, 6, 7, 10}
    assert with_flag(copy, flag) == copy
    assert with_flag(with_flag(frame, FLAG_REPAIRED), flag) == with_flag(copy, FLAG_REPAIRED)


def test_while_there_is_room_the_very_same_frames_are_sent(tmp_path):
    journal = journal_in(tmp_path)
    batch = FRAMES[:5]
    assert journal.write(batch) is batch
    assert (journal.state, journal.fault, journal.seq, journal.durable_seq) == ("ok", None, 5, 0)
    assert journal.sync() == journal.durable_seq == 5
    assert (journal.pending_frames, journal.lost_frames, journal.take_losses()) == (0, 0, [])
    assert read_all(tmp_path, 9) == (batch, [])


@pytest.mark.parametrize("room", [0, 1, ONE - 1, ONE, ONE + 1, 3 * ONE + 7])
def test_a_full_disk_sends_flagged_copies_and_stores_the_originals_later(tmp_path, room):
    disk, times = SmallDisk(), Times()
    journal = journal_in(tmp_path, disk, times)
    journal.write(FRAMES[:3])
    disk.room = room
    stored = room // ONE

    assert journal.write(FRAMES[3:8]) == [*FRAMES[3 : 3 + stored], *flagged(FRAMES[3 + stored : 8])]
    assert (journal.state, journal.fault.errno) == ("degraded", errno.ENOSPC)
    assert (journal.seq, journal.pending_frames) == (3 + stored, 5 - stored)
    assert read_all(tmp_path, 9) == (FRAMES[: 3 + stored], [])

    disk.room = 1 << 20
    assert journal.write(FRAMES[8:10]) == flagged(FRAMES[8:10])  # there is room, but others are first
    journal.retry()
    assert (journal.state, journal.fault, journal.seq, journal.pending_frames) == ("ok", None, 10, 0)
    batch = FRAMES[10:12]
    assert journal.write(batch) is batch
    assert read_all(tmp_path, 9) == (FRAMES[:12], [])
    assert journal.lost_frames == 0


def test_writing_tries_again_by_itself_after_a_while(tmp_path):
    disk, times = SmallDisk(), Times()
    journal = journal_in(tmp_path, disk, times)
    disk.room = 0
    journal.write(FRAMES[:1])
    disk.room = 1 << 20
    assert journal.write(FRAMES[1:2]) == flagged(FRAMES[1:2])
    times.pass_retry()
    batch = FRAMES[2:4]
    assert journal.write(batch) is batch
    assert read_all(tmp_path, 9) == (FRAMES[:4], [])


def test_room_for_some_of_what_waits_is_used(tmp_path):
    disk = SmallDisk()
    journal = journal_in(tmp_path, disk)
    disk.room = 0
    journal.write(FRAMES[:10])
    disk.room = 4 * ONE + 1
    journal.retry()
    assert (journal.state, journal.seq, journal.pending_frames) == ("degraded", 4, 6)
    assert read_all(tmp_path, 9) == (FRAMES[:4], [])


def test_too_much_drops_the_oldest_and_says_so(tmp_path):
    disk = SmallDisk()
    journal = journal_in(tmp_path, disk, ring_bytes=5 * ONE)
    journal.write(FRAMES[:3])
    disk.room = 0
    for frame in FRAMES[3:10]:
        assert journal.write([frame]) == flagged([frame])
    assert (journal.pending_frames, journal.lost_frames) == (5, 2)
    assert journal.take_losses() == [(4, 5)]
    assert journal.take_losses() == []
    journal.write(FRAMES[10:13])
    assert journal.take_losses() == [(6, 8)]

    disk.room = 1 << 20
    journal.retry()
    journal.write(FRAMES[13:15])
    journal.close()
    assert journal.lost_frames == 5
    assert [name.first_seq for name in segments_of(disk.names(tmp_path))] == [1, 9]
    assert read_all(tmp_path, 9) == ([*FRAMES[:3], *FRAMES[8:15]], [("corrupt", 4, 8)])
    assert recover(tmp_path, NAME).seq == 15


def test_a_batch_larger_than_the_memory_leaves_a_hole_and_nothing_else(tmp_path):
    disk = SmallDisk()
    journal = journal_in(tmp_path, disk, ring_bytes=ONE - 1)
    journal.write(FRAMES[:2])
    disk.room = 0
    assert journal.write(FRAMES[2:6]) == flagged(FRAMES[2:6])
    assert (journal.state, journal.pending_frames, journal.take_losses()) == ("degraded", 0, [(3, 6)])

    disk.room = 1 << 20
    journal.retry()
    assert (
        recover(tmp_path, NAME, disk).seq == 6
    )  # a reader is told of 3 to 6, so the next epoch must not hide it
    batch = FRAMES[6:8]
    assert journal.write(batch) is batch
    assert read_all(tmp_path, 9) == ([*FRAMES[:2], *FRAMES[6:8]], [("corrupt", 3, 6)])


def test_a_disk_at_its_limit_does_not_fill_with_empty_segments(tmp_path):
    """There is room for a header and for no frame, while more and more is lost."""
    disk = SmallDisk()
    journal = journal_in(tmp_path, disk, ring_bytes=2 * ONE)
    journal.write(FRAMES[:1])
    disk.room = SEGMENT_HEADER_BYTES + 3
    for frame in FRAMES[1:30]:
        journal.write([frame])
        journal.retry()
    assert len(segments_of(disk.names(tmp_path))) <= 2

    disk.room = 1 << 20
    journal.retry()
    found, lost = read_all(tmp_path, 9)
    assert found == [FRAMES[0], *FRAMES[28:30]]
    assert lost == [("corrupt", 2, 28)]
    assert journal.take_losses() == [(2, 28)]


@pytest.mark.parametrize("room", [0, 10, SEGMENT_HEADER_BYTES - 1])
def test_a_disk_full_at_start_is_no_reason_not_to_start(tmp_path, room):
    disk = SmallDisk(room)
    journal = journal_in(tmp_path / "new", disk)
    assert (journal.state, journal.seq, journal.durable_seq, journal.sync()) == ("degraded", 0, 0, 0)
    assert journal.write(FRAMES[:3]) == flagged(FRAMES[:3])
    journal.retry()
    assert (journal.state, journal.pending_frames) == ("degraded", 3)
    assert segments_of(disk.names(tmp_path / "new")) == []

    disk.room = 1 << 20
    journal.retry()
    assert (journal.state, journal.sync()) == ("ok", 3)
    journal.write(FRAMES[3:5])
    journal.close()
    assert read_all(tmp_path / "new", 9) == (FRAMES[:5], [])


def test_a_folder_that_cannot_be_made_for_want_of_room(tmp_path):
    disk = SmallDisk()
    disk.broken = {"make_folder": errno.ENOSPC}
    journal = journal_in(tmp_path / "new", disk)
    assert (journal.state, journal.free_bytes) == ("degraded", 0)
    journal.write(FRAMES[:3])
    disk.broken = {}
    journal.retry()
    assert read_all(tmp_path / "new", 9) == (FRAMES[:3], [])


def test_losses_from_the_start_are_told_to_a_reader(tmp_path):
    disk = SmallDisk(0)
    journal = journal_in(tmp_path, disk, ring_bytes=2 * ONE)
    journal.write(FRAMES[:6])
    disk.room = 1 << 20
    journal.retry()
    assert journal.take_losses() == [(1, 4)]
    assert read_all(tmp_path, 9) == (FRAMES[4:6], [("corrupt", 1, 4)])


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EACCES, "give this user the right to write there"),
        (errno.EROFS, "mounted read-only: mount it for writing"),
        (errno.EIO, "whole and mounted"),
    ],
)
def test_a_folder_that_will_never_be_writable_is_an_error_at_start(tmp_path, number, advice):
    disk = SmallDisk()
    disk.broken = {"create": number}
    with pytest.raises(OSError, match=advice) as fault:
        journal_in(tmp_path, disk)
    assert fault.value.errno == number
    assert str(tmp_path) in str(fault.value)


def test_a_file_in_the_place_of_the_folder_is_an_error_at_start(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(FileExistsError, match=r"taken.*move it away"):
        journal_in(tmp_path / "taken", Disk())
    with pytest.raises(NotADirectoryError, match=r"taken.*is a file: move it away"):
        journal_in(tmp_path / "taken" / "below", Disk())


def test_a_disk_that_breaks_later_is_waited_for(tmp_path):
    disk = SmallDisk()
    journal = journal_in(tmp_path, disk)
    disk.broken = {"write": errno.EROFS}
    assert journal.write(FRAMES[:2]) == flagged(FRAMES[:2])
    assert (journal.state, journal.fault.errno) == ("degraded", errno.EROFS)
    disk.broken = {}
    journal.retry()
    assert read_all(tmp_path, 9) == (FRAMES[:2], [])


def test_half_a_frame_that_cannot_be_cut_waits_with_the_rest(tmp_path):
    disk = SmallDisk()
    journal = journal_in(tmp_path, disk, ring_bytes=2 * ONE)
    journal.write(FRAMES[:2])
    disk.room, disk.broken = ONE + 9, {"truncate": errno.EIO}
    assert journal.write(FRAMES[2:4]) == [FRAMES[2], *flagged(FRAMES[3:4])]
    disk.room = 1 << 20
    journal.retry()
    journal.write(FRAMES[4:8])
    assert (journal.state, journal.take_losses()) == ("degraded", [(4, 6)])
    disk.broken = {}
    journal.retry()
    assert read_all(tmp_path, 9) == ([*FRAMES[:3], *FRAMES[6:8]], [("corrupt", 4, 6)])


def test_closing_stores_what_waits_and_the_clean_stop(tmp_path):
    numbers, disk = FrameWriter(NAME, 9), SmallDisk()
    frames = frames_of(9, [60] * 4, numbers)
    journal = journal_in(tmp_path, disk)
    disk.room = 0
    journal.write(frames)
    disk.room = 1 << 20
    last = [clean_stop(numbers)]
    assert journal.close(last) is last
    assert (journal.state, journal.durable_seq) == ("ok", 5)
    assert recover(tmp_path, NAME)[:3] == (9, 5, True)
    assert read_all(tmp_path, 9) == ([*frames, *last], [])
    assert disk.is_open == set()
    journal.retry()
    assert journal.close() == ()
    with pytest.raises(ValueError, match="is closed"):
        journal.write(last)


@pytest.mark.parametrize("is_full_from_start", [True, False])
def test_closing_on_a_full_disk_was_no_clean_stop(tmp_path, is_full_from_start):
    numbers = FrameWriter(NAME, 9)
    frames = frames_of(9, [60] * 4, numbers)
    disk = SmallDisk(0 if is_full_from_start else 1 << 20)
    journal = journal_in(tmp_path, disk)
    disk.room = 0
    journal.write(frames)
    last = [clean_stop(numbers)]
    assert journal.close(last) == flagged(last)
    assert (journal.state, journal.pending_frames) == ("degraded", 5)
    assert recover(tmp_path, NAME)[:3] == (0, 0, False)
    assert disk.is_open == set()


def test_a_failed_sync_is_told(tmp_path):
    disk = SmallDisk()
    journal = journal_in(tmp_path, disk)
    journal.write(FRAMES[:2])
    disk.broken = {"sync": errno.EIO}
    with pytest.raises(OSError, match="Input/output"):
        journal.sync()
    assert (journal.sync_fault.errno, journal.durable_seq, journal.state) == (errno.EIO, 0, "ok")


@pytest.mark.parametrize("is_full", [False, True])
def test_frames_out_of_order_are_our_own_fault(tmp_path, is_full):
    disk = SmallDisk()
    journal = journal_in(tmp_path, disk)
    disk.room = 0 if is_full else 1 << 20
    journal.write(FRAMES[:2])
    for wrong in (FRAMES[1], FRAMES[3], frames_of(8, [1] * 3)[2]):
        with pytest.raises(ValueError, match="is not 9/3"):
            journal.write([wrong])


def test_crash_points_stand_around_each_batch_and_each_seal(tmp_path, monkeypatch):
    passed = []
    for module in ("journal", "writer"):
        monkeypatch.setattr(f"protocol.journal.{module}.crash_point", passed.append)
    disk = SmallDisk()
    journal = journal_in(tmp_path, disk, segment_bytes=SEGMENT_HEADER_BYTES + 3 * ONE)
    journal.write(FRAMES[:3])
    around_write = ["journal.write.before", "journal.write.after"]
    assert passed == around_write
    journal.write(FRAMES[3:4])
    assert passed[2:] == [around_write[0], "journal.seal.before", "journal.seal.after", around_write[1]]
    assert set(passed) <= set(POINTS)


@pytest.mark.parametrize("kept", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_end_comes_while_writing_goes_on_behind_a_hole(tmp_path, share, kept):
    """kill -9 or a power cut at each file call: what was durable is there, and a reader is told of the hole."""
    ends = set()
    for ends_at in range(12):
        folder, disk = tmp_path / str(ends_at), MortalDisk(1_000, share)
        writer = writer_in(folder, 9, disk)
        writer.append(FRAMES[:3])
        writer.sync()
        disk.left = ends_at
        with contextlib.suppress(Crash):
            writer.skip_to(7)
            writer.append(FRAMES[6:8])
            writer.append(FRAMES[8:9])
        disk.close_all()
        disk.cut_power(folder, kept)

        end = recover(folder, NAME)
        found, holes = read_all(folder, 9)
        behind = {3: 3, 6: 3}.get(end.seq, end.seq)
        assert found == [*FRAMES[:3], *FRAMES[6:behind]]
        assert holes == ([("corrupt", 4, 6)] if end.seq > 3 else [])
        ends.add(end.seq)
    assert {3, 6} <= ends <= {3, 6, 7, 8, 9}


@settings(max_examples=30)
@given(
    sizes=st.lists(st.integers(0, 200), min_size=1, max_size=40),
    batch=st.integers(1, 9),
    rooms=st.lists(st.integers(0, 1_500), max_size=12),
    ring_bytes=st.integers(0, 3_000),
)
def test_a_reader_gets_what_was_not_lost_and_is_told_the_rest(
    tmp_path_factory, sizes, batch, rooms, ring_bytes
):
    folder, disk = tmp_path_factory.mktemp("journal"), SmallDisk()
    journal = journal_in(folder, disk, ring_bytes=ring_bytes, segment_bytes=900)
    frames, pace = frames_of(9, sizes), iter(rooms)
    for start in range(0, len(frames), batch):
        disk.room = next(pace, 1 << 20)
        journal.write(frames[start : start + batch])
        journal.retry()
    disk.room = 1 << 20
    journal.close()

    lost = {seq for first, last in journal.take_losses() for seq in range(first, last + 1)}
    found, holes = read_all(folder, 9)
    assert found == [frame for seq, frame in enumerate(frames, 1) if seq not in lost]
    told = {seq for _, first, last in holes for seq in range(first, last + 1)}
    assert told <= lost
    assert {seq for seq in lost if seq <= journal.seq} == told
