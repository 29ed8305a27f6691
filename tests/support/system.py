"""The four actors as real processes under one run directory, without supervisord: simulator to hub."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from protocol.client.hub import Hub
from protocol.endpoints import Endpoints
from protocol.errors import HubError
from tests.support.config import at_simulator, write_config
from tests.support.paths import free_port
from tests.support.peers import Ear, peers_of
from tests.support.process import ActorProcess
from tests.support.wait import until

NAMES = ("collector.binance.1", "aggregator.1", "hub.1", "simulator.1")
"""In the order of start: who listens is there before the first event, so that nothing is missed."""
QUICK = {"backoff_base_s": 0.1, "backoff_cap_s": 0.2}
"""The collector is there first: it shall not be shy of asking for its simulator."""
START_S = 40.0
Section = Mapping[str, Any]


class System:
    """A running chain; the processes end with the `with` block.

    Args:
        run_dir: Short folder.
        simulator: Settings of the simulator; its port is a free one.
        collector: Settings of the collector; it goes to that simulator.
        aggregator: Settings of the aggregator.
        hub: Settings of the hub.
        symbols: Entries of symbols.yaml; see `write_config`.
        more: Further actors and their settings; they are started before the others.
    """

    def __init__(
        self,
        run_dir: Path,
        *,
        simulator: Section | None = None,
        collector: Section | None = None,
        aggregator: Section | None = None,
        hub: Section | None = None,
        symbols: Mapping[str, Section] | None = None,
        more: Mapping[str, Section] | None = None,
    ) -> None:
        self.run_dir = run_dir
        self.endpoints = Endpoints(run_dir)
        self.actors: dict[str, ActorProcess] = {}
        self._stack = contextlib.ExitStack()
        port = free_port()
        self._sections: dict[str, Section] = {
            "simulator.1": {"port": port, **(simulator or {})},
            "collector.binance.1": {**at_simulator(port), **QUICK, **(collector or {})},
            "aggregator.1": dict(aggregator or {}),
            "hub.1": dict(hub or {}),
            **(more or {}),
        }
        self._names = (*(more or {}), *NAMES)
        self._symbols = symbols

    def __enter__(self) -> System:
        with contextlib.ExitStack() as guard:
            guard.push(self._stack)  # an error ends what has been started, and shows what it said
            self._start()
            guard.pop_all()
        return self

    def _start(self) -> None:
        self.config = write_config(self.run_dir, self._sections, self._symbols)
        self.peers = self._stack.enter_context(peers_of(self.run_dir))
        for name in self._names:
            ear = self.peers.ear(name, "beat.")
            self.start(name)
            self._wait_running(name, ear)
        self.hub = self._stack.enter_context(Hub(self.endpoints.query("hub.1"), timeout_s=5.0))

    def _wait_running(self, name: str, ear: Ear) -> None:
        """Wait for the heartbeat that says so; a process that ends instead fails at once."""
        end_s = time.monotonic() + START_S
        while True:
            actor = self.actors[name]
            assert actor.is_alive, f"{name} did not start\n{actor.report()}"
            try:
                ear.beat("RUNNING", 0.5)
            except AssertionError:
                if time.monotonic() > end_s:
                    raise
            else:
                return

    def start(self, name: str) -> ActorProcess:
        """Start one actor (again)."""
        actor = ActorProcess(name.partition(".")[0], name, self.config)
        self.actors[name] = self._stack.enter_context(actor)
        return actor

    def ask(self, name: str, op: str, **args: Any) -> Any:
        """Ask the `ctl` of one actor; returns the answer's data."""
        reply = self.peers.ask(name, op, args=args)
        assert reply.ok, f"{op} refused: {reply.code}: {reply.message}"
        return msgspec.msgpack.decode(reply.data)

    def wait_for_data(self, symbol: str = "BTC_USDT", deadline_s: float = START_S) -> None:
        """Wait until the hub has a fresh tick and a candle of a symbol, and has heard every actor."""
        until(lambda: self._has_data(symbol), deadline_s, f"data of {symbol} in the hub")

    def _has_data(self, symbol: str) -> bool:
        try:
            self.hub.tick(symbol)
            actors = self.hub.status()["actors"].values()
            return len(self.hub.candles(symbol, "1m", 1)) > 0 and all(
                actor["state"] == "RUNNING" for actor in actors
            )
        except HubError:
            return False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
