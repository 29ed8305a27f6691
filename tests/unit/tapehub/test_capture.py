import io

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapehub.capture import MAGIC_BYTES, CaptureError, CaptureReader, CaptureWriter, Recorded, is_capture

FRAMES = st.lists(
    st.tuples(st.integers(min_value=0, max_value=2**63 - 1), st.binary(max_size=200)), max_size=20
)


def recording(frames: list[tuple[int, bytes]], *, finish: bool = True) -> bytes:
    stream = io.BytesIO()
    writer = CaptureWriter(stream, ["trade"], 5)
    for ts_ns, data in frames:
        writer.add(ts_ns, data)
    if finish:
        writer.finish(9)
    return stream.getvalue()


@given(FRAMES)
def test_what_is_read_is_what_was_written(frames: list[tuple[int, bytes]]) -> None:
    reader = CaptureReader(io.BytesIO(recording(frames)))

    assert list(reader.frames()) == [Recorded(*frame) for frame in frames]
    assert reader.is_complete
    assert reader.header["topics"] == ["trade"]
    assert reader.count == len(frames)


def test_a_plain_unpacker_reads_it() -> None:
    objects = list(msgpack.Unpacker(io.BytesIO(recording([(7, b"abc")]))))

    assert objects == [
        {"format": "tapehub-capture", "version": 1, "ts_ns": 5, "topics": ["trade"]},
        [7, b"abc"],
        {"end": True, "frames": 1, "ts_ns": 9},
    ]


@given(FRAMES.filter(bool), st.data())
def test_a_torn_recording_gives_its_whole_frames(
    frames: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    whole = recording(frames, finish=False)
    start = len(recording([], finish=False))
    cut = data.draw(st.integers(min_value=start, max_value=len(whole) - 1))

    reader = CaptureReader(io.BytesIO(whole[:cut]))
    read = list(reader.frames())

    assert read == [Recorded(*frame) for frame in frames][: len(read)]
    assert len(read) < len(frames)
    assert not reader.is_complete


@pytest.mark.parametrize(
    "content",
    [b"", b"\xc1", b"{}", msgpack.packb({"format": "other"}), msgpack.packb([1, 2]), b"\x1f\x8b\x08 gzip"],
)
def test_a_stranger_is_refused(content: bytes) -> None:
    with pytest.raises(CaptureError, match="not a tapehub recording"):
        CaptureReader(io.BytesIO(content), "x.cap")


def test_a_newer_version_is_refused_by_number() -> None:
    newer = msgpack.packb({"format": "tapehub-capture", "version": 2})

    with pytest.raises(CaptureError, match="version 2"):
        CaptureReader(io.BytesIO(newer))


@pytest.mark.parametrize(
    "damage",
    [b"\xc1", msgpack.packb([1]), msgpack.packb(7), msgpack.packb({"x": 1}), msgpack.packb(["a", b""])],
)
def test_damage_in_the_middle_names_the_byte(damage: bytes) -> None:
    good = recording([(1, b"a")], finish=False)
    reader = CaptureReader(io.BytesIO(good + damage + msgpack.packb([2, b"b"])), "x.cap")
    frames = reader.frames()

    assert next(frames) == (1, b"a")
    with pytest.raises(CaptureError, match=f"x.cap: damaged at byte {len(good)}, after 1 good frames"):
        next(frames)


def test_a_trailer_that_counts_otherwise_is_damage() -> None:
    content = recording([(1, b"a")], finish=False) + msgpack.packb({"end": True, "frames": 2})

    with pytest.raises(CaptureError, match="promises 2 frames"):
        list(CaptureReader(io.BytesIO(content)).frames())


def test_the_first_bytes_tell_a_recording_from_other_files() -> None:
    assert is_capture(recording([])[:MAGIC_BYTES])
    assert not is_capture(b'1723161255 {"stream":"x"}'[:MAGIC_BYTES])
    assert not is_capture(b"")
