"""A reader gets every whole record once, in order, and is told exactly which ones it cannot have."""

import random
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.journal.index import pack_index, read_index
from protocol.journal.reader import JournalReader, Outcome
from protocol.journal.recovery import recover
from protocol.journal.segment import SEGMENT_HEADER_BYTES, SegmentName, segments_of
from tests.unit.protocol.journal.rig import (
    NAME,
    frames_of,
    read_all,
    split,
    write,
    writer_in,
)


def sealed(folder, count=3_000, size=20):
    """One sealed segment of epoch 9, with an index, and a later epoch behind it."""
    frames = frames_of(9, [size] * count)
    write(folder, 9, frames, batch=100)
    recover(folder, NAME)
    write(folder, 10, frames_of(10, [1]))
    return frames, folder / SegmentName(9, 1).file


def offset_of(frames, seq):
    return SEGMENT_HEADER_BYTES + sum(map(len, frames[: seq - 1]))


def flip(path, at, bits=1):
    content = bytearray(path.read_bytes())
    content[at] ^= bits
    path.write_bytes(content)


def test_a_record_is_there_once_it_is_whole(tmp_path):
    frames = frames_of(9, [50] * 3)
    path = tmp_path / SegmentName(9, 1).file
    write(tmp_path, 9, frames[:1])
    reader = JournalReader(tmp_path, NAME)
    assert split(reader.read(9, 1).frames) == frames[:1]
    with path.open("ab") as segment:
        for at in range(len(frames[1])):
            assert reader.read(9, 2).outcome is Outcome.END, at
            segment.write(frames[1][at : at + 1])
            segment.flush()
    chunk = reader.read(9, 2)
    assert chunk == (Outcome.DATA, 2, 2, frames[1])


@pytest.mark.parametrize("seed", range(3))
def test_reading_while_a_writer_appends(tmp_path, seed):
    dice = random.Random(seed)
    frames = frames_of(9, [dice.randrange(600) for _ in range(4_000)])
    writer = writer_in(tmp_path, 9, max_bytes=60_000)

    def write_all():
        at = 0
        while at < len(frames):
            step = dice.randrange(1, 60)
            writer.append(frames[at : at + step])
            at += step
        writer.close()

    thread = threading.Thread(target=write_all)
    thread.start()
    reader, found, is_last = JournalReader(tmp_path, NAME), [], False
    while True:
        chunk = reader.read(9, len(found) + 1, 10_000)
        assert chunk.outcome in (Outcome.DATA, Outcome.END)
        if chunk.outcome is Outcome.DATA:
            found += split(chunk.frames)
        elif is_last:
            break
        else:
            is_last = not thread.is_alive()  # what it wrote last may have come after this look
    thread.join()
    assert found == frames
    assert len(segments_of(entry.name for entry in tmp_path.iterdir())) > 5


def test_start_anywhere(tmp_path):
    frames, _ = sealed(tmp_path)
    for seq in (1, 2, 999, 1000, 1001, 1002, 2500, 3000):
        chunk = JournalReader(tmp_path, NAME).read(9, seq, 5_000)
        assert chunk.outcome is Outcome.DATA
        assert (chunk.first, chunk.last) == (seq, seq + len(split(chunk.frames)) - 1)
        assert split(chunk.frames) == frames[seq - 1 : chunk.last]
        assert len(chunk.frames) <= 5_000
    assert JournalReader(tmp_path, NAME).read(9, 3001) == (Outcome.END, 3001, 3000, b"")
    with pytest.raises(ValueError, match="count from 1"):
        JournalReader(tmp_path, NAME).read(9, 0)


@pytest.mark.parametrize("index", ["whole", "missing", "damaged", "lying"])
def test_an_index_only_saves_a_walk(tmp_path, index):
    frames, path = sealed(tmp_path)
    marks = path.with_suffix(".idx")
    if index == "missing":
        marks.unlink()
    elif index == "damaged":
        flip(marks, 30)
    elif index == "lying":
        pairs = read_index(marks.read_bytes())
        marks.write_bytes(pack_index([(seq, offset + 7) for seq, offset in pairs[:-1]], pairs[-1]))
    assert read_all(tmp_path, 9, 8_000) == (frames, [])
    assert JournalReader(tmp_path, NAME).read(9, 2_345).first == 2_345


