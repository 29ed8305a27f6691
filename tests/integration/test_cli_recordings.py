"""`record`, `replay` and `decode` as processes, against a publisher in the test."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import msgpack
import pytest

from tapehub.capture import CaptureReader, CaptureWriter, Recorded
from tests.support.bus_frames import NAME, frames
from tests.support.peers import Peers, Source, peers_of
from tests.support.process import clean_environment
from tests.support.tapehub_command import Command, run
from tests.support.wait import until


@pytest.fixture
def peers(run_dir: Path) -> Iterator[Peers]:
    with peers_of(run_dir) as found:
        yield found


@pytest.fixture
def source(peers: Peers) -> Source:
    return peers.source(NAME)


def at(source: Source) -> list[str]:
    return ["--endpoint", source.publisher.endpoint]


def test_recorded_frames_are_replayed_byte_for_byte(peers: Peers, source: Source, run_dir: Path) -> None:
    sent = frames(200)
    first, second = run_dir / "first.cap", run_dir / "second.cap"
    with Command("record", "trade", "-o", first, "-n", "200", *at(source), cwd=run_dir) as record:
        source.wait_for_subscription("trade")
        for frame in sent:
            source.publisher.send_raw(frame)
        assert record.finished().code == 0

    place = f"ipc://{run_dir}/replay"
    with (
        Command("replay", first, "--speed", "max", "--bind", place, cwd=run_dir) as replay,
        Command("record", "*", "-o", second, "-n", "200", "--endpoint", place, cwd=run_dir) as record,
    ):
        assert record.finished().code == 0
        replayed = replay.finished()

    assert replayed.code == 0
    assert "% 200 of 200 frames" in replayed.err
    assert [frame.data for frame in recorded(first)] == sent
    assert [frame.data for frame in recorded(second)] == sent


def recorded(path: Path) -> list[Recorded]:
    with path.open("rb") as file:
        reader = CaptureReader(file)
        found = list(reader.frames())
    assert reader.is_complete
    return found


def test_raw_output_of_a_tap_is_a_recording(source: Source, run_dir: Path) -> None:
    path = run_dir / "raw.cap"
    sent = frames(3)
    with path.open("wb") as file:
        command = [sys.executable, "-m", "tapehub", "tap", "trade", "-n", "3", "-o", "raw", *at(source)]
        with subprocess.Popen(command, stdout=file, env=clean_environment(), cwd=run_dir) as tap:
            source.wait_for_subscription("trade")
            for frame in sent:
                source.publisher.send_raw(frame)
            assert tap.wait(40) == 0

    assert [frame.data for frame in recorded(path)] == sent


def test_ctrl_c_completes_a_recording(source: Source, run_dir: Path) -> None:
    path = run_dir / "live.cap"
    with Command("record", "trade", "-o", path, *at(source), cwd=run_dir) as record:
        source.wait_for_subscription("trade")
        source.publisher.send_raw(frames(1)[0])
        part = run_dir / "live.cap.part"
        wait_for_frames(part, 1)
        assert not path.exists()
        result = record.interrupted()

    assert result.code == 130
    assert len(recorded(path)) == 1
    assert not part.exists()


def wait_for_frames(path: Path, count: int) -> None:
    """Wait until so many frames have reached the file."""

    def reached() -> bool:
        if not path.exists():
            return False
        with path.open("rb") as file:
            return len(list(msgpack.Unpacker(file, strict_map_key=False))) > count

    until(reached, 40.0, f"{count} frames in {path}")


def test_a_killed_recorder_leaves_its_whole_frames(source: Source, run_dir: Path) -> None:
    path = run_dir / "killed.cap"
    with Command("record", "trade", "-o", path, *at(source), cwd=run_dir) as record:
        source.wait_for_subscription("trade")
        for frame in frames(3):
            source.publisher.send_raw(frame)
        part = run_dir / "killed.cap.part"
        wait_for_frames(part, 3)
        record.kill()

    result = run("replay", part, "--bind", "-", cwd=run_dir)

    assert [row["trade_id"] for row in result.rows] == [1, 2, 3]
    assert "no trailer" in result.err


def test_an_existing_file_is_not_overwritten_unasked(source: Source, run_dir: Path) -> None:
    path = run_dir / "there.cap"
    path.write_bytes(b"precious")

    result = run("record", "trade", "-o", path, "--for", "100ms", *at(source), cwd=run_dir)

    assert result.code == 2
    assert "--force" in result.err
    assert path.read_bytes() == b"precious"


def test_replay_prints_the_asked_stretch(run_dir: Path) -> None:
    path = run_dir / "x.cap"
    with path.open("wb") as file:
        writer = CaptureWriter(file, ["trade"], 0)
        for index, frame in enumerate(frames(5)):
            writer.add(1_723_161_255_000_000_000 + index * 10**9, frame)
        writer.add(1_723_161_255_000_000_000 + 10**10, b"rubbish in a recording")
        writer.finish(0)

    stretch = run("replay", path, "--bind", "-", "--from", "1s", "--to", "2024-08-08T23:54:18Z", cwd=run_dir)
    rest = run("replay", path, "--bind", "-", "--from", "4s", cwd=run_dir)
    nothing = run("replay", path, "--bind", "-", "--from", "1h", cwd=run_dir)

    assert [row["trade_id"] for row in stretch.rows] == [2, 3]
    assert [row["trade_id"] for row in rest.rows] == [5]
    assert "not a frame" in rest.err
    assert (nothing.code, nothing.out) == (5, "")


@pytest.mark.parametrize("content", [b"", b"1723161255000000000 {}\n", b"\x80"])
def test_replay_refuses_what_is_no_recording(run_dir: Path, content: bytes) -> None:
    path = run_dir / "x.cap"
    path.write_bytes(content)

    result = run("replay", path, "--bind", "-", cwd=run_dir)

    assert result.code == 1
    assert "not a tapehub recording" in result.err


def test_replay_does_not_take_the_place_of_a_running_publisher(source: Source, run_dir: Path) -> None:
    path = run_dir / "x.cap"
    run("record", "nothing", "-o", path, "--for", "50ms", *at(source), cwd=run_dir)

    result = run("replay", path, "--bind", source.publisher.endpoint, "--no-wait", cwd=run_dir)

    assert result.code == 2
    assert "in use" in result.err


USDM = "binance/hft_usdm_btcusdt_20240808.gz"


@pytest.mark.recording
def test_the_summary_of_a_recording_is_the_truth_about_it(
    run_dir: Path, recording: Callable[[str], Path]
) -> None:
    path = recording(USDM)
    truth = json.loads((path.parents[1] / "truth" / "exchange_captures.json").read_text())[USDM]

    result = run("decode", "binance", path, "--summary", cwd=run_dir, deadline_s=60)

    (symbol,) = result.document["symbols"].values()
    (wanted,) = truth["symbols"].values()
    assert symbol["trades"]["n"] == wanted["trades"]["n"]
    assert symbol["trades"]["volume"] == pytest.approx(float(wanted["trades"]["volume"]))
    assert symbol["bookTicker"] == truth["by_kind"]["bookTicker -> bookTicker"]
    assert result.document["frames"] == sum(truth["by_kind"].values())
    assert result.document["rejects"] == {}


@pytest.mark.recording
def test_decoded_messages_are_lines_and_the_summary_stands_on_stderr(
    run_dir: Path, recording: Callable[[str], Path]
) -> None:
    words = ["decode", "binance", recording(USDM), "--kind", "trade,gap", "-n", "5"]

    result = run(*words, cwd=run_dir)

    assert [row["type"] for row in result.rows] == ["trade"] * 5
    assert all(later["trade_id"] == row["trade_id"] + 1 for row, later in pairwise(result.rows))
    assert json.loads(result.err.splitlines()[-1])["by_kind"]["trade"] == 5


def test_decode_reads_our_own_recordings(source: Source, run_dir: Path) -> None:
    path = run_dir / "own.cap"
    sent = frames(4)
    with path.open("wb") as file:
        writer = CaptureWriter(file, ["trade"], 0)
        for frame in (sent[0], sent[3], b"rubbish"):
            writer.add(5, frame)
        writer.finish(6)

    rows = run("decode", "any", path, cwd=run_dir).rows
    summary = run("decode", "any", path, "--summary", cwd=run_dir).document

    assert [row["trade_id"] for row in rows] == [1, 4]
    assert (summary["frames"], summary["gaps"], summary["frames_missing"]) == (3, 1, 2)
    assert summary["rejects"] == {"TruncatedFrame": 1}
    assert summary["symbols"] == {"BTC_USDT": {"trade": 2}}


@pytest.mark.parametrize(
    ("content", "venue", "code", "says"),
    [
        (None, "binance", 1, "No such file"),
        (b"no recording at all\n", "binance", 1, "holds no message of binance"),
        (gzip.compress(b"{}" * 1000, mtime=0)[:-9], "binance", 1, "cannot read on"),
        (b"", "binance", 1, "0 frames"),
        (b"{}", "nyse", 2, "nyse"),
    ],
)
def test_decode_says_what_it_cannot_read(
    run_dir: Path, content: bytes | None, venue: str, code: int, says: str
) -> None:
    path = run_dir / "x"
    if content is not None:
        path.write_bytes(content)

    result = run("decode", venue, path, cwd=run_dir)

    assert (result.code, says in result.err, "Traceback" in result.err) == (code, True, False)
