"""The persistence actor: everything published goes into the database (and Parquet), and back out as history. Wiring."""

from __future__ import annotations

import functools
from typing import Any, Final

from actors.persistence.database_url import parse_url
from actors.persistence.failures import StoreError
from actors.persistence.history import HistoryServer
from actors.persistence.keeper import Keeper, Target
from actors.persistence.reader import Reader
from actors.persistence.retention import KINDS
from actors.persistence.settings import PersistenceSettings
from actors.persistence.tables import STORED
from actors.persistence.targets import ParquetTarget, SqlTarget
from actors.runtime.actor import Actor
from protocol.errors import ConfigError
from protocol.transport import Envelope, remove_stale_socket

TICK_S: Final = 0.05
NO_DATABASE: Final = "none"


class Persistence(Actor):
    """Stores what every actor publishes, each record once, and answers questions about the past."""

    kind = "persistence"
    Settings = PersistenceSettings

    def setup(self) -> None:
        """Open the targets in threads, bind the socket that is asked about the past."""
        settings: PersistenceSettings = self.settings
        self._check(settings)
        topics = ["mark.", *(f"{kind}." for kind in settings.kinds)]
        self.keepers = [Keeper(self, target, topics) for target in self._targets(settings)]
        self.every(TICK_S, self._tick)
        endpoint = self.endpoints.binds(self.name, "query")
        remove_stale_socket(endpoint)
        self._queries = self.wire.responder(endpoint, purpose="query")
        self.serve(self._queries, self._on_query)

    def _targets(self, settings: PersistenceSettings) -> list[Target]:
        run_dir = self.common.run_dir
        found: list[Target] = []
        reader: Reader | None = None
        if settings.database != NO_DATABASE:
            try:
                found.append(SqlTarget(self.name, settings, run_dir, self.clock))
                reader = Reader(parse_url(settings.database, run_dir))
            except StoreError as fault:
                raise ConfigError([f"actors.{self.name}.database: {fault}"]) from fault
        self._history = HistoryServer(reader, self.name, self.publisher.epoch, self.clock.now_ns)
        if settings.parquet:
            found.append(ParquetTarget(self.name, settings, run_dir, self.clock))
        return found

    def _check(self, settings: PersistenceSettings) -> None:
        where = f"actors.{self.name}"
        wrong = [kind for kind in settings.kinds if kind not in STORED]
        problems = [f"{where}.kinds: no kind {kind!r}; there is {', '.join(STORED)}" for kind in wrong]
        problems += [
            f"{where}.keep_days: no kind {kind!r}; there is {', '.join(KINDS)}"
            for kind in settings.keep_days
            if kind not in KINDS
        ]
        if settings.database == NO_DATABASE and not settings.parquet:
            problems.append(f"{where}: neither a database nor Parquet: set one of them")
        if problems:
            raise ConfigError(problems)

    def _tick(self) -> None:
        for keeper in self.keepers:
            keeper.tick()

    def _on_query(self, envelope: Envelope, body: bytes) -> None:
        """Answer in a thread: reading the past takes its time."""
        history = self._history
        self.submit(lambda: history.answer(body), functools.partial(self._answered, envelope))

    def _answered(self, envelope: Envelope, reply: bytes | Exception) -> None:
        if isinstance(reply, Exception):
            raise reply
        self._queries.reply(envelope, reply)

    def drain(self) -> None:
        """Store what is left."""
        for keeper in self.keepers:
            keeper.finish()

    def detail(self) -> dict[str, Any]:
        """What each target has stored."""
        return {"targets": {keeper.target.name: keeper.detail() for keeper in self.keepers}}
