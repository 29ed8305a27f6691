"""Instances that divide symbols: their number changes while data flows, they are killed, and nothing shows of it."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

import msgspec
import pytest

from protocol.errors import HubError
from tests.support.config import write_config
from tests.support.peers import Peers, peers_of
from tests.support.process import ActorProcess
from tests.support.respawned import pauses
from tests.support.shard_world import COLLECTOR, ManyTapes, alone, compare, frames_of, said_by
from tests.support.wait import until

SYMBOLS = {f"S{number}_USDT": {"venues": {"binance": f"spot:S{number}USDT"}} for number in range(7)}
SETTINGS = {
    "aggregator": {"timeframes": ["1s", "1m"], "snap_interval_s": 0.2},
    "orderflow": {"windows_s": [5.0], "snap_interval_s": 0.2},
}
DEADLINE_S = 50.0


@pytest.fixture
def peers(run_dir) -> Iterator[Peers]:
    with peers_of(run_dir) as found:
        yield found


class Shards:
    """The instances of one kind, started and stopped by the test."""

    def __init__(self, peers: Peers, run_dir, kind: str, stack: contextlib.ExitStack) -> None:
        self.kind, self.run_dir, self.peers, self.stack = kind, run_dir, peers, stack
        self.running: dict[str, ActorProcess] = {}
        self.config = self.topology(1)
        self.start_one("journal.1")

    def topology(self, count: int):
        names = [f"{self.kind}.{number}" for number in range(1, count + 1)]
        actors = {COLLECTOR: {}, "journal.1": {}, **dict.fromkeys(names, SETTINGS[self.kind])}
        self.config = write_config(self.run_dir, actors, SYMBOLS, heartbeat_s=0.05)
        return self.config

    def start_one(self, name: str) -> None:
        process = ActorProcess(name.partition(".")[0], name, self.config)
        self.running[name] = self.stack.enter_context(process)

    def become(self, count: int) -> None:
        """Change the number: everybody is stopped and the new ones are started."""
        self.topology(count)
        self.stop()
        for number in range(1, count + 1):
            self.start_one(f"{self.kind}.{number}")

    def stop(self) -> None:
        for name in [one for one in self.running if one.startswith(self.kind)]:
            assert self.running.pop(name).stop(DEADLINE_S) == 0

    def kill(self, name: str) -> None:
        self.running.pop(name).kill()
        self.start_one(name)

    def said_all(self) -> None:
        """Wait until everything that one instance would say is said."""
        wanted = alone(self.run_dir, self.config, self.kind, SETTINGS[self.kind])

        for _ in pauses(DEADLINE_S, 0.2):
            if not compare(wanted, said_by(self.run_dir, self.kind))["missing"]:
                return
        raise AssertionError("not everything was published in time")

    def verdict(self) -> dict[str, int]:
        wanted = alone(self.run_dir, self.config, self.kind, SETTINGS[self.kind])
        return compare(wanted, said_by(self.run_dir, self.kind))

    def shard_of(self, name: str) -> dict:
        """What its status says of the division; empty while it does not answer."""
        try:
            return msgspec.msgpack.decode(self.peers.ask(name, "status", 1.0).data).get("shard", {})
        except HubError:
            return {}


@pytest.mark.parametrize("kind", ["aggregator", pytest.param("orderflow", marks=pytest.mark.long)])
def test_the_number_changes_and_the_output_is_that_of_one_to_the_byte(kind, peers, run_dir):
    with contextlib.ExitStack() as stack:
        shards, tapes = Shards(peers, run_dir, kind, stack), ManyTapes(peers, run_dir, SYMBOLS)
        shards.start_one(f"{kind}.1")
        tapes.go_on(10)
        shards.said_all()
        tapes.go_on(3)
        for count in (3, 2):
            shards.become(count)
            tapes.go_on(8)
            shards.kill(f"{kind}.{count}")
            tapes.go_on(2)
            shards.said_all()
        shards.stop()
        found = shards.verdict()
    assert found["expected"] > 100
    assert {key: count for key, count in found.items() if key != "expected"} == {
        "missing": 0,
        "doubled": 0,
        "wrong": 0,
    }


def test_new_instances_wait_until_every_old_process_has_ended(peers, run_dir):
    """Two that have one symbol would publish everything of it twice."""
    with contextlib.ExitStack() as stack:
        shards, tapes = Shards(peers, run_dir, "aggregator", stack), ManyTapes(peers, run_dir, SYMBOLS)
        shards.start_one("aggregator.1")
        tapes.go_on(3)
        shards.said_all()
        shards.topology(2)
        shards.start_one("aggregator.2")
        until(
            lambda: shards.shard_of("aggregator.2").get("waiting_for") == ["aggregator.1"],
            DEADLINE_S,
            "the wait",
        )
        tapes.go_on(3)
        shards.said_all()
        assert not any(frame.topic.startswith("bar.") for frame in frames_of(run_dir, "aggregator.2"))

        shards.kill("aggregator.1")  # comes back with the new configuration
        until(lambda: shards.shard_of("aggregator.2").get("taken_from"), DEADLINE_S, "the takeover")
        assert shards.shard_of("aggregator.2")["taken_from"] == ["aggregator.1/0"]
        tapes.go_on(3)
        shards.said_all()
        found = shards.verdict()
        shares = [shards.shard_of(name)["symbols"] for name in ("aggregator.1", "aggregator.2")]
    assert sum(shares) == len(SYMBOLS)
    assert all(shares), "the hash gave everything to one: choose other symbols"
    assert (found["missing"], found["doubled"], found["wrong"]) == (0, 0, 0)


@pytest.mark.parametrize(
    "point",
    [
        "claim.after",
        *(pytest.param(point, marks=pytest.mark.long) for point in ("claim.before", "snap.before")),
    ],
)
def test_an_instance_that_dies_in_its_takeover_begins_it_anew(point, peers, run_dir, tmp_path):
    with contextlib.ExitStack() as stack:
        shards, tapes = Shards(peers, run_dir, "aggregator", stack), ManyTapes(peers, run_dir, SYMBOLS)
        shards.start_one("aggregator.1")
        tapes.go_on(3)
        shards.said_all()
        shards.stop()
        shards.topology(2)
        shards.start_one("aggregator.1")
        crashing = {"TAPEHUB_CRASH_POINTS": f"{point}:1"}
        with ActorProcess("aggregator", "aggregator.2", shards.config, env=crashing) as process:
            assert process.wait(DEADLINE_S) == -signal.SIGKILL
        tapes.go_on(2)
        shards.start_one("aggregator.2")
        shards.said_all()
        found = shards.verdict()
    assert (found["missing"], found["doubled"], found["wrong"]) == (0, 0, 0)
