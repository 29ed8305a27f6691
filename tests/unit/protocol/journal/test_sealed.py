"""A sealed segment reads like the plain one, before, while and after it is sealed, and damage costs a block at most."""

import os
import random
import threading
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.journal.disk import Disk
from protocol.journal.extents import Extents
from protocol.journal.reader import JournalReader, Outcome
from protocol.journal.recovery import recover
from protocol.journal.sealed import (
    BLOCK_HEADER_BYTES,
    all_segments,
    find_block,
    read_block_header,
    sealed_file,
    table_bytes,
)
from protocol.journal.sealing import SealFault, seal, sealable, tidy
from protocol.journal.segment import JournalVersion, SegmentName, segments_of
from protocol.record import parse_frame
from protocol.replay import Extent
from tests.unit.protocol.journal.rig import (
    NAME,
    FailingDisk,
    Hands,
    QuickDisk,
    frames_of,
    read_all,
    split,
    write,
    writer_in,
)

FIRST = SegmentName(9, 1)
LATER_NS = Hands().now() + 1
MOST = int(os.environ.get("TAPEHUB_EXAMPLES", "20"))


def closed(folder, frames, batch=100):
    """A segment of epoch 9 with its index, and a later epoch behind it."""
    writer = writer_in(folder, 9, QuickDisk())
    for start in range(0, len(frames), batch):
        writer.append(frames[start : start + batch])
    writer.close()
    write(folder, 10, frames_of(10, [1]))
    return folder / FIRST.file


def sealed(folder, sizes, batch=100):
    frames = frames_of(9, sizes)
    path = closed(folder, frames, batch)
    seal(folder, NAME, FIRST, QuickDisk())
    assert not path.exists()
    assert not path.with_suffix(".idx").exists()
    return frames, folder / sealed_file(FIRST)


def blocks_of(path):
    """(place, header) of every block, by the rule of the file's description."""
    data, found, place = path.read_bytes(), [], 0
    while (place := find_block(data, place)) >= 0:
        header = read_block_header(data, place, "x")
        found.append((place, header))
        place += BLOCK_HEADER_BYTES + header.packed_bytes
    return found


def change(path, at, bits=1):
    content = bytearray(path.read_bytes())
    content[at] ^= bits
    path.write_bytes(content)


def test_it_reads_like_the_plain_one_from_anywhere(tmp_path):
    frames, path = sealed(tmp_path, [20] * 3_500)
    assert read_all(tmp_path, 9) == (frames, [])
    assert len(blocks_of(path)) == 4
    for seq in (1, 2, 999, 1000, 1001, 1002, 2500, 3500):
        chunk = JournalReader(tmp_path, NAME).read(9, seq, 5_000)
        assert (chunk.outcome, chunk.first) == (Outcome.DATA, seq)
        assert split(chunk.frames) == frames[seq - 1 : chunk.last]
        assert len(chunk.frames) <= 5_000
    assert JournalReader(tmp_path, NAME).read(9, 3_501) == (Outcome.END, 3_501, 3_500, b"")
    assert JournalReader(tmp_path, NAME).epochs() == [9, 10]
    assert Extents(tmp_path, NAME).look() == [Extent(9, 1, 3_500, True), Extent(10, 1, 1, False)]


def test_any_zstd_program_gives_the_plain_segment_back(tmp_path):
    frames = frames_of(9, [20] * 2_500)
    path = closed(tmp_path, frames)
    plain = path.read_bytes()
    seal(tmp_path, NAME, FIRST, Disk())
    unpacked = zstandard.ZstdDecompressor().stream_reader(
        (tmp_path / sealed_file(FIRST)).read_bytes(), read_across_frames=True
    )
    assert unpacked.read() == plain


