"""The life of an actor, with real processes, sockets and signals."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from protocol.codec import decode_events
from protocol.errors import HubTimeout
from protocol.messages import Trade
from protocol.record import Frame, RecordKind, parse_frame
from protocol.requests import Reply
from tests.support.config import write_config
from tests.support.peers import Ear, Peers, peers_of
from tests.support.process import Program


def probe(config: Path, name: str = "probe.1") -> Program:
    command = [sys.executable, "-m", "tests.support.probe", "--name", name, "--config", str(config)]
    return Program(command, title=name)


def until_stopped(ear: Ear) -> list[Frame]:
    """Every frame up to the heartbeat that says good-bye."""
    frames = []
    for frame in ear.frames():
        frames.append(frame)
        if frame.kind == RecordKind.HEARTBEAT and decode_events(frame)[0].state == "STOPPED":
            break
    return frames


def data_of(reply: Reply) -> Any:
    return msgspec.msgpack.decode(reply.data)


def trade(price: float = 10.0, trade_id: int = 1) -> Trade:
    return Trade("A_B", "v", 1, 2, price, 1.0, 1, trade_id)


@pytest.fixture
def peers(run_dir: Path) -> Iterator[Peers]:
    with peers_of(run_dir) as found:
        yield found


def config_of(run_dir: Path, **probe_settings: object) -> Path:
    return write_config(run_dir, {"probe.1": probe_settings, "source.1": {}}, {}, heartbeat_s=0.05)


def test_a_term_signal_drains_and_ends_cleanly(run_dir, peers):
    ear = peers.ear("probe.1")
    with probe(config_of(run_dir)) as process:
        running = ear.beat("RUNNING")
        assert process.stop() == 0
        frames = until_stopped(ear)
        assert "drained" in process.stderr_text

    states = [decode_events(frame)[0].state for frame in frames if frame.kind == RecordKind.HEARTBEAT]
    assert states[-2:] == ["DRAINING", "STOPPED"]
    last = [frame for frame in frames if frame.kind != RecordKind.HEARTBEAT][-1]
    assert last.kind == RecordKind.CLEAN_STOP
    assert last.epoch == running.epoch
    assert decode_events(last)[0].last_seq == last.seq


def test_what_had_arrived_before_the_signal_is_processed(run_dir, peers):
    source, ear = peers.source(), peers.ear("probe.1")
    with probe(config_of(run_dir)) as process:
        ear.beat("RUNNING")
        source.wait_for_subscription("trade.")
        peers.ask("probe.1", "ping")
        for number in range(2000):
            source.send("trade.v.A_B", trade(trade_id=number))
        ear.events("trade.echo.", 1000)  # so far behind what was sent, all of that has arrived
        process.stop()
        echoed = [
            decode_events(frame)[0].trade_id
            for frame in until_stopped(ear)
            if frame.topic.startswith("trade.echo.")
        ]

    assert echoed == list(range(1000, 2000))


def test_a_second_signal_ends_at_once(run_dir, peers):
    ear = peers.ear("probe.1")
    with probe(config_of(run_dir, drain_wait_s=60)) as process:
        ear.beat("RUNNING")
        process.send(signal.SIGTERM)
        ear.beat("DRAINING")
        process.send(signal.SIGTERM)
        assert process.wait(40) == -signal.SIGTERM


def test_our_own_bug_ends_the_process_with_1(run_dir, peers):
    source, ear = peers.source(), peers.ear("probe.1")
    with probe(config_of(run_dir)) as process:
        ear.beat("RUNNING")
        source.wait_for_subscription("trade.")
        source.send("trade.v.A_B", trade(price=13.0))
        assert process.wait() == 1
        assert "ZeroDivisionError" in process.stderr_text


def test_rubbish_from_a_peer_is_counted_and_the_next_message_handled(run_dir, peers):
    source, ear = peers.source(), peers.ear("probe.1")
    with probe(config_of(run_dir)) as process:
        ear.beat("RUNNING")
        source.wait_for_subscription("trade.")
        for rubbish in (b"trade.", b"trade.v.A_B\x00short", b"trade.v.A_B\x00" + b"\x01" * 200):
            source.publisher.send_raw(rubbish)
        wrong = source.publisher._writer.build("trade.v.A_B", Trade.SCHEMA, b"\x92\x01\x02", 0)
        source.publisher.send_raw(wrong)
        source.send("trade.v.A_B", trade(trade_id=5))
        assert ear.events("trade.echo.", 1)[0].trade_id == 5
        status = peers.ask("probe.1", "status")
        assert process.is_alive

    assert data_of(status)["dropped"] == {"bad_frame": 4}


def test_a_hole_in_the_chain_is_counted(run_dir, peers):
    source, ear = peers.source(), peers.ear("probe.1")
    with probe(config_of(run_dir)):
        ear.beat("RUNNING")
        source.wait_for_subscription("trade.")
        source.send("trade.v.A_B", trade(trade_id=1))
        for _ in range(3):
            source.publisher._writer.build("trade.v.A_B", Trade.SCHEMA, b"\x90", 0)  # numbered, never sent
        source.send("trade.v.A_B", trade(trade_id=2))
        assert [event.trade_id for event in ear.events("trade.echo.", 2)] == [1, 2]
        beat = ear.until(lambda beat: beat.detail and beat.detail["bus"]["gaps"], "beat.")

    bus = beat.detail["bus"]
    assert (bus["missing"], bus["gaps"], bus["duplicates"], bus["fenced"]) == (3, 1, 0, 0)


def test_a_hung_handler_stops_the_heartbeat(run_dir, peers):
    ear = peers.ear("probe.1")
    with probe(config_of(run_dir)) as process:
        ear.beat("RUNNING")
        with pytest.raises(HubTimeout):
            peers.ask("probe.1", "hang", timeout_s=0.3, args={"seconds": 60})
        ear.waiting()
        with pytest.raises(AssertionError, match="nothing that fits"):
            ear.beat("RUNNING", deadline_s=0.5)
        assert process.is_alive


def test_usr1_prints_all_stacks_and_life_goes_on(run_dir, peers):
    ear = peers.ear("probe.1")
    with probe(config_of(run_dir)) as process:
        ear.beat("RUNNING")
        process.send(signal.SIGUSR1)
        process.wait_for_text("most recent call first")
        assert peers.ask("probe.1", "ping").ok


def test_bad_configuration_exits_78_and_names_every_mistake(run_dir):
    config = write_config(run_dir, {"probe.1": {"drain_wait": 1}}, {}, heartbeat_s="often", log_leval="info")
    with probe(config) as process:
        assert process.wait() == 78
        for word in ("heartbeat_s", "log_leval", "did you mean"):
            assert word in process.stderr_text


def test_a_name_outside_the_configuration_exits_78(run_dir):
    with probe(config_of(run_dir), name="probe.9") as process:
        assert process.wait() == 78
        assert "probe.9" in process.stderr_text


def test_a_second_process_of_a_name_exits_75_and_the_first_lives_on(run_dir, peers):
    ear = peers.ear("probe.1")
    config = config_of(run_dir)
    with probe(config) as first:
        ear.beat("RUNNING")
        with probe(config) as second:
            assert second.wait() == 75
            assert f"process {first.pid}" in second.stderr_text
        assert peers.ask("probe.1", "ping").ok


def test_an_address_that_cannot_be_had_exits_69(run_dir, peers):
    Path(peers.endpoints.pub("probe.1").removeprefix("ipc://")).mkdir()
    with probe(config_of(run_dir)) as process:
        assert process.wait() == 69
        assert "cannot bind" in process.stderr_text


def test_a_kill_frees_the_name_and_the_epoch_grows(run_dir, peers):
    ear = peers.ear("probe.1")
    config = config_of(run_dir)
    with probe(config) as first:
        before = ear.beat("RUNNING")
        first.kill()
    with probe(config):
        after = ear.until(lambda beat: beat.epoch > before.epoch, "beat.")

    assert after.prev_epoch == before.epoch


def test_control_answers_and_refuses_clearly(run_dir, peers):
    ear = peers.ear("probe.1")
    with probe(config_of(run_dir)):
        ear.beat("RUNNING")
        assert peers.ask("probe.1", "ping").publisher == "probe.1"
        refused = peers.ask("probe.1", "refuse", symbol="A_B")
        unknown = peers.ask("probe.1", "dance")
        level = peers.ask("probe.1", "log_level", args={"level": "loud"})
        peers.ask("probe.1", "work", args={"value": 21})
        ear.until(lambda beat: beat.detail and beat.detail["answers"], "beat.")
        assert data_of(peers.ask("probe.1", "answers")) == ["42"]

    assert (refused.ok, refused.code, refused.details) == (False, "no_data", {"symbol": "A_B"})
    assert (unknown.code, "dance" in unknown.message) == ("invalid_request", True)
    assert (level.code, "debug" in level.message) == ("invalid_request", True)


def test_a_late_joiner_gets_the_last_frame_of_each_topic(run_dir, peers):
    source, ear = peers.source(), peers.ear("probe.1")
    with probe(config_of(run_dir)):
        ear.beat("RUNNING")
        source.wait_for_subscription("trade.")
        for number in (1, 2):
            source.send("trade.v.A_B", trade(trade_id=number))
        ear.events("trade.echo.", 2)
        frames = data_of(peers.ask("probe.1", "last", topic="trade."))

    assert [decode_events(parse_frame(frame))[0].trade_id for frame in frames] == [2]
