"""The newest whole memory of a publisher, and what it published behind it, from its own journal."""

import itertools

import pytest

from protocol.codec import encode_events
from protocol.journal.memory import newest_memory
from protocol.journal.writer import JournalWriter
from protocol.messages import Snap
from protocol.record import FrameWriter, RecordKind
from protocol.topics import mark_topic

NAME = "collector.v.1"


class Publisher:
    """Writes frames of one epoch into a journal with small segments."""

    def __init__(self, folder, epoch, max_bytes=4000):
        ticks = itertools.count()
        self.frames = FrameWriter(NAME, epoch)
        self.journal = JournalWriter(folder, NAME, epoch, lambda: 0, lambda: next(ticks), max_bytes=max_bytes)

    def data(self, count=1, size=100):
        for _ in range(count):
            self.journal.append([self.frames.build("trade.v.A_B", 513, bytes(size), 0)])

    def snap(self, data, name="fold", parts=1, only=None):
        step = -(-len(data) // parts)
        for part in range(parts):
            if only is None or part in only:
                piece = data[part * step : (part + 1) * step]
                message = Snap(NAME, name, piece, part, parts)
                payload = encode_events([message])
                self.journal.append(
                    [self.frames.build(mark_topic(NAME), Snap.SCHEMA, payload, 0, RecordKind.SNAP)]
                )


def read(folder, before=10**9, name="fold", **limits):
    return newest_memory(folder, NAME, name, before, **limits)


def test_nothing_is_remembered_where_nothing_was_written(tmp_path):
    assert read(tmp_path) is None
    Publisher(tmp_path, 7).data(3)
    assert read(tmp_path) is None


def test_the_newest_one_counts_and_what_came_behind_it_is_given(tmp_path):
    writer = Publisher(tmp_path, 7)
    writer.data(2)
    writer.snap(b"old")
    writer.data(3)
    writer.snap(b"new")
    writer.data(2)
    found = read(tmp_path)
    assert found.data == b"new"
    assert [frame.seq for frame in found.after] == [8, 9]


def test_it_lies_segments_and_epochs_back(tmp_path):
    first = Publisher(tmp_path, 7)
    first.snap(b"here")
    first.data(100)
    second = Publisher(tmp_path, 8)
    second.data(100)
    found = read(tmp_path)
    assert found.data == b"here"
    assert [frame.epoch for frame in found.after] == [7] * 100 + [8] * 100
    assert read(tmp_path, before=8).after[-1].epoch == 7
    assert read(tmp_path, max_bytes=10_000) is None


@pytest.mark.parametrize("size", [10, 9_000])
def test_a_long_one_lies_in_several_records_across_segments(tmp_path, size):
    writer = Publisher(tmp_path, 7)
    data = bytes(number % 251 for number in range(size))
    writer.snap(data, parts=4)
    writer.data(1)
    found = read(tmp_path)
    assert found.data == data
    assert len(found.after) == 1


def test_one_that_was_cut_short_does_not_count(tmp_path):
    writer = Publisher(tmp_path, 7)
    writer.snap(b"whole", parts=2)
    writer.data(1)
    writer.snap(b"half of it", parts=3, only=(0, 1))
    found = read(tmp_path)
    assert found.data == b"whole"
    assert [frame.kind for frame in found.after] == [RecordKind.DATA, RecordKind.SNAP, RecordKind.SNAP]


def test_another_name_is_another_memory(tmp_path):
    writer = Publisher(tmp_path, 7)
    writer.snap(b"mine")
    writer.snap(b"yours", name="other")
    assert read(tmp_path).data == b"mine"
    assert len(read(tmp_path).after) == 1
    assert read(tmp_path, name="other").data == b"yours"


def test_bytes_that_look_like_one_are_passed_over(tmp_path):
    writer = Publisher(tmp_path, 7)
    writer.snap(b"true")
    lure = mark_topic(NAME).encode() + b"\x00" + bytes(9) + bytes([RecordKind.SNAP]) + bytes(100)
    writer.journal.append([writer.frames.build("trade.v.A_B", 513, lure, 0)])
    assert read(tmp_path).data == b"true"
