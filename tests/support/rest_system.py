"""A collector of bars as a real process with its journal and its store, and local servers that play its providers."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import msgspec

from tests.support.config import write_config
from tests.support.peers import peers_of
from tests.support.process import ActorProcess
from tests.support.providers.listings import LISTINGS
from tests.support.providers.market import Market
from tests.support.providers.server import ProviderServer
from tests.support.providers.world import World
from tests.support.tapehub_command import Command, Result, run

COLLECTOR: Final = "collector.rest.1"
NAMES: Final = ("journal.1", "persistence.1", COLLECTOR)
START_S: Final = 40.0
PLENTY: Final = [(60_000, 60.0)]
SYMBOLS: Final = ("BTC_USD", "ETH_USD")
"""Markets that are always open: a test runs on Sundays too."""


class RestSystem:
    """Use as a context manager; the processes end with the block.

    Args:
        run_dir: Short folder.
        limits: Provider to its limits, (calls, in seconds); who is not named is not asked.
        symbols: Of the providers' market.
        rest: Further settings of the collector's part `rest`.
    """

    def __init__(
        self,
        run_dir: Path,
        limits: Mapping[str, list[tuple[int, float]]],
        *,
        symbols: tuple[str, ...] = SYMBOLS,
        rest: Mapping[str, Any] | None = None,
    ) -> None:
        self.run_dir = run_dir
        self.actors: dict[str, ActorProcess] = {}
        self.server = ProviderServer(World(Market(), time.time_ns(), limits={}))
        self._stack = contextlib.ExitStack()
        section = {"order": list(limits), "bootstrap_days": 0, **(rest or {})}
        section["providers"] = {
            name: one for name, one in self.server.settings(limits).items() if name in limits
        }
        entries = {listing.symbol: listing.entry() for listing in LISTINGS if listing.symbol in symbols}
        actors: dict[str, dict[str, Any]] = {
            "journal.1": {},
            "persistence.1": {},
            COLLECTOR: {"rest": section},
        }
        self.config = write_config(run_dir, actors, entries)

    def start(self, name: str) -> ActorProcess:
        """Start one actor (again), and wait until it runs."""
        ear = self.peers.ear(name, "beat.")
        actor = ActorProcess(name.partition(".")[0], name, self.config)
        self.actors[name] = self._stack.enter_context(actor)
        ear.beat("RUNNING", START_S)
        return self.actors[name]

    def ask(self, op: str, **fields: Any) -> Any:
        """Ask the collector's `ctl`."""
        reply = self.peers.ask(COLLECTOR, op, **fields)
        assert reply.ok, f"{op} refused: {reply.code}: {reply.message}"
        return msgspec.msgpack.decode(reply.data)

    def history_calls(self) -> int:
        """Calls that history has cost, at all providers."""
        providers = self.ask("rest")["providers"].values()
        return sum(int(one["limits"][0]["history_used"]) for one in providers)

    def tapehub(self, *words: str, deadline_s: float = 40.0) -> Result:
        """Run the command with this configuration."""
        return run("--config", str(self.config), *words, cwd=self.run_dir, deadline_s=deadline_s)

    def command(self, *words: str) -> Command:
        """Begin the command."""
        return Command("--config", str(self.config), *words, cwd=self.run_dir)

    def bars(self, symbol: str) -> list[dict[str, Any]]:
        """Stored minutes of an instrument, without what tells one publication from another."""
        names = "ts_open_ns", "open", "high", "low", "close", "volume", "status", "source"
        sql = (
            f"SELECT {', '.join(names)} FROM bars JOIN instruments ON id = instrument_id "
            "WHERE venue = 'rest' AND symbol = ? AND timeframe = '1m' ORDER BY ts_open_ns"
        )
        url = f"file:{self.run_dir}/db/tapehub.sqlite?mode=ro"
        with contextlib.closing(sqlite3.connect(url, uri=True)) as database:
            return [dict(zip(names, row, strict=True)) for row in database.execute(sql, (symbol,))]

    def __enter__(self) -> RestSystem:
        with contextlib.ExitStack() as guard:
            guard.push(self._stack)  # an error ends what has been started
            self._stack.enter_context(self.server)
            self.peers = self._stack.enter_context(peers_of(self.run_dir))
            for name in NAMES:
                self.start(name)
            guard.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
