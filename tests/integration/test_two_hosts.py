"""Two hosts on loopback addresses (which need no keys): what one publishes, the other has, whatever the network loses."""

from __future__ import annotations

import itertools
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from actors.bridge.journals import Journals
from actors.runtime.settings import load
from protocol.client import Hub
from protocol.errors import NoData
from protocol.messages import BUY, Alert, Trade
from protocol.replay import Position
from protocol.requests import Request
from protocol.transport import Wire
from tests.support.config import write_config
from tests.support.journalled_source import JournalledSource
from tests.support.process import ActorProcess, Program, clean_environment
from tests.support.supervised import tapehub
from tests.support.wait import until

COLLECTOR = "collector.binance.1"
SYMBOLS = {"BTC_USDT": {"venues": {"binance": "spot:BTCUSDT"}}}
AHEAD_S = 5
"""By how much the clock of feed's journal server is wrong."""
NET = f"127.{os.getpid() // 250 % 250 + 1}.{os.getpid() % 250 + 1}"
"""Addresses that no other test has, nor another run of this one."""
PATIENCE_S = 50


class TwoHosts:
    """`feed` with a collector that the test plays, `compute` with storage and a hub."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        hosts = {
            "feed": {"address": f"{NET}.2", "actors": ["journal.feed", COLLECTOR]},
            "compute": {"address": f"{NET}.3", "actors": ["journal.compute", "persistence.1", "hub.1"]},
        }
        actors = {
            COLLECTOR: {}, "journal.feed": {}, "journal.compute": {"clocks_s": 0.1},
            "persistence.1": {"batch_s": 0.05}, "hub.1": {},
        }  # fmt: skip
        self.config = write_config(folder, actors, SYMBOLS, hosts=hosts, heartbeat_s=0.05)
        text = self.config.read_text().replace(f"run_dir: {folder}", f"run_dir: {folder}/${{TAPEHUB_HOST}}")
        self.config.write_text(text)
        self.endpoints = {
            host: load(self.config, (), {"TAPEHUB_HOST": host}).common.endpoints for host in hosts
        }
        for endpoints in self.endpoints.values():
            endpoints.prepare()
        self.wire = Wire()
        self.count = 0
        self.source = self._source(1, (0, 0))

    def _source(self, epoch: int, prev: tuple[int, int]) -> JournalledSource:
        (listening,) = self.endpoints["feed"].binds(COLLECTOR, "pub")[1:]
        return JournalledSource(self.wire, self.folder / "feed", listening, COLLECTOR, epoch, prev)

    def actor(self, host: str, name: str, **env: str) -> ActorProcess:
        return ActorProcess(name.partition(".")[0], name, self.config, env={"TAPEHUB_HOST": host, **env})

    def trades(self, count: int) -> None:
        for _ in range(count):
            self.count += 1
            ts_ns = time.time_ns()
            trade = Trade("BTC_USDT", "binance", ts_ns, ts_ns, 100.0, 1.0, BUY, self.count)
            self.source.send("trade.binance.BTC_USDT", trade)
        self.source.beat()

    def again(self) -> None:
        """The collector dies and comes back."""
        prev = (self.source.publisher.epoch, self.source.publisher.seq)
        self.source.close()
        self.source = self._source(prev[0] + 1, prev)

    def stored(self) -> list[tuple[int, int, int]]:
        path = self.folder / "compute" / "db" / "tapehub.sqlite"
        try:
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
                sql = "SELECT count(*), count(DISTINCT trade_id), max(trade_id) FROM trades"
                return database.execute(sql).fetchall()
        except sqlite3.OperationalError:
            return []

    def wait_stored(self) -> None:
        def all_there() -> bool:
            self.source.beat()
            return self.stored() == [(self.count, self.count, self.count)]

        until(all_there, PATIENCE_S, f"{self.count} stored trades; there are {self.stored()}")

    def status(self, host: str, name: str) -> dict:
        requester = self.wire.requester(self.endpoints[host].ctl(name))
        try:
            return msgspec.msgpack.decode(requester.ask(Request(op="status"), PATIENCE_S).data)
        finally:
            self.wire.forget(requester.socket)

    def close(self) -> None:
        self.wire.close()


@pytest.fixture
def hosts(run_dir) -> Iterator[TwoHosts]:
    found = TwoHosts(run_dir)
    yield found
    found.close()


def test_nothing_is_lost_between_hosts_and_clocks_are_compared(hosts, run_dir):
    hosts.trades(50)  # nobody hears them: only the journal of feed has them
    wrong = run_dir / "offset"
    wrong.write_text(str(AHEAD_S * 1_000_000_000))
    with (
        hosts.actor("feed", "journal.feed", TAPEHUB_CLOCK_OFFSET_FILE=str(wrong)) as journal,
        hosts.actor("compute", "journal.compute"),
        hosts.actor("compute", "persistence.1"),
        hosts.actor("compute", "hub.1"),
        Hub(hosts.endpoints["feed"].query("hub.1").rpartition("@")[2], timeout_s=PATIENCE_S) as hub,
    ):
        hosts.wait_stored()

        hosts.source.loses = True
        hosts.trades(30)
        hosts.source.loses = False
        hosts.trades(1)
        hosts.wait_stored()

        def newest() -> int:
            hosts.source.beat()
            try:
                return int(hub.trades("BTC_USDT", 1, allow_stale=True)[0].trade_id)
            except NoData:  # it has not heard the feed yet
                return -1

        until(lambda: newest() == hosts.count, PATIENCE_S, "the newest trade in the hub")

        journal.kill()
        hosts.source.loses = True
        hosts.trades(20)
        hosts.source.loses = False
        hosts.again()
        hosts.trades(10)
        with hosts.actor("feed", "journal.feed", TAPEHUB_CLOCK_OFFSET_FILE=str(wrong)):
            hosts.wait_stored()
            clock = until(
                lambda: hosts.status("compute", "journal.compute").get("clocks", {}).get("feed"),
                PATIENCE_S,
                "a clock",
            )
            assert abs(clock["offset_s"] - AHEAD_S) <= clock["uncertainty_s"] + 0.01
            (alert, *_) = until(
                lambda: [one for one in hub.alerts(10) if isinstance(one, Alert) and one.rule == "clock_offset"],
                PATIENCE_S, "the alert",
            )  # fmt: skip
            assert "clock of feed is" in alert.text
            shown = tapehub(
                "--config", str(hosts.config), "--host", "compute", "status", "--json", "--timeout", "2"
            )
            actors = {row["name"]: row for row in msgspec.json.decode(shown.stdout)["actors"]}
            assert actors["journal.feed"]["state"] == "RUNNING"
            assert actors["journal.feed"]["host"] == "feed"


@pytest.mark.long
def test_a_host_that_is_gone_is_shown_as_unreachable(hosts):
    env = clean_environment({"TAPEHUB_HOST": "compute"})
    assert env["TAPEHUB_HOST"] == "compute"
    with hosts.actor("compute", "journal.compute") as here:
        here.wait_for_text("RUNNING")
        done = tapehub(
            "--config", str(hosts.config), "--host", "compute", "status", "--json", "--timeout", "1"
        )
        assert done.returncode == 3
        actors = {row["name"]: row["state"] for row in msgspec.json.decode(done.stdout)["actors"]}
        assert actors["journal.compute"] == "RUNNING"
        assert actors["journal.feed"] == "UNREACHABLE"
        reach = tapehub("--config", str(hosts.config), "--host", "compute", "config", "check", "--reach")
        assert reach.returncode == 4
        assert "host feed" in reach.stderr


@pytest.mark.long
def test_a_stream_over_tcp_is_made_good_from_the_journal_of_the_publishers_host(hosts):
    address = hosts.endpoints["feed"].query("hub.1").rpartition("@")[2]
    with (
        hosts.actor("feed", "journal.feed"),
        hosts.actor("compute", "journal.compute"),
        hosts.actor("compute", "hub.1"),
        Hub(address, timeout_s=PATIENCE_S) as hub,
    ):
        hosts.trades(5)
        stop = threading.Event()

        def send() -> None:
            """A trade now and then; in the middle twenty that only the journal has."""
            for turn in itertools.count():
                hosts.source.loses = turn == 20
                hosts.trades(20 if hosts.source.loses else 1)
                if stop.wait(0.05):
                    return

        sender = threading.Thread(target=send)
        found: list[int] = []
        try:
            stream = hub.stream("trade.", idle_s=PATIENCE_S)
            sender.start()
            while len(found) < 40:
                found.append(next(stream).trade_id)
        finally:
            stop.set()
            sender.join()
        assert found == list(range(found[0], found[0] + 40))


def test_a_bridge_asks_the_journal_server_of_the_publishers_host(hosts):
    here = hosts.endpoints["compute"]
    journals = Journals(here, [COLLECTOR, "journal.compute", "journal.feed", "hub.1"], None)
    with hosts.actor("feed", "journal.feed"):
        hosts.trades(5)

        def head() -> Position:
            heads, stored = journals.ask([COLLECTOR], "bridge.1")
            assert not stored
            return heads[COLLECTOR]

        until(lambda: head().seq >= 5, PATIENCE_S, "the journal to have them")
        assert head().epoch == 1
    assert not Journals(here, [COLLECTOR, "hub.1"], None)


def test_an_actor_of_another_host_is_refused(hosts):
    command = [sys.executable, "-m", "actors.hub", "--name", "hub.1", "--config", str(hosts.config)]
    with Program(command, env={"TAPEHUB_HOST": "feed"}) as program:
        assert program.wait(PATIENCE_S) == 78
        assert "runs on host 'compute', this is 'feed'" in program.stderr_text