def test_only_the_blocks_that_are_needed_are_unpacked(tmp_path, monkeypatch):
    frames, _ = sealed(tmp_path, [20] * 20_000)
    reader, sizes = JournalReader(tmp_path, NAME), []
    unpack = reader._blocks.unpack
    monkeypatch.setattr(reader._blocks, "unpack", lambda data, size: sizes.append(size) or unpack(data, size))
    assert reader.read(9, 10_500, 5_000).outcome is Outcome.DATA
    assert len(sizes) <= 2
    found, seq = [], 1
    sizes.clear()
    while (chunk := reader.read(9, seq, 30_000)).outcome is Outcome.DATA:
        found += split(chunk.frames)
        seq = chunk.last + 1
    assert found == frames
    assert len(sizes) == 20  # each once


def test_large_frames_make_blocks_of_their_own(tmp_path):
    frames, path = sealed(tmp_path, [300_000, 10, 10, 3_000_000, 10, 700_000, 700_000], batch=1)
    assert read_all(tmp_path, 9, 1_000) == (frames, [])
    assert [header.first_seq for _, header in blocks_of(path)] == [1, 4, 5, 7]


@pytest.mark.parametrize("index", ["missing", "damaged"])
def test_sealing_needs_no_index(tmp_path, index):
    frames = frames_of(9, [400] * 6_000)
    marks = closed(tmp_path, frames).with_suffix(".idx")
    marks.unlink() if index == "missing" else change(marks, 30)
    assert seal(tmp_path, NAME, FIRST, QuickDisk()).blocks == 3
    assert read_all(tmp_path, 9, 50_000) == (frames, [])
    assert JournalReader(tmp_path, NAME).read(9, 5_999).outcome is Outcome.DATA


@settings(max_examples=MOST)
@given(
    sizes=st.lists(st.integers(0, 400), min_size=1, max_size=300),
    batch=st.integers(1, 50),
    holes=st.lists(st.tuples(st.integers(0, 60_000), st.integers(1, 3_000)), max_size=3),
    has_index=st.booleans(),
)
def test_what_was_damaged_before_is_told_as_before(tmp_path_factory, sizes, batch, holes, has_index):
    folder = tmp_path_factory.mktemp("journal")
    path = closed(folder, frames_of(9, sizes), batch)
    content = bytearray(path.read_bytes())
    for start, length in holes:
        end = min(len(content), start + length)
        content[start:end] = random.Random(start).randbytes(max(0, end - start))
    path.write_bytes(content)
    if not has_index:
        path.with_suffix(".idx").unlink()
    before = read_all(folder, 9)
    seal(folder, NAME, FIRST, QuickDisk())
    assert read_all(folder, 9) == before


@pytest.mark.parametrize("part", ["header", "packed", "kind", "version"])
@pytest.mark.parametrize("number", [0, 1, 3])
@pytest.mark.parametrize("has_table", [True, False])
def test_a_flipped_bit_costs_the_frames_of_its_block_only(tmp_path, part, number, has_table):
    frames, path = sealed(tmp_path, [20] * 3_500)
    place, header = blocks_of(path)[number]
    shift = {"header": 20, "packed": BLOCK_HEADER_BYTES + header.packed_bytes // 2, "kind": 9, "version": 11}
    change(path, place + shift[part], 0x10)
    if not has_table:
        change(path, path.stat().st_size - 100)
    found, lost = read_all(tmp_path, 9, 30_000)
    told = {seq for outcome, first, last in lost for seq in range(first, last + 1)}
    if number == 3 and not has_table and part != "packed":
        assert found == frames[: header.first_seq - 1]  # nothing is left that says how far this epoch went
        return
    assert found == [frame for frame in frames if parse_frame(frame).seq not in told]
    assert told <= set(range(header.first_seq, header.next_seq))
    assert len(told) + len(found) == 3_500
    assert bool(told) == (part == "packed")
    assert all(outcome == "corrupt" for outcome, _, _ in lost)
    fresh = JournalReader(tmp_path, NAME)
    assert all(fresh.read(9, last + 1).outcome is Outcome.DATA for _, _, last in lost if last < 3_500)


@settings(max_examples=MOST)
@given(data=st.data())
def test_any_damage_gives_true_frames_and_tells_the_rest(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("journal")
    frames, path = sealed(folder, [15] * 1_300)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content) - 1))
        end = min(len(content), start + data.draw(st.integers(1, 4_000)))
        content[start:end] = random.Random(start).randbytes(end - start)
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    path.write_bytes(content)
    found, lost = read_all(folder, 9, 20_000)
    told = {seq for _, first, last in lost for seq in range(first, last + 1)}
    seqs = [parse_frame(frame).seq for frame in found]
    assert found == [frames[seq - 1] for seq in seqs]
    assert not told & set(seqs)
    assert sorted(told | set(seqs)) == list(range(1, max([0, *told, *seqs]) + 1))


