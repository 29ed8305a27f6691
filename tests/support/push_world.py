"""A push receiver as a real process, with everybody who hears it, and what of its pushes was stored."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import httpx2

from protocol.client import Hub
from protocol.endpoints import Endpoints
from protocol.errors import HubError
from tests.support.config import write_config
from tests.support.process import ActorProcess
from tests.support.push_rig import NAME, symbols_file
from tests.support.wait import until

DEADLINE_S: Final = 40.0
NAMES: Final = ("journal.1", "persistence.1", NAME, "aggregator.1", "hub.1")
GATEWAY: Final = "gateway.1"


class PushWorld:
    """The processes end with `close`.

    Args:
        run_dir: Short folder.
        sections: Settings of single actors; a gateway is there where it is named.
        symbols: Entries of symbols.yaml; currencies that are always open by default.
        names: Who is there, besides the gateway.
    """

    def __init__(
        self,
        run_dir: Path,
        sections: Mapping[str, Mapping[str, Any]] | None = None,
        symbols: Mapping[str, Mapping[str, Any]] | None = None,
        names: Sequence[str] = NAMES,
    ) -> None:
        self.run_dir = run_dir
        self.names = [*names, *([GATEWAY] if sections and GATEWAY in sections else [])]
        self.endpoints = Endpoints(run_dir)
        self.endpoints.prepare()
        given = sections or {}
        actors = {name: dict(given.get(name, {})) for name in self.names}
        if GATEWAY in actors:
            actors[GATEWAY] = {"port": 0, **actors[GATEWAY]}
        self.config = write_config(run_dir, actors, symbols or symbols_file())
        self.processes: dict[str, ActorProcess] = {}
        self._stack = contextlib.ExitStack()
        self.hub = self._stack.enter_context(Hub(run_dir, timeout_s=DEADLINE_S))
        self.url = ""
        tokens = given.get(GATEWAY, {}).get("edge", {}).get("tokens", {}).values()
        reader = next((one["token"] for one in tokens if "read" in one["scopes"]), "")
        self._reader = {"Authorization": f"Bearer {reader}"} if reader else {}

    def start(self, name: str, env: Mapping[str, str] | None = None) -> ActorProcess:
        """Start an actor (again)."""
        process = ActorProcess(name.partition(".")[0], name, self.config, env=env)
        self.processes[name] = self._stack.enter_context(process)
        return process

    def begin(self, env: Mapping[str, str] | None = None) -> None:
        """Start everybody, the receiver with these variables, and wait until all hear each other."""
        for name in self.names:
            self.start(name, env if name == NAME else None)
        until(self._is_up, DEADLINE_S, "all actors to run")

    def _is_up(self) -> bool:
        try:
            actors = self.hub.status()["actors"]
        except HubError:
            return False
        if GATEWAY in self.names:
            self.url = (actors[GATEWAY].get("detail") or {}).get("url", "")
            if not self.url:
                return False
            if not self._gateway_hears():
                return False
        return all(actors[name]["state"] == "RUNNING" for name in self.names)

    def _gateway_hears(self) -> bool:
        """Whether the gateway has heard all others itself: it refuses to push to whom it has not."""
        with self.client(headers=self._reader) as client:
            rows = client.get("/api/v1/actors").raise_for_status().json()["data"]
        return {row["name"] for row in rows if row["is_alive"]} >= set(self.names)

    def client(self, **options: Any) -> httpx2.Client:
        """An HTTP client of the gateway."""
        return httpx2.Client(base_url=self.url, timeout=DEADLINE_S, **options)

    def stored(self, table: str, columns: str) -> list[tuple[Any, ...]]:
        """Rows of sources in the database, in the order they were published."""
        order = "epoch, seq, k" if table == "quotes" else "ts_open_ns"
        sql = (
            f"SELECT venue, symbol, {columns} FROM {table} JOIN instruments ON id = instrument_id "
            f"WHERE venue LIKE 'push.%' ORDER BY {order}"
        )
        url = f"file:{self.run_dir}/db/tapehub.sqlite?mode=ro"
        with contextlib.closing(sqlite3.connect(url, uri=True)) as database:
            return list(database.execute(sql))

    def close(self) -> None:
        """End everything."""
        self._stack.close()


@contextlib.contextmanager
def push_world(run_dir: Path, **options: Any) -> Iterator[PushWorld]:
    """A world that runs; see `PushWorld`."""
    world = PushWorld(run_dir, **options)
    try:
        world.begin()
        yield world
    finally:
        world.close()
