"""The system in front of a played venue: collector, aggregator and hub as processes, and an ear on the collector."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import msgspec

from protocol.client.hub import Hub
from protocol.endpoints import Endpoints
from protocol.errors import HubError
from tests.support.config import write_config
from tests.support.peers import Ear, peers_of
from tests.support.played_venue.heard import Heard
from tests.support.process import ActorProcess
from tests.support.wait import until

START_S: Final = 50.0
QUICK: Final[Mapping[str, Any]] = {
    "backoff_base_s": 0.1,
    "backoff_cap_s": 0.2,
    "snapshot_retry_s": 0.05,
    "repair_retry_s": 0.05,
    "watermark_s": 0.05,
    "no_frame_floor_s": 120.0,
    "silence_floor_s": 120.0,
}
"""Pauses that suit a venue which is there again at once, and which is silent after it has sent all as fast as it can."""


class Running:
    """Use as a context manager: on the way in everything has started and hears each other.

    Args:
        run_dir: Short folder.
        venue: Name of the venue.
        collector: Settings of its collector.
        symbols: Entries of symbols.yaml.
    """

    def __init__(
        self,
        run_dir: Path,
        venue: str,
        collector: Mapping[str, Any],
        symbols: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self.name = f"collector.{venue}.1"
        self.heard = Heard()
        self._run_dir = run_dir
        self._sections = {self.name: {**QUICK, **collector}, "aggregator.1": {}, "hub.1": {}}
        self._symbols = symbols
        self._actors: dict[str, ActorProcess] = {}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Running:
        with contextlib.ExitStack() as guard:
            guard.push(self._stack)
            self._start()
            guard.pop_all()
        return self

    def _start(self) -> None:
        config = write_config(self._run_dir, self._sections, self._symbols)
        peers = self._peers = self._stack.enter_context(peers_of(self._run_dir))
        self._ear = peers.ear(self.name)
        ears = {name: peers.ear(name, "beat.") for name in ("aggregator.1", "hub.1")}
        for name, ear in {self.name: self._ear, **ears}.items():
            actor = ActorProcess(name.partition(".")[0], name, config)
            self._actors[name] = self._stack.enter_context(actor)
            if name != "aggregator.1":  # it and the hub start side by side, behind the collector
                self._wait_running(name, ear)
        self._wait_running("aggregator.1", ears["aggregator.1"])
        self.hub = self._stack.enter_context(Hub(Endpoints(self._run_dir).query("hub.1"), timeout_s=5.0))
        until(self._hears_all, START_S, "the hub to hear every actor")

    def _wait_running(self, name: str, ear: Ear) -> None:
        end_s = time.monotonic() + START_S
        while True:
            self.check_alive()
            with contextlib.suppress(AssertionError):
                ear.beat("RUNNING", 0.5)
                return
            assert time.monotonic() < end_s, f"{name} does not run\n{self._actors[name].report()}"

    def _hears_all(self) -> bool:
        try:
            actors = self.hub.status()["actors"]
        except HubError:
            return False
        return all(actors.get(name, {}).get("state") == "RUNNING" for name in self._actors)

    def check_alive(self) -> None:
        """Fails if a process has ended."""
        for actor in self._actors.values():
            assert actor.is_alive, f"{actor.name} has ended\n{actor.report()}"

    def listen(self) -> Heard:
        """Take what the collector has published until now."""
        self.heard.take(self._ear.waiting())
        return self.heard

    def wait(self, condition: Callable[[], Any], deadline_s: float, what: str) -> bool:
        """Listen until it is true; False if the deadline passes first."""

        def look() -> bool:
            self.check_alive()
            self.listen()
            return bool(condition())

        with contextlib.suppress(AssertionError):
            return until(look, deadline_s, what)
        self.check_alive()
        return False

    def status(self) -> Any:
        """The collector's own."""
        reply = self._peers.ask(self.name, "status")
        assert reply.ok, reply
        return msgspec.msgpack.decode(reply.data)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
