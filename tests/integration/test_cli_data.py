"""The commands that hear the bus, as processes, against a publisher in the test."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgpack
import pytest

from protocol.messages import Quote, Trade
from protocol.record import FrameWriter
from tests.support.bus_frames import NAME, TOPIC, frames, trade
from tests.support.peers import Peers, Source, peers_of
from tests.support.process import clean_environment
from tests.support.tapehub_command import Command, run


@pytest.fixture
def peers(run_dir: Path) -> Iterator[Peers]:
    with peers_of(run_dir) as found:
        yield found


@pytest.fixture
def source(peers: Peers) -> Source:
    return peers.source(NAME)


def at(source: Source) -> list[str]:
    return ["--endpoint", source.publisher.endpoint]


def test_tap_ends_after_n_messages_and_sums_up_on_stderr(source: Source, run_dir: Path) -> None:
    with Command("tap", "trade", "-n", "3", "--json", *at(source), cwd=run_dir) as tap:
        source.wait_for_subscription("trade")
        for index in range(5):
            source.send(TOPIC, trade(index + 1))
        result = tap.finished()

    assert result.code == 0
    assert [row["trade_id"] for row in result.rows] == [1, 2, 3]
    assert {row["topic"] for row in result.rows} == {TOPIC}
    assert "% 3 messages, 0 gaps" in result.err


def test_tap_prints_a_table_with_one_header(source: Source, run_dir: Path) -> None:
    with Command("tap", "trade.binance.*", "-n", "2", *at(source), cwd=run_dir) as tap:
        source.wait_for_subscription("trade.binance.")
        source.send(TOPIC, trade(1), trade(2))
        result = tap.finished()

    header, *lines = result.out.splitlines()
    assert header.split()[:5] == ["TIME", "SYMBOL", "VENUE", "SIDE", "PRICE"]
    assert [line.split()[4] for line in lines] == ["101", "102"]


def test_tap_filters_and_fills_in_a_template(source: Source, run_dir: Path) -> None:
    words = ["tap", "trade", "-n", "2", "--filter", "side=sell", "-f", "{symbol} {trade_id}", *at(source)]
    with Command(*words, cwd=run_dir) as tap:
        source.wait_for_subscription("trade")
        for index in range(6):
            source.send(TOPIC, trade(index + 1))
        result = tap.finished()

    assert result.out == "BTC_USDT 2\nBTC_USDT 4\n"


def test_an_exact_topic_leaves_out_longer_names(source: Source, run_dir: Path) -> None:
    with Command("tap", TOPIC + "$", "-n", "1", "--json", *at(source), cwd=run_dir) as tap:
        source.wait_for_subscription(TOPIC + "\x00")
        source.send(TOPIC + ".PERP", trade(1))
        source.send(TOPIC, trade(2))
        result = tap.finished()

    assert [row["topic"] for row in result.rows] == [TOPIC]


def test_missing_frames_are_told_and_counted(source: Source, run_dir: Path) -> None:
    with Command("tap", "trade", "-n", "3", "--json", *at(source), cwd=run_dir) as tap:
        source.wait_for_subscription("trade")
        for index, frame in enumerate(frames(5)):
            if index not in (1, 2):
                source.publisher.send_raw(frame)
        result = tap.finished()

    assert f"% gap: 2 frames missing before {TOPIC} 4 of {NAME}" in result.err
    assert "% 3 messages, 1 gaps (2 frames missing)" in result.err
    assert result.code == 0


def test_rubbish_is_counted_and_does_not_stop_the_tap(source: Source, run_dir: Path) -> None:
    good = frames(2)
    damaged = bytearray(good[0])
    damaged[-1] ^= 1
    wrong_payload = FrameWriter("x", 1).build("trade.x.Y", Trade.SCHEMA, msgpack.packb([["short"]]), 1)
    with Command("tap", "*", "-n", "2", "--json", *at(source), cwd=run_dir) as tap:
        source.wait_for_subscription("")
        for data in (good[0], b"rubbish", b"", b"\x00" * 500, bytes(damaged), wrong_payload, good[1]):
            source.publisher.send_raw(data)
        result = tap.finished()

    assert [row["trade_id"] for row in result.rows] == [1, 2]
    assert "5 bad frames" in result.err


def test_a_type_of_the_future_is_shown_generically(source: Source, run_dir: Path) -> None:
    payload = msgpack.packb([["BTC_USDT", 1.5, {"deep": [1, b"\x01"]}]])
    frame = FrameWriter("future.1", 1).build("depth9.binance.BTC_USDT", 77 << 8 | 1, payload, time.time_ns())
    with Command("tap", "depth9", "-n", "1", "--json", *at(source), cwd=run_dir) as tap:
        source.wait_for_subscription("depth9")
        source.publisher.send_raw(frame)
        result = tap.finished()

    (row,) = result.rows
    assert (row["type"], row["publisher"]) == ("schema-77", "future.1")
    assert row["values"] == ["BTC_USDT", 1.5, {"deep": [1, "01"]}]


def test_tap_ends_on_time_though_nothing_comes(source: Source, run_dir: Path) -> None:
    result = run("tap", "trade", "--for", "300ms", *at(source), cwd=run_dir)

    assert result.code == 5
    assert "nothing came within 0.3 s" in result.err
    assert result.out == ""


def test_nobody_to_hear_is_unreachable(run_dir: Path) -> None:
    result = run("tap", "trade", "--for", "100ms", "--endpoint", f"ipc://{run_dir}/nobody", cwd=run_dir)

    assert result.code == 4
    assert "tapehub up" in result.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["tap", "trade", "--filter", "price>cheap"], "not a number"),
        (["tap", "trade", "-o", "xml"], "xml"),
        (["tap", "trade", "-o", "raw", "--filter", "price>1"], "--filter"),
        (["tap", "trade", "quote", "-o", "csv"], "--fields"),
        (["tap", "trade", "-f", "{price.__class__}"], "template"),
        (["tap", "trade", "--for", "soon"], "soon"),
        (["tap", "trade", "--endpoint", "nowhere"], "nowhere"),
        (["tap", "trade", "--endpoint", "tcp://127.0.0.1:99999"], "99999"),
        (["tap"], "TOPIC"),
        (["replay", "x.cap", "--speed", "fast"], "fast"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(run_dir: Path, words: list[str], says: str) -> None:
    result = run(*words, cwd=run_dir)

    assert result.code == 2
    assert says in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_prints_the_summary_and_exits_130(
    source: Source, run_dir: Path, number: signal.Signals
) -> None:
    with Command("tap", "trade", "--json", *at(source), cwd=run_dir) as tap:
        source.wait_for_subscription("trade")
        source.send(TOPIC, trade(1))
        tap.wait_for_text('"trade_id":1')
        tap.send(number)
        result = tap.finished()

    assert result.code == 130
    assert "% 1 messages, 0 gaps" in result.err
    assert "Traceback" not in result.err


def test_a_closed_pipe_ends_the_tap_quietly(source: Source, run_dir: Path) -> None:
    command = [sys.executable, "-m", "tapehub", "tap", "trade", "--json", *at(source)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(), cwd=run_dir
    ) as tap:
        assert tap.stdout is not None
        assert tap.stderr is not None
        source.wait_for_subscription("trade")
        source.send(TOPIC, trade(1))
        tap.stdout.readline()
        tap.stdout.close()
        end_s = time.monotonic() + 20
        while tap.poll() is None:
            assert time.monotonic() < end_s, "the tap goes on though nobody reads"
            source.send(TOPIC, trade(2))
        assert tap.returncode == 0
        assert b"Traceback" not in tap.stderr.read()


def test_rates_and_topics_tell_what_flows(source: Source, run_dir: Path) -> None:
    quote = Quote("ETH_USDT", "binance", 1, 1, 1.0, 2.0, 1.0, 1.0)
    with Command("topics", "--for", "1s", "--json", *at(source), cwd=run_dir) as topics:
        source.wait_for_subscription("")
        for index in range(10):
            source.send(TOPIC, trade(index + 1))
        source.send("quote.binance.ETH_USDT", quote)
        rows = topics.finished().document

    assert [row["topic"] for row in rows] == ["quote.binance.ETH_USDT", TOPIC]
    assert [row["per_s"] for row in rows] == [1.0, 10.0]
    assert rows[1]["last_seq"] == 10
    assert rows[1]["bytes_per_s"] > 1000


def test_latency_splits_the_way_into_hops(source: Source, run_dir: Path) -> None:
    with Command("latency", "--for", "1s", "--json", *at(source), cwd=run_dir) as latency:
        source.wait_for_subscription("trade.")
        late = time.time_ns()
        source.send(TOPIC, Trade("BTC_USDT", "binance", late + 10**9, late, 1.0, 1.0, 1, 1))
        rows = latency.finished().document

    by_hop = {row["hop"]: row for row in rows}
    assert by_hop["venue"]["p50_ms"] == -1000.0
    assert by_hop["collect"]["p50_ms"] >= 0
    assert by_hop["bus"]["count"] == 1
