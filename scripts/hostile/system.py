"""The whole default system under supervisord, a good engine that reads it, and what all of it takes: what attacks are made on."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Any, Final, NamedTuple

from protocol.endpoints import Endpoints
from protocol.errors import HubError
from tests.chaos.settle import Settling
from tests.chaos.stage import Stage, StageError, run_folder
from tests.chaos.stored import Stored
from tests.chaos.topology import SIMULATOR, STREAMS_PER_SYMBOL, SYMBOLS
from tests.chaos.truth import read_truth
from tests.chaos.watch import Watch
from tests.soak.engine import Engine
from tests.soak.run import DATABASE, restarts_of
from tests.soak.sampling import Sample, sample_of
from tests.soak.topology import write_topology
from tests.support.paths import free_port

START_S: Final = 90.0
PING_S: Final = 10.0
QUERIED: Final = ("hub.1", "journal.1", "persistence.1")
RECEIVER: Final = "collector.push.1"
SETTLE_S: Final = 120.0


class Look(NamedTuple):
    """All actors at one moment."""

    pids: dict[str, int]
    samples: dict[str, Sample]
    refused: Counter[str]
    """What was dropped or refused since the actors began, by reason."""


class _Trades(Settling):
    """Waits for the trades of the simulated venue; what became of a hostile source's own feed is its own business."""

    def _complaint(self) -> str:
        return self._watch.complaint(0)


class _OfTheVenue(Stored):
    """The simulated venue's rows: a hostile source pushes the same symbols."""

    def instruments(self) -> dict[str, int]:
        """Symbol to its key in the tables."""
        return {
            symbol: key
            for key, symbol in self.rows("SELECT id, symbol FROM instruments WHERE venue = 'binance'")
        }


class HostileSystem:
    """A running system.

    Args:
        rate_per_s: Of the simulated market.
        seed: Of it.
    """

    nothing: Final[Counter[str]] = Counter()

    def __init__(self, rate_per_s: float = 300.0, seed: int = 1) -> None:
        self._rate_per_s = rate_per_s
        self._seed = seed
        self._stack = contextlib.ExitStack()
        self._first_pids: dict[str, int] = {}

    def __enter__(self) -> HostileSystem:
        try:
            self._begin()
        except BaseException:
            self._stack.close()
            raise
        return self

    def _begin(self) -> None:
        self.run_dir = self._stack.enter_context(run_folder(None))
        self.http_port = free_port()
        config = write_topology(self.run_dir, free_port(), self.http_port, seed=self._seed)
        self.stage = Stage(self.run_dir, config, {})
        self._stack.callback(self.stage.close)
        self.stage.start()
        self.endpoints: Endpoints = self.stage.endpoints
        self.names = self.stage.names
        self.watch = Watch(self.stage, list(SYMBOLS), lambda: None)
        self._stack.callback(self.watch.close)
        end_s, pause = time.monotonic() + START_S, threading.Event()
        while self.stage.ask(SIMULATOR, "status")["streams"] < len(SYMBOLS) * STREAMS_PER_SYMBOL:
            if time.monotonic() > end_s:
                raise StageError(
                    f"the collector did not subscribe\n{self.stage.last_lines('collector.binance.1')}"
                )
            pause.wait(0.1)
        self.stage.ask(SIMULATOR, "rate", per_s=self._rate_per_s)
        _, complaint = self.watch.until_well(START_S)
        if complaint:
            raise StageError(f"never well, though nothing was done to it: {complaint}")
        self._first_pids = self.stage.pids()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def engine(self) -> Engine:
        """A good engine; close it."""
        return Engine(self.run_dir, list(SYMBOLS))

    def sockets(self) -> list[str]:
        """Addresses of every ZeroMQ socket of the system."""
        found = [
            address for name in self.names for address in (self.endpoints.pub(name), self.endpoints.ctl(name))
        ]
        return [*found, *(self.endpoints.query(name) for name in QUERIED), self.endpoints.ingest(RECEIVER)]

    def asked(self) -> list[str]:
        """Those of them that take questions."""
        found = [self.endpoints.ctl(name) for name in self.names]
        return [*found, *(self.endpoints.query(name) for name in QUERIED), self.endpoints.ingest(RECEIVER)]

    def look(self) -> Look:
        """Measure all actors."""
        pids = self.stage.pids()
        samples = self.samples(pids)
        refused: Counter[str] = Counter()
        for status in self.watch.statuses().values():
            dropped: Any = status.get("dropped") or {}
            counters: Any = status.get("counters") or {}
            refused.update({str(reason): int(count) for reason, count in dropped.items()})
            refused.update(
                {
                    name: int(count)
                    for name, count in counters.items()
                    if "refused" in name or "unroutable" in name
                }
            )
        return Look(pids, samples, refused)

    def samples(self, pids: dict[str, int]) -> dict[str, Sample]:
        """What each process takes."""
        at_s = time.monotonic()
        return {name: found for name, pid in pids.items() if pid and (found := sample_of(pid, at_s))}

    def problem(self) -> str:
        """Who has ended or does not answer; empty: nobody."""
        for name, pid in self.stage.pids().items():
            if name in self._first_pids and pid != self._first_pids[name]:
                why, tails = restarts_of(self.stage)
                self._first_pids[name] = pid
                return f"{name} ended: {why.get(name, 'nobody knows why')}\n{tails.get(name, self.stage.last_lines(name))}"
        for name in self.names:
            try:
                self.stage.ask(name, "ping", PING_S)
            except HubError as fault:
                return f"{name} does not answer: {fault}"
        return ""

    def incomplete(self) -> tuple[str, int]:
        """What storage lacks of the simulator's trades (empty: nothing), and how many there were."""
        self.stage.ask(SIMULATOR, "rate", per_s=100.0)
        stored = _OfTheVenue(f"sqlite:///{self.run_dir}/{DATABASE}")
        unsettled = _Trades(self.stage, self.watch, stored).wait(SETTLE_S)
        if unsettled:
            return f"not settled: {unsettled}", 0
        truth = read_truth(self.stage, list(SYMBOLS), dict(SYMBOLS))
        unsettled = _Trades(self.stage, self.watch, stored).wait(SETTLE_S)
        from tests.chaos.checks import trades_check  # noqa: PLC0415 - numpy only at the end

        instruments = stored.instruments()
        check = trades_check(
            "storage", truth.trades, {name: stored.trades(instruments[name]) for name in truth.trades}
        )
        lack = (
            ""
            if check.is_clean
            else f"lost {check.lost}, doubled {check.doubled}, wrong {check.wrong}: {check.examples[:3]}"
        )
        return unsettled or lack, truth.total