@pytest.mark.parametrize("at", ["length", "crc", "seq", "payload", "topic", "zero", "publisher"])
@pytest.mark.parametrize("seq", [1, 2, 1000, 1001, 2999, 3000])
def test_bit_rot_costs_that_record_only(tmp_path, at, seq):
    frames, path = sealed(tmp_path)
    head = frames[seq - 1].index(0) + 1
    shift = {"topic": -5, "zero": -1, "length": 2, "crc": 5, "publisher": 20, "seq": 57, "payload": 85}[at]
    flip(path, offset_of(frames, seq) + head + shift, 0x10)

    found, lost = read_all(tmp_path, 9, 30_000)
    assert found == frames[: seq - 1] + frames[seq:]
    assert lost == [("corrupt", seq, seq)]
    fresh = JournalReader(tmp_path, NAME)
    if seq < len(frames):
        assert fresh.read(9, seq + 1).first == seq + 1
        assert fresh.read(9, 2_990).outcome is Outcome.DATA
    assert JournalReader(tmp_path, NAME).read(9, seq) == (Outcome.CORRUPT, seq, seq, b"")


@settings(max_examples=60)
@given(
    holes=st.lists(st.tuples(st.integers(0, 40_000), st.integers(1, 3_000)), max_size=4),
    fill=st.sampled_from(["zero", "noise"]),
    has_index=st.booleans(),
)
def test_any_damage_is_told_to_the_record(tmp_path_factory, holes, fill, has_index):
    folder = tmp_path_factory.mktemp("journal")
    frames, path = sealed(folder, count=250, size=40)
    content = bytearray(path.read_bytes())
    dice = random.Random(len(content) + len(holes))
    for start, length in holes:
        end = min(len(content), start + length)
        if start < end:
            content[start:end] = bytes(end - start) if fill == "zero" else dice.randbytes(end - start)
    path.write_bytes(content)
    if not has_index:
        path.with_suffix(".idx").unlink()

    offsets = [offset_of(frames, seq) for seq in range(1, 251)]
    whole = [
        frame for frame, at in zip(frames, offsets, strict=True) if content[at : at + len(frame)] == frame
    ]
    found, lost = read_all(folder, 9, 6_000)
    assert found == whole
    told = {seq for _, first, last in lost for seq in range(first, last + 1)}
    missing = {seq for seq, frame in enumerate(frames, 1) if frame not in set(whole)}
    if has_index or 250 not in missing:
        assert told == missing
    else:  # nothing is left that says how far this epoch went
        assert told <= missing


def test_a_segment_that_went_missing_in_the_middle(tmp_path):
    frames = frames_of(9, [100] * 60)
    write(tmp_path, 9, frames, batch=1, max_bytes=2_500)
    names = segments_of(entry.name for entry in tmp_path.iterdir())
    (tmp_path / names[2].file).unlink()

    first, last = names[2].first_seq, names[3].first_seq - 1
    found, lost = read_all(tmp_path, 9)
    assert lost == [("corrupt", first, last)]
    assert found == frames[: first - 1] + frames[last:]


def test_what_was_deleted_has_expired(tmp_path):
    frames = frames_of(9, [100] * 60)
    write(tmp_path, 9, frames, batch=1, max_bytes=2_500)
    write(tmp_path, 12, frames_of(12, [1]))
    reader = JournalReader(tmp_path, NAME)
    assert reader.read(9, 1, 500).outcome is Outcome.DATA  # and remembers the place
    place = reader.read(9, 1, 500).last + 1

    names = [name for name in segments_of(e.name for e in tmp_path.iterdir()) if name.epoch == 9]
    for name in names[:2]:
        (tmp_path / name.file).unlink()
    available = names[2].first_seq
    assert reader.read(9, place) == (Outcome.EXPIRED, place, available - 1, b"")
    assert split(reader.read(9, available, 10**6).frames)[0] == frames[available - 1]

    for name in names[2:]:
        (tmp_path / name.file).unlink()
    assert reader.read(9, available)[:3] == (Outcome.EXPIRED, available, 0)
    assert reader.read(11, 1).outcome is Outcome.EXPIRED
    assert reader.read(13, 1).outcome is Outcome.UNKNOWN
    assert JournalReader(tmp_path / "none", NAME).read(1, 1).outcome is Outcome.UNKNOWN


def test_damage_in_the_segment_being_written_is_not_waited_for(tmp_path):
    frames = frames_of(9, [100] * 10)
    write(tmp_path, 9, frames)
    flip(tmp_path / SegmentName(9, 1).file, offset_of(frames, 4) + 110)
    assert read_all(tmp_path, 9) == (frames[:3] + frames[4:], [("corrupt", 4, 4)])


def test_a_frame_longer_than_the_chunk_comes_alone(tmp_path):
    frames = frames_of(9, [10, 2_000_000, 10])
    write(tmp_path, 9, frames)
    assert read_all(tmp_path, 9, 1_000) == (frames, [])
    assert JournalReader(tmp_path, NAME).read(9, 3, 1_000).frames == frames[2]