def test_a_reader_across_sealing(tmp_path):
    """One reads on while another seals and a third writes: nothing is missing, whatever the moment."""
    frames = frames_of(9, [300] * 2_000)
    writer = writer_in(tmp_path, 9, QuickDisk(), max_bytes=60_000)
    is_done = threading.Event()
    faults = []

    def seal_all():
        try:
            while not is_done.is_set():
                for name in sealable(tmp_path, NAME, QuickDisk(), LATER_NS):
                    seal(tmp_path, NAME, name, QuickDisk())
        except BaseException as fault:
            faults.append(fault)
            raise

    thread = threading.Thread(target=seal_all)
    thread.start()
    try:
        reader, late, found = JournalReader(tmp_path, NAME), JournalReader(tmp_path, NAME), []
        for start in range(0, 2_000, 50):
            writer.append(frames[start : start + 50])
            while (chunk := reader.read(9, len(found) + 1, 10_000)).outcome is Outcome.DATA:
                found += split(chunk.frames)
            assert found == frames[: start + 50], chunk
            seq = 1 + start // 2
            chunk = late.read(9, seq, 2_000)
            assert split(chunk.frames)[0] == frames[seq - 1]
    finally:
        is_done.set()
        thread.join()
    assert not faults
    names = [path.name for path in tmp_path.iterdir()]
    assert len([name for name in names if name.endswith(".zst")]) > 5
    assert read_all(tmp_path, 9, 10_000) == (frames, [])


def test_what_a_starting_publisher_looks_at_stays_plain(tmp_path):
    frames = frames_of(9, [100] * 60)
    write(tmp_path, 9, frames, batch=1, max_bytes=2_500)
    of_nine = segments_of(path.name for path in tmp_path.iterdir())
    disk = Disk()
    assert sealable(tmp_path, NAME, disk, LATER_NS) == of_nine[:-1]
    assert sealable(tmp_path, NAME, disk, Hands().now()) == []  # begun too recently
    write(tmp_path, 10, [])
    assert sealable(tmp_path, NAME, disk, LATER_NS) == of_nine[:-1]  # 10 is empty: 9 is where recovery looks
    write(tmp_path, 11, frames_of(11, [5]))
    assert sealable(tmp_path, NAME, disk, LATER_NS) == of_nine  # the empty one stays as it is
    for name in of_nine[:3]:
        seal(tmp_path, NAME, name, disk)
    assert sealable(tmp_path, NAME, disk, LATER_NS) == of_nine[3:]
    assert [name.epoch for name in all_segments(disk.names(tmp_path))] == [9] * len(of_nine) + [10, 11]
    assert sealable(tmp_path / "none", NAME, disk, LATER_NS) == []


@pytest.mark.parametrize("empty", [0, 1, 3])
@pytest.mark.parametrize("last", [1, 40])
def test_a_starting_publisher_finds_its_end_after_sealing_too(tmp_path, empty, last):
    write(tmp_path, 9, frames_of(9, [100] * 60), batch=1, max_bytes=2_500)
    write(tmp_path, 10, frames_of(10, [100] * last), batch=1, max_bytes=2_500)
    for number in range(empty):  # ended before the first record
        write(tmp_path, 11 + number, [])
    before = recover(tmp_path, NAME)
    assert (before.epoch, before.seq) == (10, last)
    for name in sealable(tmp_path, NAME, Disk(), LATER_NS):
        seal(tmp_path, NAME, name, Disk())
    assert recover(tmp_path, NAME) == before


