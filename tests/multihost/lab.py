"""Three hosts of one topology, the world around them, and what can be done to them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from actors.runtime.settings import load
from protocol.endpoints import Endpoints
from protocol.errors import HubError
from protocol.transport import Wire
from tapehub import Hub
from tests.chaos.topology import SIMULATOR
from tests.multihost.engine import reads_in
from tests.multihost.network import Network
from tests.support.config import write_config
from tests.support.control import ask_control

HOSTS: Final = ("feed", "compute", "edge")
WORLD: Final = "world"
"""Where the venue is, and an engine that is on none of the hosts: neither ever fails."""
NUMBERS: Final = {"feed": 1, "compute": 2, "edge": 3, WORLD: 9}
SYMBOLS: Final[Mapping[str, Mapping[str, Any]]] = {
    "BTC_USDT": {"venues": {"binance": "spot:BTCUSDT"}},
    "ETH_USDT": {"venues": {"binance": "spot:ETHUSDT"}},
    "BTC_USDT.PERP": {"venues": {"binance": "usdm:BTCUSDT"}},
}
HUBS: Final = {"compute": "hub.1", "edge": "hub.2"}
TIMEFRAMES: Final = ("1s", "1m")
ENGINES: Final = {"engine": "edge", "desk": WORLD}
"""Engine to where it runs: one beside a replica, one that reaches both over the network alone."""
_PORT: Final = 9801
_PLENTY: Final = 100_000_000
_UP_S: Final = 90.0


class LabError(Exception):
    """It cannot be set up; says why."""


class Lab:
    """Everything of one run.

    Args:
        folder: Short folder: unix sockets live in it.
        network: Where the hosts are.
        rate_per_s: Orders of the simulated market.
        deadline_s: Of the engines' reads.
    """

    def __init__(self, folder: Path, network: Network, rate_per_s: float, deadline_s: float) -> None:
        self.folder = folder
        self.network = network
        self.deadline_s = deadline_s
        self._rate_per_s = rate_per_s
        self._wire = Wire()
        self._children: list[subprocess.Popen[str]] = []
        self.config = self._write_topology()
        self.common = load(self.config, ["host=compute"], {"TAPEHUB_HOST": "compute"}).common

    # making it

    def _write_topology(self) -> Path:
        url = f"{self.network.addresses[WORLD]}:{_PORT}"
        plenty = dict.fromkeys(("spot", "usdm"), _PLENTY)
        actors: dict[str, dict[str, Any]] = {
            "journal.feed": {},
            "collector.binance.1": {
                "ws_url": {market: f"ws://{url}/{market}" for market in plenty},
                "rest_url": {market: f"http://{url}/{market}" for market in plenty},
                "symbols": list(SYMBOLS),
                "backoff_base_s": 0.2,
                "backoff_cap_s": 1.0,
                "repair_weight_per_min": plenty,
                "snapshot_weight_per_min": plenty,
                "repair_max_trades": _PLENTY,
            },
            "journal.compute": {},
            "aggregator.1": {"timeframes": list(TIMEFRAMES)},
            "persistence.1": {},
            "hub.1": {},
            "journal.edge": {},
            "hub.2": {},
        }
        placed = {
            "feed": ["journal.feed", "collector.binance.1"],
            "compute": ["journal.compute", "aggregator.1", "persistence.1", "hub.1"],
            "edge": ["journal.edge", "hub.2"],
        }
        hosts = {
            host: {"address": self.network.addresses[host], "actors": names} for host, names in placed.items()
        }
        path = write_config(self.folder, actors, SYMBOLS, hosts=hosts)
        tree = yaml.safe_load(path.read_text()) | {"run_dir": f"{self.folder}/${{TAPEHUB_HOST:-none}}"}
        path.write_text(yaml.safe_dump(tree, sort_keys=False))
        return path

    def make_keys(self) -> None:
        """Keys for all, and for each host and engine a folder of its own with no more than it needs."""
        self._tapehub("keys", "init")
        for name in ENGINES:
            self._tapehub("keys", "add", name, "--role", "query")
        for name in (*HOSTS, *ENGINES):
            self._tapehub("keys", "bundle", name, "--to", str(self._keys_of(name)))

    def _keys_of(self, name: str) -> Path:
        return self.folder / f"keys-{name}"

    def _tapehub(self, *words: str) -> str:
        command = [sys.executable, "-P", "-m", "tapehub", "--config", str(self.config), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_UP_S)
        if done.returncode != 0:
            raise LabError(f"tapehub {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def environment(self, host: str) -> dict[str, str]:
        """What programs of a host find in theirs."""
        return {"TAPEHUB_HOST": host, "TAPEHUB_KEYS": str(self._keys_of(host))}

    def start_world(self) -> None:
        """Start the venue."""
        run_dir = self.folder / WORLD
        run_dir.mkdir()
        settings = {
            "host": self.network.addresses[WORLD],
            "port": _PORT,
            "rate_per_s": 0,
            "history_trades": _PLENTY,
            "history_trades_total": _PLENTY * 10,
            "spot_weight_per_min": _PLENTY,
            "futures_weight_per_min": _PLENTY,
        }
        config = write_config(run_dir, {SIMULATOR: settings}, SYMBOLS)
        self._start(
            WORLD, SIMULATOR, ["-m", "actors.simulator", "--name", SIMULATOR, "--config", str(config)], {}
        )
        end_s = time.monotonic() + _UP_S
        while not self._is_there():
            if time.monotonic() > end_s:
                raise LabError(f"the venue does not start: {self.folder}/{SIMULATOR}.out")

    def open_market(self) -> None:
        """Let trades happen: what happened before anybody listened would count as lost."""
        self.ask(SIMULATOR, "rate", per_s=self._rate_per_s)

    def _is_there(self) -> bool:
        try:
            self.ask(SIMULATOR, "ping", timeout_s=1.0)
        except HubError:
            return False
        return True

    def _start(self, host: str, title: str, words: Sequence[str], env: Mapping[str, str]) -> None:
        with (self.folder / f"{title}.out").open("a") as out:
            child = self.network.start(host, [sys.executable, "-P", *words], env, stdout=out, stderr=out)
        self._children.append(child)

    def start_hosts(self, hosts: Sequence[str]) -> None:
        """`tapehub up` on each of these, all at once; returns when every actor of theirs runs.

        Raises:
            LabError: one does not come up.
        """
        command = [
            sys.executable,
            "-P",
            "-m",
            "tapehub",
            "--config",
            str(self.config),
            "up",
            "-d",
            "--timeout",
            f"{_UP_S:g}s",
        ]
        ups = {
            host: self.network.start(
                host,
                [*command, "--host", host],
                self.environment(host),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            for host in hosts
        }
        for host, up in ups.items():
            said, _ = up.communicate(timeout=2 * _UP_S)
            if up.returncode != 0:
                raise LabError(f"{host}: tapehub up: exit {up.returncode}\n{said}")

    def start_engine(self, name: str) -> None:
        """Start an engine; it reads until its host is killed."""
        if ENGINES[name] in HOSTS:
            hub = str(self.folder / ENGINES[name])
        else:
            hub = ",".join(self.common.endpoints.topology.address(one, "query") for one in HUBS.values())
        words = [
            "-m",
            "tests.multihost.engine",
            str(self.reads_of(name)),
            "--hub",
            hub,
            "--symbol",
            "BTC_USDT",
        ]
        key = self._keys_of(name) / "private" / f"{name}.key"
        words += ["--deadline", str(self.deadline_s)]
        self._start(ENGINES[name], name, words, {"TAPEHUB_KEY": str(key)})

    def wait_engines(self) -> None:
        """Wait until each engine has been answered.

        Raises:
            LabError: not in time.
        """
        end_s = time.monotonic() + _UP_S
        for name in ENGINES:
            while not any(not read.fault for read in reads_in(self.reads_of(name))):
                if time.monotonic() > end_s:
                    raise LabError(f"{name} is not answered: {self.folder}/{name}.out")
                threading.Event().wait(0.1)

    def strangers(self) -> dict[str, bool]:
        """Who without a key of ours is answered by a hub: sort of stranger to whether."""
        address = self.common.endpoints.topology.address("hub.1", "query")
        words = ["-P", "-m", "tests.multihost.stranger", address, "hub.1", str(self._keys_of("compute"))]
        asked = self.network.start(WORLD, [sys.executable, *words], {}, stdout=subprocess.PIPE)
        said, _ = asked.communicate(timeout=_UP_S)
        found: dict[str, bool] = json.loads(said)
        return found

    def reads_of(self, name: str) -> Path:
        """What an engine writes down."""
        return self.folder / f"{name}.reads"

    # asking it

    def ask(self, name: str, op: str, timeout_s: float = 10.0, **args: Any) -> Any:
        """Ask the venue's control socket (a file, which no network cuts off).

        Raises:
            HubError: it refuses, or does not answer.
        """
        return ask_control(self._wire, Endpoints(self.folder / WORLD), name, op, timeout_s, **args)

    def hub_of(self, host: str) -> Hub:
        """The replica of a host, asked as its own programs do."""
        return Hub(Endpoints(self.folder / host).query(HUBS[host]), timeout_s=2.0)

    def wait_fresh(self, hosts: Sequence[str], patience_s: float) -> float:
        """Wait until the replicas of these hosts have fresh ticks; returns how long that took, seconds.

        Raises:
            LabError: not in time.
        """
        begin_s = time.monotonic()
        pause = threading.Event()
        for host in hosts:
            with self.hub_of(host) as hub:
                while not self._is_fresh(hub):
                    if time.monotonic() - begin_s > patience_s:
                        raise LabError(f"{HUBS[host]} on {host} has no fresh tick after {patience_s:g} s")
                    pause.wait(0.05)
        return time.monotonic() - begin_s

    @staticmethod
    def _is_fresh(hub: Hub) -> bool:
        try:
            return all(hub.tick(symbol).age_s < 2.0 for symbol in SYMBOLS)
        except HubError:
            return False

    def status(self, host: str) -> str:
        """What `tapehub status` says on a host."""
        command = [
            sys.executable,
            "-P",
            "-m",
            "tapehub",
            "--config",
            str(self.config),
            "--host",
            host,
            "status",
        ]
        asked = self.network.start(
            host, command, self.environment(host), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said, _ = asked.communicate(timeout=_UP_S)
        return said

    @property
    def database(self) -> str:
        """URL of what is stored."""
        return f"sqlite:///{self.folder}/compute/db/tapehub.sqlite"

    def close(self) -> None:
        """Give the sockets back; processes end with the network."""
        self._wire.close()
        for child in self._children:
            child.kill()
            child.wait()
