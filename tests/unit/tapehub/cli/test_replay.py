import io

import pytest

from tapehub.capture import CaptureReader, CaptureWriter
from tapehub.cli.failures import Failure
from tapehub.cli.replay import between

S = 1_000_000_000
START_NS = 1_723_161_255 * S


def reader(*seconds: int) -> CaptureReader:
    stream = io.BytesIO()
    writer = CaptureWriter(stream, [], 0)
    for second in seconds:
        writer.add(START_NS + second * S, b"%d" % second)
    writer.finish(0)
    stream.seek(0)
    return CaptureReader(stream)


@pytest.mark.parametrize(
    ("start", "end", "kept"),
    [
        ("", "", [0, 1, 2, 3]),
        ("1s", "", [1, 2, 3]),
        ("", "2s", [0, 1]),
        ("1s", "3s", [1, 2]),
        ("2024-08-08T23:54:17Z", "", [2, 3]),
        ("2020-01-01", "", [0, 1, 2, 3]),
        ("1h", "", []),
        ("", "0s", []),
    ],
)
def test_a_stretch_begins_with_its_start_and_ends_before_its_end(
    start: str, end: str, kept: list[int]
) -> None:
    assert [int(frame.data) for frame in between(reader(0, 1, 2, 3), start, end)] == kept


def test_a_clock_that_went_back_does_not_end_the_replay() -> None:
    assert [int(frame.data) for frame in between(reader(0, 5, 3, 6), "4s", "")] == [5, 6]


def test_a_wrong_moment_is_a_usage_error() -> None:
    with pytest.raises(Failure, match="yesterday") as failure:
        list(between(reader(0), "yesterday", ""))

    assert failure.value.code == 2