class Crash(BaseException):
    """The process is gone."""


class MortalDisk(Disk):
    """Ends the process at one of its changing calls, after a part of it."""

    def __init__(self, ends_at, share):
        self.left, self.share = ends_at, share

    def _pass(self, call):
        self.left -= 1
        if self.left == 0 and self.share > 0.5:
            call()
        if self.left <= 0:
            raise Crash
        return call()

    def create(self, path):
        return self._pass(lambda: super(MortalDisk, self).create(path))

    def write(self, fd, data):
        self.left -= 1
        if self.left <= 0:
            super().write(fd, data[: int(len(data) * self.share)])
            raise Crash
        return super().write(fd, data)

    def sync(self, fd):
        self._pass(lambda: None)

    def sync_folder(self, path):
        self._pass(lambda: None)

    def rename(self, source, target):
        self._pass(lambda: super(MortalDisk, self).rename(source, target))

    def remove(self, path):
        if path.exists():
            self._pass(lambda: super(MortalDisk, self).remove(path))


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_a_crash_at_any_call_loses_nothing(tmp_path, share):
    frames = frames_of(9, [20] * 1_200)
    closed(tmp_path, frames)
    ends = 0
    for ends_at in range(1, 40):
        try:
            seal(tmp_path, NAME, FIRST, MortalDisk(ends_at, share))
        except (Crash, FileNotFoundError):
            ends += 1
            assert read_all(tmp_path, 9, 50_000) == (frames, []), ends_at
            continue
        break
    assert ends > 5
    tidy(tmp_path, Disk())
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {sealed_file(FIRST), SegmentName(10, 1).file}
    assert read_all(tmp_path, 9, 50_000) == (frames, [])


@pytest.mark.parametrize("call", ["create", "write", "sync"])
def test_a_disk_that_fails_changes_nothing(tmp_path, call):
    frames = frames_of(9, [20] * 2_500)
    closed(tmp_path, frames)
    before = sorted(path.name for path in tmp_path.iterdir())
    disk = FailingDisk()
    disk.broken.add(call)
    with pytest.raises(OSError, match=call):
        seal(tmp_path, NAME, FIRST, disk)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    with pytest.raises(OSError, match="no room"):
        seal(tmp_path, NAME, FIRST, FailingDisk(room=5_000))
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert read_all(tmp_path, 9) == (frames, [])


def test_a_disk_that_writes_something_else_is_caught(tmp_path):
    class Liar(Disk):
        def write(self, fd, data):
            return super().write(fd, bytes(len(data)) if len(data) > 5_000 else data)

    frames = frames_of(9, [20] * 2_500)
    closed(tmp_path, frames)
    with pytest.raises(SealFault, match="plain segment stays"):
        seal(tmp_path, NAME, FIRST, Liar())
    assert read_all(tmp_path, 9) == (frames, [])
    assert not (tmp_path / sealed_file(FIRST)).exists()


def test_a_newer_programs_file_is_told_and_left_alone(tmp_path):
    _, path = sealed(tmp_path, [20] * 50)
    content = bytearray(path.read_bytes())
    size = table_bytes(bytes(content[-8:]))
    table = content[-size:]
    table[11] = 2
    table[12:16] = zlib.crc32(table[16:-8], zlib.crc32(b"\x02")).to_bytes(4, "little")
    path.write_bytes(content[:-size] + table)
    with pytest.raises(JournalVersion, match="newer program"):
        JournalReader(tmp_path, NAME).read(9, 1)
    assert JournalReader(tmp_path, NAME).read(10, 1).outcome is Outcome.DATA


def test_age_stays_that_of_the_last_record(tmp_path):
    path = closed(tmp_path, frames_of(9, [20] * 50))
    os.utime(path, ns=(5 * 10**9, 7 * 10**9))
    seal(tmp_path, NAME, FIRST, Disk())
    assert (tmp_path / sealed_file(FIRST)).stat().st_mtime_ns == 7 * 10**9
