"""The fuzzer of sockets notices what it is there for, does the same again, and finds nothing in a small run."""

import time
from random import Random

import msgspec
import pytest

from protocol.record import parse_frame
from scripts import fuzz_sockets
from scripts.fuzz_sockets import report, shares, written
from scripts.socket_fuzz import driver, watching
from scripts.socket_fuzz.driver import Driver
from scripts.socket_fuzz.frames import FrameMutator, Head, sealed
from scripts.socket_fuzz.register import NAMES, target_of
from scripts.socket_fuzz.stage import Topology
from scripts.socket_fuzz.targets import Target
from scripts.socket_fuzz.trees import TreeMutator


class Faulty(Target):
    """Takes inputs and does one wrong thing."""

    def __init__(self, random, wrong=""):
        super().__init__(random)
        self.wrong, self.renewed, self.number = wrong, 0, 0

    def one(self):
        self.number += 1
        self.input = b"%d" % self.number
        if self.wrong == "raises" and self.number == 7:
            raise KeyError("x")
        if self.wrong == "hangs" and self.number == 7:
            end_s = time.monotonic() + 20
            while time.monotonic() < end_s:
                pass
        return f"made up {self.number}" if self.wrong == "names" else "accepted"

    def renew(self):
        self.renewed += 1


def run(wrong, inputs=100):
    return Driver(lambda random: Faulty(random, wrong), "x", 1, 0).run(inputs)


def test_nothing_wrong_is_no_crash():
    result = run("")
    assert result["outcomes"] == {"accepted": 100}
    assert result["crashes"] == []


def test_what_raises_is_told_with_its_input():
    (crash,) = run("raises")["crashes"]
    assert crash["what"].startswith("KeyError")
    assert (crash["index"], crash["input"]) == (6, "b'7'")


def test_what_hangs_is_told(monkeypatch):
    monkeypatch.setattr(driver, "STUCK_S", 0.2)
    (crash,) = run("hangs")["crashes"]
    assert crash["sort"].startswith("Stuck")


def test_names_that_a_peer_makes_up_are_told():
    (crash,) = run("names")["crashes"]
    assert "names of counters" in crash["what"]


def test_who_makes_something_anew_is_left_alone():
    with watching.unwatched():
        pass  # without an alarm there is none to stop


def test_every_target_gets_its_share():
    found = shares(NAMES, 1_000_000)
    assert sum(found.values()) == 1_000_000
    assert min(found.values()) > 0


def test_a_crash_becomes_a_file(tmp_path):
    crashes = run("raises")["crashes"]
    (path,) = written([crash | {"target": "bus hub.1"} for crash in crashes], tmp_path / "found")
    assert msgspec.json.decode(path.read_bytes())["input_base64"] == "Nw=="


def test_the_report_names_crashes_and_hangs():
    row = run("raises")
    document = {
        "seed": 1,
        "jobs": 1,
        "inputs": 100,
        "seconds": 1,
        "inputs_per_s": 100,
        "targets": [row],
        "crashes": row["crashes"],
    }
    assert report(document).endswith("1 crashes, 0 hangs")


def test_the_same_seed_makes_the_same_trees():
    good = msgspec.msgpack.encode([["BTC_USDT", 1, 2.0, {"a": [1, 2]}]])
    one, other = ([TreeMutator(Random(3)).mutate(good) for _ in range(1)] for _ in range(2))
    many = TreeMutator(Random(3))
    assert one == other
    assert len({many.mutate(good) for _ in range(300)}) > 200


def test_a_sealed_frame_reads():
    head = Head(b"trade.binance.BTC_USDT", 1, 513, "collector.binance.1", 5, 6, 7, 8)
    frame = parse_frame(sealed(head, b"\x90"))
    assert (frame.epoch, frame.seq, frame.topic_seq, frame.publisher) == (5, 6, 7, "collector.binance.1")
    mutator = FrameMutator(Random(1), ["hub.1"])
    made = {mutator.mutate(Head(**msgspec.structs.asdict(head)), b"\x91\x01") for _ in range(200)}
    assert len(made) > 100


@pytest.mark.parametrize(
    "name", ["bus hub.1", "ctl detector.1", "query journal.1", "replies client", "fetch aggregator.1"]
)
def test_a_small_run_finds_nothing(name):
    with Topology() as topology:
        result = Driver(lambda random: target_of(name, topology, random), name, 5, 0).run(400)
    assert result["crashes"] == []
    assert result["outcomes"]["accepted"] > 20


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("config")])
def test_every_target_takes_inputs(name):
    with Topology() as topology:
        result = Driver(lambda random: target_of(name, topology, random), name, 6, 0).run(300)
    assert result["crashes"] == []


def test_the_module_says_what_it_is_for():
    assert "--sockets" in (fuzz_sockets.__doc__ or "")
